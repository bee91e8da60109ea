"""Boxes stay on their faces under every augmentation: the faces are ellipses of known colors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskdet.datasets.samples import Sample
from maskdet.images.letterbox import GRAY
from maskdet.training.augmentation.views import (
    IGNORE,
    Augmentation,
    View,
    degrade,
    flip,
    jitter_color,
)
from tests.training.faces import COLORS, colored, picture

PLAIN = Augmentation(size=128, long_side=160, mosaic=0, rotation=0, color=0, degrade=0)
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Wide, high, small, large, and extreme pictures; no color stands in two of them."""
    folder = tmp_path_factory.mktemp("pictures")
    made = [
        ((120, 160), [[10, 20, 50, 70], [70, 50, 130, 118]], [0, 1]),
        ((300, 200), [[20, 30, 90, 130], [100.5, 180.25, 190, 290.75]], [2, 3]),
        ((150, 150), [[0, 10, 60, 90]], [4]),  # at the edge
        ((1000, 900), [[300, 300, 700, 900]], [5]),
        ((1, 500), [], []),
        ((500, 1), [], []),
    ]
    return [
        picture(folder / f"{number}.png", size, boxes, colors)
        for number, (size, boxes, colors) in enumerate(made)
    ]


def view_of(augmentation: Augmentation, samples: list[Sample], first: int, seed: int) -> View:
    """The others of a mosaic are the pictures after the first, so that none comes twice."""
    others = iter([*samples[first + 1 :], *samples[:first]])
    return augmentation.view(samples[first], lambda: next(others), np.random.default_rng(seed))


def check(view: View, size: int = 128, *, by_color: bool = True) -> None:
    """Rules for every view; faces are found by their colors, unless light changes."""
    assert view.image.shape == (size, size, 3)
    assert view.image.dtype == np.uint8
    assert view.boxes.dtype == np.float32
    assert len(view.boxes) == len(view.classes)
    assert (view.boxes[:, :2] < view.boxes[:, 2:]).all()
    assert (view.boxes >= 0).all()
    assert (view.boxes <= size).all()
    faces = view.classes[view.classes != IGNORE]
    assert len(set(faces)) == len(faces)
    for color in range(len(COLORS) if by_color else 0):
        rows, columns = np.nonzero(colored(view.image, color))
        if len(rows) < 12:
            continue
        seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        if min(seen[2:] - seen[:2]) <= 2:  # a sliver along an edge may have no box
            continue
        mine = view.boxes[(view.classes == color) | (view.classes == IGNORE)]
        over = np.maximum(mine[:, :2] - seen[:2], seen[2:] - mine[:, 2:]).max(axis=1, initial=-99)
        # an ellipse of whole pixels, doubled: an edge is known to a pixel and a half
        assert over.size and over.min() <= 1.8, f"{seen} of color {color} in none of {mine}"
        # a box that is not cut off is no larger than its face either
        box = view.boxes[view.classes == color]
        if len(box) and (box > 0.5).all() and (box < size - 0.5).all():
            assert np.abs(box[0] - seen).max() <= 3.0


@settings(max_examples=60)
@given(
    seed=seeds,
    first=st.integers(0, 5),
    mosaic=st.booleans(),
    rotation=st.sampled_from([0.0, 10.0, 45.0]),
    stretch=st.sampled_from([1.0, 1.6]),
    scale=st.sampled_from([(0.5, 1.6), (1.0, 1.0), (0.05, 0.3), (1.5, 2.0)]),
)
def test_boxes_stay_on_their_faces(
    samples: list[Sample],
    seed: int,
    first: int,
    mosaic: bool,
    rotation: float,
    stretch: float,
    scale: tuple[float, float],
) -> None:
    augmentation = Augmentation(
        size=128,
        long_side=160,
        scale=scale,
        mosaic=float(mosaic),
        rotation=rotation,
        stretch=stretch,
        color=0,
        degrade=0,
    )
    check(view_of(augmentation, samples, first, seed))


@pytest.mark.parametrize("rotation", [0.0, 30.0])
@pytest.mark.parametrize("stretch", [1.0, 2.0])
@pytest.mark.parametrize(
    "factor",
    [
        0.3,  # by averaging, then moved
        0.9,
        1.0,
        3.0,  # where half a pixel's error of the picture is 1.5 pixels of the view
    ],
)
def test_a_box_is_centered_on_its_face(
    tmp_path_factory: pytest.TempPathFactory, factor: float, stretch: float, rotation: float
) -> None:
    """The ellipse's center of mass is the box's center, to a tenth of a pixel."""
    file = tmp_path_factory.mktemp("one") / "face.png"
    sample = picture(file, (100, 100), [[30, 20, 60, 70]], [0])
    augmentation = Augmentation(400, 100, (factor, factor), 0, rotation, stretch, 0, 0)
    for seed in range(12):
        view = augmentation.view(sample, lambda: sample, np.random.default_rng(seed))
        weights = view.image[:, :, 0].astype(float) * (view.image[:, :, 1] == 0)
        center = [
            ((np.arange(400) + 0.5) * weights.sum(axis=axis)).sum() / weights.sum()
            for axis in (0, 1)
        ]
        box = view.boxes[0]
        np.testing.assert_allclose(center, (box[:2] + box[2:]) / 2, atol=0.1)


