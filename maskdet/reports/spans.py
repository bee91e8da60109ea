"""Spans of time: those in which cameras were to be watched, without pauses and overlaps."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable

Span = tuple[float, float]
"""Beginning and end, Unix times."""


def watched(connection: sqlite3.Connection, began: float, ended: float) -> dict[str, list[Span]]:
    """The times, for each camera, in which a monitor ran that was to watch it.

    A camera that a user has paused or removed was not to be watched meanwhile.

    Args:
        connection: of a store.
        began: of what is asked for, Unix time.
        ended: its end.
    """
    pauses: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for run, camera, time, seconds in connection.execute(
        "SELECT run, camera, time, seconds FROM pauses"
    ):
        pauses[run, camera].append((time, time + seconds))
    spans: dict[str, list[Span]] = defaultdict(list)
    runs = connection.execute(
        "SELECT run, camera, cameras.began, ended FROM cameras JOIN runs USING (run)"
        " WHERE ended > ? AND cameras.began < ?",
        (began, ended),
    )
    for run, camera, first, last in runs:
        inside = max(first, began), min(last, ended)
        spans[camera] += without(inside, pauses[run, camera])
    return {camera: merged(few) for camera, few in spans.items()}


def without(span: Span, holes: Iterable[Span]) -> list[Span]:
    """The parts of a span that are in none of some others."""
    left, (began, ended) = [], span
    for hole_began, hole_ended in sorted(holes):
        if hole_began > began:
            left.append((began, min(hole_began, ended)))
        began = max(began, hole_ended)
        if began >= ended:
            return [one for one in left if one[1] > one[0]]
    return [*left, (began, ended)]


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans of time without overlaps: two monitors may have watched the same camera."""
    found: list[Span] = []
    for began, ended in sorted(spans):
        if found and began <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ended))
        elif ended > began:
            found.append((began, ended))
    return found
