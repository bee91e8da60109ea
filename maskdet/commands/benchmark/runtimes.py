"""Which of a model's runtimes is the quickest here: each on the same pictures, by turns."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from maskdet.commands.benchmark.whole_monitor import demo_pictures, machine
from maskdet.commands.models import table
from maskdet.contracts import Detector
from maskdet.errors import ModelError
from maskdet.model.card import read_card
from maskdet.runtimes import load_detector
from maskdet.runtimes.loading import find_model
from maskdet.system.atomic_files import write_whole
from maskdet.system.console import say

TURN = 5
"""Pictures of a turn: whatever else the machine does meanwhile, it does to all alike."""
COLUMNS = ("runtime", "computes on", "ms", "95 % below", "frames/s", "ready after s")


def run(model: str, *, seconds: float = 10.0) -> dict[str, Any]:
    """Measures.

    Args:
        model: a model folder's name or path.
        seconds: for each runtime.

    Returns:
        Figures by name, for JSON: ``runtimes`` has an entry for each, quickest first.

    Raises:
        ModelError: there is no such model.
    """
    card = read_card(find_model(model))
    kinds = list(card.files)
    if "onnx" in kinds and find_spec("openvino"):
        kinds.append("openvino")
    detectors, ready = {}, {}
    images = demo_pictures(60)
    for kind in kinds:
        say(f"{kind} …")
        started = time.perf_counter()
        try:
            detectors[kind] = load_detector(model, runtime=kind)
            detectors[kind].detect(images[:1])
        except ModelError as error:
            say(f"left out: {error}")
            detectors.pop(kind, None)
            continue
        ready[kind] = time.perf_counter() - started
    taken = _by_turns(detectors, images, seconds)
    rows = [
        {"runtime": kind, "device": detectors[kind].device, **_figures(taken[kind]),
         "ready_s": round(ready[kind], 2)}
        for kind in detectors
    ]  # fmt: skip
    return {
        "machine": machine(),
        "model": card.name,
        "network": card.network,
        "runtimes": sorted(rows, key=lambda row: row["p50_ms"]),
    }


def compare(model: str, seconds: float, json_file: Path | None) -> None:
    """Times every runtime of a model and prints a table; writes JSON if a file is named."""
    figures = run(model, seconds=seconds)
    print(table(COLUMNS, rows(figures)))
    if json_file is not None:
        write_whole(json_file, json.dumps(figures, indent=2) + "\n")


def rows(figures: dict[str, Any]) -> list[tuple[str, ...]]:
    """The figures for a table under `COLUMNS`."""
    keys = ("runtime", "device", "p50_ms", "p95_ms", "fps", "ready_s")
    return [tuple(str(row[key]) for key in keys) for row in figures["runtimes"]]


def _by_turns(
    detectors: dict[str, Detector], images: Sequence[np.ndarray], seconds: float
) -> dict[str, list[float]]:
    """Seconds of each picture, by runtime; each has its first turn to itself, to warm up."""
    taken: dict[str, list[float]] = {kind: [] for kind in detectors}
    number, end = 0, time.perf_counter() + seconds * len(detectors)
    while number < 2 or time.perf_counter() < end:
        for kind, detector in detectors.items():
            spent = []
            for index in range(TURN):
                image = images[(number * TURN + index) % len(images)]
                started = time.perf_counter()
                detector.detect([image])
                spent.append(time.perf_counter() - started)
            taken[kind] += spent if number else []
        number += 1
    return taken


def _figures(taken: Sequence[float]) -> dict[str, float]:
    middle, high = np.percentile(taken, (50, 95)) * 1000
    return {
        "p50_ms": round(float(middle), 2),
        "p95_ms": round(float(high), 2),
        "fps": round(len(taken) / sum(taken), 1),
    }
