"""The time that looks take, and how many of them there is time for."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from maskdet.runtimes.looks.plan import LookPlan

NEWEST_SHARE = 0.1
"""Weight of the newest call in the time that a look is taken to need."""


@dataclass
class LookBudget:
    """Time for all looks at an image, where it is limited.

    Attributes:
        usual_s: seconds that they may take; None: any.
        far_s: seconds where the image is large and its faces are small; None: any.
        frame_s: seconds between two frames of a camera.
        look_s: running mean of the seconds that one look takes; None: not known yet.
    """

    usual_s: float | None = None
    far_s: float | None = None
    frame_s: float = math.inf
    look_s: float | None = None

    @property
    def is_limited(self) -> bool:
        """Whether images may have to do with fewer looks than suit them."""
        return self.usual_s is not None

    def remember(self, seconds: float) -> None:
        """Takes in what one look has cost; a single slow one changes little."""
        before = self.look_s
        self.look_s = seconds if before is None else before + NEWEST_SHARE * (seconds - before)

    def limited(self, plan: LookPlan, *, in_turn: bool = False) -> LookPlan:
        """The plan with as many parts as there is time for.

        Args:
            plan: what suits the image.
            in_turn: whether parts of an image that is not large may be processed in every second
                frame.
        """
        budget = self._of(plan)
        if budget is None or self.look_s is None:
            return plan
        for parts in range(plan.parts, 1, -1):
            fewer = replace(plan, parts=parts)
            left_out = parts**2 // 2 if in_turn and not plan.far else 0
            if (fewer.cost - left_out) * self.look_s <= budget:
                return fewer
        return replace(plan, parts=1)

    def parts_at_once(self, plan: LookPlan) -> int:
        """Parts of an image that there is time for, less one for what else a frame needs."""
        budget = self._of(plan)
        if budget is None or self.look_s is None:
            return plan.parts**2
        return max(0, int(budget / self.look_s - replace(plan, parts=1).cost) - 1)

    def looks_left(self, plan: LookPlan, cost: float) -> int | None:
        """Further looks that there is time for; None: any number.

        Where there are no parts they are to cost a camera none of its frames.

        Args:
            plan: of the looks before them.
            cost: of those that were taken, in looks at full size.
        """
        budget = self._of(plan)
        if budget is None or self.look_s is None:
            return None
        if plan.parts == 1:
            budget = min(budget, self.frame_s)
        return max(0, int(budget / self.look_s - cost))

    def _of(self, plan: LookPlan) -> float | None:
        return self.far_s if plan.far else self.usual_s
