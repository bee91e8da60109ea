"""LiteRT files of other projects: YOLO with normalized boxes, SSD with its suppression."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from maskdet.errors import ModelError
from maskdet.runtimes import load_detector
from maskdet.runtimes.third_party.litert_metadata import read_litert_metadata
from tests.runtimes.third_party.litert_graphs import write, write_ssd
from tests.runtimes.third_party.onnx_graphs import NAMES, SIDE
from tests.runtimes.third_party.test_onnx import EXPECTED, RED, V5, V8

CLASSES = ("mask", "no_mask", "incorrect")
OURS = json.dumps({"names": dict(enumerate(CLASSES)), "task": "detect"})
THEIRS = f"{{'stride': 32, 'names': {NAMES}}}"
SHARED_V8 = (V8 * ([1 / SIDE] * 4 + [1] * 3)).T[None]
SHARED_V5 = (V5 * ([1 / SIDE] * 4 + [1] * 4))[None]


def named(path: Path, name: str, text: str) -> Path:
    """The file as ultralytics and YOLOv5 write it: with an archive at its end."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, text)
    return path


YOLO = {
    "YOLOv8, colors first": (SHARED_V8, {"shape": (1, 3, SIDE, SIDE)}, "metadata.json", OURS),
    "YOLOv8 in pixels": (V8.T[None], {}, "metadata.json", OURS),
    "YOLOv8 of signed bytes": (SHARED_V8, {"quantized": np.int8}, "metadata.json", OURS),
    "YOLOv5": (SHARED_V5, {}, "temp_meta.txt", THEIRS),
    "YOLOv5 of bytes": (SHARED_V5, {"quantized": np.uint8}, "temp_meta.txt", THEIRS),
}


@pytest.mark.parametrize(("output", "options", "name", "text"), YOLO.values(), ids=YOLO)
def test_yolo_gives_its_raw_output(
    tmp_path: Path, output: np.ndarray, options, name: str, text: str
) -> None:
    path = named(write(tmp_path / "best.tflite", output, **options), name, text)
    (found,) = load_detector(str(path)).detect([RED])
    coarse = "quantized" in options
    np.testing.assert_allclose(found.boxes, EXPECTED, atol=1.6 if coarse else 0.05)
    np.testing.assert_allclose(found.scores, [0.9, 0.6], atol=0.01 if coarse else 1e-5)
    assert found.states.tolist() == [0, 2]


def named_ssd(path: Path) -> Path:
    anchors = np.array([[0.5, 0.5, 0.2, 0.2], [0.2, 0.2, 0.1, 0.1]])
    scores = np.array([[0, 0.1, 0.9, 0.0], [0, 0.6, 0.1, 0.0]])
    write_ssd(path, anchors, scores, order=(0, 1, 2, 3), bytes_in=True)
    return named(path, "labelmap.txt", "\n".join(CLASSES))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 0, 3, 1), (3, 2, 1, 0)])
@pytest.mark.parametrize("bytes_in", [False, True])
@pytest.mark.parametrize("listed", ["archive", "beside"])
def test_ssd_gives_what_its_suppression_says(
    tmp_path: Path, order: tuple[int, ...], bytes_in: bool, listed: str
) -> None:
    """Of three anchors the second overlaps the first; boxes are shares of the whole image."""
    anchors = np.array([[0.5, 0.5, 0.2, 0.2], [0.5, 0.5, 0.2, 0.18], [0.2, 0.2, 0.1, 0.1]])
    scores = np.array([[0, 0.1, 0.9, 0.0], [0, 0.1, 0.8, 0.0], [0, 0.6, 0.1, 0.0]])
    path = write_ssd(tmp_path / "detect.tflite", anchors, scores, order=order, bytes_in=bytes_in)
    if listed == "archive":
        named(path, "labelmap.txt", "???\n" + "\n".join(CLASSES))
    else:
        (tmp_path / "labels.txt").write_text("\n".join(CLASSES))
    (found,) = load_detector(str(path)).detect([RED])
    np.testing.assert_allclose(found.boxes, [[80, 40, 120, 60], [30, 15, 50, 25]], atol=0.01)
    np.testing.assert_allclose(found.scores, [0.9, 0.6], atol=0.01)
    assert found.states.tolist() == [1, 0]


