"""Pictures and clips of alarms: where they are, and how long they are kept."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.settings.units import DAY_S, GIGABYTE, times
from maskdet.sinks.recording.files.retention import Retention

CLIP_BEGINNING = "alarm-"
"""What the names of clips begin with."""
TIDY_INTERVAL_S = 60.0


def clip_folder(settings: MonitorSettings) -> Path:
    """The folder of the alarms' pictures and clips; below that of snapshots unless absolute.

    Absolute, as its files are written into the store, which others read from elsewhere.
    """
    return (settings.snapshots / (settings.alarms.snapshots or ".")).absolute()


def files_of_alarms(folder: Path) -> list[Path]:
    """Whole pictures and clips of alarms in a folder."""
    patterns = (f"{CLIP_BEGINNING}*.mp4", f"{CLIP_BEGINNING}*.jpg")
    return [path for pattern in patterns for path in folder.glob(pattern)]


class Tidying:
    """Deletes pictures and clips of alarms that are too old or too much."""

    def __init__(
        self, folder: Path, keep_seconds: float | None = None, keep_bytes: float | None = None
    ) -> None:
        """Sets the limits; those of recordings reach pictures and clips, too.

        Args:
            folder: of pictures and clips.
            keep_seconds: older ones go; None: none.
            keep_bytes: the oldest go while all together have more; None: none.
        """
        self._folder = folder
        self._due = 0.0
        self._retention = Retention(keep_seconds=keep_seconds, keep_bytes=keep_bytes)

    def tidy(self) -> None:
        """Deletes what has to go; once a minute at most."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + TIDY_INTERVAL_S
            with contextlib.suppress(OSError):
                self._retention.enforce(self._folder, files_of_alarms(self._folder))


def new_tidying(settings: MonitorSettings) -> Tidying:
    """The limits of alarms, as the settings have them."""
    return Tidying(
        clip_folder(settings),
        times(settings.alarms.keep_days, DAY_S),
        times(settings.alarms.keep_gb, GIGABYTE),
    )
