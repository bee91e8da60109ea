"""A heavy network's answers as targets of a light one (Hinton et al. 2015), anchor by anchor."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from maskdet.errors import ConfigError
from maskdet.model.card import model_file, read_card
from maskdet.networks.plans import Network, build_network, plan_from_options
from maskdet.networks.retinanet import RetinaNet
from maskdet.runtimes.spec import find_model
from maskdet.system.atomic_files import write_whole
from maskdet.training.batches.loader import Loader
from maskdet.training.batches.maker import Batch

ANSWERS = "answers"
"""Below the run's folder: the batches that a teacher has answered, where they are used again."""


def load_teacher(model: str, student: Network, precision: str = "float32") -> RetinaNet:
    """The network that teaches another one.

    Args:
        model: its model's name or folder; there must be Keras weights.
        student: whose anchors it must have.
        precision: Keras' dtype policy to compute in.

    Raises:
        ConfigError: it cannot be that network's teacher.
        ModelError: there is no such model.
    """
    folder = find_model(model)
    card = read_card(folder)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        teacher = build_network(plan_from_options(card.options, card.network))
    finally:
        keras.config.set_dtype_policy(policy)
    if not isinstance(teacher, RetinaNet) or not isinstance(student, RetinaNet):
        raise ConfigError(f"settings, distillation: {card.name} and its student must be RetinaNets")
    if teacher.plan.anchors != student.plan.anchors:
        raise ConfigError(f"settings, distillation: {card.name} has other anchors than its student")
    if teacher.plan.deviations != student.plan.deviations:
        raise ConfigError(f"settings, distillation: {card.name} has other box deviations")
    teacher.load_weights(model_file(folder, card, "keras"))
    return teacher


class DistillationLoader:
    """Batches with a teacher's answers, each used several times: a teacher is slow.

    A batch's number decides which it is, as `BatchMaker` has it: the first ones are made in order,
    and after them come the same ones again, in another order each time.
    """

    def __init__(
        self, loader: Loader, teacher: keras.Model, *, steps: int, reuse: int, folder: Path
    ) -> None:
        """Asks nothing yet.

        Args:
            loader: makes the batches.
            teacher: its outputs are class logits (batch, N, classes) and box deltas (batch, N, 4).
            steps: batches of the whole run.
            reuse: how often each is used.
            folder: where those lie that are used again.
        """
        self._loader = loader
        self._teacher = teacher
        self._made = -(-steps // reuse)
        self._folder = folder if reuse > 1 else None

    def batches(self, first: int, end: int) -> Iterator[Batch]:
        """Batches `first` … `end` − 1, with the teacher's answers among their targets.

        These are ``teacher_classes`` (batch, N, classes), probabilities, and ``teacher_deltas``
        (batch, N, 4).
        """
        new = self._loader.batches(min(first, self._made), min(end, self._made))
        for number, batch in enumerate(new, first):
            yield self._kept(number, self._answered(batch))
        for number in range(max(first, self._made), end):
            yield self._again(number)

    def _answered(self, batch: Batch) -> Batch:
        images, targets = batch
        logits, deltas = map(_array, self._teacher.predict_on_batch(images.astype(np.float32)))
        probabilities = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
        answers = {"teacher_classes": probabilities, "teacher_deltas": deltas}
        return images, targets | answers

    def _kept(self, number: int, batch: Batch) -> Batch:
        if self._folder is not None:
            self._folder.mkdir(exist_ok=True)
            images, targets = batch
            small = {name: _half(values) for name, values in targets.items()}
            whole = io.BytesIO()
            np.savez(whole, allow_pickle=False, images=images, **small)
            write_whole(self._folder / f"{number}.npz", whole.getvalue())
        return batch

    def _again(self, number: int) -> Batch:
        turn, place = divmod(number, self._made)
        drawn = int(np.random.default_rng(turn).permutation(self._made)[place])
        assert self._folder is not None  # without reuse, no number is beyond those made
        file = self._folder / f"{drawn}.npz"
        if not file.is_file():
            return self._kept(drawn, self._answered(self._loader.maker.batch(drawn)))
        with np.load(file) as kept:
            targets = {name: _single(kept[name]) for name in kept.files}
        return targets.pop("images"), targets


def _array(output: object) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(output), np.float32)


def _half(values: np.ndarray) -> np.ndarray:
    """Answers in half precision; of boxes, which are pixels, that would lose a part."""
    small = values.dtype == np.float32 and np.abs(values).max(initial=0) < 64
    return values.astype(np.float16) if small else values


def _single(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32) if values.dtype == np.float16 else values
