"""Export to ONNX, which ONNX Runtime, OpenVINO and many others run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from maskdet.errors import ConfigError, ModelError, one_line
from maskdet.networks.plans import Network
from maskdet.networks.retinanet import RetinaNet
from maskdet.runtimes.tensorflow_import import quiet_logging
from maskdet.system.atomic_files import write_whole
from maskdet.system.extras import missing_line

NAME = "model.onnx"
OPSET = 18
_AXES = ("batch", "height", "width")


def write(network: Network, folder: Path) -> dict[str, Path]:
    """Writes `model.onnx`.

    It takes ``image`` float32 (batch, height, width, 3), RGB 0–255, whose sides are any multiples
    of 32, and gives what the network gives: see `RetinaNet` and `FasterRCNN`.

    Raises:
        ConfigError: the packages that convert are not installed.
        ModelError: the network has something that ONNX has not.
    """
    try:
        with quiet_logging():
            import onnx
            import tf2onnx
    except ImportError as error:
        raise ConfigError(missing_line(error.name or "onnx", "onnx")) from None
    names = ("logits", "deltas") if isinstance(network, RetinaNet) else ("scores", "boxes")
    shape = tf.TensorSpec((None, None, None, 3), tf.float32, name="image")

    def outputs(image: Any) -> dict[str, Any]:
        return dict(zip(names, network(image, training=False), strict=True))

    with quiet_logging():
        function = tf.function(outputs, [shape], autograph=False)
        model, _ = tf2onnx.convert.from_function(function, [shape], opset=OPSET)
    # of dictionaries TensorFlow sorts the keys
    ordered = sorted(model.graph.output, key=lambda output: names.index(output.name))
    del model.graph.output[:]
    model.graph.output.extend(ordered)
    for axis, name in zip(model.graph.input[0].type.tensor_type.shape.dim, _AXES, strict=False):
        axis.dim_param = name
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        reason = one_line(error)
        raise ModelError(f"{folder}: its network has no ONNX form: {reason}") from None
    write_whole(folder / NAME, model.SerializeToString(deterministic=True))
    return {"onnx": folder / NAME}