def test_a_classifier_is_no_detector(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tflite", np.ones((1, 3)))
    with pytest.raises(ModelError, match="seems to be a classifier") as caught:
        load_detector(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_a_file_cut_off_is_reported(tmp_path: Path, share: float) -> None:
    path = write(tmp_path / "x.tflite", SHARED_V8)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError, match="LiteRT cannot open it") as caught:
        load_detector(str(path))
    assert "\n" not in str(caught.value)


def test_what_lacks_names_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="names no classes.*--labels"):
        load_detector(str(write(tmp_path / "x.tflite", SHARED_V8)))


@pytest.mark.parametrize(("packing", "skip"), [(zipfile.ZIP_DEFLATED, 0), (zipfile.ZIP_LZMA, 4)])
def test_a_damaged_archive_of_names_counts_as_missing(
    tmp_path: Path, packing: int, skip: int
) -> None:
    path = write(tmp_path / "best.tflite", SHARED_V8)
    size = path.stat().st_size
    with zipfile.ZipFile(path, "a", packing) as archive:
        archive.writestr("metadata.json", OURS)
    content = bytearray(path.read_bytes())
    begin = size + 30 + len("metadata.json") + skip
    content[begin : begin + 24] = b"\xff" * 24
    path.write_bytes(content)
    with pytest.raises(ModelError, match="names no classes.*--labels"):
        load_detector(str(path))


def with_normalization(path: Path, mean: float, deviation: float) -> Path:
    """The file with TensorFlow Lite's metadata: how the pixels of its input are normalized."""
    builder = flatbuffers.Builder()

    def numbers(value: float) -> int:
        builder.StartVector(4, 1, 4)
        builder.PrependFloat32(value)
        return int(builder.EndVector())

    def table(fields: int, **offsets: int) -> int:
        builder.StartObject(fields)
        for slot, offset in offsets.items():
            builder.PrependUOffsetTRelativeSlot(int(slot[1:]), offset, 0)
        return int(builder.EndObject())

    def vector_of(offset: int) -> int:
        builder.StartVector(4, 1, 4)
        builder.PrependUOffsetTRelative(offset)
        return int(builder.EndVector())

    options = table(2, _0=numbers(mean), _1=numbers(deviation))
    builder.StartObject(2)  # a unit of processing: its kind, 1 for normalization, and options
    builder.PrependUint8Slot(0, 1, 0)
    builder.PrependUOffsetTRelativeSlot(1, options, 0)
    unit = int(builder.EndObject())
    entry = table(7, _4=vector_of(unit))
    graph = table(8, _2=vector_of(entry))
    builder.Finish(table(8, _3=vector_of(graph)), b"M001")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes()))
    model.buffers.append(schema.BufferT(data=np.frombuffer(builder.Output(), np.uint8)))
    stated = schema.MetadataT(name="TFLITE_METADATA", buffer=len(model.buffers) - 1)
    model.metadata = [stated]
    packed = flatbuffers.Builder()
    packed.Finish(model.Pack(packed), b"TFL3")
    path.write_bytes(bytes(packed.Output()))
    return path


@pytest.mark.parametrize(("deviation", "found"), [(58.5, (120.0, 58.5)), (0.0, None)])
def test_the_normalization_that_a_file_states(
    tmp_path: Path, deviation: float, found: tuple[float, float] | None
) -> None:
    path = with_normalization(write(tmp_path / "x.tflite", SHARED_V8), 120.0, deviation)
    assert read_litert_metadata(path).normalization == found


def test_a_normalization_that_is_broken_counts_as_missing(tmp_path: Path) -> None:
    path = with_normalization(write(tmp_path / "x.tflite", SHARED_V8), 120.0, 58.5)
    content = path.read_bytes()
    begin = content.index(b"M001") - 4
    for cut in (b"\xff" * 4, b"\0" * 4):
        path.write_bytes(content[:begin] + cut + content[begin + 4 :])
        assert read_litert_metadata(path).normalization is None
