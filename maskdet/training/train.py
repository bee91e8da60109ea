"""A training run from settings to weights."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Protocol

import keras
import numpy as np

from maskdet.detections import CLASS_NAMES, Detections
from maskdet.errors import ConfigError, DatasetError, ModelError
from maskdet.judging import Judge
from maskdet.networks import backbones
from maskdet.networks.plans import Network, Plan, build_network, plan_from_options, plan_to_options
from maskdet.runtimes.decoding import decoder_for
from maskdet.runtimes.letterbox import letterbox
from maskdet.training import metrics
from maskdet.training.augmentation import Augmentation
from maskdet.training.dataset import Sample
from maskdet.training.distillation import ANSWERS, TaughtLoader, load_teacher
from maskdet.training.figures import append_figures
from maskdet.training.loader import Loader, draw_weights
from maskdet.training.pasting import FacePaste
from maskdet.training.precision import Matches
from maskdet.training.reading import below, read_samples
from maskdet.training.settings import (
    DataSettings,
    NetworkSettings,
    ScheduleSettings,
    TrainingSettings,
)
from maskdet.training.start import RANDOM, load_start
from maskdet.training.teaching import OpenDetector, teach
from maskdet.training.trainer import Progress, Schedule, Trainer

TEACHER_SCORE = 0.03
"""Lowest score of a face that a teacher's word is taken for."""
MOST_PROCESSES = 16
"""That make batches, unless more are asked for."""


class Listener(Protocol):
    """Whom a run tells what happens beside its steps."""

    def begun(self, step: int, pictures: int, validation: int) -> None:
        """The data has been read, the network built; learning goes on from that step."""

    def evaluating(self, step: int) -> None:
        """An evaluation begins."""

    def evaluated(
        self,
        step: int,
        figures: dict[str, float],
        samples: Sequence[Sample],
        found: Sequence[Detections],
    ) -> None:
        """An evaluation has ended; these are the validation samples and what was found in them."""

    def improved(self, step: int, figures: dict[str, float], weights: Path) -> None:
        """The evaluation was the best one yet; its weights lie in that file."""


def plan_of(settings: NetworkSettings) -> Plan:
    """The network that settings describe.

    Raises:
        ConfigError: there can be no such network.
    """
    try:
        return plan_from_options(settings.model_dump(exclude={"kind"}), settings.kind)
    except ModelError as error:
        raise ConfigError(f"settings, network: {error}") from None


def run(
    settings: TrainingSettings,
    data: Path,
    folder: Path,
    progress: Progress,
    *,
    resume: bool = False,
    listener: Listener | None = None,
    stopping: Callable[[], bool] = lambda: False,
    open_detector: OpenDetector | None = None,
) -> Trainer:
    """Trains in a folder until the schedule ends, or until told to stop.

    Args:
        settings: of the run.
        data: folder of the annotated pictures.
        folder: where checkpoint, best weights and logs go; made if missing.
        progress: told of every step.
        resume: go on from the folder's checkpoint, if it has one.
        listener: told of evaluations.
        stopping: asked after every step; on True a checkpoint is written and the run ends.
        open_detector: opens the teachers that settings name; None: they may name none.

    Raises:
        DatasetError: the data cannot be used.
        ConfigError: the settings do not fit the data or the folder, or the loss is no number any
            more.
    """
    checkpoint = folder / "checkpoint.npz"
    if checkpoint.exists() and not resume:
        raise ConfigError(f"{checkpoint}: a run has begun here; add --resume or another --output")
    folder.mkdir(parents=True, exist_ok=True)
    # Keras draws initial weights by Python's generator; its own function imports TensorFlow
    random.seed(settings.schedule.seed)
    keras.config.set_dtype_policy(settings.precision)
    samples, weights, validation = read_data(settings, data, folder, open_detector)
    network = build(settings)
    schedule = settings.schedule
    loader = _loader(settings, samples, weights, network, folder)

    def evaluate(model: keras.Model, step: int) -> dict[str, float]:
        if listener:
            listener.evaluating(step)
        found = predict(model, settings.evaluation_size, validation)
        figures = measure(validation, found)
        append_figures(folder / "validation.csv", step, figures)
        if listener:
            listener.evaluated(step, figures, validation, found)
        return figures

    improved = listener.improved if listener else None
    trainer = Trainer(network, loader, _schedule(schedule), folder, evaluate, progress, improved)
    if resume:
        trainer.resume()
    if listener:
        listener.begun(trainer.step, len(samples), len(validation))
    trainer.run(stopping=stopping)
    if trainer.is_over:
        shutil.rmtree(folder / ANSWERS, ignore_errors=True)
    return trainer


def _loader(
    settings: TrainingSettings,
    samples: Sequence[Sample],
    weights: np.ndarray,
    network: Network,
    folder: Path,
) -> Loader | TaughtLoader:
    """What makes the run's batches; where there is a teacher, with its answers."""
    schedule, distillation = settings.schedule, settings.distillation
    cores = os.cpu_count() or 2
    loader = Loader(
        samples,
        weights,
        Augmentation(**settings.augmentation.model_dump(exclude={"paste"})),
        network.target_maker,
        batch=schedule.batch,
        seed=schedule.seed,
        threads=max(1, min(8, cores - 1)),
        processes=_processes(cores) if schedule.processes is None else schedule.processes,
        paste=face_paste(samples, settings.augmentation.paste),
    )
    if not distillation.teacher:
        return loader
    teacher = load_teacher(distillation.teacher, network, distillation.precision)
    return TaughtLoader(
        loader, teacher, steps=schedule.steps, reuse=distillation.reuse, folder=folder / ANSWERS
    )


