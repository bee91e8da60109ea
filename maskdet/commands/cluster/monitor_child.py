"""The monitor as the child of a machine's group.

The first JSON line on its stdin has the arguments of the monitor, its owner's file, the machine's
part of Ray and how long to go on alone. A second line asks it to end. Where stdin ends without
one, its group was killed: the monitor goes on for a while, until the group that Ray starts in that
one's place has written itself into the owner's file; then for as long as that one runs. It ends
where no group comes, and with the machine's part of Ray, whose cameras others take.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from maskdet.cluster import process_identity
from maskdet.cluster.monitor_run import END_TIMEOUT_S
from maskdet.system.threads import Event, Worker

_POLL_S = 0.2


def main() -> None:
    """Runs the monitor; the child's entry."""
    line = sys.stdin.buffer.readline()
    if not line:
        return  # its group has died before it could report this process
    order = json.loads(line)
    ended = Event()
    Worker("life of the group", lambda: _watch(order, ended)).start()
    from maskdet.commands.monitor import main as run_monitor

    status = run_monitor(order["arguments"], "monitor")
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    ended.set()
    os._exit(status)  # the thread above waits for a line that never comes


def _watch(order: dict[str, Any], ended: Event) -> None:
    """Ends this process in its own way once nobody wants it, and by force where that hangs."""
    if not sys.stdin.buffer.readline():
        _outlive(
            Path(order["owner_file"]), order["machine"], float(order["orphan_timeout_s"]), ended
        )
    if ended.is_set():
        return
    os.kill(os.getpid(), signal.SIGTERM)
    if not ended.wait(END_TIMEOUT_S):
        os._exit(1)


def _outlive(owner_file: Path, machine: str, timeout_s: float, ended: Event) -> None:
    """Waits until no group has taken over in time, or the machine's part has ended.

    Args:
        owner_file: has the identity of the group that has taken over.
        machine: identity of the machine's part of Ray.
        timeout_s: for so long without a group.
        ended: set by the monitor when it has ended.
    """
    deadline = time.monotonic() + timeout_s
    while not ended.wait(_POLL_S) and process_identity.find(machine) is not None:
        if process_identity.find(process_identity.read(owner_file)) is not None:
            deadline = time.monotonic() + timeout_s
        elif time.monotonic() > deadline:
            return
