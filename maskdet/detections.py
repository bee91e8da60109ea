"""Faces found in one frame, and the states they can be in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np


class MaskState(IntEnum):
    """A face's way to wear its mask; the first three are also the networks' class indices."""

    with_mask = 0
    without_mask = 1
    mask_weared_incorrect = 2
    unsure = 3
    """Too small or too doubtful to call; never an output of a network."""

    @property
    def title(self) -> str:
        """The state as people read it: ``mask``, ``no mask``, ``incorrect``, ``unsure``."""
        return ("mask", "no mask", "incorrect", "unsure")[self.value]


CLASS_NAMES: tuple[str, ...] = tuple(state.name for state in MaskState if state.name != "unsure")
"""The classes that data sets label and networks learn, in the order of their index."""


@dataclass(frozen=True, eq=False)
class Detections:
    """Parallel arrays, one entry a face.

    Attributes:
        boxes: float32 (N, 4), x1 y1 x2 y2 in pixels of the frame.
        scores: float32 (N,), 0–1.
        states: int8 (N,), values of `MaskState`.
        track_ids: int64 (N,), −1 where a face is not tracked yet; None without tracking.
        probabilities: float32 (N, classes), of each state that a network knows; None where the
            model gives the best one's alone.

    Example:
        >>> from maskdet import Detections, MaskState
        >>> faces = Detections([[0, 0, 40, 50], [60, 0, 90, 40]], [0.9, 0.4], [0, 1])
        >>> [MaskState(state).title for state in faces.states]
        ['mask', 'no mask']
        >>> faces[faces.scores > 0.5].records()
        [{'box': [0.0, 0.0, 40.0, 50.0], 'score': 0.9, 'state': 'with_mask'}]
        >>> faces.counts()
        {'with_mask': 1, 'without_mask': 1, 'mask_weared_incorrect': 0, 'unsure': 0}
    """

    boxes: np.ndarray
    scores: np.ndarray
    states: np.ndarray
    track_ids: np.ndarray | None = None
    probabilities: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Makes arrays of what was given.

        Raises:
            ValueError: it cannot be that, or its parts are of unequal length.
        """
        try:
            self._convert()
        except (TypeError, ValueError) as error:
            raise ValueError(
                "detections are boxes (rows of x1 y1 x2 y2), scores (numbers) and states "
                f"(MaskState, or its numbers): {error}"
            ) from None
        arrays = (self.scores, self.states, self.track_ids)
        rows = self.probabilities is None or len(self.probabilities) == len(self.boxes)
        if not rows or any(a is not None and a.shape != (len(self.boxes),) for a in arrays):
            shapes = [None if a is None else a.shape for a in (self.boxes, *arrays)]
            raise ValueError(f"detections of unequal length: {shapes}")

    def _convert(self) -> None:
        set_ = object.__setattr__  # the only writes to a frozen value: its arrays' final types
        set_(self, "boxes", np.asarray(self.boxes, np.float32).reshape(-1, 4))
        set_(self, "scores", np.asarray(self.scores, np.float32))
        set_(self, "states", np.asarray(self.states, np.int8))
        if self.track_ids is not None:
            set_(self, "track_ids", np.asarray(self.track_ids, np.int64))
        if self.probabilities is not None:
            shape = (-1, len(CLASS_NAMES))
            set_(self, "probabilities", np.asarray(self.probabilities, np.float32).reshape(shape))

    @classmethod
    def empty(cls) -> Detections:
        """No face."""
        return cls(np.zeros((0, 4)), np.zeros(0), np.zeros(0))

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, keep: np.ndarray | slice) -> Detections:
        """The entries that a boolean mask (N,), an index array (K,) or a slice selects."""
        optional = (self.track_ids, self.probabilities)
        return Detections(
            self.boxes[keep],
            self.scores[keep],
            self.states[keep],
            *(None if array is None else array[keep] for array in optional),
        )

    @property
    def face_scores(self) -> np.ndarray:
        """(N,), how likely each is a face, whatever its state; scores, without probabilities."""
        if self.probabilities is None:
            return self.scores
        sums: np.ndarray = np.minimum(self.probabilities.sum(axis=1), 1)
        return sums

    def every_state(self, least: float) -> Detections:
        """Each face once more for every further state that it may have.

        Average precision counts these (COCO: a box is scored for each class).

        Args:
            least: probability from which on a state counts, 0 to 1.

        Returns:
            These detections, then the further ones; without probabilities nothing is added.
        """
        if self.probabilities is None or not len(self):
            return self
        further = self.probabilities >= least
        called = np.flatnonzero(self.states < len(CLASS_NAMES))
        further[called, self.states[called]] = False
        rows, states = np.nonzero(further)
        return replace(
            self[np.concatenate([np.arange(len(self)), rows])],
            scores=np.concatenate([self.scores, self.probabilities[rows, states]]),
            states=np.concatenate([self.states, states]),
        )

    def records(self, *, track_ids: bool = False) -> list[dict[str, Any]]:
        """Each face as plain values, for JSON.

        Args:
            track_ids: ``track_id``, the number of the person or None, is in each instead of
                ``states``.

        Returns:
            ``box``, ``score``, ``state`` and, where the model gives them, ``states``: how likely
            each is, so that a program that reads it can decide on an unsure face.
        """
        faces = zip(self.boxes.tolist(), self.scores.tolist(), self.states.tolist(), strict=True)
        records: list[dict[str, Any]] = [
            {
                "box": [round(side, 2) for side in box],
                "score": round(score, 4),
                "state": MaskState(state).name,
            }
            for box, score, state in faces
        ]
        if track_ids:
            ids = [-1] * len(self) if self.track_ids is None else self.track_ids.tolist()
            for record, track_id in zip(records, ids, strict=True):
                record["track_id"] = track_id if track_id >= 0 else None
        elif self.probabilities is not None:
            for record, row in zip(records, self.probabilities.tolist(), strict=True):
                named = zip(CLASS_NAMES, row, strict=True)
                record["states"] = {name: round(value, 4) for name, value in named}
        return records

    def counts(self) -> dict[str, int]:
        """Faces per state, every state named."""
        return {state.name: int((self.states == state).sum()) for state in MaskState}
