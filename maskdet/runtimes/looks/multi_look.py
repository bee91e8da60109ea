"""A detector that looks at each image several times.

A network is best at faces of some widths of its input. A face that fills the view is found when
the image is made small; a face of a few pixels is found when the part of the image around it is
enlarged (slicing aided inference: Akyon et al. 2022), once more where it is doubtful, or its state
is: see `closer_looks` and `state_looks`. One suppression over all looks gives each face once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from maskdet import boxes as box_ops
from maskdet.contracts import Detector, require_images
from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.model.decision import EVERYTHING, DecisionRule
from maskdet.runtimes.adaptive_side import AdaptiveSideDetector
from maskdet.runtimes.looks.agreement import agreed_faces
from maskdet.runtimes.looks.budget import LookBudget
from maskdet.runtimes.looks.closer_looks import (
    MAX_CLOSER_LOOKS,
    SMALL_SHARE,
    closer_places,
    shows_more,
)
from maskdet.runtimes.looks.part_turns import PartTurns
from maskdet.runtimes.looks.plan import FAR_FPS, FULL_FPS, TIME_BUDGET_S, Looks, plan_looks
from maskdet.runtimes.looks.state_looks import (
    MAX_LIVE_STATE_LOOKS,
    MAX_STATE_LOOKS,
    StateLooks,
    faces_in_doubt,
    state_looks,
    with_states,
)
from maskdet.runtimes.looks.state_memory import StateMemory
from maskdet.runtimes.looks.task import LookTask, enlarged, halved, views_at
from maskdet.runtimes.looks.tiling import merged, uncut

SMALL_SIDE = 256
"""Longest side in pixels of the small look's input."""


def expect_video(detector: Detector) -> None:
    """Has a detector of any kind leave out what only single images have the time for."""
    if isinstance(detector, MultiLookDetector):
        detector.expect_video()


