"""From a model's name or path to a `Detector`."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from maskdet.contracts import Detector
from maskdet.detections import CLASS_NAMES
from maskdet.errors import ModelError
from maskdet.model.card import CARD_NAME, ModelCard, model_file, read_card
from maskdet.model.decision import DecisionRule
from maskdet.model.registry import DEFAULT_MODEL
from maskdet.runtimes.decoding import Decoder, decoder_for
from maskdet.runtimes.file_formats import NETWORKS, Kind
from maskdet.runtimes.gpu.gpu_probe import cuda_seems_there, gpu_seems_there
from maskdet.runtimes.legacy.opening import (
    EXPORTED,
    MIN_SCORE,
    open_card,
    open_exported,
    open_foreign,
)
from maskdet.runtimes.looks import SMALL_SIDE, Looks, MultiLookDetector
from maskdet.runtimes.tensorflow_import import quiet_import
from maskdet.runtimes.unsupported_formats import is_checkpoint
from maskdet.system.extras import missing_line
from maskdet.system.resources import shipped, user_models

MODELS = shipped("models")
"""The models that ship: with a checkout all; with a wheel the light one, and the others' cards."""
Device = Literal["auto", "cpu", "gpu"]


def load_detector(
    model: str = DEFAULT_MODEL,
    *,
    device: Device = "auto",
    labels: Path | None = None,
    min_score: float | None = None,
    certainty: float | None = None,
    least_width: float | None = None,
    rule: DecisionRule | None = None,
    side: int | None = None,
    runtime: str | None = None,
    classes: Mapping[str, str] | None = None,
    batch: int | None = None,
    upgrade: bool = False,
) -> Detector:
    """Opens a model.

    Args:
        model: a folder's name under `models/`, the path of a model folder, or that of a foreign
            model: see `maskdet.runtimes.file_formats`.
        device: ``auto`` takes a GPU where Keras has one, LiteRT on the CPU otherwise; ``gpu`` takes
            LiteRT's where Keras has none.
        labels: label map of a third-party or legacy model; None: the one that lies beside it.
        min_score: lowest score given, of all states; None: the card's.
        certainty: least share of the best state in all states' probability, below which a face is
            unsure; None: the card's.
        least_width: pixels that a face must have, or it is unsure; None: the card's.
        rule: scores and calls states in place of the card's; the three above change it.
        side: longest side in pixels of the network's input; None: the card's.
        runtime: a key of the card's files, or ``openvino`` for its ``onnx`` file; None: the best
            one for the device.
        classes: mask states by a foreign model's class names, where they cannot be guessed.
        batch: most pictures in one call of Keras; None: what suits the device.
        upgrade: with ``auto``, LiteRT begins on the CPU and moves to a GPU that proves faster: for
            whoever cannot wait, and need not give the same answer twice.

    Raises:
        ModelError: there is no such model, or it is broken; or no GPU where one was asked for.
    """
    folder = find_model(model)
    if not (folder / CARD_NAME).is_file():
        rule = _changed(
            rule or DecisionRule.from_min_score(MIN_SCORE), min_score, certainty, least_width
        )
        return open_foreign(folder, rule, device=device, labels=labels, classes=classes, side=side)
    card = read_card(folder)
    rule = _changed(rule or card.rule, min_score, certainty, least_width)
    if labels is not None:
        raise ModelError(f"--labels: model '{card.name}' knows its classes; leave the option out")
    if card.network in NETWORKS:
        return open_card(folder, card, rule, device=device, side=side)
    if runtime in EXPORTED:
        return open_exported(folder, card, Kind(runtime), rule, device=device, side=side)
    decoder = _decoder(card, rule)
    side = side or max(card.input.height, card.input.width)
    kind = runtime or _runtime(card, device)
    if kind in ("onnx", "openvino"):
        from maskdet.runtimes.onnx_runtime import OnnxDetector

        file = model_file(folder, card, "onnx")
        return OnnxDetector(file, decoder, name=card.name, side=side, engine=kind, device=device)
    if kind.startswith("litert"):
        return _litert(folder, card, kind, decoder, side, device, upgrade)
    if kind == "keras":
        try:
            with quiet_import():
                from maskdet.runtimes.keras_runtime import KerasDetector
        except ModuleNotFoundError as error:
            missing = missing_line(error.name or "keras", "train")
            raise ModelError(f"model '{card.name}' ({kind}): {missing}") from None
        return KerasDetector(
            model_file(folder, card, kind),
            decoder,
            network=card.network,
            options=card.options,
            name=card.name,
            side=side,
            device=device,
            batch=batch,
        )
    raise ModelError(f"model '{card.name}': no runtime opens {kind!r} files")


