"""``python -m maskdet evaluate``: a detector measured on annotated images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from maskdet.contracts import Detector
from maskdet.datasets.format_detection import AUTO
from maskdet.datasets.loading import data_root, read_samples, say_notes
from maskdet.datasets.problems import Problems
from maskdet.datasets.samples import Sample, limit_scenes, scene_names
from maskdet.detections import Detections
from maskdet.errors import DatasetError
from maskdet.evaluation import plots, report, sweeps
from maskdet.evaluation.evaluator import Evaluation
from maskdet.model.card import CARD_NAME, read_card, write_card
from maskdet.model.decision import DecisionRule
from maskdet.system.atomic_files import write_output
from maskdet.system.console import counted, say

BATCH = 8
MIN_EVALUATED_SCORE = 1e-6
"""Score down to which detections are wanted: average precision counts the doubtful ones too."""
OUTPUT = Path("runs/evaluation")
Open = Callable[[float], Detector]
"""Opens a detector that gives every face down to a score, each in its best state."""


@dataclass(frozen=True)
class Scenes:
    """Which images show the same person or scene, and how many of each are measured.

    Attributes:
        pattern: see `maskdet.datasets.samples.scene_names`.
        limit: images of each; of one camera there are often hundreds, which would be most of
            what is measured.
    """

    pattern: str
    limit: int


def run(
    open_detector: Open,
    data: Path,
    images: Path | None,
    *,
    kind: str = AUTO,
    classes: Path | None = None,
    json: Path | None = None,
    output: Path | None = None,
    rule: DecisionRule | None = None,
    gate: bool = False,
    scenes: Scenes | None = None,
    sweep_faces: int | None = None,
    card_folder: Path | None = None,
) -> int:
    """Measures, prints tables and writes plots; returns the exit status.

    Args:
        open_detector: called once the data has been read, and once more for the sweeps.
        data: folder of the annotated images, or a file of labels of any format.
        images: list of images relative to `data`, itself as it stands or below `data`; None:
            all.
        kind: the labels' format; see `maskdet.datasets.formats`.
        classes: a file that lists the classes; None: found automatically.
        json: file for all metrics.
        output: folder for the plots; None: one below `runs/evaluation`, named like the model.
        rule: decides which detections count as shown; None: one lowest score, the best by F1.
        scenes: of which no more than so many images are measured; None: all images are.
        sweep_faces: measured in each step of the sweeps, by the faces' share of the view, tilt and
            condition; see `maskdet.evaluation.sweeps`. None: no sweeps.
        card_folder: of the model whose card gets the sweeps; None: no card does.
        gate: metrics that are wanted of a monitor and not reached are named, and the status is 2.

    Raises:
        DatasetError: data or list cannot be used.
        ModelError: the model cannot be opened.
        SinkError: results cannot be written.
    """
    samples = read(data, images, kind, classes)
    if scenes is not None:
        samples = _limited(samples, scenes)
    with closing(open_detector(MIN_EVALUATED_SCORE)) as detector:
        evaluation = Evaluation(samples, detect(detector, samples), rule)
    steps = _sweep(open_detector, samples, evaluation.rule, sweep_faces)
    root = data_root(data)
    folders = report.folders_of([str(sample.file.relative_to(root)) for sample in samples])
    source = images.name if images else data.name
    metrics = report.build_report(
        evaluation, folders, model=detector.name, device=detector.device, data=source
    )
    metrics["sweeps"] = [step.record() for step in steps]
    metrics["gate"] += sweeps.gate(steps)
    report.show(metrics, Console())
    if json is not None:
        report.write_json(json, metrics)
    folder = output or OUTPUT / detector.name
    files = report.write_plots(folder, evaluation)
    if steps:
        write_output(folder / "sweeps.png", plots.sweeps(steps))
        files.append(folder / "sweeps.png")
    if card_folder is not None:
        options = f" --images {source}" if images else ""
        if scenes is not None:
            options += f" --scene '{scenes.pattern}' --max-per-scene {scenes.limit}"
        options += f" --sweeps --sweep-faces {sweep_faces} --card"
        files.append(_write_sweeps(card_folder, steps, options))
    Console(stderr=True).print("plots:", *map(str, files), highlight=False)
    return _pass(metrics) if gate else 0


def _write_sweeps(folder: Path, steps: Sequence[sweeps.Step], options: str) -> Path:
    """Writes sweeps into a model's card, with the command that measured them; returns its file."""
    card = read_card(folder)
    command = f"python -m maskdet evaluate --model {card.name} --data DIR{options}"
    measured = {"command": command, **sweeps.for_card(steps)}
    metrics = {**card.metrics, "sweeps": measured}
    write_card(folder, card.model_copy(update={"metrics": metrics}))
    return folder / CARD_NAME


def _limited(samples: list[Sample], scenes: Scenes) -> list[Sample]:
    """No more than so many images of each scene; how many are left out is named.

    Raises:
        DatasetError: no image shows a scene that the pattern names.
    """
    names = scene_names(samples, scenes.pattern)
    if not any(names):
        first = samples[0].file
        raise DatasetError(f"--scene {scenes.pattern}: matches no picture's path, such as {first}")
    kept = limit_scenes(samples, names, scenes.limit)
    left_out = len(samples) - len(kept)
    say(f"note: {counted(left_out, 'picture')} left out, of scenes with more than {scenes.limit}")
    return kept


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


def read(
    data: Path, images: Path | None, kind: str = AUTO, classes: Path | None = None
) -> list[Sample]:
    """The annotated images; see `run`.

    Raises:
        DatasetError: they cannot be used.
    """
    if not data.exists():
        raise DatasetError(f"{data}: no such folder; give the one above images/ and annotations/")
    only = None
    if images is not None:
        below = data / images
        only = images if images.is_file() or not below.is_file() else below
    problems = Problems()
    samples = read_samples(data, only=only, kind=kind, class_list=classes, problems=problems)
    say_notes(problems)
    parts = Counter(sample.part for sample in samples if sample.part)
    if len(parts) > 1:
        listed = ", ".join(f"{part} {count}" for part, count in parts.items())
        say(f"note: the data's parts are measured together ({listed}); --images LIST chooses")
    return samples


def detect(detector: Detector, samples: Sequence[Sample]) -> list[Detections]:
    """Detections of every sample's image, with a progress bar."""
    starts = range(0, len(samples), BATCH)
    found: list[Detections] = []
    console = Console(stderr=True)
    for start in track(starts, "detecting", console=console, disable=not console.is_terminal):
        found += detector.detect([sample.read() for sample in samples[start : start + BATCH]])
    return found
