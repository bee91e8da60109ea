"""The group of cameras of one machine: a detached actor that keeps their monitor running.

It holds nothing that would be lost with it: what it runs is in its folder, and the placement knows
where each camera belongs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from maskdet import __version__
from maskdet.cluster import process_identity
from maskdet.cluster.monitor_run import MonitorRun, make_private_folder
from maskdet.errors import reason_of
from maskdet.system.atomic_files import write_whole
from maskdet.system.threads import Event, Lock, Worker

STATE_VARIABLE = "MASKDET_CLUSTER_STATE"
GROUP_TIMEOUT_S = 20.0
"""Seconds without a report after which a group is killed, and started again by Ray."""
_POLL_S = 0.2
LIST_FILE = "group.json"
"""Cameras that it has had its monitor run."""


class MachineGroup:
    """Runs the monitor of one machine's cameras, and reports on it.

    All methods return at once but `assign` and `end`, which wait for a monitor that ends.
    """

    def __init__(self, node: str) -> None:
        """Goes on with what a group before it has run on this machine since it joined.

        Args:
            node: the machine's name.

        Environment:
            MASKDET_CLUSTER_STATE: folder for the monitor's files, of this machine.
        """
        self._node = node
        self._parent = os.getppid()
        # After a restart of this machine its cameras may run elsewhere: the placement decides.
        self._joined = process_identity.identity(self._parent)
        self._lock, self._over = Lock(), Event()
        self._run = MonitorRun(Path(os.environ[STATE_VARIABLE]) / node, self._joined)
        self._cameras: list[str] = []
        self._standby: list[str] = []
        self._digest = ""
        self._problem = ""
        psutil.cpu_percent()
        self._resume()
        self._thread = Worker("machine group", self._supervise)
        self._thread.start()

    def assign(self, cameras: Sequence[str], text: str, standby: Sequence[str] = ()) -> None:
        """Has it run these cameras and no others.

        Args:
            cameras: their names.
            text: the monitor's settings file.
            standby: names of cameras that it opens, as another machine is to let them go.
        """
        with self._lock:
            if digest_of(text) == self._digest:
                return  # ordered twice, as a report was late
            try:
                self._run.write_settings(text)
                self._keep_list(cameras, standby, digest_of(text))
            except OSError as error:
                self._problem = f"{self._run.folder}: {reason_of(error)}"
                return
            if (cameras or standby) and self._has_cameras:
                self._run.apply(cameras, standby)
            else:
                self._run.end()
            # Only now: another machine takes a camera when this one no longer reports it.
            self._cameras, self._standby = list(cameras), list(standby)
            self._digest, self._problem = digest_of(text), ""
            if self._has_cameras and not self._over.is_set():
                self._run.poll()

    def report(self) -> dict[str, Any]:
        """Cameras, processes, load and problem; plain values."""
        now = time.time()
        status = self._run.status()
        age = max(0.0, now - status["time"]) if status else 0.0
        return {
            "node": self._node,
            "version": __version__,
            "group_pid": os.getpid(),
            "monitor_pid": self._run.pid,
            "monitor_starts": self._run.starts,
            "cameras": list(self._cameras),
            "standby": list(self._standby),
            "digest": self._digest,
            "problem": self._problem or (self._run.last_line if not status else ""),
            "cores": psutil.cpu_count() or 1,
            "load_cores": self._run.load_cores,
            "machine_share": psutil.cpu_percent() / 100,
            "status": [
                {**one, "silent_s": None if one["silent_s"] is None else one["silent_s"] + age}
                for one in status.get("sources", ())
                if one.get("state") != "removed"
            ],
        }

    def end(self) -> None:
        """Ends the monitor; nothing is started after it."""
        self._over.set()
        with self._lock:
            self._cameras, self._standby = [], []
            self._run.end()

    def end_node(self) -> int:
        """Ends the monitor and this machine's part of the cluster, this actor with it.

        Returns:
            The number of the process that has been asked to end.
        """
        self.end()
        os.kill(self._parent, signal.SIGTERM)
        return self._parent

    def _supervise(self) -> None:
        """The thread: starts the monitor again when it ends, ends it with the machine's part."""
        while not self._over.wait(_POLL_S):
            with self._lock:
                if self._over.is_set():
                    return
                if os.getppid() != self._parent:  # the machine's part of Ray has died
                    self._over.set()
                    self._run.end()
                    os._exit(1)
                if self._has_cameras:
                    self._poll_monitor()

    def _poll_monitor(self) -> None:
        """Starts the monitor where it has ended."""
        try:
            self._run.poll()
            self._problem = ""
        except OSError as error:
            self._problem = f"the monitor cannot be started: {reason_of(error)}"

    @property
    def _has_cameras(self) -> bool:
        """Whether it is to run a monitor."""
        return bool(self._cameras or self._standby)

    def _keep_list(self, cameras: Sequence[str], standby: Sequence[str], digest: str) -> None:
        kept = {"joined": self._joined, "cameras": list(cameras), "standby": list(standby)}
        kept["digest"] = digest
        write_whole(self._run.folder / LIST_FILE, json.dumps(kept))

    def _resume(self) -> None:
        make_private_folder(self._run.folder)
        with contextlib.suppress(OSError, ValueError):
            kept = json.loads((self._run.folder / LIST_FILE).read_bytes())
            if kept["joined"] == self._joined:
                self._cameras, self._digest = kept["cameras"], kept["digest"]
                self._standby = kept["standby"]
                self._run.adopt()
                if self._has_cameras:
                    self._run.poll()
                else:
                    self._run.end()


def digest_of(text: str) -> str:
    """A short name of a settings file's content."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
