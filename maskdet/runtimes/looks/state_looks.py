"""Small faces whose state is in doubt have the state that one more look, enlarged, shows.

Whether a mask sits below the nose is a matter of few pixels: a face that is shown larger than it is
loses nothing that was there, and the network has learned more faces of that size. What is not a
face at all there is none: a button, a wheel, a leaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from maskdet import boxes as box_ops
from maskdet.detections import Detections
from maskdet.model.decision import DecisionRule
from maskdet.runtimes.looks.tiling import place_around

MIN_ENLARGEMENT = 2.0
"""Pixels of the input that a face has for one of the image, at least …"""
SHARP_WIDTH = 8.0
"""… and one more for each so many pixels of its width: the fewer it has, the sooner it blurs …"""
SHOWN_SHARE = 0.25
"""… until it fills this share of the input's longest side."""
MAX_SHARE = 1 / 7
"""Share of the image's longest side up to which a face is small: 82 pixels of an input of 576 …"""
MIN_CERTAINTY = 0.98
"""… and share of its best state from which on that is not in doubt."""
MAX_SIZE_RATIO = 1.5
"""How much larger or smaller another face may be that one look shows, too, or that is the same."""
MAX_STATE_LOOKS = 8
"""At one image: more are needed in crowds alone …"""
MAX_LIVE_STATE_LOOKS = 2
"""… and at a camera's frame, where they take the time of other frames."""
SAME_IOU = 0.4
"""Boxes of two looks that overlap by so much are one face's."""
MIN_SEEN_SCORE = 0.1
"""Probability of a face below which the enlarged look denies it."""


@dataclass(frozen=True)
class StateLooks:
    """Places of an image to look at for the states of its faces.

    Attributes:
        places: (P, 4), x1 y1 x2 y2 in whole pixels of the image.
        faces: those in doubt (N), a place's own ones one after another.
        counts: how many of them each place shows, (P,).
    """

    places: np.ndarray
    faces: Detections
    counts: Sequence[int]

    def seen(self, answers: Sequence[Detections]) -> Detections:
        """The faces in doubt as they are seen there; those that are denied in no state at all.

        Args:
            answers: to each place, in pixels of its own.
        """
        if self.faces.probabilities is None:
            return self.faces[:0]
        probabilities = np.zeros_like(self.faces.probabilities)
        places = np.repeat(np.arange(len(self.places)), self.counts)
        for index, place in enumerate(places.tolist()):
            answer = answers[place]
            box = self.faces.boxes[index] - np.tile(self.places[place, :2], 2)
            overlap = box_ops.iou(answer.boxes, box[None])[:, 0]
            scores = np.where(overlap >= SAME_IOU, answer.face_scores, 0)
            if answer.probabilities is not None and (scores >= MIN_SEEN_SCORE).any():
                probabilities[index] = answer.probabilities[np.argmax(scores)]
        return replace(self.faces, probabilities=probabilities)


def faces_in_doubt(found: Detections, rule: DecisionRule, size: tuple[int, int]) -> Detections:
    """Small faces that are shown, but in no certain state, those most in doubt first.

    What is too narrow for a state stays so, however it is enlarged.

    Args:
        found: at first sight.
        rule: decides which are shown.
        size: height and width of the image.
    """
    if found.probabilities is None:
        return found[:0]
    faces = found[rule.shown(found)]
    assert faces.probabilities is not None
    widths = box_ops.widths(faces.boxes)
    certainty = faces.probabilities.max(axis=1) / faces.probabilities.sum(axis=1)
    doubtful = (certainty < MIN_CERTAINTY) & (widths >= rule.width)
    chosen = np.flatnonzero(doubtful & (widths <= MAX_SHARE * max(size)))
    return faces[chosen[np.argsort(certainty[chosen], kind="stable")]]


def state_looks(
    faces: Detections, size: tuple[int, int], side: int, most: int, turn: int = 0
) -> StateLooks:
    """The looks for the states of an image's faces.

    Args:
        faces: in doubt, those most in doubt first.
        size: height and width of the image.
        side: longest side in pixels of the network's input.
        most: looks at most.
        turn: where faces take turns, that is how many of them have had theirs.
    """
    widths = box_ops.widths(faces.boxes)
    places: list[np.ndarray] = []
    seen_at: list[np.ndarray] = []
    left = np.roll(np.arange(len(faces)), -turn)
    while len(left) and len(places) < most:
        first = int(left[0])
        shown = round(side / _enlargement(widths[first], side))
        place = place_around(faces.boxes[first], shown, size)
        like = np.abs(np.log(widths[left] / widths[first])) <= np.log(MAX_SIZE_RATIO)
        boxes = faces.boxes[left]
        inside = ((boxes[:, :2] >= place[:2]) & (boxes[:, 2:] <= place[2:])).all(axis=1)
        here = (like & inside) | (left == first)
        places.append(place)
        seen_at.append(left[here])
        left = left[~here]
    order = np.concatenate([np.zeros(0, np.int64), *seen_at])
    counts = [len(each) for each in seen_at]
    return StateLooks(np.array(places, np.int64).reshape(-1, 4), faces[order], counts)


def with_states(found: Detections, seen: Detections) -> Detections:
    """Faces with the states of those that were seen again; how likely each is a face stays.

    Of one that was denied the probability is 0.

    Args:
        found: of all looks.
        seen: some of these faces once more, see `StateLooks.seen`.
    """
    if not len(seen) or found.probabilities is None or seen.probabilities is None:
        return found
    overlap = box_ops.iou(found.boxes, seen.boxes)
    best = overlap.argmax(axis=1)
    is_seen = overlap[np.arange(len(found)), best] >= SAME_IOU
    shares = state_shares(seen.probabilities)[best]
    faces = found.probabilities.sum(axis=1, keepdims=True)
    probabilities = np.where(is_seen[:, None], shares * faces, found.probabilities)
    scores = np.where(is_seen, probabilities.max(axis=1), found.scores)
    states = np.where(is_seen, probabilities.argmax(axis=1), found.states)
    return replace(found, scores=scores, states=states, probabilities=probabilities)


def state_shares(probabilities: np.ndarray) -> np.ndarray:
    """Share of each state in the probability of a face, both (N, states); 0 where there is none."""
    sums = probabilities.sum(axis=1, keepdims=True)
    shares: np.ndarray = probabilities / np.where(sums > 0, sums, 1)
    return shares


def _enlargement(width: float, side: int) -> float:
    """Pixels of an input for one of the image that suit a face of that width."""
    return min(max(MIN_ENLARGEMENT, width / SHARP_WIDTH), SHOWN_SHARE * side / width)
