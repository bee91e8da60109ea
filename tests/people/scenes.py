"""Scripted scenes: people who walk, stand and vanish, as a detector without noise sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.observation import Observation, PersonEvent
from maskdet.people.analysis import Analysis

SIZE = (640, 480)
UTC = 1_780_000_000.0
_RNG = np.random.default_rng(5)
IMAGE = _RNG.integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
"""A sharp picture, everywhere."""

Path = Callable[[float], tuple[float, float] | None]
"""Center of a face in pixels at a time in seconds; None while it is not found."""


@dataclass(frozen=True)
class Actor:
    """A face of the scene.

    Attributes:
        path: where it is when.
        state: probabilities of the three states when; or the value of one state.
        width: pixels.
    """

    path: Path
    state: int | Callable[[float], Sequence[float]] = 0
    width: float = 40.0


def walk(x: float, y: float, vx: float = 0.0, vy: float = 0.0, gone: Sequence = ()) -> Path:
    """A straight walk; not found within the spans `gone` of (from, to) in seconds."""

    def path(t: float) -> tuple[float, float] | None:
        if any(begin <= t < end for begin, end in gone):
            return None
        return x + vx * t, y + vy * t

    return path


def faces(actors: Sequence[Actor], t: float, size: tuple[int, int] = SIZE) -> Detections:
    boxes, probabilities = [], []
    scale = size[0] / SIZE[0]
    for actor in actors:
        place = actor.path(t)
        if place is None or not (0 <= place[0] < SIZE[0] and 0 <= place[1] < SIZE[1]):
            continue
        half = actor.width / 2
        x, y = place
        boxes.append([scale * side for side in (x - half, y - half, x + half, y + half)])
        if callable(actor.state):
            probabilities.append(actor.state(t))
        else:
            probabilities.append([0.94 if i == actor.state else 0.03 for i in range(3)])
    if not boxes:
        return Detections.empty()
    shares = np.array(probabilities)
    return Detections(boxes, shares.max(axis=1), shares.argmax(axis=1), probabilities=shares)


def frame(t: float, index: int = 0, image: np.ndarray = IMAGE, utc: float = UTC) -> Frame:
    return Frame(image, index, t, 0.0, "scene", utc=utc + t)


def play(
    actors: Sequence[Actor],
    times: Sequence[float],
    analysis: Analysis | None = None,
    image: np.ndarray = IMAGE,
) -> list[Observation]:
    """The observations of a scene at these times."""
    analysis = analysis or Analysis()
    size = image.shape[1], image.shape[0]
    return [
        analysis.observe(frame(t, i, image), faces(actors, t, size)) for i, t in enumerate(times)
    ]


def times(fps: float, seconds: float, begin: float = 0.0) -> list[float]:
    return [begin + i / fps for i in range(round(fps * seconds))]


def events(observations: Sequence[Observation], *kinds: str) -> list[PersonEvent]:
    return [one for o in observations for one in o.events if not kinds or one.kind in kinds]


def unique(observations: Sequence[Observation]) -> int:
    return sum(observations[-1].people_counts.run.values())


def ids(observations: Sequence[Observation]) -> set[int]:
    return {int(i) for o in observations for i in o.detections.track_ids if i >= 0}
