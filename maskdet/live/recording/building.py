"""The recording of each source, built as the settings say."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypedDict

from maskdet.drawing.overlay import Overlay
from maskdet.live.alarms.tidying import clip_folder, files_of_alarms
from maskdet.live.recording.evidence import with_bar
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.settings.source_options import source_options
from maskdet.live.settings.sources import SourceSettings
from maskdet.live.settings.units import DAY_S, GIGABYTE, MEGABYTE, times
from maskdet.sinks.recording.copy.copy_switch import CopySwitch
from maskdet.sinks.recording.copy.packet_feed import PacketFeed
from maskdet.sinks.recording.copy.packet_recorder import PacketRecorder
from maskdet.sinks.recording.files.retention import Retention
from maskdet.sinks.recording.recorder import Recorder
from maskdet.sinks.recording.recording_switch import RecordingSwitch


class _Files(TypedDict):
    """Keywords of a recorder: its files, and how long they stay."""

    path: Path
    family: str
    segment_seconds: float | None
    segment_bytes: float | None
    retention: Retention


def new_overlay(settings: MonitorSettings) -> Overlay:
    """Makes an overlay that draws by the settings; each thread needs its own."""
    return Overlay(scores=settings.overlay.scores, track_ids=settings.overlay.track_ids)


def new_recording(
    settings: MonitorSettings, one: SourceSettings, number: int | None
) -> RecordingSwitch:
    """Makes the recording of one source: annotated, or the camera's own video.

    Args:
        settings: of the monitor.
        one: of the source.
        number: in the names of its files; None: it is the only source.

    Raises:
        MaskdetError: there is nowhere to record to, or the address cannot be read.
    """
    if settings.copies(one):
        return _copied(settings, one, number)
    return _annotated(settings, number)


def _annotated(settings: MonitorSettings, number: int | None) -> RecordingSwitch:
    def new_recorder() -> Recorder:
        overlay = new_overlay(settings)  # each recorder draws in a thread of its own
        draw = with_bar(overlay) if settings.recording.bar else overlay.draw
        return Recorder(**_files(settings, number), draw=draw, blur=settings.blur)

    return RecordingSwitch(new_recorder, on=settings.record is not None, blur=settings.blur)


def _copied(settings: MonitorSettings, one: SourceSettings, number: int | None) -> CopySwitch:
    name = one.shown_name
    options = source_options(one, among_several=True)
    feed = PacketFeed(one.source, f"{name}: recorded stream", options)
    return CopySwitch(
        lambda: PacketRecorder(feed, **_files(settings, number)),
        feed,
        on=settings.record is not None,
        blur=settings.blur or settings.privacy == "strict",
    )


def _files(settings: MonitorSettings, number: int | None) -> _Files:
    wanted = settings.recording
    in_segments = wanted.segment_seconds is not None or wanted.segment_mb is not None
    now = "" if in_segments else f"-{datetime.now():%Y%m%d-%H%M%S}"
    path = settings.record or settings.snapshots / f"maskdet{now}.mp4"
    return _Files(
        path=path if number is None else path.with_stem(f"{path.stem}-{number}"),
        family=path.stem,
        segment_seconds=wanted.segment_seconds,
        segment_bytes=times(wanted.segment_mb, MEGABYTE),
        retention=_retention(settings),
    )


def _retention(settings: MonitorSettings) -> Retention:
    """The limits of recordings, which reach pictures and clips of alarms, too."""
    wanted, folder = settings.recording, clip_folder(settings)
    return Retention(
        also=partial(files_of_alarms, folder) if settings.alarms.rules else tuple,
        keep_seconds=times(wanted.keep_days, DAY_S),
        keep_bytes=times(wanted.keep_gb, GIGABYTE),
        keep_free_bytes=times(wanted.keep_free_gb, GIGABYTE),
    )
