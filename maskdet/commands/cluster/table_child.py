"""The placement's table, once a second, from a process of its own.

Ray ends a process whose part of the cluster dies, or lets it wait for minutes: the page outlives
that. The first JSON line on stdin has the cluster's file, and the start of a command line as the
person typed it; the end of stdin ends the process. Its messages are ``{"table": …}`` or
``{"problem": line}``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from maskdet.system.console import set_typed
from maskdet.system.processes.child_process import send_message, take_output
from maskdet.system.threads import Worker

_INTERVAL_S = 1.0
_PAUSE_S = 3.0
"""Seconds from a cluster that does not answer to the next try."""


def main() -> None:
    """Reports until its parent ends; the child's entry."""
    request = json.loads(sys.stdin.buffer.readline())
    file = Path(request["file"])
    set_typed(request["typed"])
    output = take_output()
    Worker("life of the parent", _watch_parent).start()
    from maskdet.cluster import ray_client
    from maskdet.cluster.settings import read_cluster
    from maskdet.commands.cluster.run import connected
    from maskdet.errors import MaskdetError

    while True:
        try:
            settings = read_cluster(file)
            with connected(settings, file):
                while True:
                    send_message(output, {"table": ray_client.placement_table()})
                    time.sleep(_INTERVAL_S)
        except MaskdetError as error:
            send_message(output, {"problem": str(error)})
        except ray_client.RayError as error:
            send_message(output, {"problem": ray_client.line_of(error)})
        time.sleep(_PAUSE_S)


def _watch_parent() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)
