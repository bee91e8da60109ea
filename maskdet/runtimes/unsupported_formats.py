"""Model files that are never opened here: their names, detected by content, and what to do."""

from __future__ import annotations

import json
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

_TO_ONNX = "export it to ONNX with the package that made it, and name the .onnx file"
_PYTORCH = (
    "which may run any code and is never opened; export it to ONNX where it was trained "
    "(ultralytics: yolo export model=best.pt format=onnx), and name the .onnx file"
)
CHECKPOINT = (
    "a TensorFlow training checkpoint, which has variables but no finished model; export it: a "
    "frozen_inference_graph.pb or a SavedModel with the Object Detection API's exporter, or an "
    "ONNX file"
)
CLASSIFIER = "a classifier: it names what an image shows, not where faces are; a detector is needed"
_MAGIC = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"RIFF", "a picture, sound or video"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"\xfd7zXZ", "an xz archive; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"ustar", "a tar archive; unpack it first"),
    (b"\x80", f"a Python pickle, as PyTorch's files are, {_PYTORCH}"),
    (b"7767517", f"an ncnn network; {_TO_ONNX}"),
    (b"GGUF", f"a GGUF file; {_TO_ONNX}"),
    (b"\x93NUMPY", "an array of numpy, not a model"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file; run git lfs pull"),
)
_ENDINGS = {
    ".engine": f"a TensorRT engine, which runs on the GPU that it was made for; {_TO_ONNX}",
    ".trt": f"a TensorRT engine, which runs on the GPU that it was made for; {_TO_ONNX}",
    ".weights": f"weights of Darknet; {_TO_ONNX}",
    ".safetensors": f"weights without their network; {_TO_ONNX}",
    ".mlmodel": f"a Core ML model; {_TO_ONNX}",
    ".mlpackage": f"a Core ML model; {_TO_ONNX}",
    ".pdmodel": f"a PaddlePaddle model; {_TO_ONNX}",
    ".pdiparams": f"weights of PaddlePaddle; {_TO_ONNX}",
    ".bin": f"weights without their network; {_TO_ONNX}",
    ".rknn": f"a model for Rockchip processors; {_TO_ONNX}",
    ".hef": f"a model for Hailo processors; {_TO_ONNX}",
    ".pt": f"a PyTorch file, {_PYTORCH}",
    ".pth": f"a PyTorch file, {_PYTORCH}",
}
_PIPELINE = (
    "a pipeline.config of the Object Detection API, not a model; name the "
    "frozen_inference_graph.pb or the SavedModel that was exported with it"
)
_TEXTS = (
    ("[net]", f"a network's plan of Darknet, without weights; {_TO_ONNX}"),
    ("<?xml", f"an XML file; of OpenVINO, whose models are not opened; {_TO_ONNX}"),
    ("<net", f"an OpenVINO model; {_TO_ONNX}"),
    ("node {", "a graph as text, without weights; name its frozen_inference_graph.pb"),
    ("node{", "a graph as text, without weights; name its frozen_inference_graph.pb"),
    ("model {", _PIPELINE),
    ("model{", _PIPELINE),
    ("train_config", _PIPELINE),
    (
        "[anchor_parameters]",
        "keras-retinanet's settings, not a model; name its .h5 file, and this "
        "file with --anchors of convert",
    ),
    ("item {", "a label map, not a model; name the model, and this file with --labels"),
    ("item{", "a label map, not a model; name the model, and this file with --labels"),
)
_PROTOTXT = ("layer {", "layer{", "layers {", "layers{", "input_dim:", "train_param")
_TABLE_END = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
"""What the index of a TensorFlow checkpoint ends in."""
SUFFIXES = frozenset(
    {*_ENDINGS, ".pb", ".h5", ".hdf5", ".keras", ".onnx", ".tflite", ".lite", ".ckpt", ".meta",
     ".index", ".caffemodel", ".prototxt", ".torchscript", ".param"}
)  # fmt: skip
"""Endings that models have, of those that open and of those that do not."""
_TAR_AT = 257
_MAX_TEXT = 1024 * 1024
ARCHIVE_ERRORS = (
    *(OSError, EOFError, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
"""Errors that reading a damaged, encrypted or unknown zip archive raises."""


def describe(path: Path, head: bytes) -> str | None:
    """The name of a format that is not opened, and what to do; None for a file that is unknown.

    Args:
        path: a file.
        head: its first bytes, 64 or more.
    """
    if head.startswith(b"PK\3\4"):
        return _describe_zip(path)
    if is_checkpoint(path):
        return CHECKPOINT
    start = head[_TAR_AT:] if head[_TAR_AT:].startswith(b"ustar") else head
    if found := next((name for magic, name in _MAGIC if start.startswith(magic)), None):
        return found
    if found := _ENDINGS.get(path.suffix.lower()):
        return found
    if _is_caffe(path):
        return f"a Caffe model; {_TO_ONNX}"
    return _describe_text(head)


def is_checkpoint(path: Path) -> bool:
    """Whether a path is a part, the folder, or the common name of a checkpoint's files."""
    if path.is_dir():
        return (path / "checkpoint").is_file() or any(path.glob("*.ckpt*.index"))
    if ".data-" in path.suffix or path.name == "checkpoint" or path.suffix == ".meta":
        return path.is_file()
    if path.is_file():
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - len(_TABLE_END)))
            return file.read() == _TABLE_END
    names = (path.with_name(path.name + ending) for ending in (".index", ".meta"))
    return any(name.is_file() for name in names)


