"""Small ONNX networks with the outputs of common detectors; scores follow a red pixel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 64
CELLS = 84
"""Of a pyramid with strides 8, 16, 32 on `SIDE` pixels."""
NAMES = "{0: 'mask', 1: 'no_mask', 2: 'worn incorrectly'}"
TYPES = {"f4": TensorProto.FLOAT, "f2": TensorProto.FLOAT16, "u1": TensorProto.UINT8}


def write(
    path: Path,
    outputs: list[np.ndarray],
    metadata: dict[str, str] | None = None,
    *,
    shape: tuple = (1, 3, SIDE, SIDE),
    dtype: str = "f4",
    names: Sequence[str] = (),
) -> Path:
    """A network that gives these outputs, times the red of the pixel in the middle.

    The outputs may have names.

    It must be given 1 (255 if it takes bytes) there, so order, range and place of the image count.
    """
    first = shape[1] in (3, "c")
    middle = [0, 0, SIDE // 2, SIDE // 2] if first else [0, SIDE // 2, SIDE // 2, 0]
    constants = {
        "begin": np.array(middle, np.int64),
        "end": np.array(middle, np.int64) + 1,
        "one": np.array([1], np.int64),
        "full": np.array(1 if dtype[0] == "f" else 1 / 255, np.float32),
    }
    nodes = [
        helper.make_node("Slice", ["images", "begin", "end"], ["pixel"]),
        helper.make_node("Cast", ["pixel"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["number", "one"], ["flat"]),
        helper.make_node("Mul", ["flat", "full"], ["red"]),
    ]
    reported = []
    for index, output in enumerate(outputs):
        name = names[index] if names else f"output{index}"
        constants[f"c{index}"] = output.astype(np.float32)
        nodes.append(helper.make_node("Mul", [f"c{index}", "red"], [name]))
        reported.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, output.shape))
    entry = helper.make_tensor_value_info("images", TYPES[dtype], shape)
    values = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "detector", [entry], reported, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    helper.set_model_props(model, metadata or {})
    onnx.save(model, str(path))
    return path


def table(rows: list[list[float]], count: int) -> np.ndarray:
    """Rows, filled up with zeros."""
    filled = np.zeros((count, len(rows[0])), np.float32)
    filled[: len(rows)] = rows
    return filled
