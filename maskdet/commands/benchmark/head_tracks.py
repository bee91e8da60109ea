"""Head tracks with a simulated detector, and the scores of a tracker that follows them.

Tracks are true boxes with the number of their person. The detector that is simulated on them misses
people for a while, puts its boxes a little beside, and finds faces where there are none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskdet.errors import MaskdetError

TRACKS_FPS = 25.0
COLUMNS = ("frame", "person", "x1", "y1", "x2", "y2")
FALSE_BOX = -1
"""Person of a box where nobody is."""
_SIZE_SPREAD = 0.35
_MISS_S = 0.4
"""Seconds, on average, for which somebody who is missed stays missed."""


@dataclass(frozen=True)
class Conditions:
    """Faults of a simulated detector.

    Attributes:
        name: as in tables.
        recall: share of the boxes that are found.
        jitter: standard deviation of a box's sides, as a share of its size.
        false_boxes: mean number in a frame, anywhere in the image.
    """

    name: str
    recall: float
    jitter: float
    false_boxes: float


CONDITIONS = (
    Conditions("usual", recall=0.9, jitter=0.05, false_boxes=0.2),
    Conditions("hard", recall=0.7, jitter=0.08, false_boxes=0.5),
)


@dataclass(frozen=True)
class Found:
    """Boxes that the simulated detector finds in one frame.

    Attributes:
        seconds: time of the frame.
        boxes: float32 (N, 4), x1 y1 x2 y2 in pixels.
        people: int64 (N,), whose they are; `FALSE_BOX` of nobody.
    """

    seconds: float
    boxes: np.ndarray
    people: np.ndarray


@dataclass(frozen=True)
class Scores:
    """Quality of following, in shares of the people (milliseconds apart).

    Attributes:
        net: numbers given less people; a small one may hide splits and joins.
        splits: numbers of a person beyond the first.
        joins: people of a number beyond the first.
        missed: people who never had a number.
        milliseconds: for each frame.
    """

    net: float
    splits: float
    joins: float
    missed: float
    milliseconds: float


def read_tracks(path: Path) -> np.ndarray:
    """Rows (N, 6) of frame, person, x1, y1, x2, y2, in the order of frames.

    Raises:
        MaskdetError: the file is not there, or is no such table.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = tuple(name.strip() for name in file.readline().split(","))
            if header != COLUMNS:
                raise MaskdetError(f"{path}: expected the columns {','.join(COLUMNS)} in line 1")
            lines = [line for line in file if line.strip()]
            rows = np.loadtxt(lines, delimiter=",", ndmin=2) if lines else np.empty((0, 6))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file in UTF-8"
        raise MaskdetError(f"{path}: cannot be read: {reason}") from None
    except ValueError as error:
        raise MaskdetError(f"{path}: not a table of numbers: {error}") from None
    if not len(rows) or not np.isfinite(rows).all() or (rows[:, 4:] <= rows[:, 2:4]).any():
        raise MaskdetError(f"{path}: it has no boxes, or boxes that are empty or inside out")
    return rows[np.argsort(rows[:, 0], kind="stable")]


def simulate(rows: np.ndarray, fps: float, conditions: Conditions, seed: int) -> list[Found]:
    """Boxes that a detector with these faults finds, at a frame rate up to that of the tracks."""
    rng = np.random.default_rng(seed)
    people = np.unique(rows[:, 1]).astype(int).tolist()
    missing = {person: rng.random() > conditions.recall for person in people}
    of_frame: dict[int, list[np.ndarray]] = defaultdict(list)
    for row in rows:
        of_frame[int(row[0])].append(row)
    frames = range(int(rows[0, 0]), int(rows[-1, 0]) + 1)
    found, taken = [], set(frames_at(fps, frames))
    for frame in frames:
        _change_missing(missing, conditions, rng)
        if frame in taken:
            seen = [row for row in of_frame[frame] if not missing[int(row[1])]]
            found.append(_detect(frame / TRACKS_FPS, seen, rows, conditions, rng))
    return found


def frames_at(fps: float, frames: Sequence[int]) -> Iterator[int]:
    """Those of a recording's frames that a slower camera takes."""
    due = float(frames[0])
    for frame in frames:
        if frame + 1e-9 >= due:
            due += TRACKS_FPS / fps
            yield frame


def score(rows: np.ndarray, found: Sequence[Found], ids: Sequence[np.ndarray]) -> Scores:
    """Compares numbers that were given with the people whose boxes they were given to.

    A number on a person for less than 0.4 seconds, less than two frames, is a moment's confusion:
    it is neither split nor join, unless it has nobody else.
    """
    people = len(np.unique(rows[:, 1]))
    interval = found[1].seconds - found[0].seconds if len(found) > 1 else 1.0
    least = max(2, round(0.4 / interval))
    pairs: Counter[tuple[int, int]] = Counter()
    for one, given in zip(found, ids, strict=True):
        pairs.update((int(i), int(p)) for i, p in zip(given, one.people, strict=True) if i >= 0)
    most: Counter[int] = Counter()
    for (number, person), count in pairs.items():
        if person != FALSE_BOX:
            most[number] = max(most[number], count)
    kept = [
        (number, person)
        for (number, person), count in pairs.items()
        if person != FALSE_BOX and (count >= least or count == most[number])
    ]
    numbers = {number for number, _ in pairs}
    followed = {person for _, person in kept}
    return Scores(
        net=(len(numbers) - people) / people,
        splits=(len(kept) - len(followed)) / people,
        joins=(len(kept) - len({number for number, _ in kept})) / people,
        missed=(people - len(followed)) / people,
        milliseconds=0.0,
    )


def _change_missing(
    missing: dict[int, bool], conditions: Conditions, rng: np.random.Generator
) -> None:
    """Begins and ends bursts of misses, one frame of the tracks later."""
    end = 1 / (TRACKS_FPS * _MISS_S)
    begin = end * (1 - conditions.recall) / conditions.recall
    for person, is_missing in missing.items():
        if rng.random() < (end if is_missing else begin):
            missing[person] = not is_missing


def _detect(
    seconds: float,
    seen: Sequence[np.ndarray],
    rows: np.ndarray,
    conditions: Conditions,
    rng: np.random.Generator,
) -> Found:
    boxes, people = [], []
    for row in seen:
        sides = np.tile(row[4:6] - row[2:4], 2)
        boxes.append(row[2:6] + rng.normal(0, conditions.jitter, 4) * sides)
        people.append(int(row[1]))
    size = float(np.median(rows[:, 4] - rows[:, 2]))
    for _ in range(rng.poisson(conditions.false_boxes)):
        half = np.exp(rng.normal(np.log(size), _SIZE_SPREAD)) / 2
        x, y = rng.random(2) * (rows[:, 4].max(), rows[:, 5].max())
        boxes.append(np.array([x - half, y - half, x + half, y + half]))
        people.append(FALSE_BOX)
    order = rng.permutation(len(boxes))
    array = np.array(boxes, np.float32).reshape(-1, 4)
    return Found(seconds, array[order], np.array(people, np.int64)[order])
