"""A monitor that is kept running: its child process, its settings file, its load."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from maskdet.cluster import process_identity
from maskdet.cluster.process_identity import AdoptedMonitor
from maskdet.system.atomic_files import write_whole
from maskdet.system.processes.child_process import ChildProcess

SETTINGS_FILE, LOG_FILE = "monitor.yaml", "monitor.log"
STATUS_FILE, HEARTBEAT_FILE = "status.json", "alive"
_PID_FILE, _OWNER_FILE = "monitor.pid", "monitor.owner"
_MODULE = "maskdet.commands.cluster.monitor_child"
END_TIMEOUT_S = 14.0
"""Seconds until a monitor that should end is killed: its outputs have ten (`live.teardown`), its
summary three more."""
_APPLY_TIMEOUT_S = 8.0
"""Seconds for cameras to be added and removed."""
_APPLY_POLL_S = 0.05
ORPHAN_TIMEOUT_S = 60.0
"""Seconds without a group: Ray takes two for another one, and tens on a busy machine, where one
that is still starting may be started again (`group.GROUP_TIMEOUT_S`). Meanwhile nobody else has the
cameras: the placement leaves them to a machine that answers Ray."""
_PAUSES_S = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Seconds before it is started again, after so many short lives in a row."""
_SHORT_LIFE_S = 10.0
_MAX_SILENCE_S = 20.0
"""Seconds without a sign of life after which it hangs; it gives one every second."""
_MAX_LOG_BYTES = 5_000_000
_LOAD_INTERVAL_S = 2.0
_NEW_SHARE = 0.3
"""Weight of the newest measurement in the load."""


