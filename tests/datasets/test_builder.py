"""The part of a box inside its image, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdet.datasets.builder import CONTRADICTING, DatasetBuilder, cut_box
from maskdet.datasets.problems import Problems
from maskdet.errors import DatasetError

SIDE = 2**20


@pytest.mark.parametrize(
    ("box", "cut"),
    [
        ((-3.0, 2.0, 50.0, 90.0), (0.0, 2.0, 50.0, 80.0)),
        ((10.0, 20.0, 100.0, 80.0), (10.0, 20.0, 100.0, 80.0)),
    ],
)
def test_what_reaches_out_is_cut(box: tuple[float, ...], cut: tuple[float, ...]) -> None:
    assert cut_box(box, 100, 80) == cut


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((100.0, 2.0, 120.0, 9.0), "outside the picture"),
        ((2.0, 80.0, 9.0, 99.0), "outside the picture"),
        ((SIDE - 9.0, 2.0, SIDE - 8.99, 9.0), "outside the picture"),  # nothing as a float32
        ((9.0, 2.0, 9.0, 9.0), "empty box"),
        ((9.0, 2.0, 8.0, 9.0), "swapped corners"),
        ((9.0, 2.0, float("inf"), 9.0), "not made of finite numbers"),
    ],
)
def test_what_is_no_part_of_an_image_is_refused(box: tuple[float, ...], words: str) -> None:
    width = SIDE if box[0] > 100 else 100
    with pytest.raises(DatasetError, match=words):
        cut_box(box, width, 80)


def test_a_face_of_two_classes_is_in_a_note() -> None:
    problems = Problems()
    builder = DatasetBuilder(problems)
    image = builder.image(Path("a.jpg"), 100, 80, "a.csv:1")
    assert image is not None
    for line, (box, name) in enumerate(
        [((1, 2, 30, 40), "mask"), ((5, 2, 30, 40), "no_mask"), ((1, 2, 30, 40), "mask")], start=2
    ):
        builder.box(image, box, name, f"a.csv:{line}")
    assert CONTRADICTING not in problems.notes
    builder.box(image, (1, 2, 30, 40), "no_mask", "a.csv:5")
    assert problems.notes[CONTRADICTING] == ["a.csv:5: no_mask and mask"]
    assert len(builder.dataset().samples[0].boxes) == 4
