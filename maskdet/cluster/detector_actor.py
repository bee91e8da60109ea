"""The detector of machines that are too weak for one: an actor that takes JPEG images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maskdet.detections import Detections
from maskdet.images.decoding import decode_image
from maskdet.live.assembly import open_detector
from maskdet.live.cameras.building import keep_up
from maskdet.live.settings.monitor import MonitorSettings

Answer = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]
"""Boxes, scores, states and probabilities of the faces of an image; see `Detections`."""


class DetectorActor:
    """A model, opened as a monitor of this machine would open it.

    It answers one call after another. Each machine that sends images waits for its answer and has
    no second call under way, so at most one call a machine waits here, with the newest frames that
    the machine had when it was made.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        """Opens the model.

        Args:
            settings: the monitor's, as plain values.
        """
        made = MonitorSettings.model_validate(settings)
        self._detector, _ = open_detector(made)
        keep_up(self._detector, [made.detect.fps])
        self._detector.warm_up()

    def about(self) -> tuple[str, str]:
        """The model's name, and what it computes on."""
        return self._detector.name, self._detector.device

    def detect(self, images: Sequence[bytes]) -> list[Answer]:
        """Faces of each JPEG image."""
        decoded = [decode_image(one, upright=False) for one in images]
        return [as_answer(found) for found in self._detector.detect(decoded)]


def as_answer(found: Detections) -> Answer:
    """The values that go back."""
    return found.boxes, found.scores, found.states, found.probabilities


def from_answer(answer: Answer) -> Detections:
    """The detections that these values were."""
    boxes, scores, states, probabilities = answer
    return Detections(boxes, scores, states, probabilities=probabilities)