class MonitorRun:
    """The monitor of a settings file: started, started again when it ends, ended.

    Not safe for several threads: `MachineGroup` has a lock.
    """

    def __init__(
        self, folder: Path, machine: str, *, orphan_timeout_s: float = ORPHAN_TIMEOUT_S
    ) -> None:
        """Nothing runs yet.

        Args:
            folder: of its files, and its current folder.
            machine: identity of the machine's part of Ray, with which the monitor ends.
            orphan_timeout_s: for so long it goes on where its group was killed and none comes.
        """
        self.folder = folder
        self.starts = 0
        self.load_cores: float | None = None
        self.last_line = ""
        self._machine, self._orphan_timeout_s = machine, orphan_timeout_s
        self._child: ChildProcess | AdoptedMonitor | None = None
        self._began = self._due = 0.0
        self._identity = ""
        self._short_lives = 0
        self._load = _Load()

    @property
    def pid(self) -> int | None:
        """Number of the monitor's process; None where none runs."""
        return None if self._child is None else self._child.pid

    @property
    def has_ended(self) -> bool:
        """Whether the monitor that was started last has ended."""
        return bool(self._identity) and process_identity.find(self._identity) is None

    @property
    def is_replaced(self) -> bool:
        """Whether that of another group has taken its place."""
        return bool(self._identity) and process_identity.read(self.folder / _PID_FILE) not in (
            "",
            self._identity,
        )

    def write_settings(self, text: str) -> None:
        """Writes the file that the next start reads; it may hold passwords, so it is ours alone.

        Raises:
            OSError: it cannot be written.
        """
        make_private_folder(self.folder)
        write_whole(self.folder / SETTINGS_FILE, text, mode=0o600)

    def adopt(self) -> None:
        """Takes over the monitor of a group that was killed, where it runs."""
        process = process_identity.find(process_identity.read(self.folder / _PID_FILE))
        if process is None:
            return
        write_whole(self.folder / _OWNER_FILE, process_identity.identity(os.getpid()))
        self._child, self.starts = AdoptedMonitor(process), 1
        self._began, self._load = time.monotonic(), _Load()

    def poll(self) -> None:
        """Starts it where it does not run and its pause is over; called often."""
        now = time.monotonic()
        if self._child is not None:
            if self._child.poll() is None and not self._hangs(now):
                self.load_cores = self._load.measure(self._child.pid, now)
                return
            self._bury(now)
        if now >= self._due:
            self._start(now)

    def apply(self, cameras: Sequence[str], standby: Sequence[str] = ()) -> None:
        """Has a monitor that runs take over what its settings file names since; others go on.

        One that has not begun yet, or does not do so in time, is started again.

        Args:
            cameras: names of those that it is to process.
            standby: names of those that it is only to open.
        """
        if self.pid is None:
            return
        if self.status():
            os.kill(self.pid, signal.SIGHUP)
            deadline = time.monotonic() + _APPLY_TIMEOUT_S
            while time.monotonic() < deadline and self._child is not None:
                if self._runs(cameras, standby):
                    return
                time.sleep(_APPLY_POLL_S)
        self.end()

    def _runs(self, cameras: Sequence[str], standby: Sequence[str]) -> bool:
        """Whether the monitor reports these cameras and no others."""
        sources = self.status().get("sources", ())
        present = [one for one in sources if one.get("state") != "removed"]
        waiting = {one["name"] for one in present if one.get("state") == "standby"}
        return waiting == set(standby) and {one["name"] for one in present} == {*cameras, *standby}

    def end(self) -> None:
        """Ends it: recordings closed, everything written."""
        child, self._child = self._child, None
        if child is None:
            return
        if isinstance(child, AdoptedMonitor):
            child.ask_to_end()
        else:
            child.send(b"end\n")
        _wait_for_end(child)
        self._short_lives, self._due = 0, 0.0

    def status(self) -> dict[str, Any]:
        """The status file of the monitor that runs; empty where there is none yet."""
        try:
            found: dict[str, Any] = json.loads((self.folder / STATUS_FILE).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if found.get("pid") == self.pid else {}

    def _start(self, now: float) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._end_earlier()
        log = self.folder / LOG_FILE
        with contextlib.suppress(OSError):
            if log.stat().st_size > _MAX_LOG_BYTES:
                log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as stderr:
            child = self._child = ChildProcess(_MODULE, "main", stderr, self.folder)
        # Before it begins: one that nobody could find must not outlive this process.
        self._identity = process_identity.identity(child.pid)
        (self.folder / _PID_FILE).write_text(self._identity)
        order = {
            "arguments": ["--config", SETTINGS_FILE],
            "owner_file": str((self.folder / _OWNER_FILE).resolve()),
            "machine": self._machine,
            "orphan_timeout_s": self._orphan_timeout_s,
        }
        child.send_request(order)
        self.starts += 1
        self._began = now
        self._load = _Load()

    def _end_earlier(self) -> None:
        """Ends the monitor of a group before this one: the files are of one at a time."""
        process = process_identity.find(process_identity.read(self.folder / _PID_FILE))
        if process is None:
            return
        earlier = AdoptedMonitor(process)
        earlier.ask_to_end()
        _wait_for_end(earlier)

    def _bury(self, now: float) -> None:
        """Takes note of an end that nobody asked for."""
        assert self._child is not None
        status = self._child.kill()
        self._child = None
        self.load_cores = None
        self.last_line = f"ended with status {status}: {self._last_log_line()}"
        is_short = now - self._began < _SHORT_LIFE_S
        self._short_lives = self._short_lives + 1 if is_short else 0
        self._due = now + _PAUSES_S[min(self._short_lives, len(_PAUSES_S) - 1)]

    def _hangs(self, now: float) -> bool:
        """Whether it should have given a sign of life since, and has not."""
        if now - self._began < _MAX_SILENCE_S:
            return False
        try:
            age = time.time() - (self.folder / HEARTBEAT_FILE).stat().st_mtime
        except OSError:
            return True
        return age > _MAX_SILENCE_S

    def _last_log_line(self) -> str:
        try:
            with (self.folder / LOG_FILE).open("rb") as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - 2000))
                lines = log.read().decode(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1][:300] if lines else ""


def wait_for_end(folder: Path) -> None:
    """Waits for the monitor of a folder, which ends with its machine's part of Ray.

    Args:
        folder: of its files. One that does not end in time is killed.
    """
    process = process_identity.find(process_identity.read(folder / _PID_FILE))
    if process is not None:
        _wait_for_end(AdoptedMonitor(process))


def _wait_for_end(child: ChildProcess | AdoptedMonitor) -> None:
    """Waits for a monitor that was asked to end; one that does not is killed."""
    deadline = time.monotonic() + END_TIMEOUT_S
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    child.kill()


class _Load:
    """Cores that a process and its children need, over the last seconds."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}
        self._since = time.monotonic()
        self._cores: float | None = None

    def measure(self, pid: int, now: float) -> float | None:
        """The load now; None before it was measured."""
        if now - self._since < _LOAD_INTERVAL_S:
            return self._cores
        before, self._seconds = self._seconds, _cpu_seconds(pid)
        if before:
            used = sum(max(0.0, s - before.get(p, 0.0)) for p, s in self._seconds.items())
            cores = used / (now - self._since)
            old = cores if self._cores is None else self._cores
            self._cores = old + _NEW_SHARE * (cores - old)
        self._since = now
        return self._cores


def _cpu_seconds(pid: int) -> dict[int, float]:
    """Seconds of processor time so far, of a process and of each of its children."""
    seconds = {}
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = one.cpu_times()
                seconds[one.pid] = times.user + times.system
    return seconds


def make_private_folder(folder: Path) -> None:
    """Makes a folder that nobody else may read.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
