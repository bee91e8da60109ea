"""Benchmark of following people: ours beside the library `trackers`, where it is installed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from maskdet.commands.benchmark.head_tracks import (
    CONDITIONS,
    Conditions,
    Found,
    Scores,
    read_tracks,
    score,
    simulate,
)
from maskdet.people.tracking.tracker import Tracker

RATES = (25.0, 12.5, 5.0, 2.5, 1.0)
SEEDS = 3
"""Simulated detectors, whose scores are averaged."""
Follow = Callable[[Sequence[Found]], list[np.ndarray]]
"""Gives a number to each box of each frame, −1 for none."""


def run(path: Path) -> list[dict[str, Any]]:
    """Follows head tracks at several frame rates.

    Args:
        path: CSV of frame, person, x1, y1, x2, y2, at 25 frames a second.

    Returns:
        A row for each tracker, condition and frame rate.

    Raises:
        MaskdetError: the file cannot be read.
    """
    rows = read_tracks(path)
    followers: dict[str, Callable[[float], Follow]] = {"maskdet": lambda fps: follow}
    if find_spec("trackers") is not None:
        followers["trackers (OC-SORT)"] = _library
    return [
        {"tracker": name, "conditions": conditions.name, "fps": fps}
        | asdict(_mean([_one(rows, fps, conditions, seed, new(fps)) for seed in range(SEEDS)]))
        for name, new in followers.items()
        for conditions in CONDITIONS
        for fps in RATES
    ]


def table(results: Sequence[dict[str, Any]]) -> str:
    """The results as a table in Markdown."""
    lines = [
        "| tracker | detector | frames/s | net | splits | joins | missed | ms a frame |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in results:
        shares = " | ".join(f"{100 * one[name]:+.1f} %" if name == "net" else
                            f"{100 * one[name]:.1f} %"
                            for name in ("net", "splits", "joins", "missed"))  # fmt: skip
        head = f"| {one['tracker']} | {one['conditions']} | {one['fps']:g} |"
        lines.append(f"{head} {shares} | {one['milliseconds']:.2f} |")
    if find_spec("trackers") is None:
        lines.append(
            "\nThe library trackers is not installed (pip install trackers): not compared."
        )
    return "\n".join(lines)


def follow(found: Sequence[Found]) -> list[np.ndarray]:
    """The numbers that maskdet gives."""
    tracker, ids, before = Tracker(), [], found[0].seconds
    for one in found:
        step = tracker.update(one.boxes, one.seconds - before, one.seconds)
        before = one.seconds
        ids.append(step.track_ids)
    return ids


def _one(
    rows: np.ndarray, fps: float, conditions: Conditions, seed: int, following: Follow
) -> Scores:
    found = simulate(rows, fps, conditions, seed)
    began = time.process_time()
    ids = following(found)
    milliseconds = (time.process_time() - began) / len(found) * 1000
    return replace(score(rows, found, ids), milliseconds=milliseconds)


def _mean(some: Sequence[Scores]) -> Scores:
    names = [field.name for field in fields(Scores)]
    return Scores(**{name: float(np.mean([getattr(s, name) for s in some])) for name in names})


def _library(fps: float) -> Follow:
    """OC-SORT of the library `trackers`, with boxes enlarged by their own size on each side."""
    import supervision
    from trackers import OCSORTTracker

    def following(found: Sequence[Found]) -> list[np.ndarray]:
        tracker = OCSORTTracker(frame_rate=fps, lost_track_buffer=max(1, round(2 * 30)))
        ids = []
        for one in found:
            sides = np.tile(one.boxes[:, 2:] - one.boxes[:, :2], 2) * [-1, -1, 1, 1]
            detections = supervision.Detections(
                xyxy=one.boxes + sides,
                confidence=np.full(len(one.boxes), 0.9, np.float32),
                data={"row": np.arange(len(one.boxes))},
            )
            tracked = tracker.update(detections)
            numbers = np.full(len(one.boxes), -1, np.int64)
            if len(tracked):
                numbers[tracked.data["row"]] = tracked.tracker_id
            ids.append(numbers)
        return ids

    return following
