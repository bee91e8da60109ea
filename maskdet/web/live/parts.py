"""Parts that the live page gets: the command joins it to rooms that it never imports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from maskdet.alarm import AlarmControl
from maskdet.web.live.api.answers import CameraAnswer, ClipAnswer
from maskdet.web.live.hub import LiveHub

Action = Literal["pause", "resume", "restart", "remove"]


class Clips(Protocol):
    """Videos that can be played; its methods may be called from any thread."""

    def clips(self) -> Sequence[ClipAnswer]:
        """All that are whole, the newest first."""

    def path(self, name: str) -> Path | None:
        """The file of a clip; None where there is none of that name."""

    def delete(self, name: str) -> bool:
        """Deletes a clip; False where there is none of that name."""


class Control(Protocol):
    """Changes of cameras; its methods may be called from any thread, and take a while.

    Each raises a `MaskdetError` whose line says why nothing was changed.
    """

    def check(self, source: str, name: str | None, options: Mapping[str, object]) -> str:
        """Name that a new camera of these settings would have, without a password."""

    def add(self, source: str, name: str | None, options: Mapping[str, object]) -> int:
        """Begins to watch a camera; its number."""

    def change(self, name: str, action: Action) -> None:
        """Pauses, resumes, restarts or removes a camera."""


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
        control: adds, removes, pauses and restarts cameras; None: they stay as they are.
    """

    hub: LiveHub
    cameras: Callable[[], Sequence[CameraAnswer]]
    settings: Callable[[], dict[str, Any]]
    alarms: AlarmControl | None = None
    clips: Clips | None = None
    report: Report | None = None
    export: Report | None = None
    notices: Callable[[], Sequence[str]] = tuple
    control: Control | None = None
