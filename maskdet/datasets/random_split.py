"""Dividing images into those that are learned and those that validate, where nobody has done so.

A data set's own parts count first. Else a fixed draw decides, by the images' names alone: the
same images always come to the same side. Copies of an image stay together, or validation would
measure what was learned by heart.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from maskdet.datasets.samples import Sample
from maskdet.datasets.splits import TEST, TRAIN, VALIDATION
from maskdet.images.decoding import decode_image
from maskdet.images.kinds import is_heif
from maskdet.system.console import counted

TRAIN_LIST, VALIDATION_LIST = "train.txt", "validation.txt"
"""In a run's folder: the images that were learned, and those that validated."""
VALIDATION_SHARE = 0.1
MAX_COMPARED = 5000
"""Images up to which each is compared with each: beyond, only their names are."""
THUMBNAIL = 16
"""Pixels of the side of the small gray images that are compared."""
MAX_DIFFERENCE = 3.0
"""Gray levels (root mean square) up to which two images are copies of each other."""
MAX_GROUP_SHARE = 0.3
"""A larger group of likes is not a group of copies: such are the frames of one fixed camera."""
_COPY = re.compile(r"(\.rf\.[0-9a-f]{6,}|[ _-]*\(\d+\)|[ _-]copy)+$", re.IGNORECASE)
"""What tools and people put behind the name of an image's copy."""


@dataclass(frozen=True)
class Division:
    """Two sides of a data set.

    Attributes:
        train: what is learned.
        validation: what measures.
        about: how it was divided, a line each.
    """

    train: list[Sample]
    validation: list[Sample]
    about: list[str]


def divide(samples: Sequence[Sample]) -> Division:
    """Divides by the data set's own parts, or by draw."""
    counts = Counter(sample.part for sample in samples)
    kept = VALIDATION if counts[VALIDATION] else TEST
    if counts[TRAIN] and counts[kept]:
        train = [sample for sample in samples if sample.part == TRAIN]
        validation = [sample for sample in samples if sample.part == kept]
        return Division(train, validation, _about_parts(counts, kept))
    return _drawn(samples)


def _about_parts(counts: Counter[str], kept: str) -> list[str]:
    lines = [
        f"the data has its own parts: {counted(counts[TRAIN], 'picture')} of {TRAIN!r} to learn, "
        f"{counts[kept]} of {kept!r} to validate"
    ]
    if counts[TEST] and kept != TEST:
        lines.append(f"left out, for a last test: {counted(counts[TEST], 'picture')} of {TEST!r}")
    if counts[""]:
        lines.append(f"in no part, and left out: {counted(counts[''], 'picture')}")
    return lines


def _drawn(samples: Sequence[Sample]) -> Division:
    wanted = max(1, int(len(samples) * VALIDATION_SHARE))
    groups, together = _groups(samples)
    groups.sort(key=lambda group: _draw(samples[group[0]]))
    chosen = _chosen(samples, groups, wanted)
    train = [sample for i, sample in enumerate(samples) if i not in chosen]
    validation = [sample for i, sample in enumerate(samples) if i in chosen]
    line = (
        f"no list names the validation pictures: {len(validation)} of {len(samples)} were drawn, "
        f"always the same ones{together}"
    )
    return Division(train, validation, [line])


def _chosen(samples: Sequence[Sample], groups: list[list[int]], wanted: int) -> set[int]:
    """Numbers of the images that validate: faces first, and each class where there is room."""
    chosen: set[int] = set()
    seen: set[int] = set()

    def take(group: list[int]) -> None:
        chosen.update(group)
        seen.update(int(c) for i in group for c in samples[i].classes)

    def new_class(group: list[int]) -> bool:
        return any(int(c) not in seen for i in group for c in samples[i].classes)

    for choose in (new_class, lambda group: True):
        for group in groups:
            # a group that is too large waits, unless nothing has been chosen yet
            has_room = len(chosen) + len(group) <= wanted or not chosen
            if has_room and chosen.isdisjoint(group) and choose(group):
                take(group)
    return chosen


def _draw(sample: Sample) -> bytes:
    return hashlib.sha256(_group_name(sample).encode("utf-8", "surrogateescape")).digest()


def _group_name(sample: Sample) -> str:
    """The part of their names that copies of an image share."""
    return _COPY.sub("", Path(sample.name or sample.file.name).stem).casefold()


def _groups(samples: Sequence[Sample]) -> tuple[list[list[int]], str]:
    """Numbers of the images that stay together, and words about it."""
    parents = list(range(len(samples)))

    def root(i: int) -> int:
        while parents[i] != i:
            parents[i] = parents[parents[i]]
            i = parents[i]
        return i

    first: dict[str, int] = {}
    for i, sample in enumerate(samples):
        parents[root(i)] = root(first.setdefault(_group_name(sample), i))
    named = [root(i) for i in range(len(samples))]
    for i, j in _likes(samples):
        parents[root(i)] = root(j)
    merged = [root(i) for i in range(len(samples))]
    largest = max(Counter(merged).values(), default=0)
    if largest > max(2, MAX_GROUP_SHARE * len(samples)):
        merged, words = named, ""
    else:
        joined = len(samples) - len(set(merged))
        words = f"; {joined} copies stay with the picture that they are like" * bool(joined)
    members: dict[int, list[int]] = defaultdict(list)
    for i, group in enumerate(merged):
        members[group].append(i)
    return list(members.values()), words


def _likes(samples: Sequence[Sample]) -> list[tuple[int, int]]:
    """Pairs of images that look alike; none where there are too many to compare."""
    if len(samples) > MAX_COMPARED:
        return []
    small = [_thumbnail(sample) for sample in samples]
    known = np.array([i for i, image in enumerate(small) if image is not None], np.int64)
    if len(known) < 2:
        return []
    table = np.stack([image for image in small if image is not None])
    squares = (table**2).sum(axis=1)
    limit = MAX_DIFFERENCE**2 * table.shape[1]
    pairs = []
    for start in range(0, len(table), 500):
        part = table[start : start + 500]
        distances = squares[start : start + 500, None] + squares[None] - 2 * part @ table.T
        for i, j in np.argwhere(distances <= limit):
            if start + i < j:
                pairs.append((int(known[start + i]), int(known[j])))
    return pairs


def _thumbnail(sample: Sample) -> np.ndarray | None:
    """An image as a few gray pixels; None if it cannot be read, which training reports later."""
    gray: np.ndarray | None
    try:
        data = sample.content()
        if is_heif(data):
            gray = cv2.cvtColor(decode_image(data), cv2.COLOR_BGR2GRAY)
        else:
            flags = cv2.IMREAD_REDUCED_GRAYSCALE_8
            gray = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except Exception:  # OpenCV's readers of damaged files raise what they like
        return None
    if gray is None:
        return None
    resized = cv2.resize(gray, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return resized.astype(np.float64).reshape(-1)
