"""A model folder, or the file of a third-party or legacy model, becomes a `Detector`."""

from maskdet.runtimes.loading import load_detector

__all__ = ["load_detector"]
