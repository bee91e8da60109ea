"""Faces made unrecognisable in what is stored or sent. (Stub: signatures only.)"""

from __future__ import annotations

import numpy as np

from maskdet.detections import Detections
from maskdet.observation import Observation


def blur_faces(image: np.ndarray, detections: Detections) -> np.ndarray:
    """A copy of the picture in which no face can be recognised."""
    raise NotImplementedError


def blur_observation(observation: Observation) -> Observation:
    """The same observation on a picture with blurred faces."""
    raise NotImplementedError
