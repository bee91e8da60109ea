"""The whole state of a training run in one file, which a kill at any moment leaves whole."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from maskdet.errors import DatasetError, SinkError

Weights = list[np.ndarray]
GROUPS = ("weights", "optimizer", "average", "seeds")
"""The last is missing from checkpoints of earlier versions, and of networks that draw nothing."""
VALUES = ("step", "best", "minutes")
COUNT = "arrays"
"""How many arrays a checkpoint holds: of an archive whose list of members was cut, those that are
left look whole. Missing from checkpoints of earlier versions."""


@dataclass
class State:
    """Where a run stands.

    Attributes:
        step: batches learnt.
        weights: the network's.
        optimizer: the optimizer's variables.
        average: running mean of the weights.
        best: highest validation mAP so far, −1 before the first evaluation.
        minutes: learnt.
        seeds: where the network's random generators stand.
    """

    step: int
    weights: Weights
    optimizer: Weights
    average: Weights
    best: float
    minutes: float = 0.0
    seeds: Weights = field(default_factory=list)


def save(path: Path, state: State) -> None:
    """Writes a checkpoint; the old one stays whole until the new one is.

    Raises:
        SinkError: it cannot be written.
    """
    arrays = {name: np.array(getattr(state, name)) for name in VALUES}
    for group in GROUPS:
        arrays |= {f"{group}{i}": array for i, array in enumerate(getattr(state, group))}
    arrays = {COUNT: np.array(len(arrays)), **arrays}  # first: a cut list still has it
    temporary = path.with_suffix(".new")
    try:
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SinkError(
            f"{path}: checkpoint cannot be written: {reason}; make room, then go on with --resume"
        ) from None


def load(path: Path) -> State:
    """Reads a checkpoint.

    Raises:
        DatasetError: it is broken.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            groups = {
                group: [arrays[f"{group}{i}"] for i in range(_count(arrays.files, group))]
                for group in GROUPS
            }
            held = len(VALUES) + sum(map(len, groups.values()))
            others = [name for name in arrays.files if name != COUNT]
            if len(others) != held or arrays.get(COUNT, held) != held:
                raise ValueError("it holds other arrays")
            best, minutes = float(arrays["best"]), float(arrays["minutes"])
            return State(int(arrays["step"]), best=best, minutes=minutes, **groups)
    except Exception as error:  # a file that was cut or changed makes zipfile raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DatasetError(
            f"{path}: broken checkpoint ({reason}); remove it to start again"
        ) from None


def _count(names: list[str], group: str) -> int:
    return sum(name.startswith(group) for name in names)


def seed_values(network: keras.Model) -> Weights:
    """Where a network's random generators stand, which its weights do not hold."""
    return [keras.ops.convert_to_numpy(variable) for variable in _seeds(network)]


def restore_seeds(network: keras.Model, values: Weights) -> None:
    """Has a network's generators go on from there.

    Raises:
        ValueError: the values are another network's.
    """
    for variable, value in zip(_seeds(network), values, strict=True):
        variable.assign(value)


def _seeds(network: keras.Model) -> list[keras.Variable]:
    return [variable for variable in network.variables if variable.name == "seed_generator_state"]


def optimizer_values(optimizer: keras.Optimizer) -> Weights:
    """Copies of an optimizer's variables."""
    return [keras.ops.convert_to_numpy(variable) for variable in optimizer.variables]


def restore_optimizer(optimizer: keras.Optimizer, model: keras.Model, values: Weights) -> None:
    """Puts values back into an optimizer that has not stepped yet."""
    optimizer.build(model.trainable_variables)
    for variable, value in zip(optimizer.variables, values, strict=True):
        variable.assign(value)
