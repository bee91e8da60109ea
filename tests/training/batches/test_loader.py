"""Batches by number: the same on every machine, drawn by weight, data sets not mixed."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.datasets.samples import Sample
from maskdet.errors import DatasetError, MaskdetError
from maskdet.model.anchors import AnchorGrid
from maskdet.networks.targets import RetinaNetTargets
from maskdet.training.augmentation.views import Augmentation
from maskdet.training.batches.loader import Loader
from maskdet.training.batches.maker import BatchMaker
from tests.helpers.processes import children

STILL = Augmentation(32, 32, (1, 1), mosaic=0, rotation=0, color=0, degrade=0)
THREE, TWO = (0, 1, 2), (0, 1)


class Counts:
    """Stands for a network: its targets say what it was given."""

    def targets(
        self, boxes: np.ndarray, classes: np.ndarray, height: int, width: int
    ) -> dict[str, np.ndarray]:
        return {
            "boxes": np.float32(boxes.sum()),
            "classes": np.bincount(classes[classes >= 0], minlength=3),
            "size": np.array([height, width]),
        }


class Fatal(Counts):
    """Ends its process when that has given half of its first batch away, as the kernel may."""

    def targets(
        self, boxes: np.ndarray, classes: np.ndarray, height: int, width: int
    ) -> dict[str, np.ndarray]:
        def send(connection: Connection, batch: bytes) -> None:
            os.write(connection.fileno(), batch[: len(batch) // 2])
            os.kill(os.getpid(), signal.SIGKILL)

        Connection._send = send  # type: ignore[attr-defined]
        return super().targets(boxes, classes, height, width)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Six pictures of one gray each, 50 … 200; the last three label two classes only."""
    made = []
    for number in range(6):
        file = tmp_path / f"{number}.png"
        cv2.imwrite(str(file), np.full((32, 32, 3), 50 + 30 * number, np.uint8))
        boxes = np.array([[4, 4, 20, 20 + number]], np.float32)
        labeled = THREE if number < 3 else TWO
        made.append(Sample(file, 32, 32, boxes, np.array([number % 2]), labeled))
    return made


def maker(samples: list[Sample], weights: list[float], **options: object) -> BatchMaker:
    options = {"augmentation": STILL, "target_maker": Counts(), "batch": 4, **options}
    return BatchMaker(samples, weights, **options)  # type: ignore[arg-type]


