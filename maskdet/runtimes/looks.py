"""Several looks at one image: the whole, small for close faces, and parts of it for small faces.

A network is best at faces of some widths of its input. A face that fills the view is found when
the image is made small; a face of a few pixels is found when the part of the image around it is
enlarged (slicing aided inference: Akyon et al. 2022). One suppression over all looks gives each
face once. What fills the view and is no face at all to the small look is none: a hand, a sleeve or
a blurred wall, of which the network sees too little at full size.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from maskdet import boxes as box_ops
from maskdet.contracts import Detector
from maskdet.detections import Detections
from maskdet.model.decision import EVERYTHING, DecisionRule
from maskdet.runtimes.adaptive_side import AdaptiveSideDetector
from maskdet.runtimes.tiling import merged, tiles_of, uncut

Looks = Literal["auto"] | int
"""Number of looks at an image: what suits it automatically, or 1 (once), 2 (with a small look) or
more: with so many parts along either side."""

SMALL_SIDE = 256
"""Longest side in pixels of the small look's input."""
CLOSE_WIDTH = 0.15
"""Faces narrower than this share of the image are left to the other looks."""
LARGE_WIDTH = 0.3
"""Share of the image from which on a face needs the small look's agreement …"""
MIN_AGREED_SCORE = 0.05
"""… which is a face of this score or more, and all that is left to it without one …"""
MIN_AGREED_IOU = 0.4
"""… that overlaps it by so much."""
ENLARGEMENT = 1.25
"""From so many pixels of the image for one of the input on, parts of it show more."""
STILL_ENLARGEMENT = 0.6
"""The same for an image that is no frame of a video, for which there is time: more faces of 8 to 32
pixels are found in its parts."""
STILL_PARTS = 1.4
"""Parts of such an image along a side, for each pixel of it for one of the input."""
STILL_SIDE = 600
"""Longest input side in pixels up to which that gains anything: the heavy networks, of 640 and 768,
find as much in one look."""
MAX_PARTS = 4
"""Along either side, by default: more would find faces that nobody can recognize."""
TIME_BUDGET_S = 1 / 16
"""Seconds that all looks at a live frame may take together …"""
BUSY_SHARE = 0.6
"""… and, of several cameras, the share of the time that all their frames may take."""
USUAL_FPS = 15.0
"""Frames a second that a camera is worth which is not limited to fewer."""


def time_budget(fps: Sequence[float | None]) -> float:
    """Seconds that all looks at a frame may take, where cameras share the detector.

    Args:
        fps: frames a second to process, of each camera; None: all.
    """
    wanted = sum(each or USUAL_FPS for each in fps)
    return min(TIME_BUDGET_S, BUSY_SHARE / wanted) if len(fps) > 1 else TIME_BUDGET_S


@dataclass(frozen=True)
class LookPlan:
    """Looks beside the one at the whole image.

    Attributes:
        small: whether the image is processed once more, made small.
        parts: along either side; 1: none.
    """

    small: bool
    parts: int

    @property
    def looks(self) -> int:
        """Looks in all."""
        return 1 + self.small + (self.parts**2 if self.parts > 1 else 0)


def plan_looks(looks: Looks, height: int, width: int, side: int, *, still: bool = True) -> LookPlan:
    """The looks that suit an image.

    Args:
        looks: as asked for.
        height: of the image.
        width: of the image.
        side: longest side in pixels of the network's input.
        still: whether it is an image for itself, not a frame of a video.
    """
    if looks != "auto":
        return LookPlan(looks > 1, looks if looks > 2 else 1)
    ratio = max(height, width) / side
    parts = int(np.ceil(ratio - 0.25)) if ratio > ENLARGEMENT else 1
    if still and side <= STILL_SIDE and ratio > STILL_ENLARGEMENT:
        parts = max(parts, 2, round(STILL_PARTS * ratio))
    return LookPlan(True, min(parts, MAX_PARTS))


