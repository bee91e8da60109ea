"""What the live page is handed: the command joins it to rooms that it never imports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from maskdet.web.live.answers import AlarmAnswer, CameraAnswer, ClipAnswer, SnoozeAnswer
from maskdet.web.live.hub import LiveHub


class Alarms(Protocol):
    """Alarms, open and past; its methods may be called from any thread."""

    @property
    def rules(self) -> Sequence[str]:
        """Names of the rules."""

    def alarms(self) -> Sequence[AlarmAnswer]:
        """All that are kept, the newest first."""

    def snoozed(self) -> Sequence[SnoozeAnswer]:
        """What is snoozed at the moment."""

    def acknowledge(self, alarm: str, user: str) -> bool:
        """Somebody has seen it; False where there is no such alarm."""

    def snooze(self, rule: str, minutes: float, user: str) -> bool:
        """Has a rule be quiet, all with an empty name; False where there is no such rule."""

    def image(self, alarm: str) -> bytes | None:
        """The thumbnail of an alarm, as JPEG."""


class Clips(Protocol):
    """Videos that can be played; its methods may be called from any thread."""

    def clips(self) -> Sequence[ClipAnswer]:
        """All that are whole, the newest first."""

    def path(self, name: str) -> Path | None:
        """The file of a clip; None where there is none of that name."""

    def delete(self, name: str) -> bool:
        """Deletes a clip; False where there is none of that name."""


Report = Callable[[str | None, str | None], str]
"""An HTML page about the time from a day to a day, as ``--from`` and ``--to`` take them."""


@dataclass(frozen=True)
class Parts:
    """What the page shows.

    Attributes:
        hub: the newest of each camera.
        cameras: their state at this moment.
        settings: the monitor's, without secrets.
        alarms: None: there are none.
        clips: None: likewise.
        report: None: there is no store.
        export: events of such a time as CSV; likewise.
    """

    hub: LiveHub
    cameras: Callable[[], Sequence[CameraAnswer]]
    settings: Callable[[], dict[str, Any]]
    alarms: Alarms | None = None
    clips: Clips | None = None
    report: Report | None = None
    export: Report | None = None
