"""A run of the monitor: builds the parts that the settings ask for, joins them, runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from functools import partial
from pathlib import Path

from maskdet.contracts import Detector, Sink
from maskdet.drawing.strict_blur import StrictBlur
from maskdet.errors import MaskdetError, SinkError, SourceError
from maskdet.live.alarms.building import open_desk, with_alarms
from maskdet.live.alarms.clips import open_clips
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
    open_sources,
)
from maskdet.live.cameras.control import CameraControl
from maskdet.live.cameras.reloading import Reloading
from maskdet.live.cameras.settings_file import SettingsFile
from maskdet.live.gui.people_history import PeopleHistory
from maskdet.live.gui.window import Window, display_available
from maskdet.live.headless import Watch
from maskdet.live.heartbeat import Heartbeat, StatusFile
from maskdet.live.pipeline import Pipeline
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.shutdown import Stop
from maskdet.live.summary import Report, write_summary
from maskdet.sinks.event_log import EventLog
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from maskdet.sinks.store.event_store import EventStore
from maskdet.sources.webcam_list import list_webcams
from maskdet.system.console import say
from maskdet.system.timeouts import has_hung_threads, interruptible, run_all_with_timeout

_LAST_TIMEOUT_S = 0.15
"""For what is left to do when a run that is to end within a second has hung before."""
_CHOOSE = "choose"
"""The source that has the user choose a camera."""
_MAX_NAMED_FILES = 10
"""Recorded files that are named one by one at the end."""


def run(
    settings: MonitorSettings,
    stop: Stop,
    detector: Detector | None = None,
    settings_file: Path | None = None,
    open_page: Callable[[MonitorSettings], LivePage] | None = None,
    reload: Callable[[], MonitorSettings] | None = None,
    reach: Callable[[str], Detector] | None = None,
) -> int:
    """Runs the monitor until its sources end or someone ends it.

    Whatever ends it, recordings, event log and summary are complete up to there.

    Args:
        settings: what to do.
        stop: ends it from outside; already listening.
        detector: in place of the one that the settings name; for tests.
        settings_file: where zones drawn in the window are kept; None: nowhere.
        open_page: takes the address of a live page; None: there is none.
        reload: reads the settings again where that file has changed; None: nobody looks.
        reach: see `maskdet.live.assembly.open_detector`.

    Returns:
        The exit status: 0, or that of a source or sink that failed on the way.

    Raises:
        MaskdetError: a part could not be built, or the detector failed.
    """
    report = Report()
    interrupted = False
    try:
        with ExitStack() as parts:
            return _run(
                settings, detector, stop, report, parts, settings_file, open_page, reload, reach
            )
    except KeyboardInterrupt:  # only while the parts are built: see `Stop`
        interrupted = True
        return 0
    finally:
        if report.begun:
            say(report.line())
        if settings.summary and (report.begun or interrupted):
            _write_summary(settings.summary, report)


def _run(
    settings: MonitorSettings,
    detector: Detector | None,
    stop: Stop,
    report: Report,
    parts: ExitStack,
    settings_file: Path | None,
    open_page: Callable[[MonitorSettings], LivePage] | None,
    reload: Callable[[], MonitorSettings] | None,
    reach: Callable[[str], Detector] | None,
) -> int:
    """Builds and runs; the stack closes the parts, the last one built first."""
    has_window = _wants_window(settings)
    chosen = _with_camera(settings, has_window)
    if chosen is None:
        return 0
    as_read, settings = settings, chosen
    page = open_page(settings) if open_page is not None else None
    if page is not None:
        parts.callback(page.close)
    recordings, shared = interruptible("opening the outputs", partial(open_outputs, settings))
    for sink in (*recordings, *shared):
        parts.callback(_close_quietly, sink)
    rule = None
    if detector is None:
        detector, rule = open_detector(settings, reach)
        parts.callback(_end_detector, detector)
    sources = open_sources(settings.sources, parts, in_window=has_window)
    detect_fps = [settings.detect_fps_of(one) for one in settings.sources]
    limit_looks = LooksLimit(detector)
    limit_looks(sources, detect_fps)
    names = [source.name for source in sources]
    analyses = new_analyses(settings, names)
    clips = open_clips(settings, names, recordings)
    new_desk = partial(open_desk, settings, names, shared, clips.begin)
    desk = interruptible("opening the alarms", new_desk)
    if desk is not None:
        clips.attach = desk.attach_clip
        parts.callback(desk.close)
        shared = [*shared, desk]
    history = PeopleHistory()
    pipeline = Pipeline(
        sources,
        detector,
        [*shared, *([history] if has_window else []), *([page] if page is not None else [])],
        source_sinks=[[r, *clips.sinks_of(n)] for n, r in zip(names, recordings, strict=True)],
        min_score=settings.min_score or 0.0,
        analyses=analyses if desk is None else with_alarms(settings, analyses, desk),
        max_frames=settings.max_frames,
        new_strict_blur=partial(StrictBlur, rule) if settings.privacy == "strict" else None,
        detect_fps=detect_fps,
        new_gate=motion_gate(settings),
    )
    name_cameras(shared, sources, names)
    run_settings = SettingsOfRun(settings)
    makes = NewCameras(run_settings, clips, desk, limit_looks, has_window)
    cameras = first_cameras(settings, sources, recordings, clips, analyses)
    control = CameraControl(pipeline.changes, cameras, makes, listeners([*shared, page, desk]))
    report.begin(pipeline)
    stop.start()
    sweep = None if desk is None else AlarmSweep(desk, pipeline, output_folders(settings))
    status = StatusFile(settings.status, pipeline.stats) if settings.status else None
    watch = Watch(pipeline, stop, Heartbeat(settings.heartbeat), also=[sweep, status])
    for camera in cameras:
        if not camera.is_on_standby:
            camera.recording.begin()
    watched: AbstractContextManager[object] = nullcontext()
    if reload is not None and settings_file is not None:
        apply = Reloading(reload, as_read, run_settings, control)
        watched = SettingsFile(settings_file, apply)
        stop.on_hangup = watched.hurry
    with pipeline, watched:
        if page is not None:
            page.begin(pipeline, control, desk)
        control.begin()
        if has_window:
            window = Window("maskdet: " + ", ".join(names))
            parts.callback(window.close)
            new_viewer(settings, pipeline, control, window, history, settings_file).run(watch)
        else:
            watch.run()
        was_asked = not (pipeline.ended or stop.timed_out)  # by key, by signal
        report.end()
    watch()  # reports what failed last
    _report_recorded([(camera.name, camera.recording) for camera in control.ever])
    for log in shared:
        if isinstance(log, EventLog) and str(settings.events.file) != "-":
            say(f"wrote {log.lines} events to {log.name}")
        if isinstance(log, EventStore) and log.rows:
            say(f"kept people and totals in {settings.store.file}")
    if pipeline.errors:
        return pipeline.errors[0].exit_code
    return _status_without_frames(report, was_asked) if not report.stats.processed else 0


def _status_without_frames(report: Report, was_asked: bool) -> int:
    """A run without a single processed frame has not done its job, unless it was cut short."""
    if was_asked:
        say("no frame was processed before the end that was asked for", "warning")
        return 0
    came = report.stats.captured
    why = f"{came} came, none was ready in time" if came else "no source gave one"
    say(f"monitor.py: no frame was processed: {why}; check --source and --max-seconds", "error")
    return SourceError.exit_code


def _with_camera(settings: MonitorSettings, has_window: bool) -> MonitorSettings | None:
    """The settings with a camera where none was named; None where the user quits instead."""
    asks = [one.source for one in settings.sources] == [_CHOOSE]
    if "sources" in settings.model_fields_set and not asks:
        return settings
    from maskdet.live.gui.camera_choice import choose_camera

    window = Window("maskdet: which camera?") if has_window else None
    number = choose_camera(list_webcams(), window, ask_again=asks)
    if number is None:
        return None
    camera = settings.sources[0].model_copy(update={"source": number})
    return settings.model_copy(update={"sources": (camera,)})


def _wants_window(settings: MonitorSettings) -> bool:
    if settings.headless:
        return False
    available, reason = display_available()
    if not available:
        say(f"no window: {reason}; going on headless")
    return available


def _report_recorded(recordings: Sequence[tuple[str, RecordingSwitch]]) -> None:
    """Names what was recorded, and of which of several cameras; of many segments the last."""
    for name, recording in recordings:
        of = f"{name}: " if len(recordings) > 1 else ""
        if recording.files > _MAX_NAMED_FILES:
            say(f"{of}recorded {recording.files} files, the last of them {recording.paths[-1]}")
        else:
            for path in recording.paths:
                say(f"{of}recorded {path}")


def _write_summary(path: Path, report: Report) -> None:
    if run_all_with_timeout(
        max(_LAST_TIMEOUT_S, 0.9 - report.closing),
        {"writing the summary": lambda: write_summary(path, report.values())},
    ):
        raise SinkError(f"cannot write {path}: the disk does not answer")


def _end_detector(detector: Detector) -> None:
    """Frees the model, and ends a process that computes for it, which may be what hangs."""
    if has_hung_threads():
        run_all_with_timeout(_LAST_TIMEOUT_S, {"closing the detector": detector.close})
    else:
        detector.close()


def _close_quietly(sink: Sink) -> None:
    """Closes a sink that the pipeline may have closed before, and reported on."""
    with suppress(MaskdetError):
        sink.close()
