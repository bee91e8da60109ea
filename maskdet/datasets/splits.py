"""Parts that a data set is divided into: what is learned, what validates, what tests."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from maskdet.datasets.samples import DataSet, Sample

TRAIN, VALIDATION, TEST = "train", "val", "test"
PARTS = (TRAIN, VALIDATION, TEST)
_WORDS = {
    "train": TRAIN, "training": TRAIN,
    "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "dev": VALIDATION,
    "test": TEST, "testing": TEST,
}  # fmt: skip
_WORD = re.compile(r"[a-z]+")


def part_of_name(name: str) -> str:
    """The part that the name of a folder or file names; empty: none, or more than one.

    ``train``, ``valid``, ``instances_val2017``, ``test_labels`` …
    """
    found = {_WORDS[word] for word in _WORD.findall(name.lower()) if word in _WORDS}
    return found.pop() if len(found) == 1 else ""


def in_parts(data: DataSet, root: Path, labels: Path) -> DataSet:
    """The data set with the part of each sample that has none yet, where names show it.

    Args:
        data: as its reader made it.
        root: the folder of the data; folders above it do not count.
        labels: the file or folder of the labels.
    """
    own = "" if labels.is_dir() else part_of_name(labels.stem)
    samples = [
        sample if sample.part else replace(sample, part=own or _part_of_place(sample, root))
        for sample in data.samples
    ]
    return DataSet(samples, data.names, data.places)


def _part_of_place(sample: Sample, root: Path) -> str:
    relative = Path(os.path.relpath(sample.file, root))
    folders = relative.parent.parts
    names = [relative.stem, *reversed(folders)] if sample.span else list(reversed(folders))
    return next((part for name in names if (part := part_of_name(name))), "")


def joined(sets: Sequence[DataSet]) -> DataSet:
    """Several data sets as one; its classes are those of all, in order of their appearance."""
    if len(sets) == 1:
        return sets[0]
    names = tuple(dict.fromkeys(name for data in sets for name in data.names))
    samples = []
    for data in sets:
        index = np.array([names.index(name) for name in data.names], np.int64)
        samples += [replace(sample, classes=index[sample.classes]) for sample in data.samples]
    return DataSet(samples, names, [places for data in sets for places in data.places])
