"""COCO json as annotation tools write it, and json that is hostile."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from maskdet.datasets.format_detection import read
from maskdet.datasets.writing import write
from tests.datasets.formats.sets import PICTURES, Face, content, draw, make, mistakes

IMAGES = [
    {"id": 7, "file_name": "a.png", "width": 60, "height": 40, "license": 1},
    {"id": "b", "file_name": "b.jpg", "width": 33, "height": 57},
]
CATEGORIES = [{"id": 3, "name": "no", "supercategory": "x"}, {"id": 1, "name": "mask"}]
BOX: dict[str, Any] = {"id": 1, "image_id": 7, "category_id": 1, "bbox": [1, 2, 29, 38.5]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "b.jpg"):
        draw(tmp_path / "images" / name, *PICTURES[name])
    return tmp_path


def put(folder: Path, *boxes: object, images: object = IMAGES, categories: object = CATEGORIES,
        name: str = "x.json") -> Path:  # fmt: skip
    reported = {"info": {}, "images": images, "annotations": list(boxes), "categories": categories}
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(reported))
    return folder / name


@pytest.mark.parametrize("name", ["x.json", "annotations/instances.json", "images/_coco.json"])
def test_layouts(folder: Path, name: str) -> None:
    """The file may lie above its pictures, among them, or in a folder beside theirs."""
    crowd = {**BOX, "id": 2, "iscrowd": 1, "segmentation": {"counts": [1, 2], "size": [40, 60]}}
    data, kind = read(put(folder, BOX, crowd, name=name), folder)
    assert (kind, data.names) == ("coco", ("mask", "no"))
    assert content(data) == {"a": [("mask", (1, 2, 30, 40))], "b": []}  # cut to the picture


def test_a_json_without_annotations_is_pictures_without_objects(folder: Path) -> None:
    file = folder / "x.json"
    file.write_text(json.dumps({"images": IMAGES, "categories": []}))
    assert content(read(file, folder)[0]) == {"a": [], "b": []}


def test_pycocotools_reads_what_we_write(tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    faces: dict[str, list[Face]] = {"a.png": [("no", (1, 2, 30, 40))], "b.jpg": []}
    write(make(tmp_path, faces, ("mask", "no")), tmp_path / "x.json", "coco")
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "x.json"))
    assert [image["file_name"] for image in coco.loadImgs(coco.getImgIds())] == ["a.png", "b.jpg"]
    (box,) = coco.loadAnns(coco.getAnnIds(catIds=coco.getCatIds(["no"])))
    assert (box["bbox"], box["area"], box["iscrowd"]) == ([1, 2, 29, 38], 29 * 38, 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image_id": 8}, "annotations[1]: image_id 8 is not an image's"),
        ({"image_id": [1]}, "image_id [1] is not an image's"),
        ({"image_id": True}, "image_id 1 is not an image's"),
        ({"category_id": 2}, "annotations[1]: category_id 2 is not a category's"),
        ({"category_id": None}, "category_id None is not a category's"),
        ({"bbox": None}, "has no bbox and no segmentation; remove the annotation"),
        ({"bbox": []}, "has an empty bbox and no segmentation; remove the annotation, or draw"),
        ({"bbox": [], "segmentation": []}, "draw its box again (id 1, of a.png)"),
        ({"bbox": [1, 2, 3]}, "bbox [1, 2, 3] is not [x, y, width, height]"),
        ({"bbox": [1, 2, 3, "4"]}, "is not [x, y, width, height]"),
        ({"bbox": [1, 2, 3, 10**400]}, "of hundreds of digits] is not [x, y, width, height]"),
        ({"bbox": [[[]] * 9] * 99}, "is not [x, y, width, height]"),
        ({"bbox": {"x": {}}}, "bbox {…} is not"),
        ({"bbox": [1, 2, 0, 4]}, "annotations[1]: empty box 1, 2, 1, 6"),
        ({"bbox": [1, 2, -3, 4]}, "box 1, 2, -2, 6 has swapped corners"),
        ({"bbox": [100, 2, 3, 4]}, "lies outside the picture"),
        ({"bbox": [1e308, 1e308, 1e308, 1e308]}, "is not made of finite numbers"),
    ],
)
def test_wrong_annotations(folder: Path, change: dict[str, Any], words: str) -> None:
    (line,) = mistakes(put(folder, BOX, {**BOX, **change}))
    assert line.startswith("x.json: annotations[1]: ") and words in line


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": 5}, "'images' is not a list"),
        ({"images": [5]}, "images[0]: 5 is not an object"),
        ({"images": [IMAGES[0], IMAGES[0]]}, "images[1]: id 7 is none, or is there twice"),
        ({"images": [{**IMAGES[0], "id": 1.5}]}, "images[0]: id 1.5 is none"),
        ({"images": [{**IMAGES[0], "file_name": None}]}, "file_name None is not text"),
        ({"images": [{**IMAGES[0], "file_name": "../z.png"}]}, "leads out of the data folder"),
        ({"images": [{**IMAGES[0], "file_name": "a\0.png"}]}, "can have this name"),
        ({"images": [{**IMAGES[0], "file_name": "x" * 9999}]}, "no picture 'xxx"),
        ({"images": [{**IMAGES[0], "file_name": "no.png"}]}, "no picture 'no.png' in"),
        ({"images": [{**IMAGES[0], "width": "60"}]}, "size '60'×40 is not a picture's"),
        ({"images": [{**IMAGES[0], "width": 1e18}]}, "is not a picture's"),
        ({"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}, "categories[1]: id 1"),
        ({"categories": [{"id": 1, "name": 5}]}, "categories[0]: unknown class ''"),
        ({"categories": [{"id": 1, "name": "a\ud800"}]}, r"unknown class 'a\ud800'"),
    ],
)
def test_wrong_lists(folder: Path, change: dict[str, Any], words: str) -> None:
    lines = mistakes(put(folder, **change))
    assert len(lines) == 1 and words in lines[0] and lines[0].startswith("x.json: ")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "x.json:1: is not JSON: Expecting value"),
        (b"\xff{}", "not a text file in UTF-8"),
        (b'{"images": [', "x.json:1: is not JSON"),
        (b'{"images": [],\n "categories": [NaN]}', "NaN is not a number in JSON"),
        (b'{"images": [], "categories": [-Infinity]}', "-Infinity is not a number"),
        (
            b'{"images": [], "categories": [' + b"9" * 10000 + b"]}",
            "is not JSON: Exceeds the limit",
        ),
        (b"[" * 200_000, "is nested too deeply"),
        (b'{"a":' * 200_000, "is nested too deeply"),
        (b"[]", "has no 'images' and 'categories'; this is not a COCO file"),
        (b'{"shapes": []}', "this is not a COCO file"),
        (b"5", "this is not a COCO file"),
    ],
)
def test_hostile_json(folder: Path, raw: bytes, words: str) -> None:
    (folder / "x.json").write_bytes(raw)
    (line,) = mistakes(folder / "x.json")
    assert words in line