def levels(batch: np.ndarray) -> list[set[int]]:
    """Which pictures each of a batch's images shows."""
    found = [np.unique(image.astype(int)) for image in batch]
    return [{(level - 50) // 30 for level in each if (level - 50) % 30 == 0} for each in found]


def test_a_batch(samples: list[Sample]) -> None:
    """RGB pictures and every target stacked."""
    red = np.zeros((32, 32, 3), np.uint8)
    red[:, :, 2] = 200
    cv2.imwrite(str(samples[0].file), red)
    images, targets = maker(samples[:1], [1]).batch(0)
    assert images.shape == (4, 32, 32, 3)
    assert images.dtype == np.uint8
    assert images[0, 5, 5].tolist() == [200, 0, 0]
    assert targets["size"].tolist() == [[32, 32]] * 4
    assert targets["classes"].tolist() == [[1, 0, 0]] * 4
    assert targets["boxes"].shape == (4,)


def test_the_same_number_gives_the_same_batch(samples: list[Sample]) -> None:
    options = {"augmentation": Augmentation(32, 32)}
    one, again = (maker(samples, [1] * 6, seed=3, **options).batch(7) for _ in range(2))
    np.testing.assert_array_equal(one[0], again[0])
    for key in one[1]:
        np.testing.assert_array_equal(one[1][key], again[1][key])


@pytest.mark.parametrize(("seed", "number"), [(3, 8), (4, 7)])
def test_other_numbers_and_seeds_give_others(samples: list[Sample], seed: int, number: int) -> None:
    options = {"augmentation": Augmentation(32, 32)}
    one = maker(samples, [1] * 6, seed=3, **options).batch(7)
    other = maker(samples, [1] * 6, seed=seed, **options).batch(number)
    assert not np.array_equal(one[0], other[0])


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize(("first", "end"), [(0, 12), (5, 12), (11, 12), (12, 12)])
def test_batches_come_in_their_order(
    samples: list[Sample], threads: int, first: int, end: int
) -> None:
    made = maker(samples, [1] * 6, augmentation=Augmentation(32, 32))
    images = [images for images, _ in Loader(made, threads=threads).batches(first, end)]
    assert len(images) == end - first
    for number, each in enumerate(images, first):
        np.testing.assert_array_equal(each, made.batch(number)[0])


def test_weights(samples: list[Sample]) -> None:
    """Over 800 draws each picture comes as often as its weight says; one of none never."""
    weights = [1.0, 2.0, 0.0, 4.0, 1.0, 2.0]
    made = maker(samples, weights, batch=8)
    drawn = Counter(
        next(iter(shown)) for number in range(100) for shown in levels(made.batch(number)[0])
    )
    for number, weight in enumerate(weights):
        expected = 800 * weight / sum(weights)
        assert abs(drawn[number] - expected) <= 4 * np.sqrt(expected), f"picture {number}: {drawn}"
    assert drawn[2] == 0


def test_a_mosaic_holds_one_family(samples: list[Sample]) -> None:
    """Pictures labeled by other rules never share a view: `known` must hold for all of it."""
    mosaic = Augmentation(64, 32, (1, 1), mosaic=1, rotation=0, color=0, degrade=0)
    made = maker(samples, [1] * 6, augmentation=mosaic)
    several = Counter()
    for number in range(20):
        images, targets = made.batch(number)
        for shown, known in zip(levels(images), targets["known"].tolist(), strict=True):
            family = {0, 1, 2} if known == [1, 1, 1] else {3, 4, 5}
            assert known in ([1, 1, 1], [1, 1, 0])
            assert shown <= family
            several[len(shown), known[2]] += 1
    assert several[3, 1] and several[3, 0]  # mosaics indeed, of both families


@pytest.fixture
def in_processes(samples: list[Sample]) -> Loader:
    targets = RetinaNetTargets(AnchorGrid(), "atss")
    options = {"augmentation": Augmentation(64, 40), "target_maker": targets}
    return Loader(maker(samples, [1] * 6, **options), processes=2)


def test_processes_make_the_very_batches_that_threads_make(in_processes: Loader) -> None:
    made = list(in_processes.batches(3, 7))
    assert len(made) == 4
    for number, (images, targets) in enumerate(made, 3):
        expected, wanted = in_processes.maker.batch(number)
        np.testing.assert_array_equal(images, expected)
        for key in wanted:
            np.testing.assert_array_equal(targets[key], wanted[key])


def test_a_process_names_an_unreadable_picture(samples: list[Sample], in_processes: Loader) -> None:
    samples[4].file.write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=str(samples[4].file)):
        list(in_processes.batches(0, 50))


@pytest.mark.slow
def test_a_killed_process_is_one_line(in_processes: Loader) -> None:
    batches = in_processes.batches(0, 10_000)
    next(batches)
    for child, line in children(recursive=True):
        if "spawn_main" in line:
            child.kill()
    with pytest.raises(MaskdetError, match="lower schedule.processes"):
        list(batches)


@pytest.mark.slow
def test_a_process_killed_while_it_gives_its_batch_is_one_line(samples: list[Sample]) -> None:
    fatal = maker(samples, [1] * 6, target_maker=Fatal())
    batches = Loader(fatal, processes=2).batches(0, 9)
    with pytest.raises(MaskdetError, match="lower schedule.processes"):
        list(batches)


def test_an_unreadable_picture_ends_the_batches_and_their_threads(samples: list[Sample]) -> None:
    samples[4].file.write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=str(samples[4].file)):
        list(Loader(maker(samples, [1] * 6)).batches(0, 50))
    assert not [t for t in threading.enumerate() if t.name.startswith("loader")]


def test_who_stops_early_leaves_no_thread(samples: list[Sample]) -> None:
    batches = Loader(maker(samples, [1] * 6), threads=3).batches(0, 10_000)
    next(batches)
    batches.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("loader")]


def test_batches_of_several_sizes_hold_about_as_many_pixels(samples: list[Sample]) -> None:
    made = maker(samples, [1] * 6, sizes=(STILL.size, STILL.size // 2))
    shapes = {made.batch(number)[0].shape for number in range(12)}
    assert shapes == {(4, STILL.size, STILL.size, 3), (16, STILL.size // 2, STILL.size // 2, 3)}