@settings(max_examples=40)
@given(seed=seeds, first=st.integers(0, 3))
def test_a_face_counts_if_half_of_it_is_seen(samples: list[Sample], seed: int, first: int) -> None:
    """At the picture's own scale a box's visible share is known: below half it is ignored."""
    sample = samples[first]
    longest = max(sample.width, sample.height)
    augmentation = Augmentation(128, longest, (1, 1), 0, 0, 1, 0, 0)
    view = augmentation.view(sample, lambda: sample, np.random.default_rng(seed))
    whole = dict(
        zip(
            sample.classes.tolist(),
            np.prod(sample.boxes[:, 2:] - sample.boxes[:, :2], axis=1),
            strict=True,
        )
    )
    for box, index in zip(view.boxes, view.classes.tolist(), strict=True):
        width, height = box[2:] - box[:2]
        if index != IGNORE:
            assert width * height >= 0.499 * whole[index]
            assert min(width, height) >= 4
            continue
        x1, y1, x2, y2 = np.round(box).astype(int)
        inside = view.image[y1:y2, x1:x2]
        color = max(whole, key=lambda each: int(colored(inside, each).sum()))
        assert width * height < 0.501 * whole[color] or min(width, height) < 4


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        # a face of that many pixels in the view
        (30, [0]),
        (5, [0]),
        (3, [IGNORE]),
        (0.9, []),
    ],
)
def test_the_smallest_faces(
    tmp_path_factory: pytest.TempPathFactory, side: float, expected: list[int]
) -> None:
    file = tmp_path_factory.mktemp("one") / "face.png"
    sample = picture(file, (120, 120), [[30, 30, 60, 60]], [0])
    augmentation = Augmentation(128, 120, (side / 30, side / 30), 0, 0, 1, 0, 0)
    view = augmentation.view(sample, lambda: sample, np.random.default_rng(0))
    assert view.classes.tolist() == expected


def test_mosaic_shows_four_pictures(samples: list[Sample]) -> None:
    """Over some views, faces of all four pictures are seen, each in its own quarter."""
    augmentation = Augmentation(128, 128, (1, 1), 1, 0, 1, 0, 0)
    seen: set[int] = set()
    for seed in range(30):
        view = view_of(augmentation, samples, 0, seed)
        check(view)
        seen |= set(view.classes.tolist())
    assert seen >= {0, 1, 2, 3, 4, 5}


def test_a_picture_smaller_than_the_view_stands_on_gray(samples: list[Sample]) -> None:
    view = Augmentation(128, 64, (1, 1), 0, 0, 1, 0, 0).view(
        samples[0], lambda: samples[0], np.random.default_rng(0)
    )
    gray = (view.image == GRAY).all(axis=2)
    assert gray.sum() == pytest.approx(128 * 128 - 64 * 48, abs=2 * (64 + 48))
    assert len(view.boxes) == 2


