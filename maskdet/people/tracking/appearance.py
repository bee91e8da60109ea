"""Colors of faces, which distinguish people who compete for a place.

A description lives in memory, only as long as its person is followed or may come back.
"""

from __future__ import annotations

import math

import numpy as np

COLUMNS, ROWS = 3, 4
"""Cells of a description, across and down."""
SAMPLES = 3
"""Pixels along each side of a cell that are read."""
BELOW = 0.3
"""Share of a face's height that is described below it: a collar, a beard, a shawl."""
MAX_COORDINATE = 1e6
"""Pixels from an image's corner beyond which a box is an error of the detector."""
BLEND_S = 0.5
"""Time constant in which a description follows its face, seconds."""
FIRST_CHANGE = 0.05
"""Usual change of a face's description before any is known: between that of rendered faces of a
street (0.03) and that of a head that turns at a webcam (0.08 within half a second; measured)."""
LEARNING_RATE = 0.05
"""Share by which each measured change moves the usual one: some twenty suffice, a frame or two of a
street, ten seconds of one person at a slow webcam."""
MIN_CHANGE = 0.02
"""Least usual change: what noise and rounded boxes alone do to a face."""
SAME_CHANGES = 3.0
"""Usual changes up to which it is the same face …"""
OTHER_CHANGES = 7.0
"""… and from which on it is somebody else's."""


def describe(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Mean colors of the cells of each face, float32 (N, cells · 3), 0 to 1.

    The part of a face that shows at the edge of the image is not a description of it: NaN.

    Args:
        image: BGR uint8 (height, width, 3).
        boxes: (N, 4), x1 y1 x2 y2 in pixels.
    """
    height, width = image.shape[:2]
    boxes = np.clip(np.nan_to_num(boxes), -MAX_COORDINATE, MAX_COORDINATE)
    left, top = boxes[:, :1], boxes[:, 1:2]
    across = (np.arange(COLUMNS * SAMPLES) + 0.5) / (COLUMNS * SAMPLES)
    down = (np.arange(ROWS * SAMPLES) + 0.5) / (ROWS * SAMPLES) * (1 + BELOW)
    xs = np.clip(left + across * (boxes[:, 2:3] - left), 0, width - 1).astype(np.intp)
    ys = np.clip(top + down * (boxes[:, 3:] - top), 0, height - 1).astype(np.intp)
    pixels = image[ys[:, :, None], xs[:, None, :]].reshape(
        len(boxes), ROWS, SAMPLES, COLUMNS, SAMPLES, 3
    )
    cells = pixels.mean(axis=(2, 4), dtype=np.float32) / 255
    found = cells.reshape(len(boxes), ROWS * COLUMNS * 3)
    found[(boxes[:, :2] < 1).any(axis=1) | (boxes[:, 2:] > (width - 1, height - 1)).any(axis=1)] = (
        np.nan
    )
    return found


def differences(tracks: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Root mean square difference of each track's colors from each face's (tracks, faces).

    Args:
        tracks: descriptions (tracks, D); NaN where there is none.
        faces: likewise.
    """
    squared = (tracks**2).mean(axis=1)[:, None] + (faces**2).mean(axis=1)[None]
    squared = squared - 2 * tracks @ faces.T / max(faces.shape[1], 1)
    found: np.ndarray = np.sqrt(np.maximum(squared, 0.0))
    return found


class AppearanceChange:
    """Usual change of a face's description from frame to frame, learned from a source.

    Faces far down a street hardly change, and another color is another person; a head that
    turns at a webcam changes more than two people in that street differ.

    Attributes:
        usual: mean difference, as in `differences`.
    """

    def __init__(self) -> None:
        self.usual = FIRST_CHANGE

    def learn(self, changes: np.ndarray) -> None:
        """Takes in differences of faces from themselves a frame before (N,); NaN: not known."""
        known = changes[~np.isnan(changes)]
        if len(known):
            share = 1 - (1 - LEARNING_RATE) ** len(known)
            self.usual += share * (float(known.mean()) - self.usual)

    def strangeness(self, found: np.ndarray) -> np.ndarray:
        """Share of certainty, 0 to 1, that each difference is between two people.

        Args:
            found: differences of any shape, as in `differences`; NaN: not known.

        Returns:
            Of the same shape; 0 where it is not known.
        """
        changes = found / max(self.usual, MIN_CHANGE)
        scaled = (changes - SAME_CHANGES) / (OTHER_CHANGES - SAME_CHANGES)
        result: np.ndarray = np.nan_to_num(np.clip(scaled, 0.0, 1.0), nan=0.0)
        return result


def blended(old: np.ndarray, new: np.ndarray, seconds: float) -> np.ndarray:
    """A description that follows its face.

    Args:
        old: as `describe` gives it for one face, a row (cells · 3,).
        new: of the same face, later.
        seconds: between the two.

    Returns:
        (cells · 3,), the nearer to the new one, the more time has passed.
    """
    mixed: np.ndarray = old + (1 - math.exp(-max(seconds, 0.0) / BLEND_S)) * (new - old)
    return mixed
