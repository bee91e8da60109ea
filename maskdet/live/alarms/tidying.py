"""Pictures and clips of alarms: where they are, and how long they are kept."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from maskdet.live.settings.monitor import MonitorSettings
from maskdet.sinks.recording.retention import Retention

CLIP_BEGINNING = "alarm-"
"""What the names of clips begin with."""
TIDY_INTERVAL_S = 60.0
_DAY_S = 24 * 3600.0


def clip_folder(settings: MonitorSettings) -> Path:
    """The folder of the alarms' pictures and clips; below that of snapshots unless absolute."""
    return settings.snapshots / (settings.alarms.snapshots or ".")


def files_of_alarms(folder: Path) -> list[Path]:
    """Whole pictures and clips of alarms in a folder."""
    patterns = (f"{CLIP_BEGINNING}*.mp4", f"{CLIP_BEGINNING}*.jpg")
    return [path for pattern in patterns for path in folder.glob(pattern)]


class Tidying:
    """Deletes pictures and clips of alarms that are too old or too much."""

    def __init__(self, settings: MonitorSettings) -> None:
        """Takes the limits of alarms; those of recordings reach pictures and clips, too."""
        wanted = settings.alarms
        self._folder = clip_folder(settings)
        self._due = 0.0
        self._retention = Retention(
            keep_seconds=None if wanted.keep_days is None else wanted.keep_days * _DAY_S,
            keep_bytes=None if wanted.keep_gb is None else wanted.keep_gb * 1e9,
        )

    def tidy(self) -> None:
        """Deletes what has to go; once a minute at most."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + TIDY_INTERVAL_S
            with contextlib.suppress(OSError):
                self._retention.enforce(self._folder, files_of_alarms(self._folder))
