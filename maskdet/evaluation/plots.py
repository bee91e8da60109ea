"""Plots of training and evaluation as PNG, drawn by matplotlib without a display."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maskdet.detections import CLASS_NAMES, MaskState
from maskdet.evaluation.calibration import Reliability
from maskdet.evaluation.sweeps import TILTS, Step

Line = Literal["solid", "dashed", "dotted", "dashdot"]
STYLES: dict[str, tuple[str, Line]] = {
    "with_mask": ("#009E73", "solid"),
    "without_mask": ("#D55E00", "dashed"),
    "mask_weared_incorrect": ("#E69F00", "dotted"),
    "unsure": ("#999999", "dashdot"),
}
"""Color (Okabe and Ito's, for every kind of color vision) and line of each state."""
Columns = Mapping[str, np.ndarray]
_SMOOTHED_PART = 0.05
"""Part of the values over which a curve of losses is smoothed."""


def title_of(name: str) -> str:
    """A class name as people read it."""
    return MaskState[name].title if name in MaskState.__members__ else name


def png(figure: Figure) -> bytes:
    """A figure as the content of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")  # a Figure made without pyplot draws with Agg
    return buffer.getvalue()


def precision_recall(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    ap50: Mapping[str, float],
    points: Mapping[str, tuple[float, float]],
) -> bytes:
    """Precision over recall at IoU .5, a mark where what is shown stands.

    Args:
        curves: score, precision, recall by class name, ``face`` for all whatever their class.
        ap50: by the same names.
        points: recall and precision of what is shown, by the same names.
    """
    figure, (axes,) = _panels(1, (7, 5.5))
    for name, (_, precision, recall) in curves.items():
        if not np.isfinite(recall).any():
            continue  # no such faces
        color, line = STYLES.get(name, ("black", "solid"))
        label = f"{title_of(name)}: AP50 {ap50[name]:.3f}"
        axes.plot(recall, precision, color=color, linestyle=line, label=label)
        axes.plot(*points[name], "o", color=color)
    _label(axes, "recall", "precision", "Precision and recall (● as shown)")
    axes.set(xlim=(0, 1.01), ylim=(0, 1.01))
    if axes.lines:
        axes.legend(loc="lower left")
    return png(figure)


def reliability(scores: Mapping[str, Mapping[str, Reliability]]) -> bytes:
    """Precision over score: a score that is a probability lies on the diagonal.

    Args:
        scores: reliability by class name and ``all``, of one or several kinds of scores, each
            with its name; dots grow with the number of detections.
    """
    figure = Figure((5.2 * len(scores), 5.2), dpi=110, layout="constrained")
    for place, (title, classes) in enumerate(scores.items(), 1):
        axes = figure.add_subplot(1, len(scores), place, aspect="equal")
        axes.plot([0, 1], [0, 1], color="#cccccc")
        for name, each in classes.items():
            if not each.counts.any():
                continue
            color, line = STYLES.get(name, ("black", "solid"))
            label = f"{title_of(name)}: error {each.error:.3f}"
            axes.plot(each.scores, each.precision, color=color, linestyle=line, label=label)
            sizes = 4 + 120 * each.counts / each.counts.sum()
            axes.scatter(each.scores, each.precision, sizes, color=color)
        _label(axes, "score", "share that is right", title)
        axes.set(xlim=(0, 1), ylim=(0, 1))
        if len(axes.lines) > 1:
            axes.legend(loc="upper left")
    return png(figure)


def confusion(truth: Sequence[str], called: Sequence[str], counts: np.ndarray) -> bytes:
    """The confusion of states, as counts and as shares of the row.

    Args:
        truth: names of the rows; the last is not a face at all.
        called: names of the columns; the last is nothing at all.
        counts: (rows, columns).
    """
    figure, (axes,) = _panels(1, (7.5, 5.5))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.matshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        if (row, column) == (len(truth) - 1, len(called) - 1):
            continue  # no face where none is: cannot be counted
        color = "white" if shares[row, column] > 0.5 else "black"
        text = f"{count}\n{shares[row, column]:.0%}"
        axes.text(column, row, text, color=color, ha="center", va="center")
    axes.set_xticks(range(len(called)), [title_of(name) for name in called])
    axes.set_yticks(range(len(truth)), [title_of(name) for name in truth])
    axes.xaxis.set_ticks_position("bottom")
    axes.set(xlabel="found as", ylabel="labeled as", title="Faces found and their states")
    return png(figure)


def learning_curves(training: Columns, validation: Columns) -> bytes:
    """Loss, learning rate and validation AP50 over a run's steps.

    Args:
        training: columns ``step``, ``loss``, ``rate``.
        validation: columns ``step``, ``mAP50``, ``AP50_<class>``.
    """
    figure, (loss, rate, precision) = _panels(3, (8, 9))
    if "loss" in training:
        steps, values = training["step"], training["loss"]
        loss.plot(steps, values, color="#999999", linewidth=0.7, label="loss")
        loss.plot(steps, smooth(values), color="black", label="smoothed")
        loss.set_yscale("log")
        loss.legend()
        rate.plot(steps, training["rate"], color="black")
    for name in CLASS_NAMES:
        if f"AP50_{name}" in validation:
            color, line = STYLES[name]
            values = validation[f"AP50_{name}"]
            precision.plot(
                validation["step"], values, ".", color=color, linestyle=line, label=title_of(name)
            )
    if "mAP50" in validation:
        precision.plot(validation["step"], validation["mAP50"], "k.-", linewidth=2, label="mean")
        precision.legend(loc="upper left")
    _label(loss, "", "loss", "Training")
    _label(rate, "", "learning rate", "")
    _label(precision, "step", "validation AP50", "")
    precision.set_ylim(0, 1)
    logs = [columns["step"] for columns in (training, validation) if columns]
    last = max((steps.max(initial=1) for steps in logs), default=1)
    for axes in (loss, rate, precision):
        axes.set_xlim(0, last * 1.02)
    return png(figure)


def smooth(values: np.ndarray) -> np.ndarray:
    """Running mean over a part of the values, shorter at both ends."""
    half = int(len(values) * _SMOOTHED_PART / 2)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    start, end = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    return np.asarray((sums[end] - sums[start]) / (end - start))


def _panels(count: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    figure = Figure(size, dpi=110, layout="constrained")
    return figure, [figure.add_subplot(count, 1, index + 1) for index in range(count)]


def _label(axes: Axes, x: str, y: str, title: str) -> None:
    axes.set(xlabel=x, ylabel=y, title=title)
    axes.grid(alpha=0.3)


def sweeps(steps: Sequence[Step]) -> bytes:
    """Faces found and states right: by share of the view's width, tilt and severity."""
    figure, (by_size, by_tilt, by_condition) = _panels(3, (8, 14))
    for sweep, line, axes, about in (
        ("size", "solid", by_size, ", whole"),
        ("cut", "dashed", by_size, ", cut by an edge"),
        ("tilt", "solid", by_tilt, ""),
    ):
        rows = [step for step in steps if step.sweep == sweep]
        places = [float(step.name) for step in rows]
        for key, color in (("found", "#0072B2"), ("right", "#009E73")):
            values = [getattr(step, key) for step in rows]
            axes.plot(places, values, color=color, linestyle=line, label=key + about)
    by_size.set(xscale="log", xlabel="share of the view's width", ylim=(0, 1.02), title="Size")
    by_size.legend()
    by_tilt.set(xlabel="degrees", xticks=TILTS, ylim=(0, 1.02), title="Tilt")
    by_tilt.legend()
    for name in dict.fromkeys(step.name for step in steps if step.sweep == "condition"):
        rows = [step for step in steps if step.sweep == "condition" and step.name == name]
        if name != "none":
            right = [step.found * step.right for step in rows]
            by_condition.plot([step.level for step in rows], right, label=name)
    by_condition.set(xlabel="severity", ylim=(0, 1.02), title="Found in the right state")
    by_condition.legend(fontsize=8)
    return png(figure)
