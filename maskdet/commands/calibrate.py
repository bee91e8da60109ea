"""``python -m maskdet calibrate``: a model's scores, limits and metrics, measured and written down.

What belongs into a card after each new checkpoint, in one go: the calibration of its scores, how
likely a shown face must be, when a state is not called, and the metrics of each of its files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from maskdet.commands.evaluate import MIN_EVALUATED_SCORE, detect
from maskdet.commands.measured_data import MeasuredData
from maskdet.contracts import Detector
from maskdet.datasets.samples import Sample
from maskdet.detections import CLASS_NAMES, Detections
from maskdet.errors import ModelError
from maskdet.evaluation import calibration, plots, report, thresholds
from maskdet.evaluation import coco as metrics
from maskdet.evaluation.calibration import Reliability
from maskdet.evaluation.evaluator import WIDE_FACE_PIXELS, Evaluation
from maskdet.evaluation.precision_recall import Matches
from maskdet.evaluation.thresholds import Choice
from maskdet.model.card import (
    CARD_NAME,
    Calibrations,
    ModelCard,
    ScoreLimits,
    read_card,
    write_card,
)
from maskdet.model.decision import DecisionRule
from maskdet.system.atomic_files import write_output
from maskdet.system.console import counted, say

PLOT = "reliability.png"
MIN_RELIABLE_FACES = 100
"""Labeled faces below which the limits depend on single ones."""
_BEFORE, _AFTER = "as the network gives them", "calibrated"
INTERVALS = ("mAP50", "AP50_with_mask", "face_AP50", "right_state", "right_when_called")
Open = Callable[[str, DecisionRule], Detector]
"""From one of the card's files, by its runtime, and what judges its answers, to a detector."""


def run(
    open_detector: Open,
    folder: Path,
    measured_on: MeasuredData,
    *,
    runtimes: Sequence[str] = (),
    certainty: float | None = None,
) -> int:
    """Fits on the first file, measures every file, writes card and plot; returns the exit status.

    Nothing is written before everything is measured.

    Args:
        open_detector: opens one of the model's files.
        folder: of the model.
        measured_on: the images.
        runtimes: which files to measure; none: all that the card names.
        certainty: share of its best state below which a face is unsure; None: chosen.

    Raises:
        DatasetError: data or list cannot be used.
        ModelError: the model cannot be opened, or gives no score of the classes that lost.
        SinkError: card or plot cannot be written.
    """
    console = Console()
    card = read_card(folder)
    wanted = list(runtimes or card.files)
    samples = _read_samples(measured_on)
    raw = _detect_all(
        open_detector(wanted[0], DecisionRule.from_min_score(MIN_EVALUATED_SCORE)), samples
    )
    if any(each.probabilities is None for each in raw):
        raise ModelError(
            f"model '{card.name}': gives only the best class of each face; nothing to calibrate"
        )
    card, reliability, choices = _fit(card, samples, raw, certainty)
    _show(console, card, reliability, choices)
    measured: dict[str, Any] = {}
    for runtime in wanted:
        every = card.rule.without_rejection(MIN_EVALUATED_SCORE)
        measured[runtime] = _measure(open_detector(runtime, every), card.rule, samples)
        _show_metrics(console, runtime, measured[runtime])
    updated: dict[str, Any] = {
        **card.metrics,
        "validation": _about(card, samples, measured_on.images, certainty),
        "calibration": {
            "fitted_on": wanted[0],
            "error_before": round(reliability[_BEFORE]["all"].error, 4),
            "error": round(reliability[_AFTER]["all"].error, 4),
        },
        **measured,
    }
    write_output(folder / PLOT, plots.reliability(reliability))
    write_card(folder, card.model_copy(update={"metrics": updated}))
    console.print(f"wrote {folder / CARD_NAME} and {PLOT} beside it", highlight=False)
    return 0


def _read_samples(measured_on: MeasuredData) -> list[Sample]:
    """The annotated images; warns where they are few."""
    samples = measured_on.read()
    faces = sum(len(sample.boxes) for sample in samples)
    if faces < MIN_RELIABLE_FACES:
        say(
            f"{counted(faces, 'labeled face')}: limits that are chosen on so few are "
            f"chance; label more pictures ({MIN_RELIABLE_FACES} faces or more)",
            "warning",
        )
    return samples


