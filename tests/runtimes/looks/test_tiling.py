"""Tiles against pictures whose faces are white squares, seen where they are large enough."""

from __future__ import annotations

import numpy as np
import pytest

from maskdet.detections import Detections, MaskState
from maskdet.runtimes.looks.tiling import TiledDetector, merged, tiles_of
from tests.doubles import ScriptedDetector
from tests.runtimes.looks.squares import scene, squares

SIZE = {"width": 800, "height": 600}


def of_a_twentieth(image: np.ndarray) -> Detections:
    """Faces as wide as a twentieth of the picture or more."""
    return squares(image, 0.05, 1)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize(("height", "width"), [(600, 800), (7, 3), (1, 1), (480, 640)])
def test_tiles_cover_the_picture_and_each_other(height: int, width: int, count: int) -> None:
    tiles = tiles_of(height, width, count)
    seen = np.zeros((height, width), int)
    for x1, y1, x2, y2 in tiles.tolist():
        assert 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height
        seen[y1:y2, x1:x2] += 1
    assert len(tiles) == count**2 and seen.min() >= 1
    assert len({(x2 - x1, y2 - y1) for x1, y1, x2, y2 in tiles.tolist()}) == 1
    if count == 2 and width == 800:
        assert tiles[1, 0] == 800 - tiles[0, 2]  # from both sides alike
        assert tiles[0, 2] - tiles[1, 0] == pytest.approx(0.2 * tiles[0, 2], abs=2)


def test_far_faces_are_found_once_and_large_ones_stay_whole() -> None:
    """One far face in a corner, one on a cut, one in both of two tiles, one over all tiles."""
    far, cut, both, large = (20, 30, 24), (432, 100, 24), (390, 500, 26), (300, 200, 250)
    image = scene(far, cut, both, large, **SIZE)
    plain = ScriptedDetector(of_a_twentieth)
    assert len(plain.detect([image])[0]) == 1
    (found,) = TiledDetector(plain, 2).detect([image])
    expected = sorted([x, y, x + side, y + side] for x, y, side in (far, cut, both, large))
    assert sorted(found.boxes.tolist()) == expected
    assert (np.diff(found.scores) <= 0).all()
    assert plain.batches[-1] == 5
    assert image.max() == 255 and (image == scene(far, cut, both, large, **SIZE)).all()


def test_a_face_at_the_picture_s_own_edge_is_not_cut() -> None:
    image = scene((776, 0, 24), (0, 576, 24), **SIZE)
    assert len(TiledDetector(ScriptedDetector(of_a_twentieth), 2).detect([image])[0]) == 2


def test_a_part_of_a_large_face_is_no_face_of_its_own() -> None:
    """A large face in a tile may be half of a larger one."""

    def part(image: np.ndarray) -> Detections:
        side = 250 if image.shape[1] == 800 else 150
        return Detections([[30, 30, 30 + side, 30 + side]], [side / 300], [0])

    (found,) = TiledDetector(ScriptedDetector(part), 2).detect([scene(**SIZE)])
    assert found.boxes.tolist() == [[30, 30, 280, 280]]


def test_a_face_has_one_state_and_a_sure_look_counts_more_than_an_unsure_one() -> None:
    box = [[0, 0, 40, 40]]
    doubtful = Detections(box, [0.9], [MaskState.unsure], None, [[0.5, 0.4, 0]])
    sure = Detections(box, [0.7], [0], None, [[0.7, 0.1, 0]])
    other = Detections([[100, 0, 140, 40]], [0.8], [1], None, [[0, 0.8, 0]])
    found = merged([doubtful, sure, other])
    assert found.states.tolist() == [1, 0] and found.probabilities is not None
    without_probabilities = Detections(box, [0.6], [1])
    assert merged([doubtful, without_probabilities]).states.tolist() == [MaskState.unsure]
    assert len(merged([Detections.empty(), Detections.empty()])) == 0


def test_it_is_a_detector_like_the_other() -> None:
    inner = ScriptedDetector()
    tiled = TiledDetector(inner, 3)
    assert (tiled.name, tiled.device) == (inner.name, inner.device)
    tiled.warm_up()
    assert tiled.detect([]) == [] and inner.warm
    assert len(tiled.detect([scene(**SIZE)])[0]) == 0 and inner.batches[-1] == 10
    tiled.close()
    assert inner.closed
