"""Export to LiteRT (TensorFlow Lite), in floats or int8: the quickest way on a CPU."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskdet.errors import DatasetError
from maskdet.images.decoding import ImageError, read_image
from maskdet.images.letterbox import letterbox
from maskdet.model.card import ModelCard
from maskdet.networks.plans import Network
from maskdet.runtimes.tensorflow_import import quiet_logging
from maskdet.system.atomic_files import write_whole
from maskdet.system.native_libraries import silent_stderr

MAX_CALIBRATION_IMAGES = 100
"""Images that set the ranges of int8; more change them little."""


def write(
    network: Network, card: ModelCard, folder: Path, calibrate: Sequence[Path] | None
) -> dict[str, Path]:
    """Writes `model.tflite`, or `model_int8.tflite` if there are images to calibrate with.

    The graph takes one image whose sides may be any multiples of 32.

    Raises:
        DatasetError: an image cannot be read.
    """
    kind, name = ("litert", "model.tflite")
    inputs = None
    if calibrate is not None:
        kind, name = ("litert_int8", "model_int8.tflite")
        chosen = calibrate[:: max(1, len(calibrate) // MAX_CALIBRATION_IMAGES)][
            :MAX_CALIBRATION_IMAGES
        ]
        inputs = [_input(file, card.input.height, card.input.width) for file in chosen]
    with quiet_logging(), silent_stderr():  # the converter's remarks are for its developers
        content = _convert(network, inputs)
    write_whole(folder / name, content)
    return {kind: folder / name}


def _convert(network: Network, inputs: Sequence[np.ndarray] | None) -> bytes:
    """The network as a LiteRT file's content; quantized if there are inputs to calibrate with."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    shape = tf.TensorSpec((1, None, None, 3), tf.float32, name="image")
    function = tf.function(lambda image: network(image, training=False), [shape], autograph=False)
    # Constants let the converter fold batch norms into convolutions; variables it leaves alone.
    concrete = function.get_concrete_function()
    frozen = convert_variables_to_constants_v2(concrete, lower_control_flow=False)
    converter: Any = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if inputs is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([each.astype(np.float32)] for each in inputs)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
    with warnings.catch_warnings():  # it warns of statistics that only its old form of int8 needs
        warnings.simplefilter("ignore")
        return bytes(converter.convert())


def _input(file: Path, height: int, width: int) -> np.ndarray:
    try:
        image = read_image(file)
    except ImageError as error:
        raise DatasetError(f"{file}: cannot be read as a picture: it {error}") from None
    return letterbox(image, height, width)[0][None]
