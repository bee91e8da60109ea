"""An evaluation as tables, as JSON and as plots."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from maskdet.evaluation import coco, plots
from maskdet.evaluation.evaluator import Evaluation, width_name
from maskdet.evaluation.image_grid import Pair, sheet
from maskdet.model.decision import DecisionRule
from maskdet.system.atomic_files import write_output
from maskdet.system.console import counted

RESAMPLINGS = 300
SEED = 0
LEVEL = 0.95
DIGITS = 4
WIDTHS = [width_name(*limits) for limits in coco.WIDTHS]
BY_WIDTH = ("AP50", "face_AP50", "recall", "right_state", "unsure", "right_when_called")
GATE = (
    ("right_state_32+", "found faces of 32 px and more in their right state", "≥", 0.97),
    ("right_when_called_32+", "of those whose state is not unsure", "≥", 0.97),
    ("masked_bare_32+", "bare ones (hands, scarves, veils) taken for masked", "≤", 0.03),
    ("recall_16-32", "faces of 16 to 32 px found", "≥", 0.85),
)
"""Figure, what it is, and what a monitor that can be relied on should reach."""
_WORST_IMAGES = 12
"""Images with most mistakes that are drawn."""


def build_report(
    evaluation: Evaluation, folders: Mapping[str, np.ndarray], **about: Any
) -> dict[str, Any]:
    """All that was measured, as JSON has it: NaN is None.

    Args:
        evaluation: matched.
        folders: weights (images,) that choose each data set's images, by its name; empty or
            one: no measured of their own.
        about: what was evaluated: ``model``, ``device``, ``data`` …; stands first.
    """
    measured, intervals = evaluation.metrics(), evaluation.intervals(RESAMPLINGS, SEED, LEVEL)
    faces = evaluation.faces()
    truth, called, counts = evaluation.confusion()
    report = {
        **about,
        "images": len(evaluation.samples),
        "faces": sum(len(sample.boxes) for sample in evaluation.samples),
        "faces_by_class": {name: faces[name] for name in faces if name not in WIDTHS},
        "threshold": _limits(evaluation.rule),
        "threshold_chosen": "best F1 on these pictures" if evaluation.chosen else "given",
        "unsure": {"certainty": evaluation.rule.certainty, "width": evaluation.rule.width},
        "metrics": _overall(measured),
        "by_width": {
            name: {"faces": faces[name], **{key: measured[f"{key}_{name}"] for key in BY_WIDTH}}
            for name in WIDTHS
        },
        "intervals": {name: list(ends) for name, ends in intervals.items()},
        "bootstrap": {"resamplings": RESAMPLINGS, "seed": SEED, "level": LEVEL},
        "gate": _gate(measured, intervals),
        "best_thresholds": evaluation.thresholds,
        "calibration": {
            name: {"detections": int(each.counts.sum()), "error": each.error}
            for name, each in evaluation.reliability.items()
        },
        "confusion": {"labelled": truth, "found": called, "counts": counts.tolist()},
        "by_folder": _by_folder(evaluation, folders) if len(folders) > 1 else {},
    }
    plain: dict[str, Any] = _plain(report)
    return plain


def _limits(rule: DecisionRule) -> float | dict[str, float]:
    """The lowest probability of a face that is shown, or each state's lowest score."""
    limits = rule.limits
    scores = set(limits.values())
    return scores.pop() if len(scores) == 1 else limits


def _gate(
    measured: Mapping[str, float], intervals: Mapping[str, tuple[float, float]]
) -> list[dict[str, Any]]:
    return [
        {
            "metric": name,
            "figure": name,  # as earlier versions called it
            "about": about,
            "value": measured[name],
            "interval": list(intervals[name]),
            "wanted": f"{sign} {limit}",
            "reached": None
            if math.isnan(measured[name])
            else bool(measured[name] >= limit if sign == "≥" else measured[name] <= limit),
        }
        for name, about, sign, limit in GATE
    ]


def _by_folder(evaluation: Evaluation, folders: Mapping[str, np.ndarray]) -> dict[str, Any]:
    table = {}
    for folder, weights in folders.items():
        faces = evaluation.faces(weights)
        table[folder] = {
            "images": int(weights.sum()),
            "faces": sum(faces[name] for name in WIDTHS),
            "metrics": _overall(evaluation.metrics(weights)),
        }
    return table


def _overall(measured: Mapping[str, float]) -> dict[str, float]:
    """Metrics of faces of all widths together."""
    narrow = {f"{key}_{name}" for key in BY_WIDTH for name in WIDTHS}
    return {name: value for name, value in measured.items() if name not in narrow}


