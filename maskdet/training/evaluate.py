"""``python -m maskdet evaluate``: a detector measured on annotated pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from maskdet.contracts import Detector
from maskdet.detections import Detections
from maskdet.errors import DatasetError
from maskdet.training import report, voc
from maskdet.training.dataset import Sample
from maskdet.training.evaluation import Evaluation

BATCH = 8
LOWEST = 0.01
"""Score down to which detections are wanted: average precision counts the doubtful ones too."""
OUTPUT = Path("runs/evaluation")
Open = Callable[[float], Detector]
"""From the lowest score wanted to a detector."""


def run(
    open_detector: Open,
    data: Path,
    images: Path | None,
    *,
    json: Path | None = None,
    output: Path | None = None,
    threshold: float | None = None,
) -> int:
    """Measures, prints tables and writes plots; returns the exit status.

    Args:
        open_detector: called once the data has been read.
        data: folder of the annotated pictures.
        images: list of pictures relative to `data`, itself as it stands or below `data`; None:
            all of `data/images`.
        json: file for all figures.
        output: folder for the plots; None: one below `runs/evaluation`, named like the model.
        threshold: lowest score that counts as shown; None: the best one by F1.

    Raises:
        DatasetError: data or list cannot be used.
        ModelError: the model cannot be opened.
        SinkError: results cannot be written.
    """
    samples = read(data, images)
    detector = open_detector(LOWEST)
    try:
        found = detect(detector, samples)
    finally:
        detector.close()
    evaluation = Evaluation(samples, found, threshold)
    folders = report.folders_of([str(sample.file.relative_to(data)) for sample in samples])
    source = images.name if images else f"{data.name}/images"
    figures = report.build_report(
        evaluation, folders, model=detector.name, device=detector.device, data=source
    )
    report.show(figures, Console())
    if json is not None:
        report.write_json(json, figures)
    files = report.write_plots(output or OUTPUT / detector.name, evaluation)
    Console(stderr=True).print("plots:", *map(str, files), highlight=False)
    return 0


def read(data: Path, images: Path | None) -> list[Sample]:
    """The annotated pictures.

    Raises:
        DatasetError: they cannot be used.
    """
    if not data.is_dir():
        raise DatasetError(f"{data}: no such folder; give the one above images/ and annotations/")
    if images is None:
        return voc.read_folder(data)
    below = data / images
    names = voc.read_list(images if images.is_file() or not below.is_file() else below)
    if not names:
        raise DatasetError(f"{images}: names no pictures; one a line, relative to {data}")
    return voc.read_folder(data, names)


def detect(detector: Detector, samples: Sequence[Sample]) -> list[Detections]:
    """Detections of every sample's picture, with a progress bar."""
    starts = range(0, len(samples), BATCH)
    found: list[Detections] = []
    console = Console(stderr=True)
    for start in track(starts, "detecting", console=console, disable=not console.is_terminal):
        found += detector.detect([sample.read() for sample in samples[start : start + BATCH]])
    return found
