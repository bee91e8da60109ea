"""From a model's name or path to a `Detector`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from maskdet.card import CARD_NAME, ModelCard, model_file, read_card
from maskdet.contracts import Detector
from maskdet.detections import CLASS_NAMES
from maskdet.errors import ModelError
from maskdet.runtimes.decoding import Decoder, decoder_for
from maskdet.runtimes.foreign import open_card, open_foreign
from maskdet.runtimes.formats import NETWORKS
from maskdet.runtimes.quiet import quiet_import

MODELS = Path(__file__).resolve().parent.parent.parent / "models"
"""The models that ship with a checkout."""
DEFAULT = "retinanet-mobilenet"
Device = Literal["auto", "cpu", "gpu"]


def load_detector(
    model: str = DEFAULT,
    *,
    device: Device = "auto",
    labels: Path | None = None,
    min_score: float | None = None,
    side: int | None = None,
    runtime: str | None = None,
    classes: Mapping[str, str] | None = None,
) -> Detector:
    """Opens a model.

    Args:
        model: a folder's name under `models/`, the path of a model folder, or that of a foreign
            model: see `maskdet.runtimes.formats`.
        device: ``auto`` takes a GPU where Keras has one, LiteRT on the CPU otherwise.
        labels: label map of a foreign model; None: the one that lies beside it.
        min_score: lowest score given; None: the card's.
        side: longest side in pixels of the network's input; None: the card's.
        runtime: a key of the card's files; None: the best one for the device.
        classes: mask states by a foreign model's class names, where they cannot be guessed.

    Raises:
        ModelError: there is no such model, or it is broken; or no GPU where one was asked for.
    """
    folder = find_model(model)
    if not (folder / CARD_NAME).is_file():
        return open_foreign(
            folder, device=device, labels=labels, classes=classes, min_score=min_score, side=side
        )
    card = read_card(folder)
    if labels is not None:
        raise ModelError(f"--labels: model '{card.name}' knows its classes; leave the option out")
    if card.network in NETWORKS:
        return open_card(folder, card, device=device, min_score=min_score, side=side)
    decoder = _decoder(card, card.min_score if min_score is None else min_score)
    side = side or max(card.input.height, card.input.width)
    kind = runtime or _runtime(card, device)
    file = model_file(folder, card, kind)
    if kind.startswith("litert"):
        from maskdet.runtimes.litert import LiteRtDetector

        return LiteRtDetector(file, decoder, name=card.name, side=side)
    if kind == "keras":
        with quiet_import():
            from maskdet.runtimes.keras_runtime import KerasDetector

        return KerasDetector(
            file,
            decoder,
            network=card.network,
            options=card.options,
            name=card.name,
            side=side,
        )
    raise ModelError(f"model '{card.name}': no runtime opens {kind!r} files")


def find_model(model: str) -> Path:
    """The folder of a model, or the file or folder of a foreign one.

    Raises:
        ModelError: there is none; the message names the nearest.
    """
    for folder in (Path(model), MODELS / model):
        if (folder / CARD_NAME).is_file():
            return folder
    if Path(model).exists():
        return Path(model)
    there = sorted(card.parent.name for card in MODELS.glob(f"*/{CARD_NAME}"))
    near = difflib.get_close_matches(model, there, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(there) or 'none'}"
    raise ModelError(f"no model {model!r} under {MODELS} and no such path; {hint}")


def _decoder(card: ModelCard, min_score: float) -> Decoder:
    if tuple(card.classes) != CLASS_NAMES:
        raise ModelError(
            f"model '{card.name}': classes are {', '.join(card.classes)}; "
            f"expected {', '.join(CLASS_NAMES)} in this order"
        )
    try:
        return decoder_for(card.network, card.options, min_score)
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"model '{card.name}': options of the card are wrong: {error}") from None
    except ValueError as error:
        raise ModelError(f"model '{card.name}': {error}") from None


def _runtime(card: ModelCard, device: Device) -> str:
    """Which of the card's files to open.

    Keras is asked for a GPU only where the CPU has no quick way of its own or one is wanted:
    importing TensorFlow takes seconds.
    """
    light = next((kind for kind in card.files if kind.startswith("litert")), None)
    if device == "cpu":
        return light or next(iter(card.files))
    if device == "auto" and light and not _nvidia():
        return light
    gpu = _gpu()
    if "keras" in card.files and gpu:
        return "keras"
    if device == "gpu":
        raise ModelError(_no_gpu(card, gpu))
    return light or next(iter(card.files))


def _nvidia() -> bool:
    """Whether an NVIDIA driver is loaded, without asking a slow library."""
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists()


def _gpu() -> str | None:
    with quiet_import():
        from maskdet.runtimes.keras_runtime import gpu_name

    return gpu_name()


def _no_gpu(card: ModelCard, gpu: str | None) -> str:
    if gpu:
        return f"--device gpu: model '{card.name}' has no weights for Keras; it runs on the CPU"
    driver = "its driver is loaded" if _nvidia() else "no NVIDIA driver is loaded"
    return (
        f"--device gpu: Keras finds no GPU ({driver}); install a driver and a GPU build of "
        "TensorFlow (pip install 'tensorflow[and-cuda]'), or use --device cpu"
    )
