"""Formats of models of other systems, detected by their content before anything opens them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from maskdet.errors import ModelError, reason_of
from maskdet.runtimes import unsupported_formats


class Kind(StrEnum):
    """The formats; the values are also the names of their files in a card."""

    FROZEN_GRAPH = "frozen_graph"
    SAVED_MODEL = "saved_model"
    KERAS_RETINANET = "keras_retinanet"
    ONNX = "onnx"
    LITERT = "litert"


@dataclass(frozen=True)
class DetectedModel:
    """A model of another system.

    Attributes:
        kind: its format.
        path: its file; the folder of a SavedModel.
    """

    kind: Kind
    path: Path

    @property
    def name(self) -> str:
        """The name for people: formats whose files are all named alike go by their folder."""
        path = self.path.absolute()
        if path.name in ("saved_model", "frozen_inference_graph.pb") or path.name.isdecimal():
            path = path.parent
        return path.stem if path.suffix.lower() in _OPENED else path.name


NETWORKS = {
    "object_detection_api": (Kind.FROZEN_GRAPH, Kind.SAVED_MODEL),
    "keras_retinanet": (Kind.KERAS_RETINANET,),
    "third_party": (Kind.ONNX, Kind.LITERT),
}
"""What a card calls such a network, and the formats it comes in."""


def network_of(kind: Kind) -> str:
    """The name in a card for the network of a format."""
    return next(name for name, kinds in NETWORKS.items() if kind in kinds)


_OWN = ("saved_model.pb", "frozen_inference_graph.pb", "saved_model/saved_model.pb")
"""Files that make a folder one model, whatever else it holds."""
_OPENED = (".pb", ".h5", ".hdf5", ".onnx", ".tflite", ".lite")
_DATA = {"images", "labels", "annotations", "train", "valid", "val", "test", "jpegimages"}
"""Folders of a data set."""
_HEAD = 4096


def detect_model(path: Path) -> DetectedModel:
    """Which model a path is, or holds: a graph, an exported folder, a file of ONNX …

    Raises:
        ModelError: it is none; the message names what it is instead.
    """
    if not path.is_dir():
        return _of_file(path)
    if found := _ultralytics_folder(path):
        return found
    if (path / "saved_model.pb").is_file():
        return DetectedModel(Kind.SAVED_MODEL, path)
    if (path / "frozen_inference_graph.pb").is_file():
        return _of_file(path / "frozen_inference_graph.pb")
    if (path / "saved_model" / "saved_model.pb").is_file():
        return DetectedModel(Kind.SAVED_MODEL, path / "saved_model")
    if versions := _versions(path):
        return DetectedModel(Kind.SAVED_MODEL, max(versions, key=lambda version: int(version.name)))
    files = [file for file in _models_in(path) if file.suffix.lower() in _OPENED]
    if len(files) == 1:
        return _of_file(files[0])
    if not files and unsupported_formats.is_checkpoint(path):
        raise ModelError(f"{path}: holds {unsupported_formats.CHECKPOINT}")
    files = files or _models_in(path)
    if len(files) == 1:
        return _of_file(files[0])
    several = f"; name one of its files: {', '.join(file.name for file in files)}" if files else ""
    raise ModelError(
        f"{path}: is not a model folder (it has no card.yaml, frozen_inference_graph.pb, "
        f"saved_model.pb, .onnx or .tflite file){several}"
    )


def is_model(path: Path) -> bool:
    """Whether a path is meant as a model, a broken one included, rather than as a data set."""
    if not path.is_dir():
        suffixes = {*unsupported_formats.SUFFIXES, ".config", ".ini"}  # of settings, too
        named = path.suffix.lower() in suffixes or path.name == "checkpoint"
        return named or unsupported_formats.is_checkpoint(path)
    if any((path / name).is_file() for name in _OWN) or _versions(path):
        return True
    if any(entry.name.lower() in _DATA for entry in path.iterdir() if entry.is_dir()):
        return False
    return unsupported_formats.is_checkpoint(path) or bool(_models_in(path))


def _versions(folder: Path) -> list[Path]:
    """SavedModels in folders that are named by numbers, as TensorFlow Serving has versions."""
    found = (file.parent for file in folder.glob("*/saved_model.pb"))
    return [version for version in found if version.name.isdecimal()]


def _models_in(folder: Path) -> list[Path]:
    files = sorted(file for file in folder.iterdir() if file.is_file())
    return [
        file
        for file in files
        if file.suffix.lower() in unsupported_formats.SUFFIXES
        and not file.name.endswith(".weights.h5")
    ]


def _ultralytics_folder(folder: Path) -> DetectedModel | None:
    """The LiteRT file with floats in a folder that ultralytics has exported to."""
    files = sorted(folder.glob("*_float32.tflite"))
    return _of_file(files[0]) if (folder / "metadata.yaml").is_file() and len(files) == 1 else None


def _of_file(path: Path) -> DetectedModel:
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
            file.seek(0)
            numbers = dict.fromkeys(
                number for number, _, _ in unsupported_formats.fields(file, path.stat().st_size)
            )
    except OSError as error:
        if unsupported_formats.is_checkpoint(path):
            raise ModelError(f"{path}: is {unsupported_formats.CHECKPOINT}") from None
        raise ModelError(f"{path}: cannot be read: {reason_of(error)}") from None
    if not head:
        raise ModelError(f"{path}: is empty; get the model again")
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return DetectedModel(Kind.KERAS_RETINANET, path)
    if path.name == "saved_model.pb":
        return DetectedModel(Kind.SAVED_MODEL, path.parent)
    if head[4:8] == b"TFL3":
        return DetectedModel(Kind.LITERT, path)
    if next(iter(numbers), 0) == 1 and head[:1] == b"\x08" and _GRAPH_OF_ONNX in numbers:
        return DetectedModel(Kind.ONNX, path)
    what = unsupported_formats.describe(path, head)
    if what is None and path.suffix.lower() == ".onnx":
        what = "no ONNX model, or is cut off; get it again"
    if what is None and head[:1] == b"\x0a":  # the first field of a GraphDef: a node
        return DetectedModel(Kind.FROZEN_GRAPH, path)
    raise ModelError(f"{path}: is {what or _UNKNOWN}")


_GRAPH_OF_ONNX = 7
"""The field of an ONNX file that holds its network."""
_UNKNOWN = (
    "no model of a known format; known are .onnx, .tflite, frozen_inference_graph.pb, a "
    "SavedModel, keras-retinanet's .h5, and folders with a card.yaml"
)
