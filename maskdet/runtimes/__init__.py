"""A model folder or a foreign model file becomes a `Detector`."""

from maskdet.runtimes.loading import load_detector, load_looking_detector

__all__ = ["load_detector", "load_looking_detector"]
