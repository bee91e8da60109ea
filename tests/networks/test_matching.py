"""Which anchor answers for which box, in cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from maskdet.model.anchors import AnchorGrid
from maskdet.networks.matching import (
    BACKGROUND,
    IGNORED,
    MATCHERS,
    match_by_atss,
    match_by_iou,
)

NONE: list[list[float]] = []
# four squares side by side
ROW = [[0, 0, 10, 10], [10, 0, 20, 10], [20, 0, 30, 10], [30, 0, 40, 10]]
# growing downwards: IoU with a box of height h is h / height
GROWING = [[0, 0, 10, 10], [0, 0, 10, 20], [0, 0, 10, 30]]


def array(boxes: list[list[float]]) -> np.ndarray:
    return np.array(boxes, np.float32).reshape(-1, 4)


@pytest.mark.parametrize(
    ("anchors", "boxes", "expected"),
    [
        # no boxes: all is background
        (ROW, NONE, [BACKGROUND] * 4),
        # a box far from every anchor has none
        (ROW, [[100, 100, 120, 120]], [BACKGROUND] * 4),
        # IoU .9, .45, .3: the box's, neither, background
        (GROWING, [[0, 0, 10, 9]], [0, IGNORED, BACKGROUND]),
        # IoU 1, exactly .5, .333: .5 is enough
        (GROWING, [[0, 0, 10, 10]], [0, 0, BACKGROUND]),
        # IoU .4 exactly is ignored no less than .49
        (GROWING, [[0, 0, 10, 8]], [0, IGNORED, BACKGROUND]),
        # a tiny box (IoU .01) still gets its best anchor
        (ROW, [[14, 4, 15, 5]], [BACKGROUND, 0, BACKGROUND, BACKGROUND]),
        # of two boxes above the limit the closer one has the anchor …
        (ROW[:1], [[0, 0, 10, 7], [0, 0, 10, 9]], [1]),
        (ROW[:1], [[0, 0, 10, 9], [0, 0, 10, 7]], [0]),
        # … and a tiny box does not take a better box's anchor, in whatever order they come
        (ROW[:1], [[0, 0, 10, 9], [4, 4, 5, 5]], [0]),
        (ROW[:1], [[4, 4, 5, 5], [0, 0, 10, 9]], [1]),
        # a box without area matches nothing
        (ROW[:1], [[4, 4, 4, 8]], [BACKGROUND]),
    ],
)
def test_by_iou(anchors: list[list[float]], boxes: list[list[float]], expected: list[int]) -> None:
    match = match_by_iou([array(anchors)], array(boxes))
    assert match.tolist() == expected


@pytest.mark.parametrize(
    ("nearest", "anchors", "boxes", "expected"),
    [
        # no boxes: all is background
        (9, ROW, NONE, [-1] * 4),
        # a box far from every anchor has none
        (9, ROW, [[100, 100, 120, 120]], [-1] * 4),
        # IoU .82 and .05; mean + deviation of two values is the larger one: it alone
        (2, ROW, [[1, 0, 11, 10]], [0, -1, -1, -1]),
        # three equal candidates (IoU 1/3) are all the box's; the fourth is not among the nearest
        (3, ROW, [[0, 0, 30, 10]], [0, 0, 0, -1]),
        # IoU .4, .4, .4, .2: mean + deviation is .4366, above all: the best ones stay
        (4, ROW, [[0, 0, 25, 10]], [0, 0, -1, -1]),
        # IoU .45, .4455, 0 … (limit .36): the second one's center lies outside the box; so does
        # the first one's, but a box keeps its best anchor
        (
            6,
            [[0, 0, 10, 100], [0, 0, 10, 101], *[[50, 0, 60, 10]] * 4],
            [[0, 0, 10, 45]],
            [0, -1, -1, -1, -1, -1],
        ),
        # a tiny box gets its best anchor though it holds no anchor's center
        (9, ROW, [[11, 1, 12, 2]], [-1, 0, -1, -1]),
        # of two boxes the closer one has the anchor, in whatever order they come
        (1, ROW[:1], [[0, 0, 8, 10], [0, 0, 10, 10]], [1]),
        (1, ROW[:1], [[0, 0, 10, 10], [0, 0, 8, 10]], [0]),
        # of two equal ones the first
        (1, ROW[:1], [[0, 0, 10, 10], [0, 0, 10, 10]], [0]),
        # a box without area matches nothing
        (9, ROW[:1], [[4, 4, 4, 8]], [-1]),
    ],
)
def test_by_atss(
    nearest: int, anchors: list[list[float]], boxes: list[list[float]], expected: list[int]
) -> None:
    match = match_by_atss([array(anchors)], array(boxes), nearest)
    assert match.tolist() == expected


def test_atss_takes_the_nearest_of_every_level() -> None:
    """One candidate a level, IoU 1 and .25: limit 1, so only the fitting level answers."""
    fine, coarse = array(ROW), array([[-5, -5, 15, 15], [15, -5, 35, 15]])
    match = match_by_atss([fine, coarse], array([[20, 0, 30, 10]]), nearest=1)
    assert match.tolist() == [-1, -1, 0, -1, -1, -1]
    match = match_by_atss([fine, coarse], array([[-5, -5, 15, 15]]), nearest=1)
    assert match.tolist() == [-1, -1, -1, -1, 0, -1]


@pytest.mark.parametrize("matcher", MATCHERS)
@pytest.mark.parametrize(
    "box",
    [
        [0.5, 0.5, 1.5, 1.5],  # a pixel in the corner
        [100, 100, 118, 121],  # the grid's smallest face
        [0, 0, 640, 640],  # larger than any anchor
        [3, 300, 630, 306],  # no face's shape
    ],
)
def test_no_box_on_the_real_grid_goes_unlearned(matcher: str, box: list[float]) -> None:
    match = MATCHERS[matcher](AnchorGrid().levels(640, 640), array([box]))
    assert (match == 0).any()


@pytest.mark.parametrize("matcher", MATCHERS)
def test_a_box_that_is_an_anchor_matches_it(matcher: str) -> None:
    grid = AnchorGrid()
    anchors = grid.anchors(256, 256)
    chosen = [0, 500, 1024, 1300, len(anchors) - 1]
    match = MATCHERS[matcher](grid.levels(256, 256), anchors[chosen])
    assert match[chosen].tolist() == list(range(len(chosen)))
