"""A machine's part that has ended and starts again, however long the first machine is away.

Until it does, the cameras that the machine had go on: nobody else may reach them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from maskdet.cluster import machine, process_identity
from maskdet.cluster.group import LIST_FILE
from maskdet.cluster.monitor_run import MonitorRun
from maskdet.errors import MaskdetError
from maskdet.system.console import say
from maskdet.system.threads import Event, Worker

_RETRY_PAUSE_S = 5.0
_POLL_S = 0.2
_TAKEOVER_S = 2.0
"""Seconds from the end of a monitor until that of a group in its place is known."""
_START_S = 15.0
"""Seconds that a part has to start before the cameras go on without it."""


def start_again(place: machine.Place, start: Callable[[], None], *, detects: bool) -> None:
    """Starts a machine's part, again and again until that works.

    Args:
        place: where the machine stands.
        start: raises a `MaskdetError` where it cannot start.
        detects: the machine detects itself, so that its cameras can go on meanwhile.
    """
    reported = ""
    with LoneMonitor(place.state / place.name, detects=detects) as alone:
        while True:
            try:
                start()
                return
            except MaskdetError as error:
                alone.begin()
                goes_on = f"goes on alone with its cameras ({alone.cameras}), and "
                what = goes_on if alone.cameras else ""
                line = f"{error}; {place.name} {what}tries again to join"
                if line != reported:
                    say(line, "warning")
                reported = line
            time.sleep(_RETRY_PAUSE_S)


def cameras_before(folder: Path) -> int:
    """Number of the cameras that a machine had last.

    Args:
        folder: of its monitor's files.
    """
    with suppress(OSError, ValueError, KeyError):
        return len(json.loads((folder / LIST_FILE).read_bytes())["cameras"])
    return 0


class LoneMonitor:
    """The monitor of a machine whose part does not run, with the cameras that it had last.

    It begins when the part cannot start, or takes long to. Use it in a ``with`` block.

    Attributes:
        cameras: how many those are; 0: nothing is run.
    """

    def __init__(self, folder: Path, *, detects: bool) -> None:
        """Nothing runs yet.

        Args:
            folder: of the monitor's files; its settings are those of the last group.
            detects: the machine detects itself; else nothing is run.
        """
        self.cameras = cameras_before(folder) if detects else 0
        self._run = MonitorRun(folder, process_identity.identity(os.getpid()))
        self._due, self._over = Event(), Event()
        self._worker = Worker("cameras of a machine alone", self._keep)

    def __enter__(self) -> Self:
        if self.cameras:
            self._worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it: recordings closed, everything written."""
        self._over.set()
        self.begin()
        self._worker.join()
        self._run.end()

    def begin(self) -> None:
        """Has it run now, and run again when it ends."""
        self._due.set()

    def _keep(self) -> None:
        self._due.wait(_START_S)
        while not self._over.wait(_POLL_S):
            if self._run.has_ended:  # perhaps by the group that begins while its machine joins
                self._over.wait(_TAKEOVER_S)
            if self._run.is_replaced:
                return
            with suppress(OSError):  # a full disk: tried again
                self._run.poll()
