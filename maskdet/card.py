"""A model's card: what is in a folder under ``models/``, and where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PositiveInt, StringConstraints

from maskdet.config import Settings, load_settings, write_yaml
from maskdet.errors import ConfigError, ModelError
from maskdet.files import verify_sha256, write_whole

CARD_NAME = "card.yaml"

FileName = Annotated[str, StringConstraints(pattern=r"^(\w[\w.+-]*/)*\w[\w.+-]*$")]
"""A path inside the model's own folder: a card cannot point elsewhere."""


class InputSize(Settings):
    """Pixels that the network takes."""

    height: PositiveInt
    width: PositiveInt


class ModelFile(Settings):
    """One file beside the card."""

    file: FileName
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ModelCard(Settings):
    """What a model is.

    Attributes:
        name: the folder's name.
        network: which network it is, by its name in `maskdet.networks`.
        input: the picture size that it takes.
        classes: names by index.
        files: by runtime (``litert``, ``litert_int8``, ``keras`` …), the first is the default.
        min_score: the lowest score worth showing.
        description: a sentence for people.
        options: what the network's builder needs beside that.
        metrics: figures as measured, with the data they were measured on.
        provenance: training command, data, licences.
    """

    name: str
    network: str
    input: InputSize
    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    files: Annotated[dict[str, ModelFile], Field(min_length=1)]
    min_score: Annotated[float, Field(ge=0, le=1)] = 0.3
    description: str = ""
    options: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    provenance: dict[str, Any] = {}


def read_card(folder: str | Path) -> ModelCard:
    """The card in a model's folder.

    Raises:
        ModelError: one line: there is no card, or what is wrong in it.
    """
    path = Path(folder) / CARD_NAME
    if not path.is_file():
        raise ModelError(f"{folder} is no model folder: it has no {CARD_NAME}")
    try:
        return load_settings(ModelCard, path)
    except ConfigError as error:
        raise ModelError("; ".join(str(error).splitlines())) from None


def write_card(folder: str | Path, card: ModelCard) -> None:
    """Writes the card whole or not at all."""
    write_whole(Path(folder) / CARD_NAME, write_yaml(card.model_dump(mode="json")))


def model_file(folder: str | Path, card: ModelCard, runtime: str) -> Path:
    """The path of a runtime's file, its checksum verified.

    Raises:
        ModelError: the card names none for this runtime, or the file is not the one it names.
    """
    if runtime not in card.files:
        have = ", ".join(card.files)
        raise ModelError(f"model '{card.name}' has no file for {runtime}; it has: {have}")
    path = Path(folder) / card.files[runtime].file
    verify_sha256(path, card.files[runtime].sha256)
    return path
