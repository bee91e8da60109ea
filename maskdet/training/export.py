"""A model's weights in another runtime's format, as a file beside them that its card names."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from maskdet.card import ModelCard, ModelFile, model_file, read_card, write_card
from maskdet.errors import ConfigError, DatasetError, ModelError
from maskdet.files import sha256_of, write_whole
from maskdet.networks.plans import Network, build_network, plan_from_options
from maskdet.runtimes.letterbox import letterbox

Format = Literal["litert"]
CALIBRATION = 100
"""Pictures that set the ranges of int8; more change them little."""


def run(model: Path, *, int8: bool = False, calibrate: Sequence[Path] = ()) -> Path:
    """Writes `model.tflite` or `model_int8.tflite` and enters it into the card.

    The graph takes one picture whose sides may be any multiples of 32.

    Args:
        model: a model folder that has Keras weights.
        int8: full-integer quantisation: int8 in, inside and out.
        calibrate: pictures like those to come, which set int8's ranges; better none of a
            validation set.

    Returns:
        The new file.

    Raises:
        ModelError: the folder has no weights, or another runtime's.
        ConfigError: int8 without pictures.
        DatasetError: a picture cannot be read.
    """
    card = read_card(model)
    weights = model_file(model, card, "keras")
    if int8 and not calibrate:
        raise ConfigError("--int8 needs --calibrate DIR: a folder of typical pictures")
    if int8 and card.network != "retinanet":
        raise ConfigError(
            f"{card.network}: coordinates do not survive eight bits; export it without --int8"
        )
    network = build_network(plan_from_options(card.options, card.network), even=True)
    try:
        network.load_weights(weights)
    except (OSError, ValueError) as error:
        raise ModelError(f"{weights}: does not fit its card: {error}") from None
    size = card.input.height, card.input.width
    pictures = calibrate[:: max(1, len(calibrate) // CALIBRATION)][:CALIBRATION]
    content = _convert(network, [_input(file, size) for file in pictures] if int8 else None)
    kind, name = ("litert_int8", "model_int8.tflite") if int8 else ("litert", "model.tflite")
    write_whole(model / name, content)
    write_card(model, _with_file(card, kind, name, sha256_of(model / name)))
    return model / name


def _convert(network: Network, inputs: Sequence[np.ndarray] | None) -> bytes:
    """The network as a LiteRT file's content; quantised if there are inputs to calibrate with."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    shape = tf.TensorSpec((1, None, None, 3), tf.float32, name="image")
    function = tf.function(lambda image: network(image, training=False), input_signature=[shape])
    # Constants let the converter fold batch norms into convolutions; variables it leaves alone.
    concrete = function.get_concrete_function()
    frozen = convert_variables_to_constants_v2(concrete, lower_control_flow=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if inputs is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([each.astype(np.float32)] for each in inputs)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
    with warnings.catch_warnings():  # it warns of statistics that only its old form of int8 needs
        warnings.simplefilter("ignore")
        return bytes(converter.convert())


def _input(file: Path, size: tuple[int, int]) -> np.ndarray:
    image = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if image is None:
        raise DatasetError(f"{file}: cannot be read as a picture; remove it")
    return letterbox(image, *size)[0][None]


def _with_file(card: ModelCard, kind: str, name: str, digest: str) -> ModelCard:
    """The card with one more file; quick ones come first, since the first is the default."""
    files: dict[str, Any] = {**card.files, kind: ModelFile(file=name, sha256=digest)}
    order = ("litert_int8", "litert", "keras")
    ranked = sorted(files, key=lambda each: order.index(each) if each in order else len(order))
    return card.model_copy(update={"files": {each: files[each] for each in ranked}})
