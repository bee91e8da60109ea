"""A run of the monitor: builds the parts that the settings ask for, joins them, runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from maskdet.contracts import Detector, Sink
from maskdet.drawing.strict_blur import StrictBlur
from maskdet.live.alarms.building import open_desk, with_alarms
from maskdet.live.alarms.clips import SourceClips, open_clips
from maskdet.live.alarms.desk import AlarmDesk
from maskdet.live.alarms.watching import AlarmSweep
from maskdet.live.assembly import (
    LivePage,
    motion_gate,
    name_cameras,
    new_analyses,
    new_viewer,
    open_detector,
    open_outputs,
    output_folders,
)
from maskdet.live.cameras.building import (
    LooksLimit,
    NewCameras,
    SettingsOfRun,
    first_cameras,
    listeners,
    names_of,
    open_sources,
    require_sources,
)
from maskdet.live.cameras.control import CameraControl
from maskdet.live.cameras.reloading import Reloading
from maskdet.live.cameras.settings_file import SettingsFile
from maskdet.live.cameras.source_state import SourceParts
from maskdet.live.conclusion import SummaryFile, exit_status, report_outputs, report_recorded
from maskdet.live.gui.camera_choice import with_camera
from maskdet.live.gui.people_history import PeopleHistory
from maskdet.live.gui.window import Window, wants_window
from maskdet.live.headless import Watch
from maskdet.live.pipeline import Pipeline
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.shutdown import ENDED_EARLY, Stop
from maskdet.live.status.heartbeat import Heartbeat, StatusFile, own_signs
from maskdet.live.status.summary import Report
from maskdet.live.teardown import close_quietly, end_detector
from maskdet.model.decision import DecisionRule
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from maskdet.system.console import say
from maskdet.system.timeouts import interruptible


@dataclass(frozen=True)
class Hooks:
    """Functions and files of the command that runs the monitor.

    Attributes:
        settings_file: where zones drawn in the window are kept; None: nowhere.
        open_page: takes the address of a live page; None: there is none.
        reload: reads the settings again where that file has changed; None: nobody looks.
        reach: see `maskdet.live.assembly.open_detector`.
    """

    settings_file: Path | None = None
    open_page: Callable[[MonitorSettings], LivePage] | None = None
    reload: Callable[[], MonitorSettings] | None = None
    reach: Callable[[str], Detector] | None = None


NO_HOOKS = Hooks()


def run(
    settings: MonitorSettings,
    stop: Stop,
    detector: Detector | None = None,
    hooks: Hooks = NO_HOOKS,
) -> int:
    """Runs the monitor until its sources end or someone ends it.

    Whatever ends it, recordings, event log and summary are complete up to there.

    Args:
        settings: what to do.
        stop: ends it from outside; already listening.
        detector: instead of the one that the settings name; for tests.
        hooks: of the command.

    Returns:
        The exit status: 0, or that of a source or sink that failed on the way.

    Raises:
        MaskdetError: a part could not be built, or the detector failed.
    """
    report, summary, interrupted = Report(), SummaryFile(settings.summary), False
    try:
        with ExitStack() as closing:
            has_window = wants_window(settings.headless)
            window = Window("maskdet: which camera?") if has_window else None
            chosen = with_camera(settings, window)
            if chosen is None:
                return 0
            require_sources(chosen.sources)
            interruptible("opening the outputs", summary.reserve)
            session = _open(chosen, closing, hooks, detector, has_window=has_window)
            was_asked = session.run(stop, report, settings)
            session.report_written()
            return exit_status(session.pipeline.errors, report, was_asked)
    except KeyboardInterrupt:  # only while the parts are built: see `Stop`
        interrupted = True
        say(ENDED_EARLY)
        return 0
    finally:
        if report.begun:
            say(report.line())
        summary.end(report, is_wanted=report.begun or interrupted)


@dataclass(frozen=True)
class _Session:
    """The parts of a run, and its course.

    Attributes:
        settings: of the run, with the camera that was chosen.
        hooks: of the command.
        outputs: event log and stores.
        desk: applies the rules of alarms; None: there are none.
        page: shows the run in a browser; None: there is none.
        window: shows the run; None: there is none.
        history: of people, for the window; None likewise.
        pipeline: reads, detects and writes.
        run_settings: the settings as they change.
        control: of the cameras.
    """

    settings: MonitorSettings
    hooks: Hooks
    outputs: list[Sink]
    desk: AlarmDesk | None
    page: LivePage | None
    window: Window | None
    history: PeopleHistory | None
    pipeline: Pipeline
    run_settings: SettingsOfRun
    control: CameraControl

    def run(self, stop: Stop, report: Report, as_read: MonitorSettings) -> bool:
        """Goes on until the sources end or someone ends it.

        Args:
            stop: ends it from outside.
            report: of this run.
            as_read: the settings before a camera was chosen, to be compared with a changed file's.

        Returns:
            Whether someone ended it.
        """
        report.begin(self.pipeline)
        stop.start()
        watch = self._new_watch(stop)
        for camera in self.control.cameras:
            if not camera.is_on_standby:
                camera.recording.begin()
        with self.pipeline, self._following_settings(stop, as_read):
            if self.page is not None:
                self.page.begin(self.pipeline, self.control, self.desk)
            self.control.begin()
            try:
                self._show(watch)
                was_asked = not (self.pipeline.ended or stop.timed_out)  # by key, by signal
            finally:  # an error ends the run, too
                report.end()
        watch()  # reports what failed last
        return was_asked

    def report_written(self) -> None:
        """Names what was recorded and written."""
        report_recorded([(camera.name, camera.recording) for camera in self.control.ever])
        report_outputs(self.settings, self.outputs, self.desk.begun() if self.desk else None)

    def _new_watch(self, stop: Stop) -> Watch:
        settings, pipeline, control = self.settings, self.pipeline, self.control
        desk, file = self.desk, settings.status
        sweep = None if desk is None else AlarmSweep(desk, pipeline, output_folders(settings))
        status = StatusFile(file, pipeline.stats, lambda: control.cameras) if file else None
        return Watch(pipeline, stop, Heartbeat(settings.heartbeat), also=[sweep, status])

    def _following_settings(
        self, stop: Stop, as_read: MonitorSettings
    ) -> AbstractContextManager[object]:
        """Applies what changes in the settings file while the run goes on."""
        reload, settings_file = self.hooks.reload, self.hooks.settings_file
        if reload is None or settings_file is None:
            return nullcontext()
        apply = Reloading(reload, as_read, self.run_settings, self.control)
        watched = SettingsFile(settings_file, apply)
        stop.on_hangup = watched.hurry
        return watched

    def _show(self, watch: Watch) -> None:
        """Returns when the run is over."""
        if self.window is None or self.history is None:
            watch.run()
            return
        parts = self.settings, self.pipeline, self.control, self.window, self.history
        new_viewer(*parts, self.hooks.settings_file).run(watch)


def _open(
    settings: MonitorSettings,
    closing: ExitStack,
    hooks: Hooks,
    detector: Detector | None,
    *,
    has_window: bool,
) -> _Session:
    """Builds the parts of a run; the stack closes them, the last one built first."""
    settings = interruptible("opening the outputs", partial(own_signs, settings, closing))
    page = _open_page(settings, closing, hooks)
    recordings, outputs = _open_outputs(settings, closing)
    detector, rule = _open_detector(settings, closing, hooks, detector)
    window = Window(f"maskdet: {', '.join(names_of(settings.sources))}") if has_window else None
    if window is not None:
        closing.callback(window.close)
    sources = open_sources(settings.sources, closing, window)
    detect_fps = [settings.detect_fps_of(one) for one in settings.sources]
    limit_looks = LooksLimit(detector)
    limit_looks(sources, detect_fps)
    names = [source.name for source in sources]
    analyses = new_analyses(settings, names)
    clips = open_clips(settings, names, recordings)
    desk = _open_desk(settings, closing, names, outputs, clips)
    history = None if window is None else PeopleHistory()
    shared: list[Sink] = [*outputs, *([desk] if desk is not None else [])]
    followed = analyses if desk is None else with_alarms(settings, analyses, desk)
    each = zip(sources, recordings, followed, detect_fps, strict=True)
    pipeline = Pipeline(
        [SourceParts(s, [r, *clips.sinks_of(s.name)], a, fps) for s, r, a, fps in each],
        detector,
        [*shared, *(sink for sink in (history, page) if sink is not None)],
        min_score=settings.min_score or 0.0,
        max_frames=settings.max_frames,
        new_strict_blur=partial(StrictBlur, rule) if settings.privacy == "strict" else None,
        new_gate=motion_gate(settings),
    )
    name_cameras(shared, sources, names)
    run_settings = SettingsOfRun(settings)
    makes = NewCameras(run_settings, clips, desk, limit_looks, has_window)
    cameras = first_cameras(settings, sources, recordings, clips, analyses)
    control = CameraControl(pipeline.changes, cameras, makes, listeners([*shared, page]))
    return _Session(
        settings, hooks, outputs, desk, page, window, history, pipeline, run_settings, control
    )


def _open_page(settings: MonitorSettings, closing: ExitStack, hooks: Hooks) -> LivePage | None:
    if hooks.open_page is None:
        return None
    page = hooks.open_page(settings)
    closing.callback(page.close)
    return page


def _open_outputs(
    settings: MonitorSettings, closing: ExitStack
) -> tuple[list[RecordingSwitch], list[Sink]]:
    recordings, outputs = interruptible("opening the outputs", partial(open_outputs, settings))
    for sink in (*recordings, *outputs):
        closing.callback(close_quietly, sink)
    return recordings, outputs


def _open_detector(
    settings: MonitorSettings, closing: ExitStack, hooks: Hooks, given: Detector | None
) -> tuple[Detector, DecisionRule | None]:
    if given is not None:
        return given, None
    detector, rule = open_detector(settings, hooks.reach)
    closing.callback(end_detector, detector)
    return detector, rule


def _open_desk(
    settings: MonitorSettings,
    closing: ExitStack,
    names: Sequence[str],
    outputs: Sequence[Sink],
    clips: SourceClips,
) -> AlarmDesk | None:
    opening = partial(open_desk, settings, names, outputs, clips.begin)
    desk = interruptible("opening the alarms", opening)
    if desk is not None:
        clips.attach = desk.attach_clip
        closing.callback(desk.close)
    return desk
