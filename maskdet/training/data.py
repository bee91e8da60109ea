"""Data of a run: its samples, and the loader that makes batches of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from maskdet.datasets.image_files import read_without_faces, wrong_sizes
from maskdet.datasets.loading import below, data_root, open_data, read_samples
from maskdet.datasets.problems import Problems
from maskdet.datasets.random_split import TRAIN_LIST, VALIDATION_LIST, divide
from maskdet.datasets.samples import Sample, class_index
from maskdet.detections import CLASS_NAMES
from maskdet.errors import ConfigError, DatasetError
from maskdet.model.decision import DecisionRule
from maskdet.networks.plans import Network
from maskdet.system.atomic_files import write_whole
from maskdet.training.augmentation.copy_paste import CopyPaste
from maskdet.training.augmentation.views import Augmentation
from maskdet.training.batches.distillation import ANSWERS, DistillationLoader, load_teacher
from maskdet.training.batches.loader import Loader
from maskdet.training.batches.maker import BatchMaker
from maskdet.training.batches.sample_weights import draw_weights, scene_weights
from maskdet.training.pseudo_labels import OpenDetector, ignore_unlabeled, pseudo_label
from maskdet.training.settings import AugmentationSettings, DataSettings, TrainingSettings

TEACHER_SCORE = 0.03
"""Lowest score of a face that a teacher's word is taken for."""
MAX_PROCESSES = 16
"""That make batches, unless more are asked for."""


def read_data(
    settings: TrainingSettings,
    data: Path,
    folder: Path | None = None,
    open_detector: OpenDetector | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> tuple[list[Sample], np.ndarray, list[Sample]]:
    """Training samples, how often each is drawn (N,), and validation samples.

    Args:
        settings: of the run.
        data: folder of the annotated images.
        folder: the run's, where the answers of teachers are kept, and the names of the images of
            both sides; None: teachers are not asked.
        open_detector: opens the teachers; None: settings may name none.
        report: takes lines about what was read.

    Raises:
        DatasetError: data or labels cannot be used, or one side shows no face.
        ConfigError: settings name a teacher that nobody opens.
    """
    parts, validation = _read_sides(settings, data, report)
    _require_faces(data, list(chain(*parts)), "to learn")
    _require_faces(data, validation, "for validation")
    if folder is not None:
        pairs = zip(settings.train, parts, strict=True)
        parts = [_labeled(*each, folder, open_detector, report) for each in pairs]
        root = data_root(below(data, settings.train[0].source) or data)
        _write_names(folder / TRAIN_LIST, list(chain(*parts)), root)
        _write_names(folder / VALIDATION_LIST, validation, root)
    samples = list(chain(*parts))
    for line in _lacking(samples):
        report(line)
    return samples, _weights(settings, parts), validation


def _read_sides(
    settings: TrainingSettings, data: Path, report: Callable[[str], None]
) -> tuple[list[list[Sample]], list[Sample]]:
    """The samples of each part to train on, and those for validation, every mistake reported.

    Raises:
        DatasetError: data or labels cannot be used.
    """
    problems = Problems()
    parts = [_read(part, data, problems) for part in settings.train]
    if settings.validation:
        classes = {name: state for part in settings.train for name, state in part.classes.items()}
        only = below(data, settings.validation)
        validation = read_samples(data, only=only, classes=classes, problems=problems)
    else:
        division = divide(parts[0])
        parts[0], validation = division.train, division.validation
        for line in division.about:
            report(line)
    for line in problems.note_lines():
        report(line)
    if not parts[0]:
        raise DatasetError(f"{data}: too few pictures to train on")
    for line in wrong_sizes((*chain(*parts), *validation)):
        problems.add_line(line)  # now, not at the step that draws it, hours later
    problems.check()
    return parts, validation


def _weights(settings: TrainingSettings, parts: Sequence[Sequence[Sample]]) -> np.ndarray:
    """Weights (N,) of the samples of all parts: the chance of each to be drawn."""
    weights = [
        draw_weights(part, settings.schedule.rare)
        * scene_weights(part, source.scene, source.max_per_scene)
        * source.share
        for part, source in zip(parts, settings.train, strict=True)
    ]
    return np.concatenate(weights)


def _require_faces(data: Path, samples: Sequence[Sample], purpose: str) -> None:
    """Makes sure that images show a face: without any, a network learns that there are none.

    Raises:
        DatasetError: they show none.
    """
    if not any(len(sample.boxes) for sample in samples):
        raise DatasetError(
            f"{data}: no faces are labeled in the pictures {purpose} ({len(samples)}); label more "
            "of them, or name the pictures of both sides: settings train and validation"
        )


def _lacking(samples: Sequence[Sample]) -> list[str]:
    """A line about the classes that no image shows, if there are any."""
    shown = {int(index) for sample in samples for index in sample.classes}
    lacking = [name for index, name in enumerate(CLASS_NAMES) if index not in shown]
    if not lacking:
        return []
    return [
        f"note: no face in the pictures to learn is labeled {' or '.join(lacking)}: of that, "
        "nothing is learned"
    ]


def _write_names(file: Path, samples: Sequence[Sample], root: Path) -> None:
    """A list of images, as `evaluate --images` reads it."""
    names = [s.name if s.span else os.path.relpath(s.file, root) for s in samples]
    write_whole(file, "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape"))


