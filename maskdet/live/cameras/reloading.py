"""Settings that are read again while the monitor runs: what is about cameras is applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel

from maskdet.errors import MaskdetError
from maskdet.live.alarms.building import check_places
from maskdet.live.assembly import check_sources_of_places, new_places
from maskdet.live.cameras.building import SettingsOfRun, names_of
from maskdet.live.cameras.camera import Camera
from maskdet.live.cameras.control import CameraControl
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.settings.sources import SourceSettings
from maskdet.people.zones import Line, Zone
from maskdet.system.console import counted, say

_OF_CAMERAS = ("sources", "zones", "lines", "detect.fps")
"""Settings that are applied at once; others wait for the next start."""


@dataclass
class Reloading:
    """Applies settings that are read again.

    Attributes:
        load: reads them; raises what is wrong.
        read: as read last; what the run began with may name another camera.
        run: as they are applied.
        control: of the cameras.
    """

    load: Callable[[], MonitorSettings]
    read: MonitorSettings
    run: SettingsOfRun
    control: CameraControl

    def __call__(self) -> None:
        """Reads and applies them.

        Raises:
            MaskdetError: they are wrong; nothing has changed.
        """
        new, old = self.load(), self.read
        applied = self.run.now.model_copy(
            update={
                "zones": new.zones,
                "lines": new.lines,
                "detect": self.run.now.detect.model_copy(update={"fps": new.detect.fps}),
                **({"sources": new.sources} if new.sources != old.sources else {}),
            }
        )
        before, after = _by_name(self.run.now), _by_name(applied)
        others = [one.name for one in self.control.present if one.name not in before]
        names = [*after, *others]
        check_sources_of_places(applied, names)
        check_places(applied, names)
        self.read, self.run.now = new, applied
        self._report_later(old, new)
        self._apply_sources(before, after)
        for camera in self.control.present:
            self._place(camera, applied)

    def _report_later(self, old: MonitorSettings, new: MonitorSettings) -> None:
        later = [key for key in changed_keys(old, new) if not key.startswith(_OF_CAMERAS)]
        if later:
            takes = "takes" if len(later) == 1 else "take"
            say(f"change of {', '.join(later)} {takes} effect at the next start", "warning")

    def _apply_sources(
        self, before: Mapping[str, SourceSettings], after: Mapping[str, SourceSettings]
    ) -> None:
        """New ones first, so that there is always one; each that fails has a line of its own."""
        control = self.control
        for name, one in after.items():
            if name not in before and control.find(name) is None:
                _try(name, partial(control.add, one, name))
            elif control.find(name) is not None:
                _try(name, partial(control.change, one, name))
        for name in before:
            if name not in after and control.find(name) is not None:
                _try(name, partial(control.remove, name))

    def _place(self, camera: Camera, settings: MonitorSettings) -> None:
        """Gives a camera its zones and lines, where they have changed."""
        places = camera.places
        if places is None:
            return
        new = new_places(settings, camera.name, places.apply)
        if (places.zones, places.lines) != (new.zones, new.lines):
            places.zones, places.lines = new.zones, new.lines
            places.apply(tuple(places.zones), tuple(places.lines))
            say(f"{camera.name}: {_count(places.zones, places.lines)}")


def changed_keys(old: BaseModel, new: BaseModel, prefix: str = "") -> Iterator[str]:
    """The keys of settings whose values differ: ``model``, ``serve.fps``."""
    for name in type(old).model_fields:
        was: Any = getattr(old, name)
        now: Any = getattr(new, name)
        if isinstance(was, BaseModel) and type(was) is type(now):
            yield from changed_keys(was, now, f"{prefix}{name}.")
        elif was != now:
            yield f"{prefix}{name}"


def _by_name(settings: MonitorSettings) -> dict[str, SourceSettings]:
    return dict(zip(names_of(settings.sources), settings.sources, strict=True))


def _try(name: str, change: Callable[[], object]) -> None:
    try:
        change()
    except MaskdetError as error:
        say(f"{name}: {error}", "error")


def _count(zones: list[Zone], lines: list[Line]) -> str:
    return f"{counted(len(zones), 'zone')} and {counted(len(lines), 'line')} now"