def _plain(value: Any) -> Any:
    """The value as JSON can hold it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, DIGITS)
    return value


def write_json(path: Path, report: Mapping[str, Any]) -> None:
    """The report as a JSON file.

    Raises:
        SinkError: it cannot be written.
    """
    write_output(path, json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_plots(folder: Path, evaluation: Evaluation) -> list[Path]:
    """Curves, confusion and the images with most mistakes; returns the files.

    Raises:
        SinkError: they cannot be written.
    """
    measured, curves = evaluation.metrics(), evaluation.curves()
    ap50 = {name: measured["face_AP50" if name == "face" else f"AP50_{name}"] for name in curves}
    pairs = _worst(evaluation)
    files = {
        "precision_recall.png": plots.precision_recall(curves, ap50, evaluation.points()),
        "confusion.png": plots.confusion(*evaluation.confusion()),
        "reliability.png": plots.reliability({"scores": evaluation.reliability}),
        "mistakes.png": sheet(pairs, f"Most mistakes at {_limits_text(_limits(evaluation.rule))}"),
    }
    for name, content in files.items():
        write_output(folder / name, content)
    return [folder / name for name in files]


def _worst(evaluation: Evaluation) -> list[Pair]:
    mistakes = evaluation.mistakes()
    order = np.argsort(-mistakes, kind="stable")[:_WORST_IMAGES]
    return [Pair(evaluation.samples[i], evaluation.shown[i]) for i in order]


def _limits_text(limits: float | Mapping[str, float]) -> str:
    """The lowest scores for a person."""
    if not isinstance(limits, Mapping):
        return f"score ≥ {limits:.2f}"
    each = (f"{plots.title_of(name)} {limit:.2f}" for name, limit in limits.items())
    return f"score ≥ {', '.join(each)}"


def show(report: Mapping[str, Any], console: Console) -> None:
    """Prints the report's tables."""
    images, faces = counted(report["images"], "picture"), counted(report["faces"], "face")
    console.print(
        f"{report['model']} on {report['device']}: {images}, {faces} of {report['data']}; "
        f"{_limits_text(report['threshold'])} "
        f"({report['threshold_chosen']})",
        highlight=False,
    )
    tables = (_metrics_table, _widths, _gate_table, _thresholds, _calibration, _confusion)
    for table in tables:
        console.print(table(report))
    if report["by_folder"]:
        console.print(_folders(report))
    if report.get("sweeps"):
        console.print(_sweeps(report))


def _metrics_table(report: Mapping[str, Any]) -> Table:
    table = _table("Metrics, with bootstrap intervals", "metric", "value", "95 %")
    for name, value in report["metrics"].items():
        low, high = report["intervals"][name]
        table.add_row(name, _text(value), f"{_text(low)} – {_text(high)}")
    return table


def _widths(report: Mapping[str, Any]) -> Table:
    table = _table("By face width in pixels", "width", "faces", *BY_WIDTH)
    for name, row in report["by_width"].items():
        table.add_row(name, str(row["faces"]), *(_text(row[key]) for key in BY_WIDTH))
    return table


def _gate_table(report: Mapping[str, Any]) -> Table:
    table = _table("Gate", "metric", "value", "95 %", "wanted", "reached")
    for row in report["gate"]:
        low, high = row["interval"]
        reached = {None: "–", True: "yes", False: "no"}[row["reached"]]
        values = (_text(row["value"]), f"{_text(low)} – {_text(high)}", row["wanted"], reached)
        table.add_row(row["about"], *values)
    return table


def _sweeps(report: Mapping[str, Any]) -> Table:
    columns = ("step", "severity", "faces", "found", "right", "unsure")
    table = _table("Sweeps (empty: found are pictures with a false face)", "sweep", *columns)
    for row in report["sweeps"]:
        values = (_text(row[key]) for key in ("found", "right", "unsure"))
        level = str(row["level"] or "")
        table.add_row(row["sweep"], row["name"], level, str(row["faces"]), *values)
    return table


def _calibration(report: Mapping[str, Any]) -> Table:
    table = _table("Expected calibration error of the scores", "class", "detections", "error")
    for name, row in report["calibration"].items():
        table.add_row(name, str(row["detections"]), _text(row["error"]))
    return table


def _thresholds(report: Mapping[str, Any]) -> Table:
    columns = ("threshold", "f1", "precision", "recall")
    table = _table("Best threshold by F1 (IoU .5)", "class", *columns)
    for name, row in report["best_thresholds"].items():
        table.add_row(name, *(_text(row[key]) for key in columns))
    return table


def _confusion(report: Mapping[str, Any]) -> Table:
    labeled, found, counts = report["confusion"].values()
    table = _table("Labeled (rows), found as", "", *map(plots.title_of, found))
    for name, row in zip(labeled, counts, strict=True):
        table.add_row(plots.title_of(name), *map(str, row))
    return table


def _folders(report: Mapping[str, Any]) -> Table:
    folders = report["by_folder"]
    table = _table("By folder", "metric", *folders)
    for key in ("images", "faces"):
        table.add_row(key, *(str(row[key]) for row in folders.values()))
    for name in report["metrics"]:
        table.add_row(name, *(_text(row["metrics"][name]) for row in folders.values()))
    return table


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def folders_of(names: Sequence[str]) -> dict[str, np.ndarray]:
    """Which images belong to which top folder, as weights (images,) of 0 and 1.

    Args:
        names: of the images, relative to the data folder; those in none are of the folder ``.``.
    """
    tops = np.array([Path(name).parent.parts[:1] or (".",) for name in names])[:, 0]
    return {str(top): (tops == top).astype(np.float64) for top in dict.fromkeys(tops.tolist())}
