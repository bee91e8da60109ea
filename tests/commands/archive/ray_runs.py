"""Archive runs on Ray whose workers are killed."""

from __future__ import annotations

import contextlib
import random
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ACTOR, DECODER = "ray::", "maskdet.commands.archive.workers.worker"
"""Parts of the command lines of Ray's workers, and of the processes that they keep."""


def workers(root: int, kind: str) -> list[psutil.Process]:
    """The processes of a kind below another."""
    found = []
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(root).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                line = " ".join(process.cmdline())
                if kind in line and (kind != ACTOR or "ArchiveWorker" in line):
                    found.append(process)
    return found


@dataclass
class Killer:
    """Kills workers of a run, the kinds in turn.

    Attributes:
        kills: so far, by kind.
    """

    root: int
    chance: random.Random
    kills: Counter[str] = field(default_factory=Counter)

    def kill_one(self) -> bool:
        """Kills a worker, if there is one of the kind whose turn it is."""
        kind = (ACTOR, DECODER)[sum(self.kills.values()) % 2]
        there = workers(self.root, kind)
        if not there:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            self.chance.choice(there).kill()
            self.kills[kind] += 1
            return True
        return False


def run_with_kills(
    run: subprocess.Popen[str], kills: int, pause_s: tuple[float, float], chance: random.Random
) -> tuple[Killer, str]:
    """Kills workers of a run as long as it lasts, so many at most; what it printed, too."""
    killer = Killer(run.pid, chance)
    due = time.monotonic()
    while run.poll() is None and sum(killer.kills.values()) < kills:
        if time.monotonic() >= due and killer.kill_one():
            due = time.monotonic() + chance.uniform(*pause_s)
        time.sleep(0.05)
    return killer, run.communicate()[1]


def copies(clips: Sequence[Path], folder: Path, number: int) -> None:
    """So many recordings of a few clips, each with a content of its own.

    A player skips what stands in a `free` box behind the video; the checksum does not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for count in range(number):
        data = f"{count:08}".encode()
        box = (8 + len(data)).to_bytes(4, "big") + b"free" + data
        (folder / f"{count:04}.mp4").write_bytes(clips[count % len(clips)].read_bytes() + box)
