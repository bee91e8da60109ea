"""A run's metrics over its steps, in CSV files that survive a kill and a later go-on."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np


def append_metrics(file: Path, step: int, metrics: Mapping[str, float]) -> None:
    """Adds a line to a log of metrics; its columns are fixed by the first line."""
    columns = _columns(file)
    with file.open("a", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        if not columns:
            columns = ["step", *metrics]
            writer.writerow(columns)
        elif _cut_short(file):
            out.write("\n")  # a kill in the midst of a line must not spoil the next one
        row = {"step": step, **metrics}
        writer.writerow([row.get(name, "") for name in columns])


def read_metrics(file: Path) -> dict[str, np.ndarray]:
    """Columns of a log, one value a step, steps rising; empty if there is no log yet.

    Of a step that was learned twice, after a kill, the later line counts; lines cut short by a
    kill are left out, and what is not a number is NaN.
    """
    columns = _columns(file)
    if not columns:
        return {}
    rows: dict[float, list[float]] = {}
    with file.open(newline="", encoding="utf-8") as lines:
        for row in list(csv.reader(lines))[1:]:
            values = [_number(text) for text in row]
            if len(values) == len(columns) and math.isfinite(values[0]):
                rows[values[0]] = values
    table = np.array([rows[step] for step in sorted(rows)]).reshape(-1, len(columns))
    return dict(zip(columns, table.T, strict=True))


def _columns(file: Path) -> list[str]:
    if not file.is_file():
        return []
    with file.open(newline="", encoding="utf-8") as lines:
        return next(csv.reader(lines), [])


def _cut_short(file: Path) -> bool:
    with file.open("rb") as data:
        data.seek(-1, 2)
        return data.read() != b"\n"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
