"""Archives many small recordings on Ray while workers are killed, and compares the totals.

    python -m tests.soak.archive --files 200 --kills 60

The recordings are parts of the demo clip, each with a content of its own. They are processed once
by `maskdet archive` undisturbed, and once on Ray, where every few seconds one of Ray's workers, or
one of the processes that they keep, is killed with `kill -9`. Every recording has to be done once,
and every number of the two summaries has to be the same. Prints what was counted as JSON; status 0
or 1.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.commands.archive.ray_runs import copies, run_with_kills
from tests.commands.archive.test_archive import cut, start, summary

_PAUSE_S = (1.0, 4.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ray", default="local")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return _run(Path(folder), options)


def _run(folder: Path, options: argparse.Namespace) -> int:
    clips = [folder / f"clips/{number}.mp4" for number in range(5)]
    for number, clip in enumerate(clips):
        cut(clip, 2.0 * number, 0.5)
    recordings, plain, on_ray = folder / "recordings", folder / "plain", folder / "ray"
    copies(clips, recordings, options.files)
    workers = ("--workers", str(options.workers))
    began = time.monotonic()
    undisturbed = start(recordings, plain, *workers)
    undisturbed.communicate()
    between = time.monotonic()
    run = start(recordings, on_ray, "--ray", options.ray, *workers)
    killer, shown = run_with_kills(run, options.kills, _PAUSE_S, random.Random(options.seed))
    ended = time.monotonic()
    found, wanted = summary(on_ray), summary(plain)
    with closing(sqlite3.connect(on_ray / "archive.db")) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM results").fetchone()
    values = {
        "files": options.files,
        "kills": dict(killer.kills),
        "rows": rows,
        "same_summary": found == wanted,
        "totals": found["totals"],
        "status": [undisturbed.returncode, run.returncode],
        "seconds_undisturbed": round(between - began),
        "seconds_on_ray_with_kills": round(ended - between),
    }
    print(json.dumps(values, indent=1))
    is_right = found == wanted and rows == options.files and run.returncode == 0
    if not is_right:
        print(shown, file=sys.stderr)
    return int(not is_right or sum(killer.kills.values()) < options.kills)


if __name__ == "__main__":
    sys.exit(main())
