"""Cameras and their parts, built as the settings say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from maskdet.contracts import Detector, ImageList, Source, VideoSource
from maskdet.errors import ConfigError
from maskdet.live.alarms.building import with_alarms
from maskdet.live.alarms.clips import SourceClips
from maskdet.live.alarms.desk import AlarmDesk
from maskdet.live.assembly import new_analyses, new_places
from maskdet.live.cameras.camera import Camera, CameraListener
from maskdet.live.cameras.source_state import FrameAnalysis
from maskdet.live.cameras.switched_source import SwitchedSource
from maskdet.live.gui.connecting import open_camera
from maskdet.live.gui.playback import Playback
from maskdet.live.gui.window import Window
from maskdet.live.recording.building import new_recording
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.settings.source_options import source_options
from maskdet.live.settings.sources import SourceSettings
from maskdet.people.analysis import Analysis
from maskdet.sinks.recording.copy.copy_switch import CopySwitch
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from maskdet.sources.opening import kind_of, open_source, path_of, unique_names
from maskdet.sources.reconnecting import LiveSource
from maskdet.system.console import say


@dataclass
class SettingsOfRun:
    """The settings of a run, which may change while it goes on.

    Attributes:
        now: as last applied.
    """

    now: MonitorSettings


@dataclass
class NewCameras:
    """Builds cameras for a run that goes on.

    Attributes:
        settings: of the run.
        clips: of all sources.
        desk: applies the rules of alarms; None: there are none.
        limit_looks: called before a source is added to those that are read.
        in_window: whether files can be moved about in.
    """

    settings: SettingsOfRun
    clips: SourceClips
    desk: AlarmDesk | None
    limit_looks: LooksLimit
    in_window: bool

    def make(
        self, one: SourceSettings, name: str, index: int
    ) -> tuple[Camera, FrameAnalysis | None]:
        """A camera that is not read yet, and what follows its people."""
        settings = self.settings.now
        if settings.copies(one) and (problem := one.copy_problem()):
            raise ConfigError(f"'{name}' {problem}: its recording needs recording.encode: always")
        source = self.connect(one, name)
        try:
            recording = new_recording(settings, one, index + 1 if index else None)
            (analysis,) = new_analyses(settings, [name], check=False)
            places = None if analysis is None else new_places(settings, name, analysis.set_places)
            clips = self.clips.open(name, recording)
        except BaseException:
            source.close()
            raise
        self.limit_looks([source], [self.detect_fps(one)])
        followed: FrameAnalysis | None = analysis
        if self.desk is not None:
            (followed,) = with_alarms(settings, [analysis], self.desk)
        return Camera(index, one, source, recording, clips, places), followed

    def connect(self, one: SourceSettings, name: str) -> Source:
        """A source that is opened by its first read, and again whenever it is lost."""
        options = replace(source_options(one, among_several=True), retry_first_connection=True)
        source = open_source(one.detect_source or one.source, name, options, wait=False)
        return switched(source, self.in_window, standby=one.standby)

    def redirect(self, recording: RecordingSwitch, one: SourceSettings, name: str) -> None:
        """Has a recording of the camera's own video take that of other settings."""
        is_copied = isinstance(recording, CopySwitch)
        if is_copied != self.settings.now.copies(one):
            say(f"{name}: whether its own video is recorded changes at the next start", "warning")
        elif isinstance(recording, CopySwitch):
            recording.feed.redirect(one.source, source_options(one, among_several=True))

    def detect_fps(self, one: SourceSettings) -> float | None:
        """Frames a second to process; None: all."""
        return self.settings.now.detect_fps_of(one)


def switched(source: Source, in_window: bool, *, standby: bool = False) -> Source:
    """A source as a run reads it: cameras can be paused, files moved about in a window."""
    if isinstance(source, LiveSource) or source.is_live:  # the demo is not a LiveSource
        return SwitchedSource(source, standby=standby)
    return Playback(source) if in_window and isinstance(source, VideoSource | ImageList) else source


