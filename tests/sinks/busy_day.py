"""Event lines of a busy day at a door: ``python -m tests.sinks.busy_day FILE PEOPLE``.

People walk through the image toward the camera, over a line and through a zone, in waves as they
come from a train. A simulated detector misses some and finds faces where there are none; what
follows them and writes the file is the monitor's own.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from maskdet.commands.benchmark.head_tracks import (
    CONDITIONS,
    FALSE_BOX,
    TRACKS_FPS,
    Found,
    simulate,
)
from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.people.analysis import Analysis
from maskdet.people.zones import Line, Zone
from maskdet.sinks.event_log import EventLog, Every

FPS = 5.0
SIZE = (1280, 720)
PEOPLE_A_WAVE = 25
WAVE_S = 60.0
OPEN_S = 12 * 3600.0
BEGAN = 1_780_293_600.0
_ZONE = Zone("hall", ((0.05, 0.5), (0.95, 0.5), (0.95, 1.0), (0.05, 1.0)))
_LINE = Line("entrance", (0.0, 0.4), (1.0, 0.4))


def write(path: Path, people: int, every: Every = "change") -> int:
    """Writes the event log of a day.

    Args:
        path: a new file.
        people: who walk through the door, over twelve hours.
        every: which lines are written.

    Returns:
        Unique people counted.
    """
    rng = np.random.default_rng(3)
    analysis = Analysis(zones=[_ZONE], lines=[_LINE])
    image = rng.integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
    waves = -(-people // PEOPLE_A_WAVE)
    with closing(EventLog(path, every=every)) as events:
        for wave in range(waves):
            begin = wave * OPEN_S / waves
            rows, states = _walks(min(PEOPLE_A_WAVE, people - wave * PEOPLE_A_WAVE), rng)
            for found in _frames(rows, wave):
                at = begin + found.seconds
                index = round(at * FPS)
                frame = Frame(image, index, BEGAN + at, at, "door", position=at, utc=BEGAN + at)
                observation = analysis.observe(frame, _faces(found, states, rng))
                events.write(observation)
    assert observation.people_counts is not None
    return sum(observation.people_counts.run.values())


def _walks(people: int, rng: np.random.Generator) -> tuple[np.ndarray, list[int]]:
    """Head tracks of a wave at 25 frames a second, and the state of each person."""
    rows = []
    for person, start in enumerate(np.sort(rng.uniform(0, WAVE_S, people))):
        seconds, x, slant = rng.uniform(4, 8), rng.uniform(0.2, 0.8), rng.uniform(-0.1, 0.1)
        count = round(seconds * TRACKS_FPS)
        for step, share in enumerate(np.linspace(0.0, 1.0, count)):
            half = 18 + 22 * share
            cx, cy = SIZE[0] * (x + slant * share), SIZE[1] * (0.1 + 0.85 * share)
            frame = round(start * TRACKS_FPS) + step
            rows.append((frame, person, cx - half, cy - half, cx + half, cy + half))
    ordered = sorted(rows)
    return np.array(ordered, float), rng.choice(3, people, p=[0.7, 0.22, 0.08]).tolist()


def _frames(rows: np.ndarray, seed: int) -> Iterator[Found]:
    """Detections, and three seconds of an empty doorway."""
    found = simulate(rows, FPS, CONDITIONS[0], seed)
    yield from found
    for step in range(1, round(3 * FPS)):
        seconds = found[-1].seconds + step / FPS
        yield Found(seconds, np.zeros((0, 4), np.float32), np.zeros(0, np.int64))


def _faces(found: Found, states: list[int], rng: np.random.Generator) -> Detections:
    """Faces with the probabilities of a model that is right nine times of ten."""
    shares = np.zeros((len(found.people), 3))
    for row, person in enumerate(found.people):
        best = rng.uniform(0.6, 0.99) if person != FALSE_BOX else rng.uniform(0.34, 0.5)
        shares[row] = (1 - best) / 2
        is_right = person != FALSE_BOX and rng.random() < 0.9
        shares[row, states[person] if is_right else rng.integers(3)] = best
    return Detections(found.boxes, shares.max(axis=1), shares.argmax(axis=1), probabilities=shares)


if __name__ == "__main__":
    written, wanted = Path(sys.argv[1]), int(sys.argv[2])
    counted = write(written, wanted)
    content = written.read_bytes()
    lines = content.count(b"\n")
    print(
        f"{wanted} people walked, {counted} counted; {lines} lines, "
        f"{len(content)} bytes, {len(gzip.compress(content))} with gzip"
    )
