"""The monitor as the child of a machine's group: it ends when its parent does.

The first JSON line on its stdin has the arguments of the monitor. The end of stdin asks it to end:
the system closes it even where the parent was killed, so that no monitor is left behind.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from maskdet.system.threads import Event, Worker

_END_TIMEOUT_S = 4.0
"""Seconds for what takes one, recordings and stores on a slow disk included."""


def main() -> None:
    """Runs the monitor; the child's entry."""
    arguments = json.loads(sys.stdin.buffer.readline() or b"[]")
    ended = Event()
    Worker("life of the parent", lambda: _watch_parent(ended)).start()
    from maskdet.commands.monitor import main as run_monitor

    status = run_monitor(arguments, "monitor")
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    ended.set()
    os._exit(status)  # the thread above waits for a line that never comes


def _watch_parent(ended: Event) -> None:
    """Ends this process in its own way once stdin has ended, and by force where that hangs."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    if ended.is_set():
        return
    os.kill(os.getpid(), signal.SIGTERM)
    if not ended.wait(_END_TIMEOUT_S):
        os._exit(1)
