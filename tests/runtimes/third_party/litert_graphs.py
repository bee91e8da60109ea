"""Small LiteRT networks with the outputs of common detectors; scores follow a red pixel.

They are put together with the file format's own schema, so that no converter is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

SIDE = 64
_TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.uint8): schema.TensorType.UINT8,
}


class Graph:
    """A network in the making; tensors go by their numbers."""

    def __init__(self) -> None:
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.operatorCodes = []
        self._model.buffers = [schema.BufferT()]
        self._graph = schema.SubGraphT()
        self._graph.tensors, self._graph.operators = [], []
        self._model.subgraphs = [self._graph]

    def tensor(
        self,
        shape: Sequence[int],
        dtype: type = np.float32,
        quantization: tuple[float, int] | None = None,
        value: np.ndarray | None = None,
    ) -> int:
        made = schema.TensorT()
        made.shape, made.type = list(shape), _TYPES[np.dtype(dtype)]
        made.name = f"tensor{len(self._graph.tensors)}"
        if quantization:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale = [quantization[0]]
            made.quantization.zeroPoint = [quantization[1]]
        if value is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(value.astype(dtype).tobytes(), np.uint8)
            made.buffer = len(self._model.buffers)
            self._model.buffers.append(buffer)
        self._graph.tensors.append(made)
        return len(self._graph.tensors) - 1

    def constant(self, value: object, dtype: type = np.float32) -> int:
        array = np.array(value, dtype)
        return self.tensor(array.shape, dtype, value=array)

    def operate(self, code: str, inputs: list[int], outputs: list[int], options=None) -> int:
        known = schema.OperatorCodeT()
        known.builtinCode = getattr(schema.BuiltinOperator, code)
        known.deprecatedBuiltinCode = min(known.builtinCode, 127)
        known.version = 1
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self._model.operatorCodes)
        operator.inputs, operator.outputs = inputs, outputs
        if code == "CUSTOM":
            known.customCode = "TFLite_Detection_PostProcess"
            operator.customOptions = np.frombuffer(bytes(options), np.uint8)
        elif options is not None:
            operator.builtinOptionsType = getattr(
                schema.BuiltinOptions, type(options).__name__.removesuffix("T")
            )
            operator.builtinOptions = options
        self._model.operatorCodes.append(known)
        self._graph.operators.append(operator)
        return outputs[0]

    def content(self, entry: int, outputs: list[int]) -> bytes:
        self._graph.inputs, self._graph.outputs = [entry], outputs
        builder = flatbuffers.Builder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def red(self, entry: int, shape: Sequence[int], quantized: bool) -> int:
        """The red of the pixel in the middle, as one number."""
        if quantized:
            floats = self.tensor(shape)
            entry = self.operate("DEQUANTIZE", [entry], [floats], schema.DequantizeOptionsT())
        middle = [0, 0, SIDE // 2, SIDE // 2] if shape[1] == 3 else [0, SIDE // 2, SIDE // 2, 0]
        begin, size = self.constant(middle, np.int32), self.constant([1] * 4, np.int32)
        pixel = self.tensor([1, 1, 1, 1])
        self.operate("SLICE", [entry, begin, size], [pixel], schema.SliceOptionsT())
        options = schema.ReshapeOptionsT()
        options.newShape = [1]
        number = self.tensor([1])
        return self.operate("RESHAPE", [pixel, self.constant([1], np.int32)], [number], options)

    def times(self, first: int, second: int, shape: Sequence[int]) -> int:
        return self.operate("MUL", [first, second], [self.tensor(shape)], schema.MulOptionsT())


def write(
    path: Path,
    output: np.ndarray,
    *,
    shape: Sequence[int] = (1, SIDE, SIDE, 3),
    quantized: type | None = None,
) -> Path:
    """A network that gives this output, times the red of the pixel in the middle."""
    graph = Graph()
    low = int(np.iinfo(quantized).min) if quantized else 0
    entry = graph.tensor(shape, quantized or np.float32, (1 / 255, low) if quantized else None)
    red = graph.red(entry, shape, quantized is not None)
    last = graph.times(graph.constant(output), red, output.shape)
    if quantized:
        whole = graph.tensor(output.shape, quantized, (1 / 255, low))
        last = graph.operate("QUANTIZE", [last], [whole], schema.QuantizeOptionsT())
    path.write_bytes(graph.content(entry, [last]))
    return path


def write_ssd(
    path: Path, anchors: np.ndarray, scores: np.ndarray, *, order: Sequence[int], bytes_in: bool
) -> Path:
    """TensorFlow's suppression over anchors; its outputs in the order of some converter.

    Red counts from −1 to 1, as such networks take it.
    """
    graph = Graph()
    shape = (1, SIDE, SIDE, 3)
    entry = graph.tensor(shape, np.uint8, (1 / 127.5, 128)) if bytes_in else graph.tensor(shape)
    red = graph.red(entry, shape, bytes_in)
    deltas = graph.constant(np.zeros((1, len(anchors), 4)))
    shown = graph.times(graph.constant(scores[None]), red, (1, *scores.shape))
    builder = flexbuffers.Builder()
    with builder.Map():
        for name, value in {
            "max_detections": 10, "max_classes_per_detection": 1, "detections_per_class": 100,
            "num_classes": scores.shape[1] - 1,
        }.items():  # fmt: skip
            builder.Int(name, value)
        builder.Bool("use_regular_nms", False)
        for name, number in {
            "nms_score_threshold": 1e-8, "nms_iou_threshold": 0.6, "y_scale": 10.0,
            "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0,
        }.items():  # fmt: skip
            builder.Float(name, number)
    outputs = [graph.tensor(size) for size in ((1, 10, 4), (1, 10), (1, 10), (1,))]
    inputs = [deltas, shown, graph.constant(anchors)]
    graph.operate("CUSTOM", inputs, outputs, builder.Finish())
    path.write_bytes(graph.content(entry, [outputs[index] for index in order]))
    return path
