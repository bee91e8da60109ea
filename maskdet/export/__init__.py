"""A model's weights in another runtime's format, as files beside them that its card names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from maskdet.errors import ConfigError, ModelError
from maskdet.model.card import ModelCard, ModelFile, model_file, read_card, write_card
from maskdet.networks.plans import Network, build_network, plan_from_options
from maskdet.system.atomic_files import sha256_of

Format = Literal["litert", "saved_model", "onnx"]
_ORDER = ("litert_int8", "litert", "onnx", "keras", "frozen_graph", "saved_model")
"""Of a card's files: quick ones first, since the first is the default."""


def run(
    model: Path, to: Format = "litert", *, int8: bool = False, calibrate: Sequence[Path] = ()
) -> list[Path]:
    """Writes a model in another format and enters it into its card.

    Metrics of a file that it replaces leave the card: they are not the new one's.

    Args:
        model: a model folder that has Keras weights.
        to: ``litert``: `model.tflite` or `model_int8.tflite`; ``onnx``: `model.onnx`;
            ``saved_model``: what TensorFlow's Object Detection API exports, `saved_model/`,
            `frozen_inference_graph.pb` and `label_map.pbtxt`.
        int8: full-integer quantization, of LiteRT alone: int8 in, inside and out.
        calibrate: images like those to come, which set int8's ranges; better none of a
            validation set.

    Returns:
        The new files.

    Raises:
        ModelError: the folder has no weights, or another runtime's.
        ConfigError: int8 without images or for another format; a package is missing.
        DatasetError: an image cannot be read.
    """
    card = read_card(model)
    weights = model_file(model, card, "keras")
    if int8:
        _require_quantizable(card, to, calibrate)
    network = build_network(plan_from_options(card.options, card.network), even=True)
    try:
        network.load_weights(weights)
    except (OSError, ValueError) as error:
        raise ModelError(f"{weights}: does not fit its card: {error}") from None
    files = _write(network, card, model, to, calibrate if int8 else None)
    write_card(model, _with_files(card, model, files))
    labels = [model / "label_map.pbtxt"] if to == "saved_model" else []
    return [*files.values(), *labels]


def unmeasured_files(model: Path) -> list[str]:
    """Files of a model, by runtime, whose measured its card lacks."""
    card = read_card(model)
    return [kind for kind in card.files if kind not in card.metrics]


def _require_quantizable(card: ModelCard, to: Format, calibrate: Sequence[Path]) -> None:
    if to != "litert":
        raise ConfigError(f"--int8 is for litert, not for {to}; leave it out")
    if not calibrate:
        raise ConfigError("--int8 needs --calibrate DIR: a folder of typical pictures")
    if card.network != "retinanet":
        raise ConfigError(
            f"{card.network}: coordinates do not survive eight bits; export it without --int8"
        )


def _write(
    network: Network, card: ModelCard, folder: Path, to: Format, images: Sequence[Path] | None
) -> dict[str, Path]:
    """The files, by what the card calls them."""
    if to == "litert":
        from maskdet.export import litert

        return litert.write(network, card, folder, images)
    if to == "onnx":
        from maskdet.export import onnx

        return onnx.write(network, folder)
    from maskdet.export import object_detection_api

    return object_detection_api.write(network, card, folder)


def _with_files(card: ModelCard, folder: Path, paths: dict[str, Path]) -> ModelCard:
    """The card with more files, and without the measured of those that they replace."""
    files: dict[str, Any] = dict(card.files)
    for kind, path in paths.items():
        files[kind] = ModelFile(file=path.relative_to(folder).as_posix(), sha256=sha256_of(path))
    changed = {kind for kind in paths if files[kind] != card.files.get(kind)}
    metrics = {name: value for name, value in card.metrics.items() if name not in changed}
    fitted = metrics.get("calibration")
    if isinstance(fitted, Mapping) and fitted.get("fitted_on") in changed:
        del metrics["calibration"]
    ranked = sorted(files, key=lambda kind: _ORDER.index(kind) if kind in _ORDER else len(_ORDER))
    ordered = {kind: files[kind] for kind in ranked}
    return card.model_copy(update={"files": ordered, "metrics": metrics})
