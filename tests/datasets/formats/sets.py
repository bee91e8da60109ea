"""Small data sets with real pictures, and what is to be the same after any conversion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.datasets.format_detection import read
from maskdet.datasets.samples import DataSet, Sample
from maskdet.errors import DatasetError

Face = tuple[str, tuple[float, float, float, float]]
"""Class name and box."""
PICTURES = {"a.png": (60, 40), "b.jpg": (33, 57), "c.jpeg": (640, 31), "d d.png": (7, 9)}
"""Sizes of some pictures, width and height."""


def draw(file: Path, width: int, height: int) -> None:
    """Writes a picture of noise that depends on its name."""
    random = np.random.default_rng(sum(file.name.encode()))
    file.parent.mkdir(parents=True, exist_ok=True)
    noise = random.integers(0, 256, (height, width, 3), np.uint8)
    file.write_bytes(cv2.imencode(file.suffix, noise)[1].tobytes())


def make(folder: Path, faces: dict[str, Sequence[Face]], names: Sequence[str]) -> DataSet:
    """A data set with pictures of `PICTURES` in a folder."""
    samples = []
    for name, found in faces.items():
        file = folder / name
        draw(file, *PICTURES[name])
        boxes = np.array([box for _, box in found], np.float32).reshape(-1, 4)
        classes = np.array([names.index(kind) for kind, _ in found], np.int64)
        samples.append(Sample(file, *PICTURES[name], boxes, classes))
    places = [[f"{s.file}:{n}" for n in range(len(s.boxes))] for s in samples]
    return DataSet(samples, tuple(names), places)


def content(data: DataSet) -> dict[str, list[Face]]:
    """Faces by picture, whatever the order and ending of the pictures."""
    return {
        Path(sample.name or sample.file.name).stem: [
            (data.names[index], tuple(box))
            for index, box in zip(sample.classes.tolist(), sample.boxes.tolist(), strict=True)
        ]
        for sample in data.samples
    }


def pixels(data: DataSet) -> dict[str, bytes]:
    """The pictures themselves, as they are learned."""
    return {Path(s.name or s.file.name).stem: s.read().tobytes() for s in data.samples}


def assert_same(first: DataSet, second: DataSet, within: float = 1e-3) -> None:
    """The same pictures with the same boxes (to so many pixels) of the same classes."""
    one, two = content(first), content(second)
    assert one.keys() == two.keys()
    for picture, faces in one.items():
        assert [name for name, _ in faces] == [name for name, _ in two[picture]]
        boxes = [[box for _, box in found] for found in (faces, two[picture])]
        np.testing.assert_allclose(*boxes, rtol=0, atol=within)
    assert pixels(first) == pixels(second)


def mistakes(path: Path, kind: str = "auto", root: Path | None = None) -> list[str]:
    """The lines that reading labels ends with; their folder's name is left out."""
    with pytest.raises(DatasetError) as error:
        read(path, root or (path if path.is_dir() else path.parent), kind)
    lines = str(error.value).splitlines()
    assert all(len(line) < 500 + 3 * len(str(path)) for line in lines)
    return [line.replace(f"{path.parent}/", "") for line in lines]
