"""What is known of one frame once it has been looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from maskdet.detections import Detections
from maskdet.frame import Frame


@dataclass(frozen=True, eq=False)
class Observation:
    """A frame, its faces and what follows from them; complete when made.

    Attributes:
        frame: the very picture that was looked at.
        detections: its faces, in the frame's pixels.
        counts: faces per state (`MaskState` names) in this frame.
        alerts: names of the rules that fired at this frame.
    """

    frame: Frame
    detections: Detections
    counts: Mapping[str, int] = field(default_factory=dict)
    alerts: tuple[str, ...] = ()
