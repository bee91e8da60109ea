"""A cluster of three machines on this one, whose processes are killed again and again.

    python -m tests.soak.cluster --kills 100
    python -m tests.soak.cluster --throughput
    python -m tests.soak.cluster --link

Three parts of a cluster (Ray's own processes for each, on loopback), and RTSP cameras that they
share, in which people come and go. Each machine sends what happens to a NATS server, from which a
collector takes it into one store. In turn the monitor of a machine, one of its capturing processes,
the actor of its cameras, the placement, the NATS server, the collector and a whole machine are
killed with -9; a machine joins again. Prints as JSON

- for each kind, how long the cameras of the killed machine and all others were without a processed
  frame, and how many frames two machines processed at a time;
- the rows in which the collecting store differs from the machines' own stores, and the events in
  which it differs from their event files: see `tests/soak/cluster/events.py`;

and `cluster: ok` or what broke a promise; status 0 or 1. Before that it measures what the cluster's
own processes need while nothing happens.

`--throughput` gives each machine one core of its own, and prints how many frames a second one
machine, then two, process of the same cameras, which send more than that.

`--link` has two machines, the second one behind a link that loses 10 and 30 % of its packets, all
of them for half a minute, none, 60 %, all, and none; it prints for each phase what the table
showed, the longest time without a frame and the seconds on both machines by camera, and counts the
events. It needs root and nftables.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.soak.cluster import link
from tests.soak.cluster.kills import broken, run
from tests.soak.cluster.throughput import throughput


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--cameras", type=int, default=12)
    parser.add_argument("--pause", type=float, default=8.0, help="seconds after each kill")
    parser.add_argument("--fps", type=int, default=5)
    parser.add_argument("--throughput", action="store_true", help="frames a second, no kills")
    parser.add_argument("--link", action="store_true", help="a link that loses packets, no kills")
    parser.add_argument("--keep", type=Path, help="folder for all files, logs of the monitors too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if options.throughput:
            print(json.dumps(throughput(folder, options.cameras), indent=2))
            return 0
        if options.link:
            print(json.dumps(link.run(folder, options.cameras, options.fps), indent=2))
            return 0
        found = run(folder, options.kills, options.cameras, options.pause, options.fps)
    print(json.dumps(found, indent=2))
    failures = broken(found)
    print("cluster: " + ("; ".join(failures) or "ok"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
