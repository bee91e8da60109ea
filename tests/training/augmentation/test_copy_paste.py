"""Copy-paste of faces: what is laid where, and what the labels then say."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet import boxes as box_ops
from maskdet.datasets.samples import Sample
from maskdet.training.augmentation.copy_paste import CopyPaste, Face, PastedSample, paste_face
from maskdet.training.augmentation.views import Augmentation
from maskdet.training.batches.maker import BatchMaker
from tests.training.batches.test_loader import Counts

COLORS = {0: (200, 40, 40), 1: (40, 200, 40), 2: (40, 40, 200)}
"""Faces of each class have their own color, of equal brightness."""


def picture(folder: Path, boxes: list[list[float]], classes: list[int], side: int = 100) -> Sample:
    """A gray picture with colored faces."""
    image = np.full((side, side, 3), 93, np.uint8)
    for (x1, y1, x2, y2), state in zip(boxes, classes, strict=True):
        cv2.rectangle(
            image, (int(x1) - 8, int(y1) - 8), (int(x2) + 8, int(y2) + 8), COLORS[state], -1
        )
    file = folder / f"{len(list(folder.iterdir()))}.png"
    cv2.imwrite(str(file), image)
    return Sample(
        file, side, side, np.array(boxes, np.float32).reshape(-1, 4), np.array(classes, int)
    )


def test_the_face_covers_the_other_and_nothing_else(tmp_path: Path) -> None:
    source_face = Face(picture(tmp_path, [[20, 20, 60, 70]], [2]), 0)
    image = np.full((100, 100, 3), 93, np.uint8)
    paste_face(image, np.array([30.0, 30, 70, 80]), source_face, mirrored=False)
    np.testing.assert_allclose(image[55, 50], COLORS[2], atol=1)
    margin = np.ones((100, 100), bool)
    margin[21:90, 22:78] = False  # the box and .18 of its size around it
    assert (image[margin] == 93).all()


def test_brightness_comes_half_way(tmp_path: Path) -> None:
    source_face = Face(picture(tmp_path, [[20, 20, 60, 70]], [2]), 0)
    image = np.full((100, 100, 3), 133, np.uint8)
    paste_face(image, np.array([30.0, 30, 70, 80]), source_face, mirrored=False)
    np.testing.assert_allclose(image[55, 50], np.array(COLORS[2]) + 20, atol=2)


def test_mirrored(tmp_path: Path) -> None:
    sample = picture(tmp_path, [[20, 20, 60, 60]], [2])
    image = sample.read()
    image[:, :40] = 10  # the face's left half
    cv2.imwrite(str(sample.file), image)
    under = np.full((100, 100, 3), int(image[13:67, 13:67].mean()), np.uint8)
    paste_face(under, np.array([20.0, 20, 60, 60]), Face(sample, 0), mirrored=True)
    assert under[40, 50].max() < 20 < under[40, 30].max()


@pytest.mark.parametrize("box", [[-10, -10, 30, 30], [80, 80, 130, 130], [200, 200, 240, 240]])
def test_faces_cut_by_the_pictures_edge(tmp_path: Path, box: list[float]) -> None:
    """Both the covered and the covering one may reach beyond their pictures."""
    source_face = Face(picture(tmp_path, [[0, 0, 100, 100]], [1]), 0)
    image = np.full((100, 100, 3), 93, np.uint8)
    paste_face(image, np.array(box, np.float64), source_face, mirrored=True)
    assert image.shape == (100, 100, 3)
    assert (image != 93).any() == (box[0] < 100)


def test_labels_say_what_is_seen(tmp_path: Path) -> None:
    samples = [picture(tmp_path, [[30, 30, 70, 70]], [state]) for state in (0, 1, 2)]
    paste, random = CopyPaste(samples, 1.0), np.random.default_rng(0)
    seen = []
    for _ in range(60):
        pasted = paste(samples[0], random)
        assert isinstance(pasted, PastedSample)
        color = COLORS[int(pasted.classes[0])]
        np.testing.assert_allclose(pasted.read()[50, 50], color, atol=3)
        seen.append(int(pasted.classes[0]))
    assert min(np.bincount(seen, minlength=3)) > 10  # each class as often as the others
    assert samples[0].classes.tolist() == [0]


def test_a_class_that_a_set_does_not_label_is_not_pasted_into_it(tmp_path: Path) -> None:
    samples = [picture(tmp_path, [[30, 30, 70, 70]], [state]) for state in (0, 1, 2)]
    two = Sample(
        *(getattr(samples[0], name) for name in ("file", "width", "height", "boxes", "classes")),
        (0, 1),
    )
    paste, random = CopyPaste(samples, 1.0), np.random.default_rng(0)
    assert {int(paste(two, random).classes[0]) for _ in range(40)} == {0, 1}


def test_small_faces_are_pasted_where_there_is_none(tmp_path: Path) -> None:
    samples = [picture(tmp_path, [[30, 30, 70, 70]], [state]) for state in (0, 1, 2)]
    wide = picture(tmp_path, [[900, 500, 1000, 600], [100, 100, 150, 150]], [0, 1], side=1400)
    paste, random = CopyPaste(samples, 0.0, scatter=1.0), np.random.default_rng(0)
    before, counts = wide.read(), []
    for _ in range(20):
        pasted = paste(wide, random)
        added, states = pasted.boxes[2:], pasted.classes[2:]
        counts.append(len(added))
        np.testing.assert_array_equal(pasted.boxes[:2], wide.boxes)
        assert pasted.boxes.dtype == np.float32 and pasted.classes[:2].tolist() == [0, 1]
        assert (added >= 0).all() and (added[:, 2:] <= 1400).all()
        assert not box_ops.iou(added, wide.boxes).any()
        widths = added[:, 2] - added[:, 0]
        assert (widths >= 0.014 * 1400).all() and (widths <= 0.081 * 1400).all()
        image = pasted.read()
        for (x1, y1, x2, y2), state in zip(added, states, strict=True):
            middle = image[int(y1 + y2) // 2, int(x1 + x2) // 2].astype(float)
            assert abs(middle - COLORS[state]).max() < abs(before[0, 0] - COLORS[state]).max()
        np.testing.assert_array_equal(image[550, 950], before[550, 950])
    assert {1, 2, 3} <= set(counts)  # now and then no face is large enough, or no place is free
    assert {len(paste(samples[0], random).boxes) for _ in range(20)} <= {1, 2, 3, 4}
    both = CopyPaste(samples, 1.0, scatter=1.0)(wide, random)
    assert len({index for index, _, _ in both.pasted}) == len(both.pasted) > 1


def test_what_stays_as_it_is(tmp_path: Path) -> None:
    """Pictures without faces, faces that are tiny or larger than any source, a share of 0."""
    source_faces = [picture(tmp_path, [[40, 40, 60, 60]], [2])]
    random = np.random.default_rng(0)
    empty = picture(tmp_path, [], [])
    tiny = picture(tmp_path, [[10, 10, 18, 20]], [0])
    huge = picture(tmp_path, [[2, 2, 98, 98]], [0])
    assert CopyPaste(source_faces, 1.0)(empty, random) is empty
    assert CopyPaste(source_faces, 1.0)(tiny, random) is tiny
    assert CopyPaste(source_faces, 1.0)(huge, random).classes.tolist() == [0]
    assert CopyPaste(source_faces, 0.0)(source_faces[0], random) is source_faces[0]
    assert CopyPaste([empty], 1.0)(source_faces[0], random).classes.tolist() == [2]


def test_batches_are_the_same_again(tmp_path: Path) -> None:
    samples = [picture(tmp_path, [[30, 30, 70, 70]], [state]) for state in (0, 1, 2)]

    def batch() -> tuple[np.ndarray, dict[str, np.ndarray]]:
        augmentation = Augmentation(64, 64)
        paste = CopyPaste(samples, 0.5)
        return BatchMaker(samples, [1] * 3, augmentation, Counts(), batch=8, paste=paste).batch(3)

    (images, targets), (again, same) = batch(), batch()
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(targets["classes"], same["classes"])
