"""Parts that the live page gets: the command joins it to rooms that it never imports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from maskdet.alarm import AlarmBook
from maskdet.web.live.answers import CameraAnswer, ClipAnswer
from maskdet.web.live.hub import LiveHub


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
    """Content of the page.

    Attributes:
        hub: the newest of each camera.
        cameras: their state at this moment.
        settings: the monitor's, without secrets.
        alarms: None: there are none.
        clips: None: likewise.
        report: None: there is no store.
        export: events of such a time as CSV; likewise.
        notices: lines for operators about what they have to do.
    """

    hub: LiveHub
    cameras: Callable[[], Sequence[CameraAnswer]]
    settings: Callable[[], dict[str, Any]]
    alarms: AlarmBook | None = None
    clips: Clips | None = None
    report: Report | None = None
    export: Report | None = None
    notices: Callable[[], Sequence[str]] = tuple
