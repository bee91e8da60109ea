"""The whole state of a training run in one file, which a kill at any moment leaves whole."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from maskdet.errors import DatasetError, SinkError, reason_of

Weights = list[np.ndarray]
GROUPS = ("weights", "optimizer", "average", "seeds")
"""The last is missing from checkpoints of earlier versions, and of networks that draw nothing."""
VALUES = ("step", "best", "minutes")
COUNT = "arrays"
"""How many arrays a checkpoint holds: of an archive whose list of members was cut, those that are
left look whole. Missing from checkpoints of earlier versions."""

_HDF5_BYTES_PER_ARRAY = 8192
"""What HDF5 adds to an array, at most: names of groups, and places that are kept free."""
_BLOCK_BYTES = 2**20


@dataclass
class State:
    """Where a run stands.

    Attributes:
        step: batches learned.
        weights: the network's.
        optimizer: the optimizer's variables.
        average: running mean of the weights.
        best: highest validation mAP so far, −1 before the first evaluation.
        minutes: learned.
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
    with _written_whole(temporary, path), temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())


def save_weights(path: Path, network: keras.Model) -> None:
    """Saves weights alone: with the optimizer's state the file would be thrice as large.

    Raises:
        SinkError: it cannot be written; an older file stays as it is.
    """
    temporary = path.with_name("new.weights.h5")
    optimizer, network.optimizer = network.optimizer, None
    try:
        with _written_whole(temporary, path):
            _reserve(temporary, network)
            network.save_weights(temporary)
    finally:
        network.optimizer = optimizer


@contextmanager
def _written_whole(temporary: Path, path: Path) -> Iterator[None]:
    """A file of a run that is written under another name first; the old one stays until then.

    Raises:
        SinkError: it cannot be written; nothing is left of the new one.
    """
    try:
        yield
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        reason = reason_of(error)
        raise SinkError(
            f"{path}: cannot be written: {reason}; make room, then go on with --resume"
        ) from None


def _reserve(path: Path, network: keras.Model) -> None:
    """Takes the room that a file of a network's weights needs.

    HDF5, which writes it, ends the process where a disk is full: it cannot close such a file.

    Raises:
        OSError: there is no such room.
    """
    size = sum(math.prod(v.shape) * np.dtype(v.dtype).itemsize for v in network.variables)
    left = int(size) + _HDF5_BYTES_PER_ARRAY * (len(network.variables) + 1)
    with path.open("wb") as file:
        while left > 0:
            left -= file.write(bytes(min(left, _BLOCK_BYTES)))
        file.flush()
        os.fsync(file.fileno())


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
