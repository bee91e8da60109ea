"""Pictures that their EXIF data turn, with labels of the picture as stored or as shown."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskdet.datasets.builder import NO_SIZE
from maskdet.datasets.format_detection import read
from maskdet.datasets.image_files import MAYBE_TURNED, TURNED
from maskdet.datasets.problems import Problems
from maskdet.images.decoding import read_image
from maskdet.images.orientation import read_orientation, turn_boxes

BOX = (8, 4, 24, 12)
"""The white face in the picture as stored."""


def write_picture(file: Path, exif: int, size: tuple[int, int] = (64, 40)) -> Path:
    """A black picture with a white face, to be turned by its EXIF data."""
    image = Image.new("RGB", size)
    image.paste((255, 255, 255), BOX)
    data = Image.Exif()
    data[0x0112] = exif
    image.save(file, quality=95, exif=data)
    return file


def white(image: np.ndarray, box: np.ndarray) -> float:
    """The mean inside of a box, less that outside."""
    x1, y1, x2, y2 = np.rint(box).astype(int)
    inside = np.zeros(image.shape[:2], bool)
    inside[y1:y2, x1:x2] = True
    return float(image[inside].mean() - image[~inside].mean())


def coco(folder: Path, size: tuple[int, int], box: tuple[int, int, int, int]) -> Path:
    x1, y1, x2, y2 = box
    file = folder / "labels.json"
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": size[0], "height": size[1]}],
        "categories": [{"id": 1, "name": "with_mask"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1]}
        ],
    }
    file.write_text(json.dumps(content))
    return file


@pytest.mark.parametrize("exif", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_boxes_are_turned_as_the_picture_is(tmp_path: Path, exif: int, format: str):
    file = write_picture(tmp_path / ("a.jpg" if format == "JPEG" else "a.tif"), exif)
    found = read_orientation(BytesIO(file.read_bytes()))
    assert found is not None and found[:2] == (64, 40)
    (box,) = turn_boxes(np.array([BOX], np.float32), found)
    image = read_image(file)
    assert found.shown_size == image.shape[1::-1]
    assert white(image, box) > 220


@pytest.mark.parametrize("exif", [5, 6, 7, 8])
def test_labels_of_the_picture_as_stored_are_turned_with_a_note(tmp_path: Path, exif: int):
    write_picture(tmp_path / "a.jpg", exif)
    problems = Problems()
    data, _ = read(coco(tmp_path, (64, 40), BOX), tmp_path, problems=problems)
    (sample,) = data.samples
    assert (sample.width, sample.height) == (40, 64) and not problems.wrong
    assert white(sample.read(), sample.boxes[0]) > 220
    assert list(problems.notes) == [TURNED]


def test_labels_of_the_picture_as_shown_stay(tmp_path: Path):
    write_picture(tmp_path / "a.jpg", 6)
    problems = Problems()
    data, _ = read(coco(tmp_path, (40, 64), (28, 8, 36, 24)), tmp_path, problems=problems)
    assert white(data.samples[0].read(), data.samples[0].boxes[0]) > 220
    assert not problems.notes and not problems.wrong


@pytest.mark.parametrize(("exif", "size"), [(3, (64, 40)), (6, (64, 64))])
def test_where_the_size_does_not_decide_a_note_says_so(tmp_path: Path, exif: int, size):
    write_picture(tmp_path / "a.jpg", exif, size)
    problems = Problems()
    read(coco(tmp_path, size, BOX), tmp_path, problems=problems)
    assert list(problems.notes) == [MAYBE_TURNED]


def test_where_no_size_is_stated_a_note_says_so(tmp_path: Path):
    write_picture(tmp_path / "a.jpg", 6)
    problems = Problems()
    read(coco(tmp_path, (0, 0), BOX), tmp_path, problems=problems)
    assert list(problems.notes) == [NO_SIZE, MAYBE_TURNED]


def test_yolo_labels_do_not_decide(tmp_path: Path):
    write_picture(tmp_path / "a.jpg", 6)
    (tmp_path / "a.txt").write_text("0 0.25 0.2 0.25 0.2\n")
    (tmp_path / "classes.txt").write_text("with_mask\n")
    problems = Problems()
    read(tmp_path, tmp_path, problems=problems)
    assert list(problems.notes) == [MAYBE_TURNED] and not problems.wrong


def test_a_box_that_fits_only_the_picture_as_stored_names_exif(tmp_path: Path):
    write_picture(tmp_path / "a.jpg", 6)
    write_picture(tmp_path / "b.jpg", 1)
    labels = "a.jpg,45,4,60,12,with_mask\na.jpg,30,4,60,12,with_mask\nb.jpg,70,4,80,12,with_mask\n"
    (tmp_path / "labels.csv").write_text(labels)
    problems = Problems()
    read(tmp_path / "labels.csv", tmp_path, "retinanet", problems=problems)
    assert ["exiftool -Orientation=" in line for line in problems.wrong] == [True, False]
    (note,) = (lines for kind, lines in problems.notes.items() if "cut" in kind)
    assert "exiftool -Orientation=" in note[0]
