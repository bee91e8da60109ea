"""``python -m maskdet evaluate``: a detector measured on annotated images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from maskdet.commands.measured_data import MeasuredData
from maskdet.contracts import Detector
from maskdet.datasets.loading import data_root
from maskdet.datasets.samples import Sample
from maskdet.detections import Detections
from maskdet.evaluation import plots, report, sweeps
from maskdet.evaluation.evaluator import Evaluation
from maskdet.model.card import CARD_NAME, read_card, write_card
from maskdet.model.decision import DecisionRule
from maskdet.system.atomic_files import check_writable, write_output
from maskdet.system.console import say

BATCH = 8
MIN_EVALUATED_SCORE = 1e-6
"""Score down to which detections are wanted: average precision counts the doubtful ones too."""
OUTPUT = Path("runs/evaluation")
Open = Callable[[float], Detector]
"""Opens a detector that gives every face down to a score, each in its best state."""


@dataclass(frozen=True)
class Outputs:
    """Where the results go.

    Attributes:
        json: file for all metrics; None: there is none.
        plots: their folder; None: one below `runs/evaluation`, named like the model.
        card_folder: of the model whose card gets the sweeps; None: no card does.
    """

    json: Path | None = None
    plots: Path | None = None
    card_folder: Path | None = None


def run(
    open_detector: Open,
    measured: MeasuredData,
    outputs: Outputs,
    *,
    rule: DecisionRule | None = None,
    gate: bool = False,
    sweep_faces: int | None = None,
) -> int:
    """Measures, prints tables and writes plots; returns the exit status.

    Args:
        open_detector: called once the data has been read, and once more for the sweeps.
        measured: the images.
        outputs: where the results go.
        rule: decides which detections count as shown; None: one lowest score, the best by F1.
        gate: metrics that are wanted of a monitor and not reached are named, and the status is 2.
        sweep_faces: measured in each step of the sweeps, by the faces' share of the view, tilt and
            condition; see `maskdet.evaluation.sweeps`. None: no sweeps.

    Raises:
        DatasetError: data or list cannot be used.
        ModelError: the model cannot be opened.
        SinkError: results cannot be written.
    """
    samples = measured.read()
    for file in (outputs.json, (outputs.plots or OUTPUT) / "confusion.png"):
        if file is not None:
            check_writable(file, folder="create")
    with closing(open_detector(MIN_EVALUATED_SCORE)) as detector:
        evaluation = Evaluation(samples, detect(detector, samples), rule)
    steps = _sweep(open_detector, samples, evaluation.rule, sweep_faces)
    metrics = _metrics(evaluation, steps, measured, detector)
    report.show(metrics, Console())
    if outputs.json is not None:
        report.write_json(outputs.json, metrics)
    folder = outputs.plots or OUTPUT / detector.name
    files = report.write_plots(folder, evaluation)
    if steps:
        write_output(folder / "sweeps.png", plots.sweeps(steps))
        files.append(folder / "sweeps.png")
    if outputs.card_folder is not None:
        options = f"{_options(measured)} --sweeps --sweep-faces {sweep_faces} --card"
        files.append(_write_sweeps(outputs.card_folder, steps, options))
    Console(stderr=True).print("plots:", *map(str, files), highlight=False)
    return _pass(metrics) if gate else 0


def _metrics(
    evaluation: Evaluation,
    steps: Sequence[sweeps.Step],
    measured: MeasuredData,
    detector: Detector,
) -> dict[str, Any]:
    """All metrics, with the sweeps and by folder."""
    root = data_root(measured.data)
    folders = report.folders_of(
        [str(sample.file.relative_to(root)) for sample in evaluation.samples]
    )
    source = (measured.images or measured.data).name
    metrics = report.build_report(
        evaluation, folders, model=detector.name, device=detector.device, data=source
    )
    metrics["sweeps"] = [step.record() for step in steps]
    metrics["gate"] += sweeps.gate(steps)
    return metrics


def _options(measured: MeasuredData) -> str:
    """The command's options for these images, without this machine's folders."""
    options = f" --images {measured.images.name}" if measured.images else ""
    if measured.scenes is not None:
        options += f" --scene '{measured.scenes.pattern}'"
        options += f" --max-per-scene {measured.scenes.limit}"
    return options


def _write_sweeps(folder: Path, steps: Sequence[sweeps.Step], options: str) -> Path:
    """Writes sweeps into a model's card, with the command that measured them; returns its file."""
    card = read_card(folder)
    command = f"python -m maskdet evaluate --model {card.name} --data DIR{options}"
    measured = {"command": command, **sweeps.for_card(steps)}
    metrics = {**card.metrics, "sweeps": measured}
    write_card(folder, card.model_copy(update={"metrics": metrics}))
    return folder / CARD_NAME


def _sweep(
    open_detector: Open, samples: Sequence[Sample], rule: DecisionRule, faces: int | None
) -> list[sweeps.Step]:
    """All sweeps, of faces that the rule can show: the thousands below it take most of the time."""
    if faces is None:
        return []
    with closing(open_detector(rule.lowest_score)) as detector:
        return sweeps.run(samples, detector.detect, rule, faces)


def _pass(metrics: Mapping[str, Any]) -> int:
    """The exit status of the gate; what is missed is named.

    A value that these images cannot show is missed, too: nobody has seen it reached.
    """
    missed = [row for row in metrics["gate"] if not row["reached"]]
    for row in missed:
        value = "not measurable on these pictures" if row["value"] is None else row["value"]
        say(f"gate missed: {row['about']}: {value}, wanted {row['wanted']}")
    return 2 if missed else 0


def detect(detector: Detector, samples: Sequence[Sample]) -> list[Detections]:
    """Detections of every sample's image, with a progress bar."""
    starts = range(0, len(samples), BATCH)
    found: list[Detections] = []
    console = Console(stderr=True)
    for start in track(starts, "detecting", console=console, disable=not console.is_terminal):
        found += detector.detect([sample.read() for sample in samples[start : start + BATCH]])
    return found
