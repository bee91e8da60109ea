"""A model's card: what is in a folder under ``models/``, and where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

from maskdet.config import Settings, load_settings, write_yaml
from maskdet.detections import CLASS_NAMES, MaskState
from maskdet.errors import ConfigError, ModelError
from maskdet.model.decision import Calibration, DecisionRule
from maskdet.system.atomic_files import verify_sha256, write_whole

CARD_NAME = "card.yaml"

FileName = Annotated[str, StringConstraints(pattern=r"^(\w[\w.+-]*/)*\w[\w.+-]*$")]
"""A path inside the model's own folder: a card cannot point elsewhere."""


class InputSize(Settings):
    """Pixels that the network takes.

    Attributes:
        height: largest.
        width: largest.
        sides: smaller longest sides at which the model is good, too.
    """

    height: PositiveInt
    width: PositiveInt
    sides: tuple[PositiveInt, ...] = ()


class ModelFile(Settings):
    """One file beside the card."""

    file: FileName
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


Share = Annotated[float, Field(ge=0, le=1)]


class ScoreLimits(Settings):
    """Lowest scores that are worth showing.

    A card has a number in its place, that of the face; cards of earlier versions have one for each
    state.

    Attributes:
        face: how likely there must be a face, whatever its state.
        with_mask: lowest score of this state.
        without_mask: likewise.
        mask_weared_incorrect: likewise.
        unsure: likewise.
    """

    face: Share = 0.3
    with_mask: Share = 0.0
    without_mask: Share = 0.0
    mask_weared_incorrect: Share = 0.0
    unsure: Share = 0.0

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.keys() - {"face"}:
            states = dict.fromkeys((state.name for state in MaskState), cls().face)
            return {"face": 0.0, **states, **value}
        if not isinstance(value, int | float) or isinstance(value, bool):
            return value
        if not 0 <= value <= 1:
            raise ValueError("must be 0 to 1")
        return {"face": value}

    @model_serializer(mode="wrap")
    def _to_number(self, write: SerializerFunctionWrapHandler) -> Any:
        return self.face or write(self)


class PlattScale(Settings):
    """Conversion of a class's logit to a probability: σ(slope · logit + shift)."""

    slope: PositiveFloat = 1.0
    shift: float = 0.0


class Calibrations(Settings):
    """Conversion of each class's scores to probabilities; by default they stay as they are."""

    with_mask: PlattScale = PlattScale()
    without_mask: PlattScale = PlattScale()
    mask_weared_incorrect: PlattScale = PlattScale()


class Unsure(Settings):
    """When a face's state is not called.

    Attributes:
        certainty: least share that the best state must have of all states' probability.
        width: pixels that a face must have.
    """

    certainty: Share = 0.0
    width: NonNegativeFloat = 0.0


class ModelCard(Settings):
    """Description of a model.

    Attributes:
        name: the folder's name.
        network: which network it is, by its name in `maskdet.networks`.
        input: the image size that it takes.
        classes: names by index.
        files: by runtime (``litert``, ``litert_int8``, ``keras`` …), the first is the default.
        min_score: how likely a face must be to be worth showing.
        calibration: of the scores.
        unsure: when a state is not called.
        description: a sentence for people.
        options: what the network's builder needs beside that.
        metrics: metrics as measured, with the data they were measured on.
        provenance: training command, data, licenses.
    """

    name: str
    network: str
    input: InputSize
    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    files: Annotated[dict[str, ModelFile], Field(min_length=1)]
    min_score: ScoreLimits = ScoreLimits()
    calibration: Calibrations = Calibrations()
    unsure: Unsure = Unsure()
    description: str = ""
    options: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    provenance: dict[str, Any] = {}

    @property
    def rule(self) -> DecisionRule:
        """The decision rule of its scores and limits."""
        scales = [getattr(self.calibration, name) for name in CLASS_NAMES]
        return DecisionRule(
            [getattr(self.min_score, state.name) for state in MaskState],
            min_face=self.min_score.face,
            certainty=self.unsure.certainty,
            width=self.unsure.width,
            calibration=Calibration(
                tuple(scale.slope for scale in scales), tuple(scale.shift for scale in scales)
            ),
        )


def read_card(folder: str | Path) -> ModelCard:
    """The card in a model's folder.

    Raises:
        ModelError: one line: there is no card, or what is wrong in it.
    """
    path = Path(folder) / CARD_NAME
    if not path.is_file():
        raise ModelError(f"{folder} is not a model folder: it has no {CARD_NAME}")
    try:
        return load_settings(ModelCard, path)
    except ConfigError as error:
        raise ModelError("; ".join(str(error).splitlines())) from None


def write_card(folder: str | Path, card: ModelCard) -> None:
    """Writes the card whole or not at all."""
    values = card.model_dump(mode="json")
    for name in ("calibration", "unsure"):
        if getattr(card, name) == type(card).model_fields[name].default:
            del values[name]  # a network whose scores nobody has calibrated yet
    write_whole(Path(folder) / CARD_NAME, write_yaml(values))


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
