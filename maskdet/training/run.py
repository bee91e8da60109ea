"""A training run from settings to weights."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

import keras
import numpy as np

from maskdet.datasets.samples import Sample
from maskdet.detections import CLASS_NAMES, Detections
from maskdet.errors import ConfigError, ModelError
from maskdet.evaluation import coco
from maskdet.evaluation.precision_recall import Matches
from maskdet.images.letterbox import letterbox
from maskdet.model.decision import DecisionRule
from maskdet.networks import backbones
from maskdet.networks.plans import Network, Plan, build_network, plan_from_options, plan_to_options
from maskdet.runtimes.decoding import decoder_for
from maskdet.training.batches.distillation import ANSWERS
from maskdet.training.csv_log import append_metrics
from maskdet.training.data import make_loader, read_data
from maskdet.training.earlier_run import require_no_checkpoint
from maskdet.training.initial_weights import RANDOM, load_start
from maskdet.training.pseudo_labels import OpenDetector
from maskdet.training.settings import (
    NetworkSettings,
    ScheduleSettings,
    TrainingSettings,
)
from maskdet.training.trainer import Schedule, Trainer


class Listener:
    """A listener to what happens in a run; what it does not define is passed over."""

    def preparing(self, what: str) -> None:
        """Something begins, or has been found, before the first step."""

    def begun(self, step: int, images: int, validation: int) -> None:
        """The data has been read, the network built; learning goes on from that step."""

    def stepped(self, step: int, metrics: dict[str, float]) -> None:
        """One step has been learned: its ``loss``, ``rate`` and the run's ``minutes``."""

    def evaluating(self, step: int) -> None:
        """An evaluation begins."""

    def evaluated(
        self,
        step: int,
        metrics: dict[str, float],
        samples: Sequence[Sample],
        found: Sequence[Detections],
    ) -> None:
        """An evaluation has ended; these are the validation samples and what was found in them."""

    def improved(self, step: int, metrics: dict[str, float], weights: Path) -> None:
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
    listener: Listener | None = None,
    *,
    resume: bool = False,
    stopping: Callable[[], bool] = lambda: False,
    open_detector: OpenDetector | None = None,
) -> Trainer:
    """Trains in a folder until the schedule ends, or until asked to stop.

    Args:
        settings: of the run.
        data: folder of the annotated images.
        folder: where checkpoint, best weights and logs go; made if missing.
        listener: called at every step and evaluation; None: nobody is.
        resume: go on from the folder's checkpoint, if it has one.
        stopping: asked after every step; on True a checkpoint is written and the run ends.
        open_detector: opens the teachers that settings name; None: they may name none.

    Raises:
        DatasetError: the data cannot be used.
        ConfigError: the settings do not fit the data or the folder, or the loss is not a number any
            more.
    """
    if not resume:
        require_no_checkpoint(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # Keras draws initial weights by Python's generator; its own function imports TensorFlow
    random.seed(settings.schedule.seed)
    keras.config.set_dtype_policy(settings.precision)
    heard = listener or Listener()
    heard.preparing(f"reading the labels of {data}")
    samples, weights, validation = read_data(settings, data, folder, open_detector, heard.preparing)
    heard.preparing(f"building the network, {starting_weights(settings)}")
    network = build(settings)
    loader = make_loader(settings, samples, weights, network, folder)
    evaluate = _evaluation(validation, settings.evaluation_size, folder, heard)
    trainer = Trainer(
        *(network, loader, _schedule(settings.schedule), folder, evaluate),
        progress=heard.stepped,
        improved=heard.improved,
    )
    if resume:
        trainer.resume()
    heard.begun(trainer.step, len(samples), len(validation))
    heard.preparing(
        "compiling the network and making the first batches: the first step takes longest"
    )
    trainer.run(stopping=stopping)
    if trainer.is_over:
        shutil.rmtree(folder / ANSWERS, ignore_errors=True)
    return trainer


def _evaluation(
    samples: Sequence[Sample], size: int, folder: Path, heard: Listener
) -> Callable[[keras.Model, int], dict[str, float]]:
    """Makes what measures the network at a step, writes it down and reports it.

    Args:
        samples: for validation.
        size: side in pixels of the network's square input.
        folder: of the run.
        heard: gets the metrics, and what was found.
    """

    def evaluate(model: keras.Model, step: int) -> dict[str, float]:
        heard.evaluating(step)
        found = predict(model, size, samples)
        metrics = measure(samples, found)
        append_metrics(folder / "validation.csv", step, metrics)
        heard.evaluated(step, metrics, samples, found)
        return metrics

    return evaluate


def starting_weights(settings: TrainingSettings) -> str:
    """The weights that a run begins from, in words."""
    if settings.start:
        return f"with the weights of {settings.start}"
    if settings.imagenet == RANDOM:
        return "with random weights"
    where = settings.imagenet or "downloaded, where they are not here yet"
    return f"with ImageNet weights ({where})"


def measure(samples: Sequence[Sample], found: Sequence[Detections]) -> dict[str, float]:
    """`coco.average_precision`, and the ``threshold`` from which on to show a face, by F1."""
    evaluation = coco.coco_eval(samples, found)
    classes = [Matches.of(evaluation, index) for index in range(len(CLASS_NAMES))]
    best = Matches.pooled(classes).best_threshold()
    return {**coco.average_precision(evaluation), "threshold": best["threshold"]}


def build(settings: TrainingSettings) -> Network:
    """The compiled network with its starting weights.

    Raises:
        ConfigError: the starting weights cannot be used.
    """
    plan = plan_of(settings.network)
    network = build_network(plan)
    schedule = settings.schedule
    if schedule.start_share and not settings.start:
        raise ConfigError("settings, schedule.start_share: needs the weights of a run as 'start'")
    if len(set(settings.augmentation.sizes)) > 1 and keras.backend.backend() == "tensorflow":
        raise ConfigError(
            "settings, augmentation.sizes: TensorFlow compiles one size; give one, or set "
            "KERAS_BACKEND=jax"
        )
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
    # with its variables there, TensorFlow traces the first step once, not twice: seconds
    optimizer.build(network.trainable_variables)
    return network


def _has_gpu() -> bool:
    return any(device.startswith("gpu") for device in keras.distribution.list_devices())


def _schedule(settings: ScheduleSettings) -> Schedule:
    return Schedule(**{field.name: getattr(settings, field.name) for field in fields(Schedule)})


def predict(
    network: Network, size: int, samples: Sequence[Sample], batch: int = 8, min_score: float = 0.02
) -> list[Detections]:
    """Detections of every sample's image, by the network itself on a square input."""
    rule = DecisionRule.from_min_score(min_score)
    decoder = decoder_for(network.name, plan_to_options(network.plan), rule)
    found: list[Detections] = []
    for start in range(0, len(samples), batch):
        images = [sample.read() for sample in samples[start : start + batch]]
        boxed = [letterbox(image, size, size) for image in images]
        inputs = np.stack([inside for inside, _ in boxed]).astype(np.float32)
        padded = np.concatenate([inputs, np.repeat(inputs[-1:], batch - len(images), axis=0)])
        first, second = (keras.ops.convert_to_numpy(o) for o in network.predict_on_batch(padded))
        found += [
            decoder.decode(first[i], second[i], (size, size), image.shape[:2], boxed[i][1])
            for i, image in enumerate(images)
        ]
    return found
