"""Times of a detector's calls."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from maskdet.contracts import Detector

TURN_IMAGES = 5
"""Images of a turn: what else the machine does meanwhile, it does to all alike."""


def time_calls(
    detector: Detector, batches: Sequence[Sequence[np.ndarray]], seconds: float
) -> list[float]:
    """Seconds of each call, one at least.

    Args:
        detector: warmed up.
        batches: images (BGR uint8) of the calls, in turn.
        seconds: length of the measurement.
    """
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while not taken or time.perf_counter() < end:
        taken.append(_time_call(detector, batches[len(taken) % len(batches)]))
    return taken


def time_by_turns(
    detectors: Mapping[str, Detector], images: Sequence[np.ndarray], seconds: float
) -> dict[str, list[float]]:
    """Seconds of each image by detector; each has its first turn to itself, to warm up.

    Args:
        detectors: by name.
        images: BGR uint8, shown in turn.
        seconds: for each detector.
    """
    taken: dict[str, list[float]] = {name: [] for name in detectors}
    turn, end = 0, time.perf_counter() + seconds * len(detectors)
    while turn < 2 or time.perf_counter() < end:
        numbers = range(turn * TURN_IMAGES, (turn + 1) * TURN_IMAGES)
        for name, detector in detectors.items():
            spent = [_time_call(detector, [images[i % len(images)]]) for i in numbers]
            taken[name] += spent if turn else []
        turn += 1
    return taken


def rates(taken: Sequence[float], digits: int = 2) -> dict[str, float]:
    """Images a second and milliseconds of one, of calls with one image each."""
    middle, high = np.percentile(taken, (50, 95)) * 1000
    return {
        "fps": round(len(taken) / sum(taken), digits),
        "p50_ms": round(float(middle), 2),
        "p95_ms": round(float(high), 2),
    }


def milliseconds(detector: Detector, seconds: float = 2.0) -> float:
    """Median time of one 640×480 image of noise."""
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    detector.warm_up()
    return float(np.median(time_calls(detector, [[image]], seconds)) * 1000)


def _time_call(detector: Detector, images: Sequence[np.ndarray]) -> float:
    started = time.perf_counter()
    detector.detect(images)
    return time.perf_counter() - started
