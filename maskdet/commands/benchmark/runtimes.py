"""Which of a model's runtimes is the quickest here: each on the same images, by turns."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from maskdet.commands.benchmark.output import write_values
from maskdet.commands.benchmark.timing import rates, time_by_turns
from maskdet.commands.benchmark.whole_monitor import demo_images, machine
from maskdet.commands.models import table
from maskdet.errors import ModelError
from maskdet.model.card import read_card
from maskdet.runtimes import load_detector
from maskdet.runtimes.spec import find_model
from maskdet.system.console import say

COLUMNS = ("runtime", "computes on", "ms", "95 % below", "frames/s", "ready after s")


def run(model: str, *, seconds: float = 10.0) -> dict[str, Any]:
    """Measures.

    Args:
        model: a model folder's name or path.
        seconds: for each runtime.

    Returns:
        Values by name, for JSON: ``runtimes`` has an entry for each, quickest first.

    Raises:
        ModelError: there is no such model.
    """
    card = read_card(find_model(model))
    kinds = list(card.files)
    if "onnx" in kinds and find_spec("openvino"):
        kinds.append("openvino")
    detectors, ready = {}, {}
    images = demo_images(60)
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
    taken = time_by_turns(detectors, images, seconds)
    rows = [
        {"runtime": kind, "device": detectors[kind].device, **rates(taken[kind], 1),
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
    measured = run(model, seconds=seconds)
    print(table(COLUMNS, rows(measured)))
    write_values(json_file, measured)


def rows(measured: dict[str, Any]) -> list[tuple[str, ...]]:
    """Rows of a table under `COLUMNS`."""
    keys = ("runtime", "device", "p50_ms", "p95_ms", "fps", "ready_s")
    return [tuple(str(row[key]) for key in keys) for row in measured["runtimes"]]