class MultiLookDetector:
    """Another detector that looks at each image several times.

    Within a time budget it looks at fewer, larger parts, or at none, where the machine is too slow
    for them; parts of a camera's frames without small faces take turns: see `part_turns`.
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
        limit = budget_s if looks == "auto" else None
        self._budget = LookBudget(limit, limit)
        self._turns: dict[str, PartTurns] = {}
        self._states: dict[str, StateMemory] = {}
        self._clock = clock
        self._taken = 1
        self._states_seen = 0

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
        require_images(images)
        return self._detect([self._task(image) for image in images])

    def detect_frames(self, frames: Sequence[Frame]) -> list[Detections]:
        """Faces of each frame, of different sources; where time is limited its parts take turns."""
        tasks = [self._task(frame.image, in_turn=True) for frame in frames]
        if not self._budget.is_limited:
            return self._detect(tasks)
        turns = [self._turns.setdefault(frame.source, PartTurns()) for frame in frames]
        for task, frame, each in zip(tasks, frames, turns, strict=True):
            most = self._budget.parts_at_once(task.plan)
            task.is_due = each.due(task.parts, frame.position, most)
            task.states = self._states.setdefault(frame.source, StateMemory())
            task.states.begin(frame.position)
        found = self._detect(tasks)
        for index, (task, each) in enumerate(zip(tasks, turns, strict=True)):
            widths = box_ops.widths(found[index].boxes)
            before = each.keep(found[index][widths <= SMALL_SHARE * task.side])
            if len(before):
                found[index] = merged([found[index], before])
        return found

    def _detect(self, tasks: Sequence[LookTask]) -> list[Detections]:
        if not tasks:
            return []
        self._taken = max(1 + task.plan.small + len(task.cuts) for task in tasks)
        views = [*(task.whole for task in tasks), *views_at(tasks, [task.cuts for task in tasks])]
        began = self._clock()
        answers = iter(self._detector.detect(views))
        self._budget.remember((self._clock() - began) / len(views))
        found = [[enlarged(next(answers), task.whole, task.size)] for task in tasks]
        for looks, task in zip(found, tasks, strict=True):
            looks += [uncut(next(answers), cut, *task.size) for cut in task.cuts]
        if self._small is not None:
            self._compare_with_small(self._small, tasks, found)
        firsts = [merged(looks) if len(looks) > 1 else looks[0] for looks in found]
        return [self._rule.apply(faces) for faces in self._look_closer(tasks, firsts)]

    def _look_closer(self, tasks: Sequence[LookTask], firsts: list[Detections]) -> list[Detections]:
        """The faces of each image with what closer looks at doubtful ones, and at states, show."""
        known, places, states = [], [], []
        for task, first in zip(tasks, firsts, strict=True):
            cuts = self._closer_places(task, first)
            faces = faces_in_doubt(task.due(first), self._settled, task.size)
            before, faces = task.states.recall(faces) if task.states else (faces[:0], faces)
            looks = self._state_looks(task, faces, len(cuts))
            known.append(before)
            states.append(looks)
            places.append(np.concatenate([cuts, looks.places]))
        views = views_at(tasks, places)
        self._taken += max((len(cuts) for cuts in places), default=0)
        answers = iter(self._detector.detect(views) if views else [])
        found = list(firsts)
        for index, (task, cuts, looks) in enumerate(zip(tasks, places, states, strict=True)):
            closer = cuts[: len(cuts) - len(looks.places)]
            parts = [found[index], *(uncut(next(answers), cut, *task.size) for cut in closer)]
            seen = looks.seen([next(answers) for _ in looks.places])
            if task.states:
                task.states.keep(seen)
            faces = merged(parts) if len(closer) else found[index]
            found[index] = with_states(with_states(faces, known[index]), seen)
        return found

    def _compare_with_small(
        self, small: Detector, tasks: Sequence[LookTask], found: list[list[Detections]]
    ) -> None:
        """Adds the small look's close faces; large ones that either look denies are doubtful."""
        chosen = [index for index, task in enumerate(tasks) if task.plan.small]
        views = [halved(tasks[index].whole, SMALL_SIDE) for index in chosen]
        for index, view, doubtful in zip(chosen, views, small.detect(views), strict=True):
            task = tasks[index]
            doubtful = enlarged(doubtful, view, task.size)
            whole, close = agreed_faces(found[index][0], doubtful, task.side)
            found[index] = [whole, *found[index][1:], close]

    def warm_up(self, height: int = 480, width: int = 640) -> None:
        """Runs on a gray image of the size to come, twice: the second run is timed."""
        image = np.full((height, width, 3), 128, np.uint8)
        self._detector.detect([image])
        began = self._clock()
        self._detector.detect([image])
        self._budget.look_s = self._clock() - began
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
        if self._looks == "auto":
            self._budget.usual_s, self._budget.far_s = budget_s, far_budget_s
            self._budget.frame_s = 1 / (fps or FULL_FPS)
        if isinstance(self._detector, AdaptiveSideDetector):
            self._detector.keep_up()

    def close(self) -> None:
        """Frees the model."""
        self._detector.close()
        if self._small is not None:
            self._small.close()

    def _task(self, image: np.ndarray, *, in_turn: bool = False) -> LookTask:
        height, width = image.shape[:2]
        plan = plan_looks(self._looks, height, width, self._side, still=self._still)
        return LookTask(image, self._side, self._budget.limited(plan, in_turn=in_turn))

    def _closer_places(self, task: LookTask, first: Detections) -> np.ndarray:
        """Places (N, 4) of an image to look at more closely, in the parts that are due."""
        parts = task.shown_parts
        if self._looks != "auto" or not shows_more(parts, self._side):
            return parts[:0]
        most = self._looks_left(task, MAX_CLOSER_LOOKS)
        return closer_places(task.due(first), self._settled, task.size, parts, most)

    def _state_looks(self, task: LookTask, faces: Detections, closer: int) -> StateLooks:
        """Looks for the states of an image's faces in doubt, beside so many closer ones."""
        most = MAX_LIVE_STATE_LOOKS if self._budget.is_limited else MAX_STATE_LOOKS
        most = self._looks_left(task, most + closer) - closer if self._looks == "auto" else 0
        looks = state_looks(faces, task.size, self._side, most, self._states_seen)
        if not self._still:  # one that stays in doubt is not to take all turns of a video's faces
            self._states_seen += len(looks.faces)
        return looks

    def _looks_left(self, task: LookTask, most: int) -> int:
        left = self._budget.looks_left(task.plan, task.cost)
        return most if left is None else min(most, left)