def _fit(
    card: ModelCard,
    samples: Sequence[Sample],
    raw: Sequence[Detections],
    certainty: float | None,
) -> tuple[ModelCard, dict[str, dict[str, Reliability]], list[Choice]]:
    """The card with a calibration and limits fitted to what the network gives.

    Also how reliable scores are before and after, and the choices that there were.
    """
    scales = calibration.fit(samples, raw)
    found = [calibration.apply(scales, each) for each in raw]
    unsure, choices = thresholds.choose(samples, found, certainty)
    changes = {
        "calibration": Calibrations.model_validate(calibration.named(scales)),
        "min_score": ScoreLimits(face=thresholds.MIN_FACE),
        "unsure": unsure,
    }
    reliability = {
        _BEFORE: _reliability(_matches(samples, raw)),
        _AFTER: _reliability(_matches(samples, found)),
    }
    return card.model_copy(update=changes), reliability, choices


def _detect_all(detector: Detector, samples: Sequence[Sample]) -> list[Detections]:
    try:
        return detect(detector, samples)
    finally:
        detector.close()


def _matches(samples: Sequence[Sample], found: Sequence[Detections]) -> list[Matches]:
    evaluation = metrics.coco_eval(samples, found)
    return [Matches.of(evaluation, index) for index in range(len(CLASS_NAMES))]


def _reliability(classes: Sequence[Matches]) -> dict[str, Reliability]:
    each = dict(zip(CLASS_NAMES, map(Reliability.of, classes), strict=True))
    return {"all": Reliability.of(Matches.pooled(classes)), **each}


def _measure(detector: Detector, rule: DecisionRule, samples: Sequence[Sample]) -> dict[str, Any]:
    """Metrics of one of the model's files, as a card has them."""
    evaluation = Evaluation(samples, _detect_all(detector, samples), rule)
    evaluated = report.build_report(evaluation, {})
    by_width = {
        name: {key: value if value is None else round(value, 3) for key, value in row.items()}
        for name, row in evaluated["by_width"].items()
    }
    return {
        **evaluated["metrics"],
        "calibration_error": evaluated["calibration"]["all"]["error"],
        "intervals_95": {name: evaluated["intervals"][name] for name in INTERVALS},
        "by_width": by_width,
    }


def _about(
    card: ModelCard,
    samples: Sequence[Sample],
    images: Path | None,
    certainty: float | None,
) -> dict[str, Any]:
    """Data and settings of the measurement; other entries of the card (steps, sizes) stay."""
    old = card.metrics.get("validation")
    # folders of the machine that it was measured on stay private
    name = "all" if images is None else images.name if images.is_absolute() else images.as_posix()
    options = "" if images is None else f" --images {name}"
    options += "" if certainty is None else f" --certainty {certainty}"
    return {
        **(old if isinstance(old, Mapping) else {}),
        "pictures": name,
        "images": len(samples),
        "faces": sum(len(sample.boxes) for sample in samples),
        "command": f"python -m maskdet calibrate --model {card.name} --data DIR{options}",
    }


def _show(
    console: Console,
    card: ModelCard,
    reliability: Mapping[str, Mapping[str, Reliability]],
    choices: Sequence[Choice],
) -> None:
    before, after = reliability.values()
    table = Table(title="Scores", title_justify="left")
    for column in ("class", "slope", "shift", "error before", "error"):
        table.add_column(column)
    for name in CLASS_NAMES:
        scale = getattr(card.calibration, name)
        errors = (rate_text(each[name].error) for each in (before, after))
        table.add_row(name, f"{scale.slope:.3f}", f"{scale.shift:.3f}", *errors)
    console.print(table)
    console.print(f"A face is shown from a probability of {card.min_score.face:.3f} on.\n")
    table = Table(title="Certainty", title_justify="left")
    others = ("right of the others", f"from {WIDE_FACE_PIXELS} px on")
    for column in ("at least", "unsure", *others, "right of the unsure", ""):
        table.add_column(column)
    for one in choices:
        chosen = "chosen" if one.certainty == card.unsure.certainty else ""
        rates = (
            rate_text(rate) for rate in (one.unsure, one.right, one.right_wide, one.right_unsure)
        )
        table.add_row(f"{one.certainty:.2f}", *rates, chosen)
    console.print(table)
    console.print(f"narrower than {card.unsure.width:.0f} px: unsure", highlight=False)


def rate_text(rate: float) -> str:
    """A share for people; a dash where there was nobody to have one."""
    return "–" if isnan(rate) else f"{rate:.3f}"


def _show_metrics(console: Console, runtime: str, measured: Mapping[str, Any]) -> None:
    names = ("mAP50", "mAP", "right_state_32+", "right_when_called_32+", "unsure", "recall")
    text = ", ".join(
        f"{name} {'–' if measured[name] is None else format(measured[name], '.3f')}"
        for name in names
    )
    console.print(f"{runtime}: {text}", highlight=False)
