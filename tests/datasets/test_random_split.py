"""Pictures divided into those that are learned and those that validate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.datasets.random_split import divide
from maskdet.datasets.samples import Sample
from maskdet.datasets.splits import part_of_name


def samples(folder: Path, *names: str, seed: int = 0) -> list[Sample]:
    """A picture of noise for each name, with a face; no two look alike."""
    made = []
    for number, name in enumerate(names):
        random = np.random.default_rng((seed, number))
        coarse = random.integers(0, 256, (8, 8, 3), np.uint8)
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), cv2.resize(coarse, (160, 160), interpolation=cv2.INTER_NEAREST))
        box = np.array([[4, 4, 90, 90]], np.float32)
        made.append(Sample(file, 160, 160, box, np.array([number % 3])))
    return made


def names(found: list[Sample]) -> list[str]:
    return [sample.file.name for sample in found]


@pytest.mark.parametrize(
    ("name", "part"),
    [
        *(("train", "train"), ("valid", "val"), ("instances_val2017", "val")),
        *(("test_labels", "test"), ("train_training", "train")),
        *(("train_val", ""), ("constrained", ""), ("", "")),  # two, a part of a word, none
    ],
)
def test_a_name_speaks_of_one_part_or_of_none(name: str, part: str) -> None:
    assert part_of_name(name) == part


def test_a_tenth_is_drawn_by_the_names(tmp_path: Path) -> None:
    """The order of the pictures and where they lie change nothing."""
    every = [f"face{number}.png" for number in range(40)]
    division = divide(samples(tmp_path / "here", *every))
    assert (len(division.train), len(division.validation)) == (36, 4)
    assert sorted(names(division.train) + names(division.validation)) == sorted(every)
    assert {int(s.classes[0]) for s in division.validation} == {0, 1, 2}
    again = divide(samples(tmp_path / "there", *every)[::-1])
    assert set(names(again.validation)) == set(names(division.validation))
    assert division.about == [
        "no list names the validation pictures: 4 of 40 were drawn, always the same ones"
    ]


def test_copies_stay_together(tmp_path: Path) -> None:
    """By name: Roboflow's augmented copies, a computer's. By looks: whatever their names."""
    first = [f"f{number}_jpg.rf.{'ab12' * 8}.jpg" for number in range(20)]
    second = [f"f{number}_jpg.rf.{'cd34' * 8}.jpg" for number in range(20)]
    found = samples(tmp_path / "a", *first) + samples(tmp_path / "b", *second, seed=1)
    like = samples(tmp_path / "c", *(f"other{number}.png" for number in range(20)))
    division = divide([*found, *like])
    kept = {name[:3].rstrip("_") for name in names(division.validation) if name[0] == "f"}
    numbers = {name.removeprefix("other").removesuffix(".png") for name in
               names(division.validation) if name.startswith("other")}  # fmt: skip
    assert kept and kept == {f"f{number}" for number in numbers}
    assert len(division.validation) == 3 * len(kept)
    assert not {n[:3].rstrip("_") for n in names(division.train) if n[0] == "f"} & kept
    assert "; 40 copies stay with the picture that they are like" in division.about[0]


def test_something_validates_though_every_picture_has_more_copies_than_are_wanted(
    tmp_path: Path,
) -> None:
    files = [f"face{number}{copy}.png" for number in range(4) for copy in ("", " (1)")]
    division = divide(samples(tmp_path, *files))
    assert len(division.validation) == 2 and len(division.train) == 6
    assert len({name.removesuffix(".png").removesuffix(" (1)") for name in
                names(division.validation)}) == 1  # fmt: skip


def test_one_camera_s_frames_are_no_copies(tmp_path: Path) -> None:
    """Else there would be nothing to divide."""
    files = [f"frame{number}.png" for number in range(20)]
    made = samples(tmp_path, *files)
    for sample in made:
        cv2.imwrite(str(sample.file), np.full((160, 160, 3), 90, np.uint8))
    assert len(divide(made).validation) == 2


@pytest.mark.parametrize(
    ("parts", "sides", "words"),
    [
        (
            ["train"] * 6 + ["val"] * 2 + ["test"] * 2,
            (6, 2),
            ["left out, for a last test: 2 pictures of 'test'"],
        ),
        (["train"] * 8 + ["test"] * 2, (8, 2), []),
        (["train"] * 7 + ["val"] * 2 + [""], (7, 2), ["in no part, and left out: 1 picture"]),
        (["train"] * 10, (9, 1), []),
    ],
)
def test_the_data_s_own_parts(
    tmp_path: Path, parts: list[str], sides: tuple[int, int], words: list[str]
) -> None:
    made = samples(tmp_path, *(f"{number}.png" for number in range(10)))
    division = divide([replace(s, part=part) for s, part in zip(made, parts, strict=True)])
    assert (len(division.train), len(division.validation)) == sides
    assert len(division.about) == 1 + len(words)
    assert all(word in line for word, line in zip(words, division.about[1:], strict=True))


def test_a_picture_that_cannot_be_read_is_divided_all_the_same(tmp_path: Path) -> None:
    made = samples(tmp_path, *(f"{number}.png" for number in range(10)))
    made[3].file.write_bytes(b"no picture")
    made[4].file.unlink()
    assert sum(map(len, (divide(made).train, divide(made).validation))) == 10
