"""A sample's picture is there, whole and as large as annotated, or one line says what is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.datasets.image_files import size_of
from maskdet.datasets.problems import Problems
from maskdet.datasets.samples import (
    LEFT_OUT,
    DataSet,
    Sample,
    class_index,
    inside,
    limit_scenes,
    scene_names,
)
from maskdet.errors import DatasetError


def sample(file: Path, width: int = 60, height: int = 40) -> Sample:
    return Sample(file, width, height, np.zeros((0, 4), np.float32), np.zeros(0, np.int64))


def test_read_is_bgr(tmp_path: Path) -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, :, 0] = 200
    cv2.imwrite(str(tmp_path / "a.png"), image)
    np.testing.assert_array_equal(sample(tmp_path / "a.png").read(), image)


@pytest.mark.parametrize("channels", [(), (4,)])
def test_gray_and_transparent_pictures_become_bgr(tmp_path: Path, channels: tuple[int]) -> None:
    """Kaggle's pictures have an alpha channel."""
    cv2.imwrite(str(tmp_path / "a.png"), np.full((40, 60, *channels), 77, np.uint8))
    np.testing.assert_array_equal(
        sample(tmp_path / "a.png").read(), np.full((40, 60, 3), 77, np.uint8)
    )


@pytest.mark.parametrize("content", [None, b"", b"GIF89a", b"\xff\xd8\xff\xe0 no jpeg"])
def test_a_missing_or_broken_picture(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(DatasetError) as error:
        sample(tmp_path / "a.jpg").read()
    assert str(error.value).startswith(f"{tmp_path / 'a.jpg'}: cannot be read")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "a.jpg",
            b"\xff\x0a\xfa\x7f" + bytes(99),
            "it is JPEG XL, which is not read here; save it as",
        ),
        ("a.png", b"<svg></svg>", "it is SVG, which is not read here; save it as"),
        ("a.jpg", b"version https://git-lfs.github.com/spec/v1\noid", "run git lfs pull"),
        ("a.jpg", b"", "it is empty (0 bytes); copy it again"),
    ],
)
def test_why_a_picture_cannot_be_read(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    for read in (sample(tmp_path / name).read, lambda: size_of(tmp_path / name)):
        with pytest.raises(DatasetError) as error:
            read()
        assert str(error.value).startswith(f"{tmp_path / name}: cannot be read as a picture: ")
        assert words in str(error.value)


def test_a_folder_with_the_name_of_a_picture(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").mkdir()
    with pytest.raises(DatasetError, match=r"a\.jpg: cannot be read: Is a directory"):
        size_of(tmp_path / "a.jpg")


def test_a_picture_of_another_size_than_annotated(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((40, 60, 3), np.uint8))
    with pytest.raises(DatasetError, match="is 60×40 but annotated as 40×60; correct"):
        sample(tmp_path / "a.png", 40, 60).read()


def test_class_index() -> None:
    assert [class_index(n) for n in ("with_mask", "without_mask", "mask_weared_incorrect")] == [
        0,
        1,
        2,
    ]
    assert class_index("b", ("a", "b")) == 1
    with pytest.raises(DatasetError, match="unknown class 'c'; there are a, b"):
        class_index("c", ("a", "b"))


def test_inside(tmp_path: Path) -> None:
    assert inside(tmp_path, "a/b.png") == tmp_path / "a" / "b.png"
    assert inside(tmp_path, "a/../b.png") == tmp_path / "a" / ".." / "b.png"


def data_set(*names: str) -> DataSet:
    """Two pictures; the first has a box of each class but the last."""
    count = len(names) - 1
    boxes = np.tile(np.array([[1, 2, 3, 4]], np.float32), (count, 1))
    first = Sample(Path("a.png"), 60, 40, boxes, np.arange(count))
    return DataSet(
        [first, sample(Path("b.png"))], names, [[f"x.csv:{n}" for n in range(count)], []]
    )


def test_classes_become_states() -> None:
    """A class without boxes need not be understood."""
    data = data_set("NoMask", "hat", "Mask", "other")
    first, second = data.in_states({"hat": "mask_weared_incorrect"}, (0, 1))
    assert first.classes.tolist() == [1, 2, 0]
    assert first.labeled == second.labeled == (0, 1)
    with pytest.raises(DatasetError, match="^x.csv:1: unknown mask state in class name"):
        data.in_states()


def test_boxes_that_show_no_face_are_left_out_with_a_note() -> None:
    """As those of a set about helmets and vests, too; its pictures stay."""
    data, problems = data_set("Person", "NO-Mask", "Hardhat", "other"), Problems()
    words = {"Person": "not_a_face", "Hardhat": "not_a_face"}
    first, second = data.in_states(words, problems=problems)
    assert first.classes.tolist() == [1] and first.boxes.shape == (1, 4)
    assert second.file.name == "b.png" and not len(second.boxes)
    assert problems.notes == {
        LEFT_OUT.format("Person"): ["x.csv:0"],
        LEFT_OUT.format("Hardhat"): ["x.csv:2"],
    }
    assert data.without({"Person"}).places == [["x.csv:1", "x.csv:2"], []]
    assert data.samples[0].classes.tolist() == [0, 1, 2]
    with pytest.raises(DatasetError, match="^x.csv:2: unknown mask state in class name 'Hardhat'"):
        data.in_states({"Person": "not_a_face"})


def test_classes_in_another_order() -> None:
    data = data_set("a", "b", "unused")
    again = data.with_names(["c", "b", "a"])
    assert again.names == ("c", "b", "a")
    assert again.samples[0].classes.tolist() == [2, 1]
    with pytest.raises(DatasetError, match="^x.csv:1: unknown class 'b'; there are a, c"):
        data.with_names(["a", "c"])


def test_a_picture_within_a_file(tmp_path: Path) -> None:
    image = np.full((40, 60, 3), 77, np.uint8)
    content = cv2.imencode(".png", image)[1].tobytes()
    (tmp_path / "x.record").write_bytes(b"before" + content + b"after")
    inner = replace(sample(tmp_path / "x.record"), span=(6, len(content)), name="a.png")
    assert inner.content() == content
    np.testing.assert_array_equal(inner.read(), image)
    for span in ((6, 5), (6 + len(content), 5), (9999, 5)):
        with pytest.raises(DatasetError) as error:
            replace(inner, span=span).read()
        assert str(error.value).startswith(f"{tmp_path}/x.record, picture 'a.png': cannot be read")
    with pytest.raises(DatasetError, match="none.png: cannot be read: No such file"):
        sample(tmp_path / "none.png").content()


def test_so_many_pictures_of_a_scene_at_most() -> None:
    names = ["anna_1", "ben_1", "anna_2", "loose", "anna_3", "anna_4", "other"]
    samples = [sample(Path(f"images/{name}.jpg")) for name in names]
    scenes = scene_names(samples, r"/([a-z]+)_\d+\.")
    kept = [each.file.stem for each in limit_scenes(samples, scenes, 2)]
    assert [name for name in kept if not name.startswith("anna")] == ["ben_1", "loose", "other"]
    assert len(kept) == 5 and kept == [name for name in names if name in kept]
    assert kept == [each.file.stem for each in limit_scenes(samples, scenes, 2)]
    assert limit_scenes(samples, scene_names(samples, ""), 1) == samples
    many = [sample(Path(f"images/{number}.jpg")) for number in range(50)]
    assert limit_scenes(many, ["anna"] * 50, 5) != many[:5]  # which ones is drawn