def names_of(wanted: Sequence[SourceSettings]) -> list[str]:
    """The names of sources, without passwords, each another one: ``demo``, ``demo (2)``."""
    return unique_names(one.shown_name for one in wanted)


def require_sources(wanted: Iterable[SourceSettings]) -> None:
    """Refuses what is not a source before a file is made for its results.

    Raises:
        SourceError: one is none; the line says what may be.
    """
    for one in wanted:
        kind_of(path_of(one.detect_source or one.source))


def open_sources(
    wanted: Sequence[SourceSettings], parts: ExitStack, window: Window | None
) -> list[Source]:
    """All sources at the start, each under a name of its own.

    A camera alone is opened here, and it is reported at once if it cannot be. Several are opened by
    the threads that read them: none waits for another.

    Args:
        wanted: the sources.
        parts: closes them.
        window: shows what is waited for; None: there is none.
    """
    sources = []
    for one, name in zip(wanted, names_of(wanted), strict=True):
        options = source_options(one, among_several=len(wanted) > 1)
        address = one.detect_source or one.source
        opened = open_source(address, name, options, wait=False)
        if isinstance(opened, LiveSource) and not options.retry_first_connection:
            open_camera(opened, options.open_timeout, window)
        sources.append(switched(opened, window is not None, standby=one.standby))
        parts.callback(sources[-1].close)
    return sources


class LooksLimit:
    """Limit of looks and pixels: live frames get what the machine has time for, images all.

    A camera that is removed keeps its share of the time: it may come back.
    """

    def __init__(self, detector: Detector) -> None:
        """Knows no source yet.

        Args:
            detector: processes the frames.
        """
        self._detector = detector
        self._live: dict[str, float | None] = {}

    def __call__(self, sources: Sequence[Source], detect_fps: Sequence[float | None]) -> None:
        """Sets the limit, before sources are added to those that are read.

        Args:
            sources: all at the start, one later.
            detect_fps: frames a second to process of each; None: all.
        """
        from maskdet.runtimes.looks.multi_look import expect_video

        for source, fps in zip(sources, detect_fps, strict=True):
            if source.is_live:
                self._live[source.name] = fps
        are_images = all(isinstance(source, ImageList) and source.count for source in sources)
        if not are_images:
            expect_video(self._detector)
        if self._live:
            keep_up(self._detector, list(self._live.values()))


def keep_up(detector: Detector, detect_fps: Sequence[float | None]) -> None:
    """Has a detector give live frames the looks and pixels that it has the time for.

    Args:
        detector: of any kind.
        detect_fps: frames a second to process of each camera; None: all.
    """
    from maskdet.runtimes.adaptive_side import AdaptiveSideDetector
    from maskdet.runtimes.looks.multi_look import MultiLookDetector
    from maskdet.runtimes.looks.plan import far_budget, time_budget

    if isinstance(detector, MultiLookDetector):
        known = [fps for fps in detect_fps if fps is not None]
        most = max(known) if len(known) == len(detect_fps) else None
        detector.keep_up(time_budget(detect_fps), far_budget(detect_fps), most)
    elif isinstance(detector, AdaptiveSideDetector):
        detector.keep_up()


def first_cameras(
    settings: MonitorSettings,
    sources: Sequence[Source],
    recordings: Sequence[RecordingSwitch],
    clips: SourceClips,
    analyses: Sequence[Analysis | None],
) -> list[Camera]:
    """The cameras of a run as it begins, of their parts."""
    cameras = []
    each = zip(settings.sources, sources, recordings, analyses, strict=True)
    for index, (one, source, recording, analysis) in enumerate(each):
        apply = None if analysis is None else analysis.set_places
        places = None if apply is None else new_places(settings, source.name, apply)
        own = clips.sinks_of(source.name)
        cameras.append(Camera(index, one, source, recording, own, places))
    return cameras


def listeners(parts: Iterable[object]) -> list[CameraListener]:
    """Those parts of a run that keep something for each camera."""
    return [part for part in parts if isinstance(part, CameraListener)]
