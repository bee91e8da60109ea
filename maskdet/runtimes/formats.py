"""Formats of models that other systems wrote, told by their content before anything opens them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from maskdet.errors import ModelError


class Kind(StrEnum):
    """The formats; the values are also the names of their files in a card."""

    FROZEN_GRAPH = "frozen_graph"
    SAVED_MODEL = "saved_model"
    KERAS_RETINANET = "keras_retinanet"


@dataclass(frozen=True)
class Foreign:
    """A model of another system.

    Attributes:
        kind: its format.
        path: its file; the folder of a SavedModel.
    """

    kind: Kind
    path: Path

    @property
    def name(self) -> str:
        """What people call it: formats whose files are all named alike go by their folder."""
        path = self.path.absolute()
        if path.name in ("saved_model", "frozen_inference_graph.pb"):
            path = path.parent
        return path.name.removesuffix(".h5").removesuffix(".pb")


NETWORKS = {
    "object_detection_api": (Kind.FROZEN_GRAPH, Kind.SAVED_MODEL),
    "keras_retinanet": (Kind.KERAS_RETINANET,),
}
"""What a card calls such a network, and the formats it comes in."""


def network_of(kind: Kind) -> str:
    """What a card calls the network of a format."""
    return next(name for name, kinds in NETWORKS.items() if kind in kinds)


_OTHERS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"RIFF", "a picture, sound or video"),
    (b"PK\3\4", "a zip archive (a .keras file is one; only Keras 2's .h5 is read)"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"\xfd7zXZ", "an xz archive; unpack it first"),
    (b"\x80", "a Python pickle, which may run anything and is never opened"),
)


def find_foreign(path: Path) -> Foreign:
    """Which model a path is, or holds: a graph, an exported folder, a SavedModel, an ``.h5``.

    Raises:
        ModelError: it is none; the message says what it is instead.
    """
    if not path.is_dir():
        return _of_file(path)
    if (path / "saved_model.pb").is_file():
        return Foreign(Kind.SAVED_MODEL, path)
    if (path / "frozen_inference_graph.pb").is_file():
        return _of_file(path / "frozen_inference_graph.pb")
    if (path / "saved_model" / "saved_model.pb").is_file():
        return Foreign(Kind.SAVED_MODEL, path / "saved_model")
    files = sorted(file for ending in ("*.pb", "*.h5") for file in path.glob(ending))
    files = [file for file in files if not file.name.endswith(".weights.h5")]  # of Keras 3
    if len(files) == 1:
        return _of_file(files[0])
    several = f"; name one of its files: {', '.join(file.name for file in files)}" if files else ""
    raise ModelError(
        f"{path}: is no model folder (it has no card.yaml, frozen_inference_graph.pb or "
        f"saved_model.pb){several}"
    )


def is_model(path: Path) -> bool:
    """Whether a path is meant as a model, be it a broken one, rather than as a data set."""
    if path.is_dir():
        graphs = ("saved_model.pb", "frozen_inference_graph.pb", "saved_model/saved_model.pb")
        return any((path / name).is_file() for name in graphs)
    return path.suffix.lower() in (".pb", ".h5", ".hdf5", ".keras")


def _of_file(path: Path) -> Foreign:
    try:
        with open(path, "rb") as file:
            head = file.read(16)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    if not head:
        raise ModelError(f"{path}: is empty; get the model again")
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return Foreign(Kind.KERAS_RETINANET, path)
    if path.name == "saved_model.pb":
        return Foreign(Kind.SAVED_MODEL, path.parent)
    what = next((name for magic, name in _OTHERS if head.startswith(magic)), None)
    if head[4:8] == b"TFL3":
        what = "a LiteRT model without its card; name its folder, which has a card.yaml"
    if what is None and head[:1] == b"\x0a":  # the first field of a GraphDef: a node
        return Foreign(Kind.FROZEN_GRAPH, path)
    raise ModelError(
        f"{path}: is {what or 'no model of a known format'}; known are frozen_inference_graph.pb, "
        "a SavedModel, keras-retinanet's .h5, and folders with a card.yaml"
    )