def test_a_seed_gives_the_same_view_again(samples: list[Sample]) -> None:
    one, again, other = (view_of(Augmentation(128, 160), samples, 0, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.image, again.image)
    np.testing.assert_array_equal(one.boxes, again.boxes)
    assert not np.array_equal(one.image, other.image)


def test_half_of_the_views_are_flipped(samples: list[Sample]) -> None:
    """The picture's faces stand left-above and right-below; flipped, the other way round."""
    turned = []
    for seed in range(60):
        view = Augmentation(200, 160, (1, 1), 0, 0, 1, 0, 0).view(
            samples[0], lambda: samples[0], np.random.default_rng(seed)
        )
        left = {c: b[0] for b, c in zip(view.boxes, view.classes.tolist(), strict=True)}
        turned.append(left[0] > left[1])
    assert 15 <= sum(turned) <= 45


def test_flip_by_hand() -> None:
    image = np.zeros((4, 10, 3), np.uint8)
    image[1, 2] = 255
    view = flip(View(image, np.array([[2, 1, 3, 2], [0, 0, 10, 4]], np.float32), np.array([1, -1])))
    assert view.image[1, 7].tolist() == [255] * 3
    np.testing.assert_array_equal(view.boxes, [[7, 1, 8, 2], [0, 0, 10, 4]])
    assert view.classes.tolist() == [1, -1]
    np.testing.assert_array_equal(flip(view).image, image)


def test_no_strength_no_change() -> None:
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    for seed in range(60):
        np.testing.assert_array_equal(jitter_color(image, 0.0, np.random.default_rng(seed)), image)


def test_colors_change_and_the_place_stays() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[10:20, 10:30] = (60, 120, 180)
    for seed in range(20):
        changed = jitter_color(image, 0.6, np.random.default_rng(seed))
        assert changed.dtype == np.uint8
        assert len(np.unique(changed.reshape(-1, 3), axis=0)) == 2
        assert (changed[10:20, 10:30] == changed[10, 10]).all()


def test_degraded_pictures_keep_size_and_content() -> None:
    """All four ways: other pixels, but still the same picture."""
    x = np.linspace(0, 200, 64)
    image = np.repeat((x[:, None] + x[None])[:, :, None] / 2, 3, axis=2).astype(np.uint8)
    image = cv2.circle(image, (30, 30), 12, (0, 0, 255), -1)
    results = [degrade(image, np.random.default_rng(seed)) for seed in range(16)]
    for result in results:
        assert result.shape == image.shape
        assert result.dtype == np.uint8
        assert 0 < np.abs(result.astype(int) - image).mean() < 20


KINDS = {"close_up": 1.0}, {"background": 1.0}, {"conditions": 1.0}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: next(iter(kind)))
@given(first=st.integers(0, 5), seed=seeds)
@settings(max_examples=25)
def test_every_kind_of_view_keeps_its_promises(
    samples: list[Sample], kind: dict[str, float], first: int, seed: int
) -> None:
    many = samples * 8  # a close-up goes on until there is a face
    check(view_of(replace(PLAIN, **kind), many, first, seed), by_color="conditions" not in kind)


def face_of(view: View) -> np.ndarray:
    """The largest box that counts as a face."""
    faces = view.boxes[view.classes >= 0]
    return faces[np.argmax(faces[:, 2] - faces[:, 0])]


def test_a_close_up_is_filled_by_a_face_that_is_where_its_box_says(samples: list[Sample]) -> None:
    close = replace(PLAIN, close_up=1.0)
    widths = []
    for seed in range(40):
        view = view_of(close, samples * 3, 0, seed)
        if not (view.classes >= 0).any():
            continue
        x1, y1, x2, y2 = face_of(view)
        widths.append((x2 - x1) / 128)
        middle = view.image[int((y1 + y2) / 2), int((x1 + x2) / 2)]
        assert any(np.abs(middle.astype(int) - color).max() < 12 for color in COLORS)
    assert len(widths) > 25
    assert min(widths) > 0.08 and max(widths) > 0.6


def test_half_of_the_close_ups_are_cut_by_an_edge(samples: list[Sample]) -> None:
    views = [view_of(replace(PLAIN, close_up=1.0), samples * 3, 3, seed) for seed in range(60)]
    cut = [(view.boxes <= 0).any() or (view.boxes >= 128).any() for view in views]
    assert 15 < sum(cut) < 57


def test_a_background_has_no_face(samples: list[Sample]) -> None:
    for seed in range(30):
        view = view_of(replace(PLAIN, background=1.0), samples * 6, 0, seed)
        assert not len(view.boxes)


def test_a_crowd_has_many_far_faces(samples: list[Sample]) -> None:
    views = [view_of(replace(PLAIN, crowd=1.0), samples * 6, 0, seed) for seed in range(10)]
    for view in views:
        assert view.image.shape == (128, 128, 3) and view.boxes.dtype == np.float32
        assert (view.boxes[:, :2] < view.boxes[:, 2:]).all()
        assert (view.boxes >= 0).all() and (view.boxes <= 128).all()
    assert np.mean([len(view.boxes) for view in views]) > 8
    assert max((view.boxes[:, 2] - view.boxes[:, 0]).max() for view in views) <= 128 / 3 + 1


def test_details_finer_than_the_view_become_their_mean(tmp_path: Path) -> None:
    """A pixel of a view made to a quarter is the mean of 16, of noise a quarter as strong."""
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "noise.png"), noise)
    sample = Sample(tmp_path / "noise.png", 512, 512, np.zeros((0, 4)), np.zeros(0, np.int64))
    plain = replace(PLAIN, size=128, long_side=128, scale=(1, 1))
    view = plain.view(sample, lambda: sample, np.random.default_rng(0))
    assert view.image[8:-8, 8:-8].std() < 0.3 * noise.std()
