"""Parts of a run that is built by the settings: detector, outputs, analyses, viewer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from maskdet.alarm import AlarmControl
from maskdet.contracts import Detector, Sink, Source, StartingSink
from maskdet.errors import ConfigError
from maskdet.images.motion_gate import MotionGate
from maskdet.live.cameras.camera import CameraState
from maskdet.live.cameras.control import CameraControl
from maskdet.live.gui.people_history import PeopleHistory
from maskdet.live.gui.view import View
from maskdet.live.gui.viewer import Viewer
from maskdet.live.gui.window import Window
from maskdet.live.gui.zone_editor import SourcePlaces, ZoneEditor
from maskdet.live.messaging.uplink import open_store
from maskdet.live.pipeline import Pipeline
from maskdet.live.recording.building import new_overlay, new_recording
from maskdet.live.settings.events import EventSettings
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.settings.units import MEGABYTE, times
from maskdet.model.decision import DecisionRule
from maskdet.observation import Observation
from maskdet.people.analysis import Analysis
from maskdet.people.zones import Line, Zone
from maskdet.sinks.event_log import EventLog
from maskdet.sinks.log_rotation import Rotation
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from maskdet.system.console import say

_DOUBTFUL_SHARE = 0.5
"""Share of the lowest score shown from which on a face is covered in `privacy: strict`."""


class LivePage(Protocol):
    """A sink that shows what it gets in a browser; `commands/live_page` has one."""

    def begin(
        self, pipeline: Pipeline, control: CameraControl, alarms: AlarmControl | None = None
    ) -> None:
        """Begins to serve, alarms too; called once, as the pipeline begins."""

    def note_camera(self, name: str, state: CameraState) -> None:
        """A camera was added, paused, resumed or removed."""

    def write(self, observation: Observation) -> None:
        """Takes an observation; never waits."""

    def close(self) -> None:
        """Ends it; may be called twice."""


def open_detector(
    settings: MonitorSettings, reach: Callable[[str], Detector] | None = None
) -> tuple[Detector, DecisionRule | None]:
    """Opens the model; in strict privacy it gives doubtful faces, too.

    Args:
        settings: name the model, and what is wanted of it.
        reach: makes the detector that has another machine process the frames, from
            `detect.machine`; None: this one does in any case.

    Returns:
        The detector, and the rule of what is shown and counted then; None where all it gives is.

    Raises:
        ModelError: there is no such model, or it is broken.
    """
    from maskdet.runtimes.loading import open_model
    from maskdet.runtimes.spec import resolve

    spec = resolve(
        settings.model, **settings.model_options, batch=len(settings.sources), upgrade=True
    )
    shown = spec.rule if settings.privacy == "strict" and spec.card else None
    if settings.detect.machine is not None and reach is not None:
        return reach(settings.detect.machine), shown
    if shown is not None:
        spec = replace(spec, rule=doubtful_too(shown))
    return open_model(spec, looks=settings.looks), shown


def open_outputs(settings: MonitorSettings) -> tuple[list[RecordingSwitch], list[Sink]]:
    """The recording of each source, and the outputs of all."""
    several = len(settings.sources) > 1
    recordings = [
        new_recording(settings, one, index + 1 if several else None)
        for index, one in enumerate(settings.sources)
    ]
    shared: list[Sink] = [_event_log(settings.events)] if settings.events.file else []
    shared += open_store(settings.store, settings.nats)
    return recordings, shared


def output_folders(settings: MonitorSettings) -> list[Path]:
    """The folders that are written to."""
    files = (settings.record, settings.store.file, settings.events.file)
    written = [file.parent for file in files if file is not None and str(file) != "-"]
    return [settings.snapshots, *written]


def doubtful_too(rule: DecisionRule) -> DecisionRule:
    """The rule of a detector that also gives faces which are too doubtful to be shown."""
    return rule.without_rejection(rule.lowest_score * _DOUBTFUL_SHARE)


def motion_gate(settings: MonitorSettings) -> Callable[[], MotionGate] | None:
    """Makes the gate of a source; None where every frame is processed."""
    if not settings.detect.motion_gate:
        return None
    if settings.privacy == "strict":
        say("privacy: strict covers the faces of every frame; detect.motion_gate is left out")
        return None
    return MotionGate


def name_cameras(sinks: Iterable[Sink], sources: Iterable[Source], names: Sequence[str]) -> None:
    """Gives the names of cameras, and those of files, to the sinks that begin with them."""
    named = list(zip(sources, names, strict=True))
    cameras = [name for source, name in named if source.is_live]
    files = [name for source, name in named if not source.is_live]
    for sink in sinks:
        if isinstance(sink, StartingSink):
            sink.watch(cameras, files=files)


def check_sources_of_places(settings: MonitorSettings, names: Sequence[str]) -> None:
    """Refuses zones and lines of sources that are not there.

    Raises:
        ConfigError: a zone or line is of a source that is not there.
    """
    for place in (*settings.zones, *settings.lines):
        if place.source is not None and place.source not in names:
            raise ConfigError(
                f"'{place.name}' is drawn in the source '{place.source}', which is not there; "
                f"there is {', '.join(names)}"
            )


def new_analyses(
    settings: MonitorSettings, names: Sequence[str], *, check: bool = True
) -> list[Analysis | None]:
    """Makes the analysis of each source, by the sources' names; None: nobody is followed.

    Args:
        settings: of the monitor.
        names: of the sources.
        check: whether these are all sources that zones and lines may be of.

    Raises:
        ConfigError: a zone or line is of a source that is not there.
    """
    if check:
        check_sources_of_places(settings, names)
    people = settings.people
    if not people.enabled:
        if check and (settings.zones or settings.lines):
            say("zones and lines count nobody: people.enabled is false")
        return [None] * len(names)
    return [
        Analysis(
            memory_seconds=people.memory_seconds,
            still_after=people.still_after,
            zone_inertia=people.zone_inertia,
            zones=_zones_of(settings, name),
            lines=_lines_of(settings, name),
        )
        for name in names
    ]


def _zones_of(settings: MonitorSettings, name: str) -> list[Zone]:
    """The zones of a source, those of all sources with them."""
    return [zone.place() for zone in settings.zones if zone.source in (None, name)]


def _lines_of(settings: MonitorSettings, name: str) -> list[Line]:
    """The lines of a source, those of all sources with them."""
    return [line.place() for line in settings.lines if line.source in (None, name)]


def new_places(
    settings: MonitorSettings,
    name: str,
    apply: Callable[[Sequence[Zone], Sequence[Line]], None],
) -> SourcePlaces:
    """Zones and lines of a source, and what takes others for the frames that come."""
    return SourcePlaces(name, apply, _zones_of(settings, name), _lines_of(settings, name))


def new_viewer(
    settings: MonitorSettings,
    pipeline: Pipeline,
    control: CameraControl,
    window: Window,
    history: PeopleHistory,
    settings_file: Path | None,
) -> Viewer:
    """Makes the viewer that shows the run in a window and obeys its keys.

    Zones that are drawn are kept in that settings file, if there is one.
    """
    zones = ZoneEditor([], settings_file, enabled=settings.people.enabled)
    return Viewer(
        pipeline,
        control,
        window,
        new_overlay(settings),
        first_view(settings),
        snapshots=settings.snapshots,
        size=(settings.window.width, settings.window.height),
        picture_seconds=settings.window.picture_seconds,
        zones=zones,
        history=history,
    )


def first_view(settings: MonitorSettings) -> View:
    """The view before a key is pressed; faces that are covered already are not blurred, too."""
    is_strict = settings.privacy == "strict"
    return View(blur=settings.blur and not is_strict, strict=is_strict)


def _event_log(wanted: EventSettings) -> EventLog:
    rotate = wanted.rotate
    rotation = None
    if rotate.mb or rotate.seconds:
        max_bytes = times(rotate.mb, MEGABYTE)
        rotation = Rotation(
            max_bytes=max_bytes,
            seconds=rotate.seconds,
            keep=rotate.keep,
            compress=rotate.compress,
        )
    return EventLog(
        wanted.file or "-",
        every=wanted.every,
        seconds=wanted.seconds,
        append=wanted.append,
        rotation=rotation,
    )
