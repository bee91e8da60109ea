"""The clips of all sources, built as the settings say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from maskdet.alarm import Alarm
from maskdet.contracts import Sink
from maskdet.drawing.overlay import Overlay
from maskdet.live.alarms.tidying import CLIP_BEGINNING, clip_folder, new_tidying
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.sinks.recording.clip_file import remove_parts
from maskdet.sinks.recording.clips import Clips
from maskdet.sinks.recording.recording_switch import RecordingSwitch


class SourceClips:
    """The clips of each source.

    Attributes:
        attach: called with the number of each alarm and the file of its clip.
        new: makes the clips of a source, of its recording; None: there are none.
    """

    def __init__(self) -> None:
        """Has none."""
        self.attach: Callable[[str, str], None] | None = None
        self.new: Callable[[RecordingSwitch], Clips] | None = None
        self._of: dict[str, Clips] = {}

    def open(self, camera: str, recording: RecordingSwitch) -> list[Sink]:
        """Begins to keep the last seconds of a source; its sink, where clips are wanted."""
        if self.new is not None:
            self._of[camera] = self.new(recording)
        return self.sinks_of(camera)

    def sinks_of(self, camera: str) -> list[Sink]:
        """The sink of a source, where there is one."""
        return [self._of[camera]] if camera in self._of else []

    def begin(self, alarm: Alarm) -> None:
        """An alarm has begun."""
        if (clips := self._of.get(alarm.camera)) is not None:
            clips.begin(alarm.alarm_id)

    def finished(self, alarms: Sequence[str], path: Path) -> None:
        """A clip is whole."""
        if self.attach is not None:
            for alarm_id in alarms:
                self.attach(alarm_id, str(path))


def open_clips(
    settings: MonitorSettings, cameras: Sequence[str], recordings: Sequence[RecordingSwitch]
) -> SourceClips:
    """Begins to keep the last seconds of each source, if clips are wanted.

    Args:
        settings: of the monitor.
        cameras: names of the sources.
        recordings: one of each.
    """
    every = SourceClips()
    wanted, overlay = settings.alarms.clips, settings.overlay
    if not (settings.alarms.rules and wanted.enabled):
        return every
    folder = clip_folder(settings)
    remove_parts(folder, CLIP_BEGINNING)
    tidy = new_tidying(settings).tidy

    def new_clips(recording: RecordingSwitch) -> Clips:
        return Clips(
            folder,
            label=CLIP_BEGINNING,
            before_s=wanted.before,
            after_s=wanted.after,
            max_bytes=wanted.max_mb * 1e6,
            draw=Overlay(scores=overlay.scores, track_ids=overlay.track_ids).draw,
            recording=recording,
            on_finished=every.finished,
            tidy=tidy,
        )

    every.new = new_clips
    for name, recording in zip(cameras, recordings, strict=True):
        every.open(name, recording)
    return every
