"""For how long cameras gave no processed frame, and the promises about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_GAP_S = 5.0
"""Seconds without a frame that a kill may cost the cameras of its machine."""
MAX_OTHER_GAP_S = 2.0
"""Seconds for all others: what a busy machine costs, too."""
_LAST_S = 60.0
"""Seconds after the last kill that its gaps may last."""


@dataclass
class Kill:
    """One kill, or a machine that joins again: when, and the cameras that it costs a pause."""

    kind: str
    node: str
    at: float
    cameras: frozenset[str]


def longest_gaps(kills: Sequence[Kill], frames: Mapping[str, list[float]]) -> list[dict[str, Any]]:
    """For each kill the longest time without a frame until the next one, of its cameras and others.

    A gap belongs to the last kill before its end.
    """
    ends = [one.at for one in kills[1:]] + [kills[-1].at + _LAST_S]
    rows = []
    for one, end in zip(kills, ends, strict=True):
        gaps = {
            name: max(
                (b - a for a, b in zip(times, times[1:], strict=False) if one.at < b <= end),
                default=float("inf"),
            )
            for name, times in frames.items()
        }
        rows.append(
            {
                "kind": one.kind,
                "node": one.node,
                "own_s": round(max((gaps[n] for n in one.cameras), default=0.0), 2),
                "others_s": round(
                    max((gap for n, gap in gaps.items() if n not in one.cameras), default=0.0), 2
                ),
            }
        )
    return rows


def doubled_frames(frames: Mapping[str, list[tuple[float, str]]]) -> int:
    """Frames that a machine processed after another one had begun with the camera."""
    count = 0
    for rows in frames.values():
        for before, (_, machine), after in zip(rows, rows[1:], rows[2:], strict=False):
            count += before[1] == after[1] != machine
    return count


def by_kind(rows: list[dict[str, Any]], kinds: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Number of gaps for each kind of kill, their median and the longest."""
    return {kind: _summary([row for row in rows if row["kind"] == kind]) for kind in kinds}


def broken_gaps(
    by_kind: Mapping[str, Any], own: float = MAX_GAP_S, others: float = MAX_OTHER_GAP_S
) -> list[str]:
    """The promises that what was measured breaks.

    Args:
        by_kind: by `by_kind`.
        own: seconds without a frame that a kill may cost the cameras of its machine.
        others: seconds for all other cameras.
    """
    failures = []
    for kind, row in by_kind.items():
        if row["count"] and row["own_max_s"] > own:
            failures.append(f"{kind}: the killed machine's cameras missed {row['own_max_s']} s")
        if row["count"] and row["others_max_s"] > others:
            failures.append(f"{kind}: other cameras missed {row['others_max_s']} s")
    return failures


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    if not rows:
        return {"count": 0}
    own, others = sorted(r["own_s"] for r in rows), sorted(r["others_s"] for r in rows)
    return {
        "count": len(rows),
        "own_median_s": own[len(own) // 2],
        "own_max_s": own[-1],
        "others_median_s": others[len(others) // 2],
        "others_max_s": others[-1],
    }
