"""The common part of the detectors of legacy models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskdet.contracts import require_images
from maskdet.detections import Detections
from maskdet.errors import ModelError
from maskdet.model.class_names import StatesByNumber
from maskdet.model.decision import DecisionRule
from maskdet.runtimes.batching import detect_in_batches
from maskdet.runtimes.legacy.tensorflow_graphs import placement


class LegacyDetector:
    """A legacy model in TensorFlow, on a GPU where there is one; a class for each format.

    A subclass sets the function that it runs and the size of a batch, and answers one.
    """

    def __init__(
        self,
        file: Path,
        states: StatesByNumber,
        name: str,
        device: str,
        rule: DecisionRule,
    ) -> None:
        """Chooses where to compute.

        Args:
            file: or folder of the model.
            states: by class number.
            name: what people call it.
            device: auto, cpu or gpu.
            rule: decides which faces are given.

        Raises:
            ModelError: there is no GPU though asked for.
        """
        self.name = name
        self._path = file
        self._states = dict(states)
        self._rule = rule
        self._placed, self._on_gpu, self.device = placement(device)
        self._run: Callable[[Any], Any] | None = None
        self._batch = 1

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Faces of each image (BGR uint8), best first; images of one size go together.

        Raises:
            ModelError: the model was closed, or fails on an image.
        """
        require_images(images)
        if self._run is None and len(images):
            raise ModelError(f"{self._path}: the model was closed")
        return detect_in_batches(images, lambda image: image.shape, self._batch, self._answers)

    def warm_up(self, height: int = 480, width: int = 640) -> None:
        """Runs once on a gray image of the size to come."""
        self.detect([np.full((height, width, 3), 128, np.uint8)])

    def close(self) -> None:
        """Frees the model."""
        self._run = None

    def _answers(self, images: list[np.ndarray]) -> list[Detections]:
        """Detections of images of one size, `_batch` of them at most."""
        raise NotImplementedError
