"""Lines crossed by simulated people: ``python -m tests.people.crossing_runs TRACKS.csv``.

Prints, for each frame rate and simulated detector, how many of those who cross a line are counted,
missed, counted twice, and how many are counted who did not cross. Places alone decide, no colors.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from maskdet.commands.benchmark.head_tracks import (
    CONDITIONS,
    FALSE_BOX,
    TRACKS_FPS,
    Found,
    read_tracks,
    simulate,
)
from maskdet.people.person import Places
from maskdet.people.tracking.track import Track
from maskdet.people.tracking.tracker import Tracker
from maskdet.people.zones import Line, Position

RATES = (5.0, 2.5, 2.0, 1.0)
SIZE = (1920.0, 1080.0)
INERTIA_S = 0.5
SHARES = (0.3, 0.4, 0.5, 0.6, 0.7)
LINES = (
    *(Line(f"x {share}", (share, 0.0), (share, 1.0)) for share in SHARES),
    *(Line(f"y {share}", (0.0, share), (1.0, share)) for share in SHARES),
)
Crossing = tuple[int, str, str]
"""Person, line, direction."""


@dataclass(frozen=True)
class Tally:
    """Crossings that were counted, in shares of the true ones.

    Attributes:
        counted: in all.
        missed: true ones that were not counted.
        unseen: of these, those of people who were not found on both sides of the line.
        doubled: of a person, line and direction that was counted already.
        false: of somebody, or of nobody, who did not cross.
    """

    counted: float
    missed: float
    unseen: float
    doubled: float
    false: float


def crossings_of(found: Sequence[Found], lines: Sequence[Line] = LINES) -> list[Crossing]:
    """The crossings that a tracker counts, with the person at whom each was counted."""
    tracker, before, counted = Tracker(), found[0].seconds, []
    places: dict[Track, Places] = {}
    waiting: dict[Track, list[Crossing]] = {}
    for one in found:
        tracker.update(one.boxes, one.seconds - before, one.seconds)
        before = one.seconds
        for track in tracker.tracks:
            if track.row is not None:
                person = int(one.people[track.row])
                place = places.setdefault(track, Places((), lines))
                new = [(person, *crossed) for crossed in crossed_by(track, place, one.seconds)]
                waiting.setdefault(track, []).extend(new)
            if track.is_confirmed:
                counted += waiting.pop(track, [])
    return counted


def crossed_by(track: Track, place: Places, seconds: float) -> Iterator[tuple[str, str]]:
    """Lines and directions in which a face has just crossed."""
    motion, (width, height) = track.motion, SIZE
    at = Position(motion.x / width, motion.y / height, motion.width / width, width / height)
    for change in place.update(at, seconds, INERTIA_S):
        yield change.facts["place"], change.facts["direction"]


def true_crossings(rows: np.ndarray, lines: Sequence[Line] = LINES) -> set[Crossing]:
    """Crossings of boxes whose people are known: frame, person, x1, y1, x2, y2."""
    found: set[Crossing] = set()
    for person in np.unique(rows[:, 1]).astype(int).tolist():
        place = Places((), lines)
        for frame, _, x1, y1, x2, y2 in rows[rows[:, 1] == person].tolist():
            x, y, width = (x1 + x2) / 2 / SIZE[0], (y1 + y2) / 2 / SIZE[1], (x2 - x1) / SIZE[0]
            at = Position(x, y, width, SIZE[0] / SIZE[1])
            for change in place.update(at, frame / TRACKS_FPS, INERTIA_S):
                found.add((person, change.facts["place"], change.facts["direction"]))
    return found


def tally(true: set[Crossing], found: Sequence[Found]) -> Tally:
    """Compares what a tracker counts with the truth."""
    times = Counter(crossings_of(found))
    right = true & times.keys()
    seen = [
        [one.seconds * TRACKS_FPS, person, *box]
        for one in found
        for person, box in zip(one.people.tolist(), one.boxes.tolist(), strict=True)
        if person != FALSE_BOX
    ]
    in_reach = true & true_crossings(np.array(seen))
    numbers = (
        times.total(),
        len(true - right),
        len(true - in_reach - right),
        sum(times[one] - 1 for one in right),
        sum(count for one, count in times.items() if one not in true),
    )
    return Tally(*(number / len(true) for number in numbers))


def main(path: Path, seeds: int) -> None:
    """Prints a table."""
    rows = read_tracks(path)
    true = true_crossings(rows)
    print(f"{len(true)} crossings of {len(LINES)} lines\n")
    names = [one.name for one in fields(Tally)]
    print(f"| detector | frames/s | {' | '.join(names)} |\n|{'---|' * (2 + len(names))}")
    for conditions in CONDITIONS:
        for fps in RATES:
            done = [
                astuple(tally(true, simulate(rows, fps, conditions, seed))) for seed in range(seeds)
            ]
            texts = " | ".join(f"{100 * share:.1f} %" for share in np.mean(done, axis=0))
            print(f"| {conditions.name} | {fps:g} | {texts} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 6)
