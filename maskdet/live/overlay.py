"""Boxes, labels and the status bar: what is drawn onto a picture. (Stub: signatures only.)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskdet.detections import Detections
from maskdet.observation import Observation


@dataclass(frozen=True)
class Status:
    """What the bar tells beside the faces; None where a value is not known yet."""

    source: str = ""
    capture_fps: float | None = None
    detect_fps: float | None = None
    age_ms: float | None = None
    device: str = ""
    recording: bool = False
    paused: bool = False
    no_signal: bool = False
    blurred: bool = False
    help: bool = False


class Overlay:
    """Draws observations; one per thread that draws."""

    def __init__(self, *, scores: bool = True, track_ids: bool = True) -> None:
        """scores, track_ids: whether labels name them."""

    def draw(self, observation: Observation, status: Status | None = None) -> np.ndarray:
        """A drawn copy, BGR; with a status the canvas is higher by the bar above the picture."""
        raise NotImplementedError

    def message(self, text: str, size: tuple[int, int], status: Status) -> np.ndarray:
        """A dark picture of (width, height) with a text: while a camera has no frame yet."""
        raise NotImplementedError


def annotate(image: np.ndarray, detections: Detections) -> np.ndarray:
    """A copy of the picture with boxes and labels, same size, without bar."""
    raise NotImplementedError


def montage(images: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """The pictures in a grid of (width, height), each with its aspect kept."""
    raise NotImplementedError