def describe_keras(plan: Mapping[str, Any]) -> str | None:
    """The kind of a Keras network that is not a RetinaNet, by the layers in its plan."""
    config = plan.get("config")
    layers = config.get("layers") if isinstance(config, Mapping) else config
    if not isinstance(layers, list) or not all(isinstance(layer, Mapping) for layer in layers):
        return None
    kinds = {str(layer.get("class_name")) for layer in layers}
    if "FilterDetections" in kinds or "UpsampleLike" in kinds or not layers:
        return None
    last = str(layers[-1].get("class_name"))
    if kinds & {"Dense", "Flatten"} or last.startswith(("Global", "Softmax")):
        return CLASSIFIER
    return None


def fields(file: BinaryIO, size: int, most: int = 1000) -> Iterator[tuple[int, int, int]]:
    """Number, wire type and length of a protobuf message's fields; it stops where it is none."""
    position = 0
    for _ in range(most):
        file.seek(position)
        chunk = file.read(20)
        key, used = _varint(chunk)
        if not used or not key >> 3:
            return
        kind, length = key & 7, {1: 8, 5: 4}.get(key & 7, 0)
        if kind in (0, 2):
            value, more = _varint(chunk[used:])
            used += more
            length = value if kind == 2 else 0
        if kind not in (0, 1, 2, 5) or (kind in (0, 2) and not more):
            return
        yield key >> 3, kind, length
        position += used + length
        if position >= size:
            return


def _varint(data: bytes) -> tuple[int, int]:
    """A number, and how many bytes it has; 0 if it does not end."""
    value = 0
    for index, byte in enumerate(data[:10]):
        value |= (byte & 127) << (7 * index)
        if byte < 128:
            return value, index + 1
    return 0, 0


def _is_caffe(path: Path) -> bool:
    """A name, then layers in the fields 2 (of old files) or 100."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        found = list(fields(file, path.stat().st_size, most=4))
    numbers = [number for number, _, _ in found]
    return path.suffix == ".caffemodel" or (numbers[:1] == [1] and 100 in numbers)


def _describe_text(head: bytes) -> str | None:
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return None
        text = head[: error.start].decode("utf-8-sig")
    lines = [line.strip() for line in text.splitlines()]
    if "<opencv_storage" in text:
        return "a cascade of OpenCV: it finds faces, not masks; a detector is needed"
    first = next((line for line in lines if line and not line.startswith("#")), "")
    if found := next((name for start, name in _TEXTS if first.startswith(start)), None):
        return found
    if any(line.startswith(_PROTOTXT) for line in lines):
        return f"a network's plan of Caffe, without weights; {_TO_ONNX}"
    if first.startswith("{"):
        return f"a JSON file, not a model's weights; {_TO_ONNX}"
    return None


def _describe_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            parts = {name.rpartition("/")[2] for name in names}
            if "constants.pkl" in parts and any("/code/" in name for name in names):
                return f"a TorchScript model; {_TO_ONNX}"
            if "data.pkl" in parts:
                return f"a PyTorch file, {_PYTORCH}"
            if "config.json" in parts and "model.weights.h5" in parts:
                return _describe_keras_zip(archive)
    except ARCHIVE_ERRORS:
        if found := _ENDINGS.get(path.suffix.lower()):
            return f"{found} (and this file is cut off)"
        return "a zip archive that is cut off; get it again"
    if names and all(name.endswith(".npy") for name in names):
        return f"weights in numpy's arrays, without their network; {_TO_ONNX}"
    return "a zip archive; unpack it first"


def _describe_keras_zip(archive: zipfile.ZipFile) -> str:
    with archive.open("config.json") as file:
        text = file.read(_MAX_TEXT)
    try:
        kind = describe_keras(json.loads(text))
    except (ValueError, RecursionError, AttributeError):
        kind = None
    return f"a Keras 3 model: {kind}" if kind else KERAS_3


KERAS_3 = (
    "a Keras 3 model, of which no detector is known here; export it to ONNX or to a SavedModel "
    "with the outputs of the Object Detection API"
)
