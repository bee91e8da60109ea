"""Detectors of other projects give what their raw outputs say, decoded here by hand."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from maskdet.__main__ import main
from maskdet.detections import Detections
from maskdet.errors import ModelError
from maskdet.runtimes import load_detector
from tests.runtimes.third_party.onnx_graphs import CELLS, NAMES, SIDE, table, write

pytestmark = pytest.mark.timeout(120)
pytest.importorskip("onnxruntime")

RED = np.full((100, 200, 3), (0, 0, 255), np.uint8)
"""In an input of 64 × 64 it is 64 × 32, between 16 gray lines above and below."""
BOXES = [[32, 32, 20, 10], [32, 32, 20, 9], [32, 32, 20, 8.5], [10, 22, 8, 8]]
"""Center and size in pixels of the input."""
SCORES = [[0.9, 0.1, 0.0], [0.8, 0.0, 0.1], [0.1, 0.7, 0.2], [0.0, 0.1, 0.6]]
V8 = table([[*box, *score] for box, score in zip(BOXES, SCORES, strict=True)], CELLS)
V5 = table(
    [[*box, 0.9, *[s / 0.9 for s in score]] for box, score in zip(BOXES, SCORES, strict=True)],
    3 * CELLS,
)
V8_META = {"names": NAMES, "task": "detect", "stride": "32", "imgsz": f"[{SIDE}, {SIDE}]"}
FINAL = table([[22, 27, 42, 37, 0.9, 0], [22, 28, 42, 36, 0.7, 1], [6, 18, 14, 26, 0.6, 2]], 300)
PROTOTYPES = np.zeros((1, 32, 16, 16))
MASKS = np.zeros((CELLS, 32), np.float32)

EXPECTED = [[68.75, 34.375, 131.25, 65.625], [18.75, 6.25, 43.75, 31.25]]
"""The best box and the small one, in pixels of `RED`: input pixels less (0, 16), over .32."""

LAYOUTS = {
    "YOLOv8": ([V8.T[None]], V8_META, {}),
    "YOLOv8, transposed, height and width first": (
        [V8[None]], V8_META, {"shape": (1, SIDE, SIDE, 3)}),
    "YOLOv8 in half precision": ([V8.T[None]], V8_META, {"dtype": "f2"}),
    "YOLOv8 of bytes": ([V8.T[None]], V8_META, {"dtype": "u1"}),
    "YOLOv8, batches of two": (
        [np.repeat(V8.T[None], 2, axis=0)], V8_META, {"shape": (2, 3, SIDE, SIDE)}),
    "YOLOv8 in shares of the input": (
        [(V8 * ([1 / SIDE] * 4 + [1] * 3)).T[None]], V8_META, {}),
    "YOLOv8 with masks": (
        [np.concatenate([V8, MASKS], axis=1).T[None], PROTOTYPES],
        {**V8_META, "task": "segment"}, {}),
    "YOLOv5": ([V5[None]], {"names": "['mask', 'no_mask', 'incorrect_mask']"}, {}),
    "YOLOv5 with its raw maps": (
        [V5[None], np.zeros((1, 3, 8, 8, 8)), np.zeros((1, 3, 4, 4, 8))], {"names": NAMES}, {}),
    "YOLOv10": ([FINAL[None]], {**V8_META, "end2end": "True"}, {}),
    "suppressed in the file": ([FINAL[None]], {"names": NAMES, "args": "{'nms': True}"}, {}),
}  # fmt: skip


def found_by(path: Path, **options) -> Detections:
    (found,) = load_detector(str(path), **options).detect([RED])
    return found


@pytest.mark.parametrize(("outputs", "metadata", "options"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_open_and_give_their_raw_outputs(
    tmp_path: Path, outputs, metadata, options
) -> None:
    """A face has its best state; a box that overlaps a better one of its class is gone."""
    found = found_by(write(tmp_path / "best.onnx", outputs, metadata, **options))
    np.testing.assert_allclose(found.boxes, EXPECTED, atol=0.15)
    np.testing.assert_allclose(found.scores, [0.9, 0.6], atol=2e-3)
    assert found.states.tolist() == [0, 2]


def test_sizes_that_are_open_keep_the_aspect(tmp_path: Path) -> None:
    """The input becomes 64 × 32: no gray lines, so the boxes lie 16 higher."""
    shape = ("batch", 3, "height", "width")
    rows = np.concatenate([V8[:, :1], V8[:, 1:2] - 16, V8[:, 2:]], axis=1)
    path = write(tmp_path / "best.onnx", [rows.T[None]], V8_META, shape=shape)
    square = np.full((200, 200, 3), (0, 0, 255), np.uint8)  # whose middle pixel is there
    (found,) = load_detector(str(path)).detect([square])
    assert len(found) == 2
    detector = load_detector(str(path), side=128)
    (found,) = detector.detect([np.full((100, 200, 3), (0, 0, 255), np.uint8)])
    np.testing.assert_allclose(found.boxes[0], [34.375, 17.1875, 65.625, 32.8125], atol=0.01)


def test_all_that_a_network_says_at_no_least_score(tmp_path: Path) -> None:
    found = found_by(write(tmp_path / "best.onnx", [V8.T[None]], V8_META), min_score=0.0)
    assert found.states.tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.probabilities[0], [0.9, 0.1, 0.0], atol=1e-6)


LISTS = {
    "a name a line": ("labels.txt", "mask\nno_mask\nincorrect\n"),
    "with numbers": ("classes.txt", "0 mask\n1: no_mask\n2 incorrect\n"),
    "with a background": ("labelmap.txt", "???\nmask\nno_mask\nincorrect\n"),
    "YAML": ("data.yaml", "nc: 3\nnames: [mask, no_mask, incorrect]\n"),
    "YAML by number": ("metadata.yaml", "names:\n  0: mask\n  1: no_mask\n  2: incorrect\n"),
    "protobuf from 1": (
        "label_map.pbtxt",
        "".join(f"item {{ id: {i} name: '{n}' }}" for i, n in
                enumerate(("mask", "no_mask", "incorrect"), start=1))),
    "CSV from 0": ("classes.csv", "mask,0\nno_mask,1\nincorrect,2\n"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text"), LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("beside", [True, False])
def test_names_come_from_a_list_where_the_file_has_none(
    tmp_path: Path, name: str, text: str, beside: bool
) -> None:
    path = write(tmp_path / "best.onnx", [V8.T[None]])
    folder = tmp_path if beside else tmp_path / "other"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    found = found_by(path, labels=None if beside else folder / name)
    assert found.states.tolist() == [0, 2]


def test_a_given_label_map_wins_over_the_file_s_names(tmp_path: Path) -> None:
    path = write(tmp_path / "best.onnx", [V8.T[None]], V8_META)
    (tmp_path / "mine.txt").write_text("no_mask\nmask\nunknown\n")
    with pytest.raises(ModelError, match="'unknown'.*--state"):
        found_by(path, labels=tmp_path / "mine.txt")
    given = {"unknown": "mask_weared_incorrect"}
    found = found_by(path, labels=tmp_path / "mine.txt", classes=given)
    assert found.states.tolist() == [1, 2]


@pytest.mark.parametrize("layout", ["YOLOv8", "YOLOv5", "YOLOv10"])
def test_classes_that_show_no_face_are_left_out(tmp_path: Path, layout: str) -> None:
    """Even where they are likelier than the face that they overlap."""
    outputs, metadata, _ = LAYOUTS[layout]
    path = write(tmp_path / "best.onnx", outputs, metadata)
    found = found_by(path, classes={"mask": "not_a_face"})
    assert found.states.tolist() == [1, 2]
    np.testing.assert_allclose(found.scores, [0.7, 0.6], atol=2e-3)


REFUSED = {
    "a classifier": ([np.ones((1, 1000))], {}, "seems to be a classifier"),
    "a classifier that says so": (
        [np.ones((1, 3))], {"names": NAMES, "task": "classify"}, "is a classifier"),
    "joints": ([np.ones((1, 56, CELLS))], {"task": "pose", "names": "{0: 'p'}"}, "a pose model"),
    "rotated boxes": ([np.ones((1, 8, CELLS))], {"task": "obb", "names": NAMES}, "rotated boxes"),
    "rotated boxes untold": ([np.ones((1, 8, CELLS))], {"names": NAMES}, "do not fit 3 class"),
    "other names": ([V8.T[None]], {"names": "{0: 'mask'}"}, "7 × 84 numbers, which do not fit 1"),
    "no names": ([V8.T[None]], {}, "names no classes.*--labels"),
    "a map": ([np.ones((1, 3, 64, 64))], {}, "segmentation model"),
    "raw maps": ([np.ones((1, 24, s, s)) for s in (8, 4, 2)], {}, "without its last layer"),
    "YOLOX": ([np.tile([0.5, 0.5, 0.1, 0.1, 1, 1, 0, 0], (CELLS, 1))[None]], {}, "known layout"),
    "our own": ([np.ones((1, 500, 3)), np.ones((1, 500, 4))], {}, "name its folder.*card.yaml"),
    "a gap between its numbers": (
        [V8.T[None]], {"names": "{0: 'mask', 1: 'no_mask', 7: 'worn incorrectly'}"},
        "classes from 0, but the label map has 0, 1, 7"),
    "COCO's classes": (
        [np.ones((1, 6, CELLS))], {"names": "{0: 'person', 1: 'car'}"}, "'person', 'car'"),
}  # fmt: skip


@pytest.mark.parametrize(("outputs", "metadata", "reported"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("converting", [False, True])
def test_other_layouts_are_refused_in_one_line(
    tmp_path: Path, capfd, outputs, metadata, reported: str, converting: bool
) -> None:
    path = write(tmp_path / "best.onnx", outputs, metadata)
    (tmp_path / "pictures").mkdir()
    target = tmp_path / "made"
    command = ["convert", str(path), str(target), "--card"]
    if not converting:
        command = ["detect", str(tmp_path / "pictures"), "--model", str(path)]
    if reported.startswith("known layout"):
        (tmp_path / "labels.txt").write_text("mask\nno_mask\nincorrect\n")
    assert main(command) == 2
    (line,) = [one for one in capfd.readouterr().err.splitlines() if one]
    assert re.search(reported, line) and str(path) in line
    assert not target.exists()


def test_images_of_one_color_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="takes images of 1 × 1 × 64 × 64, not of three colors"):
        found_by(write(tmp_path / "x.onnx", [V8[None]], shape=(1, 1, SIDE, SIDE)))


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_a_file_cut_off_is_reported(tmp_path: Path, share: float) -> None:
    path = write(tmp_path / "best.onnx", [V8.T[None]], V8_META)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError, match="cut off") as caught:
        found_by(path)
    assert "\n" not in str(caught.value)


def test_texts_that_are_none_are_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "best.onnx", [V8.T[None]], V8_META)
    path.write_bytes(path.read_bytes().replace(b"names", b"n\xfdmes"))
    with pytest.raises(ModelError, match=r"cannot open it: .* get it again") as caught:
        found_by(path)
    assert "\n" not in str(caught.value)


def test_without_onnx_runtime_the_extra_is_named(tmp_path: Path, monkeypatch) -> None:
    path = write(tmp_path / "best.onnx", [V8.T[None]], V8_META)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match="extra 'onnx'") as caught:
        found_by(path)
    assert "\n" not in str(caught.value)


def test_a_card_makes_a_folder_of_it(tmp_path: Path) -> None:
    path = write(tmp_path / "best.onnx", [V8.T[None]], V8_META)
    assert main(["convert", str(path), str(tmp_path / "mine"), "--card"]) == 0
    path.unlink()
    found = found_by(tmp_path / "mine")
    assert found.states.tolist() == [0, 2]


def test_a_gpu_or_another_size_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "best.onnx", [V8.T[None]], V8_META)
    with pytest.raises(ModelError, match="--device cpu"):
        found_by(path, device="gpu")
    with pytest.raises(ModelError, match="64×64 pixels only"):
        found_by(path, side=320)
