"""Kills sites, collector and server, again and again, and counts the events that are collected.

    python -m tests.soak.sites --kills 100

Three sites write and send scripted events; each is a process, as are the collector and the NATS
server. About every second one is killed with `kill -9`, the kinds in turn, and started again. When
every site has sent its script, the collecting store has to have its rows, all and no others. Prints
what was counted as JSON; status 0 or 1.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.sinks.messaging.sites import Sites

_INTERVAL_S = (0.5, 1.5)
_VISIT_S = 0.06
"""Seconds that a visit of the script takes, its pauses and the starts of its site counted."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--sites", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    visits = round(options.kills * sum(_INTERVAL_S) / 2 / _VISIT_S) + 200
    with tempfile.TemporaryDirectory() as folder:
        sites = Sites(Path(folder), options.sites, visits, pace=0.02)
        began = time.monotonic()
        try:
            sites.start()
            for _ in range(options.kills):
                time.sleep(chance.uniform(*_INTERVAL_S))
                sites.kill_one(chance)
            was_sending = sites.is_sending()
            sites.finish(timeout_s=3600)
        finally:
            sites.stop()
        differences = sites.differences()
        values = {
            "kills": dict(sites.kills),
            "sites": options.sites,
            "visits": options.sites * visits,
            "rows": sites.rows(),
            "differences": differences,
            "sites_were_sending_until_the_last_kill": was_sending,
            "minutes": round((time.monotonic() - began) / 60, 1),
        }
    print(json.dumps(values, indent=1))
    return int(bool(differences) or not was_sending)


if __name__ == "__main__":
    sys.exit(main())
