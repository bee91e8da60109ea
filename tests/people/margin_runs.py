"""Simulated counts with their margins: ``python -m tests.people.margin_runs TRACKS.csv``.

Prints how many of the counts lie within their margin, and the doubts and errors from which the
constants of `maskdet.people.margin` were fit.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from maskdet.commands.benchmark.head_tracks import (
    CONDITIONS,
    TRACKS_FPS,
    Found,
    read_tracks,
    simulate,
)
from maskdet.people.margin import Doubts, Margin
from maskdet.people.tracking.tracker import Tracker

RATES = (25.0, 12.5, 5.0, 2.5, 1.0)
SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Of the people of the tracks that a run has."""


@dataclass(frozen=True)
class Run:
    """One count.

    Attributes:
        fps: frames a second.
        people: true number.
        counted: by the tracker.
        doubts: on which its margin rests.
    """

    fps: float
    people: int
    counted: int
    doubts: Doubts

    @property
    def is_within(self) -> bool:
        """Whether the truth lies within the margin."""
        return abs(self.counted - self.people) <= self.doubts.margin


def count(found: list[Found]) -> tuple[int, Doubts]:
    """The number of people that a tracker counts, and its doubts."""
    tracker, margin, before, people = Tracker(), Margin(), found[0].seconds, 0
    for one in found:
        step = tracker.update(one.boxes, one.seconds - before, one.seconds)
        margin.update(step, tracker.tracks, tracker.gone, one.seconds)
        people += len(step.confirmed)
        before = one.seconds
    return people, margin.doubts


def runs(rows: np.ndarray, number: int, seed: int = 0) -> Iterator[Run]:
    """Counts of random parts of the people, at random rates, by good and bad detectors."""
    rng = np.random.default_rng(seed)
    people = np.unique(rows[:, 1])
    for index in range(number):
        size = max(2, round(float(rng.choice(SHARES)) * len(people)))
        some = rng.choice(people, min(size, len(people)), replace=False)
        fps = float(rng.choice(RATES))
        part = rows[np.isin(rows[:, 1], some)]
        conditions = CONDITIONS[index % len(CONDITIONS)]
        counted, doubts = count(simulate(part, fps, conditions, seed * number + index))
        yield Run(fps, len(some), counted, doubts)


def street(people: int, seconds: float, seed: int) -> np.ndarray:
    """Head tracks of people who cross a street in both directions, at random times.

    Args:
        people: how many.
        seconds: of the scene.
        seed: of who comes when and where.
    """
    rng = np.random.default_rng(seed)
    rows: list[list[float]] = []
    for person in range(people):
        width, begin = rng.uniform(16, 40), rng.uniform(0, seconds - 4)
        y, speed = rng.uniform(60, 1000), rng.uniform(2, 5) * width * rng.choice([-1, 1])
        x = rng.uniform(200, 1700) - speed * 3
        sway, pace = rng.uniform(0, 0.3) * width, rng.uniform(1, 2)
        for frame in range(round(begin * TRACKS_FPS), round(seconds * TRACKS_FPS)):
            t = frame / TRACKS_FPS - begin
            left, top = x + speed * t, y + sway * np.sin(2 * np.pi * pace * t)
            if 0 < left < 1900 and t < 12:
                rows.append([frame, person, left, top, left + width, top + 1.2 * width])
    array = np.array(rows)
    return array[np.argsort(array[:, 0], kind="stable")]


def main(path: Path, number: int) -> None:
    """Prints the share of counts within their margin in both halves of some tracks."""
    rows = read_tracks(path)
    middle = (rows[0, 0] + rows[-1, 0]) / 2
    for name, half in (
        ("first", rows[rows[:, 0] < middle]),
        ("second", rows[rows[:, 0] >= middle]),
    ):
        done = list(runs(half, number))
        share = sum(run.is_within for run in done) / len(done)
        print(f"{name} half: {share:.3f} of {len(done)} counts within their margin")
        for fps in RATES:
            some = [run for run in done if run.fps == fps]
            errors = np.array([run.counted - run.people for run in some])
            doubts = np.mean([astuple(run.doubts) for run in some], axis=0).round(1)
            within = np.mean([run.is_within for run in some])
            margins = np.mean([run.doubts.margin for run in some])
            print(
                f"  {fps:g} frames/s: {within:.2f} within ± {margins:.1f}; error "
                f"{errors.mean():+.1f} ± {errors.std():.1f}; doubts {doubts.tolist()}"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100)