def _processes(cores: int) -> int:
    """How many make batches: none where threads keep up with a processor of that many cores."""
    return min(cores - 1, MOST_PROCESSES) if cores > 4 else 0


def measure(samples: Sequence[Sample], found: Sequence[Detections]) -> dict[str, float]:
    """`metrics.average_precision`, and the ``threshold`` from which on to show a face, by F1."""
    evaluation = metrics.coco_eval(samples, found)
    classes = [Matches.of(evaluation, index) for index in range(len(CLASS_NAMES))]
    best = Matches.pooled(classes).best_threshold()
    return {**metrics.average_precision(evaluation), "threshold": best["threshold"]}


def read_data(
    settings: TrainingSettings,
    data: Path,
    folder: Path | None = None,
    open_detector: OpenDetector | None = None,
) -> tuple[list[Sample], np.ndarray, list[Sample]]:
    """Training samples, how often each is drawn, and validation samples.

    Args:
        settings: of the run.
        data: folder of the annotated pictures.
        folder: the run's, where the answers of teachers are kept; None: teachers are not asked.
        open_detector: opens the teachers; None: settings may name none.
    """
    parts = [_read(part, data) for part in settings.train]
    if folder is not None:
        pairs = zip(settings.train, parts, strict=True)
        parts = [_taught(*each, folder, open_detector) for each in pairs]
    if settings.validation:
        classes = {name: state for part in settings.train for name, state in part.classes.items()}
        validation = read_samples(data, only=below(data, settings.validation), classes=classes)
    else:
        order = np.random.default_rng(0).permutation(len(parts[0]))
        cut = max(1, len(order) // 10)
        validation = [parts[0][i] for i in sorted(order[:cut])]
        parts[0] = [parts[0][i] for i in sorted(order[cut:])]
    if not parts[0]:
        raise DatasetError(f"{data}: too few pictures to train on")
    if not any(len(sample.boxes) for sample in validation):
        raise DatasetError(f"{data}: no faces in the {len(validation)} pictures for validation")
    shares = zip(parts, settings.train, strict=True)
    weights = [draw_weights(part, settings.schedule.rare) * source.share for part, source in shares]
    return [sample for part in parts for sample in part], np.concatenate(weights), validation


def _read(part: DataSettings, data: Path) -> list[Sample]:
    return read_samples(
        data,
        below(data, part.source),
        below(data, part.list),
        kind=part.format,
        classes=part.classes,
        class_list=below(data, part.class_list),
        labelled=part.labelled,
    )


def _taught(
    part: DataSettings, samples: list[Sample], folder: Path, open_detector: OpenDetector | None
) -> list[Sample]:
    if not part.teacher:
        return samples
    if open_detector is None:
        raise ConfigError(f"settings, train: there is nobody to open the teacher {part.teacher!r}")
    open_teacher = partial(open_detector, part.teacher, Judge.plain(TEACHER_SCORE))
    return teach(samples, open_teacher, folder / f"taught-{Path(part.teacher).name}.json")


def face_paste(samples: Sequence[Sample], share: float) -> FacePaste | None:
    """Pasting among the pictures that label every class; None where it is not wanted."""
    whole = [sample for sample in samples if len(sample.labelled) == len(CLASS_NAMES)]
    return FacePaste(whole, share) if share else None


def build(settings: TrainingSettings) -> Network:
    """The compiled network with its starting weights.

    Raises:
        ConfigError: the starting weights cannot be used.
    """
    plan = plan_of(settings.network)
    network = build_network(plan)
    schedule = settings.schedule
    if settings.start or settings.imagenet != RANDOM:
        load_start(network, settings.start, settings.imagenet)
        backbones.freeze(
            network,
            plan.backbone,
            stem=schedule.freeze_stem,
            batch_norm=schedule.freeze_batch_norm,
            head_norm=bool(settings.start) and schedule.freeze_head_norm,
        )
    optimizer = keras.optimizers.AdamW(
        schedule.rate, weight_decay=schedule.weight_decay, global_clipnorm=schedule.clip
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    # XLA makes the CPU several times slower; on a GPU it pays
    accelerated = keras.backend.backend() != "tensorflow" or _has_gpu()
    network.compile(optimizer=optimizer, jit_compile="auto" if accelerated else False)
    return network


def _has_gpu() -> bool:
    return any(device.startswith("gpu") for device in keras.distribution.list_devices())


def _schedule(settings: ScheduleSettings) -> Schedule:
    return Schedule(**{field.name: getattr(settings, field.name) for field in fields(Schedule)})


def predict(
    network: Network, size: int, samples: Sequence[Sample], batch: int = 8, min_score: float = 0.02
) -> list[Detections]:
    """Detections of every sample's picture, by the network itself on a square input."""
    judge = Judge.plain(min_score)
    decoder = decoder_for(network.name, plan_to_options(network.plan), judge)
    found: list[Detections] = []
    for start in range(0, len(samples), batch):
        images = [sample.read() for sample in samples[start : start + batch]]
        boxed = [letterbox(image, size, size) for image in images]
        inputs = np.stack([picture for picture, _ in boxed]).astype(np.float32)
        padded = np.concatenate([inputs, np.repeat(inputs[-1:], batch - len(images), axis=0)])
        first, second = (keras.ops.convert_to_numpy(o) for o in network.predict_on_batch(padded))
        found += [
            decoder.decode(first[i], second[i], (size, size), image.shape[:2], boxed[i][1])
            for i, image in enumerate(images)
        ]
    return found
