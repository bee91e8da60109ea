"""Signs of life for a service manager: a file's age, systemd, and the state of each source."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from maskdet.errors import SinkError
from maskdet.live.cameras.camera import Camera
from maskdet.live.meters import SourceStats
from maskdet.live.run_stats import RunStats
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.sinks.output_files import ReservedName
from maskdet.system.atomic_files import cannot_write, write_whole
from maskdet.system.console import say

_INTERVAL_S = 1.0
_CHECK_INTERVAL_S = 0.1
"""Seconds until a camera that begins, pauses or goes is in the status file."""


def own_signs(settings: MonitorSettings, closing: ExitStack) -> MonitorSettings:
    """Settings whose heartbeat and status files no other monitor writes until the stack closes.

    In one that two of them touch, neither's end would ever show.

    Raises:
        SinkError: the status file is a pipe, whose reader every second would wait for.
    """
    status, heartbeat = settings.status, settings.heartbeat
    if status is not None and status.is_fifo():
        raise SinkError(f"status: {status} is a pipe; name a file, which is replaced every second")
    return settings.model_copy(
        update={
            "status": _own_file("status", status, closing),
            "heartbeat": _own_file("heartbeat", heartbeat, closing),
        }
    )


def _own_file(setting: str, path: Path | None, closing: ExitStack) -> Path | None:
    if path is None:
        return None
    reserved = ReservedName(path)
    closing.callback(reserved.release)
    if reserved.path != path:
        say(
            f"{path} is being written by another monitor that runs; the {setting} goes to "
            f"{reserved.path}"
        )
    return reserved.path


class Heartbeat:
    """Beats once a second while the main loop turns and what is captured is processed.

    A camera that is away is no illness: the monitor waits for it and nothing would be won by
    starting it again. A detector that hangs is one: it owes answers and gives none, be it to a
    camera that goes on or to a file that waits.

    Environment:
        NOTIFY_SOCKET: where systemd listens (sd_notify(3)), if it started us with Type=notify.
    """

    def __init__(self, file: Path | None = None) -> None:
        """Waits for the first beat.

        Args:
            file: touched at each beat; None: none.
        """
        self._file = file
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self._due = 0.0
        self._processed = 0
        self._begun = self._reported = False

    def beat(self, stats: SourceStats) -> None:
        """Called often, with the values of all sources together."""
        now = time.monotonic()
        if now < self._due or not (self._file or self._address):
            return
        self._due = now + _INTERVAL_S
        processed = stats.processed + stats.unchanged
        answered = processed > self._processed or not stats.pending
        self._processed = processed
        if answered:
            self._touch()
            self._notify("WATCHDOG=1" if self._begun else "READY=1")
            self._begun = True

    def _touch(self) -> None:
        if self._file is None:
            return
        try:
            self._file.touch()
        except OSError as error:
            if not self._reported:
                self._reported = True
                say(f"heartbeat: {cannot_write(self._file, error)}", "error")

    def _notify(self, state: str) -> None:
        if not self._address:
            return
        address = self._address
        if address.startswith("@"):  # Linux's abstract sockets
            address = "\0" + address[1:]
        kind = socket.SOCK_DGRAM | getattr(socket, "SOCK_CLOEXEC", 0)
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, kind) as link:
            link.sendto(state.encode(), address)


class StatusFile:
    """The state of each source as JSON, in a file that is replaced once a second.

    And at once where a source begins, pauses, goes, or gives its first frame.

    A reader meets it whole. It is not brought onto the disk each time: it is of no use after a
    power cut.
    """

    def __init__(
        self, file: Path, stats: RunStats, cameras: Callable[[], Sequence[Camera]]
    ) -> None:
        """Waits for the first call.

        Args:
            file: replaced each time.
            stats: of the run.
            cameras: gives those of the run, by index.
        """
        self._file, self._stats, self._cameras = file, stats, cameras
        self._due = self._check_due = 0.0
        self._changes: list[tuple[str, bool]] = []
        self._reported = False

    def __call__(self) -> None:
        """Writes what is due; called often, by the main loop."""
        now = time.monotonic()
        if now < self._check_due:
            return
        self._check_due = now + _CHECK_INTERVAL_S
        before, self._changes = self._changes, self._states()
        if now < self._due and before == self._changes:
            return
        self._due = now + _INTERVAL_S
        try:
            write_whole(self._file, json.dumps(self._values(), ensure_ascii=True), sync=False)
        except OSError as error:
            if not self._reported:
                self._reported = True
                say(f"status: {cannot_write(self._file, error)}", "error")

    def _states(self) -> list[tuple[str, bool]]:
        """Values whose change has the file written at once."""
        stats = self._stats
        return [
            (self._state(index), stats.standby_age_s(index) is not None)
            for index in range(stats.source_count)
        ]

    def _values(self) -> dict[str, object]:
        return {
            "version": 1,
            "time": round(time.time(), 3),
            "pid": os.getpid(),
            "sources": [self._source(i, n) for i, n in enumerate(self._stats.source_names)],
        }

    def _source(self, index: int, name: str) -> dict[str, object]:
        stats, waited = self._stats.of(index), self._stats.standby_age_s(index)
        return {
            "name": name,
            "state": self._state(index),
            "captured": stats.captured,
            "processed": stats.processed,
            "capture_fps": round(stats.capture_fps, 2),
            "detect_fps": round(stats.detect_fps, 2),
            "silent_s": round(stats.silent_s, 2) if stats.captured else None,
            "standby_age_s": None if waited is None else round(waited, 2),
            "reconnects": stats.reconnects,
            "people": self._stats.people_now(index),
            "recording": self._recording(index),
            "recorded_stream": self._recorded_stream(index),
        }

    def _recorded_stream(self, index: int) -> dict[str, object] | None:
        state = self._stats.recorded_stream(index)
        if state is None:
            return None
        silent_s = round(state.silent_s, 2) if state.is_wanted else None
        return {"packets": state.packets, "silent_s": silent_s, "reconnects": state.reconnects}

    def _recording(self, index: int) -> str | None:
        """Whether a recording is ``running`` or ``failing``; None: it is off."""
        cameras = self._cameras()
        if index >= len(cameras) or not cameras[index].recording.on:
            return None
        return "failing" if cameras[index].recording.failing else "running"

    def _state(self, index: int) -> str:
        """As users, or the cluster, have asked for: running, paused, standby or removed."""
        if self._stats.is_removed(index):
            return "removed"
        if self._stats.is_on_standby(index):
            return "standby"
        return "paused" if self._stats.is_paused(index) else "running"
