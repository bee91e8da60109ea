"""Weights by which samples are drawn: rare classes more often, images of one scene less often."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskdet.datasets.samples import Sample
from maskdet.training.batches.sample_weights import draw_weights, scene_weights
from maskdet.training.settings import DataSettings

THREE, TWO = (0, 1, 2), (0, 1)


@pytest.mark.parametrize(
    ("classes", "labeled", "expected"),
    [
        # the third class is rare: its pictures come three times as often
        ([[0, 0, 0], [1, 1, 0], [0, 2]], THREE, [1, 1, 3]),
        # the first one is
        ([[1, 1, 2], [1, 0], [2, 2]], THREE, [1, 3, 1]),
        # all as often as each other: nothing is rare
        ([[0], [1], [2]], THREE, [1, 1, 1]),
        # a class not labeled is not missed; of the two, neither is rarer than a third
        ([[0, 0, 0], [1, 1]], TWO, [1, 1]),
        ([[0, 0, 0, 0, 0], [1]], TWO, [1, 3]),
        # a class that nobody shows cannot be favored; pictures of no face are drawn, too
        ([[0], []], THREE, [1, 1]),
        ([[], []], THREE, [1, 1]),
        ([], THREE, []),
    ],
)
def test_draw_weights(
    classes: list[list[int]], labeled: tuple[int, ...], expected: list[float]
) -> None:
    samples = [
        Sample(Path(), 9, 9, np.zeros((len(each), 4)), np.array(each, np.int64), labeled)
        for each in classes
    ]
    assert draw_weights(samples, 3.0).tolist() == expected


def test_a_scene_counts_as_so_many_images_at_most() -> None:
    names = ["anna_1", "anna_2", "anna_3", "anna_4", "ben_1", "loose"]
    samples = [
        Sample(Path(f"images/{name}.jpg"), 9, 9, np.zeros((0, 4)), np.zeros(0, np.int64), THREE)
        for name in names
    ]
    weights = scene_weights(samples, r"/([a-z]+)_\d+\.", 2)
    assert weights.tolist() == [0.5, 0.5, 0.5, 0.5, 1, 1]
    assert (scene_weights(samples, "", 2) == 1).all()


@pytest.mark.parametrize(
    ("scene", "expected"), [("([a-z", "not a regular expression"), ("[a-z]+", "one group")]
)
def test_a_scene_is_named_by_one_group(scene: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        DataSettings(scene=scene)


def test_faces_that_are_ignored_have_no_say_in_the_drawing() -> None:
    ignored = [
        Sample(Path(), 9, 9, np.zeros((1, 4)), np.array([-1]), labeled)
        for labeled in (THREE, THREE, TWO)
    ]
    assert (draw_weights(ignored, 3.0) == 1).all()