def _read(part: DataSettings, data: Path, problems: Problems) -> list[Sample]:
    if part.without_faces:
        samples = read_without_faces(below(data, part.source) or data, problems)
        problems.check()
        return samples
    found, _ = open_data(
        data,
        below(data, part.source),
        below(data, part.list),
        kind=part.format,
        class_list=below(data, part.class_list),
        problems=problems,
    )
    problems.check()
    return found.in_states(part.classes, tuple(map(class_index, part.labeled)), problems)


def _labeled(
    part: DataSettings,
    samples: list[Sample],
    folder: Path,
    open_detector: OpenDetector | None,
    report: Callable[[str], None],
) -> list[Sample]:
    if not (part.teacher or part.finder):
        return samples
    if open_detector is None:
        model = part.teacher or part.finder
        raise ConfigError(f"settings, train: there is nobody to open the model {model!r}")
    if part.teacher:
        rule = DecisionRule.from_min_score(TEACHER_SCORE)
        memory = folder / f"pseudo-labels-{Path(part.teacher).name}.json"
        samples = pseudo_label(samples, partial(open_detector, part.teacher, rule), memory)
    if part.finder:
        memory = folder / f"unlabeled-faces-{Path(part.finder).name}.json"
        seen = ignore_unlabeled(samples, partial(open_detector, part.finder, None), memory)
        count = sum(len(s.boxes) for s in seen) - sum(len(s.boxes) for s in samples)
        report(
            f"{part.list or part.source or 'all pictures'}: {count} faces that nobody labeled, "
            f"found by {Path(part.finder).name}, are learned neither as faces nor as background"
        )
        samples = seen
    return samples


def make_loader(
    settings: TrainingSettings,
    samples: Sequence[Sample],
    weights: np.ndarray,
    network: Network,
    folder: Path,
) -> Loader | DistillationLoader:
    """Makes the loader of the run's batches; where there is a teacher, with its answers."""
    schedule, distillation = settings.schedule, settings.distillation
    cores = os.cpu_count() or 2
    maker = BatchMaker(
        samples,
        weights,
        Augmentation(**settings.augmentation.model_dump(exclude={"paste", "scatter", "sizes"})),
        network.target_maker,
        batch=schedule.batch,
        seed=schedule.seed,
        paste=face_paste(samples, settings.augmentation),
        sizes=settings.augmentation.sizes,
    )
    loader = Loader(
        maker,
        threads=max(1, min(8, cores - 1)),
        processes=_processes(cores) if schedule.processes is None else schedule.processes,
    )
    if not distillation.teacher:
        return loader
    teacher = load_teacher(distillation.teacher, network, distillation.precision)
    return DistillationLoader(
        loader, teacher, steps=schedule.steps, reuse=distillation.reuse, folder=folder / ANSWERS
    )


def _processes(cores: int) -> int:
    """Number of processes that make batches: none where threads keep up with that many cores."""
    return min(cores - 1, MAX_PROCESSES) if cores > 4 else 0


def face_paste(samples: Sequence[Sample], wanted: AugmentationSettings) -> CopyPaste | None:
    """Pasting among the images that label every class; None where it is not wanted."""
    whole = [sample for sample in samples if len(sample.labeled) == len(CLASS_NAMES)]
    is_wanted = wanted.paste or wanted.scatter
    return CopyPaste(whole, wanted.paste, wanted.scatter) if is_wanted else None