def load_looking_detector(
    model: str = DEFAULT_MODEL,
    *,
    looks: Looks = "auto",
    budget_s: float | None = None,
    side: int | None = None,
    upgrade: bool = False,
    **options: Any,
) -> Detector:
    """Opens a model that looks at each image as often as suits it.

    Args:
        model: see `load_detector`; a foreign model looks once.
        looks: see `maskdet.runtimes.looks`; 1 is `load_detector` itself.
        budget_s: seconds that all looks at an image may take; None: any.
        side: see `load_detector`.
        upgrade: see there.
        options: of `load_detector`.

    Raises:
        ModelError: as `load_detector`.
    """
    detector = load_detector(model, side=side, upgrade=upgrade, **options)
    folder = find_model(model)
    if looks == 1 or not (folder / CARD_NAME).is_file():
        return detector
    card = read_card(folder)
    if card.network in NETWORKS or options.get("runtime") in EXPORTED:
        return detector
    whole = side or max(card.input.height, card.input.width)
    small = load_detector(model, side=SMALL_SIDE, **options) if whole > 2 * SMALL_SIDE else None
    return MultiLookDetector(detector, whole, looks, small=small, budget_s=budget_s)


def decision_rule_of(model: str) -> DecisionRule | None:
    """What scores and calls states as a model's card says; None for a model without a card.

    Raises:
        ModelError: there is no such model, or its card is wrong.
    """
    folder = find_model(model)
    return read_card(folder).rule if (folder / CARD_NAME).is_file() else None


def find_model(model: str) -> Path:
    """The folder of a model, or the file or folder of a foreign one.

    Raises:
        ModelError: there is none; the message names the nearest.
    """
    if (Path(model) / CARD_NAME).is_file():
        return Path(model)
    for folder in (MODELS / model, user_models() / model):
        if (folder / CARD_NAME).is_file() and is_whole(folder):
            return folder
    if Path(model).exists() or is_checkpoint(Path(model)):
        return Path(model)
    if (MODELS / model / CARD_NAME).is_file():
        raise ModelError(
            f"model {model!r} is not on this machine yet; fetch it from a checkout's models/ "
            f"folder or an address that has it: maskdet models get {model} --from FOLDER_OR_URL"
        )
    there = sorted({card.parent.name for card in MODELS.glob(f"*/{CARD_NAME}")})
    near = difflib.get_close_matches(model, there, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(there) or 'none'}"
    raise ModelError(f"no model {model!r} under {MODELS} and no such path; {hint}")


def is_whole(folder: Path) -> bool:
    """Whether a model's folder holds more than its card, as those do that can be fetched."""
    return any(path.name != CARD_NAME for path in folder.iterdir())


def _changed(
    rule: DecisionRule, min_score: float | None, certainty: float | None, least_width: float | None
) -> DecisionRule:
    """A model's rule with what a person wants otherwise."""
    if min_score is not None:
        rule = rule.with_min_score(min_score)
    if certainty is not None:
        rule = replace(rule, certainty=certainty)
    return rule if least_width is None else replace(rule, width=least_width)


def _decoder(card: ModelCard, rule: DecisionRule) -> Decoder:
    if tuple(card.classes) != CLASS_NAMES:
        raise ModelError(
            f"model '{card.name}': classes are {', '.join(card.classes)}; "
            f"expected {', '.join(CLASS_NAMES)} in this order"
        )
    try:
        return decoder_for(card.network, card.options, rule)
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"model '{card.name}': options of the card are wrong: {error}") from None
    except ValueError as error:
        raise ModelError(f"model '{card.name}': {error}") from None


def _litert(
    folder: Path,
    card: ModelCard,
    kind: str,
    decoder: Decoder,
    side: int,
    device: Device,
    upgrade: bool,
) -> Detector:
    """A file of LiteRT: on the CPU; or, beside it, on the GPU, which is quicker with floats."""
    file = model_file(folder, card, kind)
    if device == "gpu" or (device == "auto" and upgrade and gpu_seems_there()):
        from maskdet.runtimes.gpu.litert_gpu import LiteRtGpuDetector

        quick = model_file(folder, card, "litert") if "litert" in card.files else file
        demanded = device == "gpu"
        return LiteRtGpuDetector(file, quick, decoder, name=card.name, side=side, demanded=demanded)
    from maskdet.runtimes.litert import LiteRtDetector

    return LiteRtDetector(file, decoder, name=card.name, side=side)


def _runtime(card: ModelCard, device: Device) -> str:
    """Which of the card's files to open.

    Keras is asked for a GPU only where there may be one: importing TensorFlow takes seconds.
    """
    light = next((kind for kind in card.files if _is_light(kind, device)), None)
    if device != "cpu" and "keras" in card.files and cuda_seems_there() and _keras_gpu():
        return "keras"
    if light is None and device == "gpu":
        raise ModelError(
            f"--device gpu: Keras finds no GPU, and model '{card.name}' has no file for LiteRT's; "
            "for an NVIDIA GPU, pip install 'tensorflow[and-cuda]'; for another, python -m maskdet "
            f"export --to litert --model {card.name}; or use --device cpu"
        )
    return light or next(iter(card.files))


def _is_light(kind: str, device: Device) -> bool:
    """Whether a runtime needs no TensorFlow and is there, without importing it."""
    if kind == "onnx":
        return device != "gpu" and bool(find_spec("onnxruntime"))
    return kind.startswith("litert")


def _keras_gpu() -> bool:
    """Whether Keras computes on a GPU here; not where it is not installed (the extra train)."""
    if not find_spec("keras") or not find_spec(os.environ.get("KERAS_BACKEND", "tensorflow")):
        return False
    with quiet_import():
        from maskdet.runtimes.keras_runtime import gpu_name

    return gpu_name() is not None
