"""Several looks at one image: the whole, small for close faces, and parts of it for small faces.

A network is best at faces of some widths of its input. A face that fills the view is found when
the image is made small; a face of a few pixels is found when the part of the image around it is
enlarged (slicing aided inference: Akyon et al. 2022), once more where it is doubtful: see
`closer_looks`. One suppression over all looks gives each face once. What fills the view and is
no face at all to one of both looks at it is none: a hand, a sleeve or a blurred wall, of which the
network sees too little at full size; a fruit or a clock that looks like a face when it is small.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from maskdet import boxes as box_ops
from maskdet.contracts import Detector
from maskdet.detections import Detections
from maskdet.model.decision import EVERYTHING, DecisionRule
from maskdet.runtimes.adaptive_side import AdaptiveSideDetector
from maskdet.runtimes.looks.closer_looks import MAX_CLOSER_LOOKS, closer_places, shows_more
from maskdet.runtimes.looks.plan import (
    FAR_FPS,
    FULL_FPS,
    TIME_BUDGET_S,
    LookPlan,
    Looks,
    plan_looks,
)
from maskdet.runtimes.looks.tiling import merged, tiles_of, uncut, views_of

SMALL_SIDE = 256
"""Longest side in pixels of the small look's input."""
CLOSE_WIDTH = 0.15
"""Faces narrower than this share of the image are left to the other looks."""
LARGE_WIDTH = 0.2
"""Share of the image from which on a face needs the small look's agreement, as all that the small
look adds needs that of the look at the whole …"""
MIN_AGREED_SCORE = 0.05
"""… which is a face of this score or more, and all that is left to it without one …"""
MIN_AGREED_IOU = 0.4
"""… that overlaps it by so much."""


def expect_video(detector: Detector) -> None:
    """Has a detector of any kind leave out what only single images have the time for."""
    if isinstance(detector, MultiLookDetector):
        detector.expect_video()


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
        settled: DecisionRule | None = None,
        budget_s: float | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Wraps a detector, which it closes, too.

        Args:
            detector: looks at the image and at each part; gives doubtful faces, too.
            side: longest side in pixels of its input.
            looks: how often.
            small: the same model with an input of `SMALL_SIDE`; None: there is no small look.
            rule: decides which faces are shown.
            settled: decides of which ones a closer look would find out nothing; None: that rule.
            budget_s: seconds that all looks at an image may take; None: any.
            clock: seconds, for the budget.
        """
        self.name = detector.name
        self._detector = detector
        self._side = side
        self._looks: Looks = looks
        self._small = small
        self._rule = rule
        self._settled = settled or rule
        self._still = True
        self._budget = budget_s if looks == "auto" else None
        self._far_budget = self._budget
        self._frame_s = math.inf
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
        views = [*images, *_cut(images, tiles)]
        began = self._clock()
        answers = iter(self._detector.detect(views))
        self._remember((self._clock() - began) / len(views))
        found = [[next(answers)] for _ in images]
        for looks, image, cuts in zip(found, images, tiles, strict=True):
            looks += [uncut(next(answers), tile, *image.shape[:2]) for tile in cuts]
        if self._small is not None:
            self._compare_with_small(self._small, images, plans, found)
        firsts = [merged(looks) if len(looks) > 1 else looks[0] for looks in found]
        return [
            self._rule.apply(faces) for faces in self._look_closer(images, plans, tiles, firsts)
        ]

    def _look_closer(
        self,
        images: Sequence[np.ndarray],
        plans: Sequence[LookPlan],
        tiles: Sequence[np.ndarray],
        firsts: list[Detections],
    ) -> list[Detections]:
        """The faces of each image with those of a closer look at doubtful small ones."""
        parts = [
            cuts if len(cuts) else _whole(image) for image, cuts in zip(images, tiles, strict=True)
        ]
        places = [
            closer_places(first, self._settled, image.shape[:2], cuts, self._most(plan, cuts))
            for first, image, cuts, plan in zip(firsts, images, parts, plans, strict=True)
        ]
        views = _cut(images, places)
        if not views:
            return firsts
        self._taken += max(len(cuts) for cuts in places)
        answers = iter(self._detector.detect(views))
        return [
            merged([first, *(uncut(next(answers), cut, *image.shape[:2]) for cut in cuts)])
            for first, image, cuts in zip(firsts, images, places, strict=True)
        ]

    def _compare_with_small(
        self,
        small: Detector,
        images: Sequence[np.ndarray],
        plans: Sequence[LookPlan],
        found: Sequence[list[Detections]],
    ) -> None:
        """Adds the small look's close faces; large ones that either look denies are doubtful."""
        chosen = [index for index, plan in enumerate(plans) if plan.small]
        for index, doubtful in zip(chosen, small.detect([images[i] for i in chosen]), strict=True):
            size = max(images[index].shape[:2])
            looks, whole = found[index], found[index][0]
            looks[0] = _agreed(whole, doubtful, LARGE_WIDTH * size)
            looks.append(_agreed(_from_width(doubtful, CLOSE_WIDTH * size), whole))

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

    def keep_up(
        self,
        budget_s: float = TIME_BUDGET_S,
        far_budget_s: float = 1 / FAR_FPS,
        fps: float | None = None,
    ) -> None:
        """Sets the time for all looks at an image: live frames do not wait.

        Args:
            budget_s: seconds that they may take.
            far_budget_s: seconds where the image is large and its faces are small.
            fps: frames a second that are processed; None: all of a camera.
        """
        self.expect_video()
        is_limited = self._looks == "auto"
        self._budget = budget_s if is_limited else None
        self._far_budget = far_budget_s if is_limited else None
        self._frame_s = 1 / (fps or FULL_FPS)
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
        budget = self._budget_of(plan)
        if budget is None or self._look_s is None:
            return plan
        for parts in range(plan.parts, 1, -1):
            fewer = replace(plan, parts=parts)
            if fewer.cost * self._look_s <= budget:
                return fewer
        return replace(plan, parts=1)

    def _budget_of(self, plan: LookPlan) -> float | None:
        """Seconds for all looks at an image; None: any."""
        return self._far_budget if plan.far else self._budget

    def _most(self, plan: LookPlan, parts: np.ndarray) -> int:
        """Closer looks that there is time for at most, where they show more than the parts do."""
        if self._looks != "auto" or not shows_more(parts, self._side):
            return 0
        budget = self._budget_of(plan)
        if budget is None or self._look_s is None:
            return MAX_CLOSER_LOOKS
        if plan.parts == 1:
            budget = min(budget, self._frame_s)
        return max(0, min(MAX_CLOSER_LOOKS, int(budget / self._look_s - plan.cost)))

    def _remember(self, seconds: float) -> None:
        """The running mean of what one look costs; the first one may have been slow."""
        before = self._look_s
        self._look_s = seconds if before is None else before + 0.1 * (seconds - before)