class MultiLookDetector:
    """Another detector that looks at each image several times.

    Within a time budget, parts are left out where the machine is too slow for them: all of them,
    as a face that comes and goes with the turn of its part would be counted incorrectly.
    """

    def __init__(
        self,
        detector: Detector,
        side: int,
        looks: Looks = "auto",
        *,
        small: Detector | None = None,
        rule: DecisionRule = EVERYTHING,
        budget_s: float | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Wraps a detector, which it closes, too.

        Args:
            detector: looks at the image and at each part.
            side: longest side in pixels of its input.
            looks: how often.
            small: the same model with an input of `SMALL_SIDE`, which gives doubtful faces, too;
                None: there is no small look.
            rule: decides which of the small look's faces are shown.
            budget_s: seconds that all looks at an image may take; None: any.
            clock: seconds, for the budget.
        """
        self.name = detector.name
        self._detector = detector
        self._side = side
        self._looks: Looks = looks
        self._small = small
        self._rule = rule
        self._still = True
        self._budget = budget_s if looks == "auto" else None
        self._clock = clock
        self._look_s: float | None = None
        self._taken = 1

    @property
    def device(self) -> str:
        """Where it computes; a detector may move while it runs."""
        return self._detector.device

    @property
    def looks(self) -> int:
        """Looks at the last image."""
        return self._taken

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Faces of each image (BGR uint8), best first, each once."""
        if not images:
            return []
        plans = [self._plan(image) for image in images]
        self._taken = max(plan.looks for plan in plans)
        tiles = [_tiles(image, plan) for image, plan in zip(images, plans, strict=True)]
        views = list(images)
        for image, cuts in zip(images, tiles, strict=True):
            views += [np.ascontiguousarray(image[y1:y2, x1:x2]) for x1, y1, x2, y2 in cuts.tolist()]
        began = self._clock()
        answers = iter(self._detector.detect(views))
        self._remember((self._clock() - began) / len(views))
        found = [[next(answers)] for _ in images]
        for looks, image, cuts in zip(found, images, tiles, strict=True):
            looks += [uncut(next(answers), tile, *image.shape[:2]) for tile in cuts]
        if self._small is not None:
            self._compare_with_small(self._small, images, plans, found)
        return [merged(looks) if len(looks) > 1 else looks[0] for looks in found]

    def _compare_with_small(
        self,
        small: Detector,
        images: Sequence[np.ndarray],
        plans: Sequence[LookPlan],
        found: Sequence[list[Detections]],
    ) -> None:
        """Adds the small look's close faces; large ones that it denies are doubtful."""
        chosen = [index for index, plan in enumerate(plans) if plan.small]
        for index, doubtful in zip(chosen, small.detect([images[i] for i in chosen]), strict=True):
            size = max(images[index].shape[:2])
            looks = found[index]
            looks[0] = _agreed(looks[0], doubtful, LARGE_WIDTH * size, self._rule)
            looks.append(_from_width(self._rule.apply(doubtful), CLOSE_WIDTH * size))

    def warm_up(self, height: int = 480, width: int = 640) -> None:
        """Runs on a gray image of the size to come, twice: the second run is timed."""
        image = np.full((height, width, 3), 128, np.uint8)
        self._detector.detect([image])
        began = self._clock()
        self._detector.detect([image])
        self._look_s = self._clock() - began
        if self._small is not None:
            self._small.detect([image])

    def expect_video(self) -> None:
        """Leaves out what only single images have the time for."""
        self._still = False

    def keep_up(self, budget_s: float = TIME_BUDGET_S) -> None:
        """Sets the seconds that all looks at an image may take: live frames do not wait."""
        self.expect_video()
        self._budget = budget_s if self._looks == "auto" else None
        if isinstance(self._detector, AdaptiveSideDetector):
            self._detector.keep_up()

    def close(self) -> None:
        """Frees the model."""
        self._detector.close()
        if self._small is not None:
            self._small.close()

    def _plan(self, image: np.ndarray) -> LookPlan:
        height, width = image.shape[:2]
        return self._within_budget(
            plan_looks(self._looks, height, width, self._side, still=self._still)
        )

    def _within_budget(self, plan: LookPlan) -> LookPlan:
        if self._budget is None or self._look_s is None or plan.parts == 1:
            return plan
        for parts in range(plan.parts, 1, -1):
            if LookPlan(plan.small, parts).looks * self._look_s <= self._budget:
                return LookPlan(plan.small, parts)
        return LookPlan(plan.small, 1)

    def _remember(self, seconds: float) -> None:
        """The running mean of what one look costs; the first one may have been slow."""
        before = self._look_s
        self._look_s = seconds if before is None else before + 0.1 * (seconds - before)


def _tiles(image: np.ndarray, plan: LookPlan) -> np.ndarray:
    """Parts (N, 4) of an image to look at, x1 y1 x2 y2 in whole pixels."""
    if plan.parts == 1:
        return np.zeros((0, 4), np.int64)
    height, width = image.shape[:2]
    return tiles_of(height, width, plan.parts)


def _from_width(found: Detections, width: float) -> Detections:
    """Those of so many pixels' width or more."""
    return found[found.boxes[:, 2] - found.boxes[:, 0] >= width]


def _agreed(
    found: Detections, doubtful: Detections, width: float, rule: DecisionRule
) -> Detections:
    """Faces, the large ones with a score of next to nothing where another look sees no face.

    Args:
        found: of the look at the whole image.
        doubtful: of the small look.
        width: in pixels, from which on they are large.
        rule: decides which of those are still shown.
    """
    likely = doubtful.boxes[doubtful.scores >= MIN_AGREED_SCORE]
    denied = found.boxes[:, 2] - found.boxes[:, 0] >= width
    denied &= ~(box_ops.iou(found.boxes, likely) > MIN_AGREED_IOU).any(axis=1)
    if not denied.any() or found.probabilities is None:
        return found
    factor = np.where(denied, np.minimum(1, MIN_AGREED_SCORE / found.scores), 1)
    scores, probabilities = found.scores * factor, found.probabilities * factor[:, None]
    return rule.apply(replace(found, scores=scores, probabilities=probabilities))