def _whole(image: np.ndarray) -> np.ndarray:
    """An image as its only part (1, 4)."""
    return np.array([[0, 0, image.shape[1], image.shape[0]]])


def _tiles(image: np.ndarray, plan: LookPlan) -> np.ndarray:
    """Parts (N, 4) of an image to look at, x1 y1 x2 y2 in whole pixels."""
    if plan.parts == 1:
        return np.zeros((0, 4), np.int64)
    height, width = image.shape[:2]
    return tiles_of(height, width, plan.parts)


def _cut(images: Sequence[np.ndarray], places: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The places (N, 4) of each image as images."""
    pairs = zip(images, places, strict=True)
    return [view for image, cuts in pairs for view in views_of(image, cuts)]


def _from_width(found: Detections, width: float) -> Detections:
    """Those of so many pixels' width or more."""
    return found[found.boxes[:, 2] - found.boxes[:, 0] >= width]


def _agreed(found: Detections, other: Detections, width: float = 0.0) -> Detections:
    """Faces, the large ones with a score of next to nothing where another look sees no face.

    Args:
        found: of one look.
        other: of the other look, with doubtful ones.
        width: in pixels, from which on they are large.
    """
    likely = other.boxes[other.scores >= MIN_AGREED_SCORE]
    denied = found.boxes[:, 2] - found.boxes[:, 0] >= width
    denied &= ~(box_ops.iou(found.boxes, likely) > MIN_AGREED_IOU).any(axis=1)
    if not denied.any() or found.probabilities is None:
        return found
    factor = np.where(denied, np.minimum(1, MIN_AGREED_SCORE / found.scores), 1)
    scores, probabilities = found.scores * factor, found.probabilities * factor[:, None]
    return replace(found, scores=scores, probabilities=probabilities)
