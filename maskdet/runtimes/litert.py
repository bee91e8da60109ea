"""LiteRT: the light models on a CPU, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from maskdet.detections import Detections
from maskdet.errors import ModelError, one_line
from maskdet.images.letterbox import fitting_size, letterbox
from maskdet.runtimes.batching import SingleImageDetector
from maskdet.runtimes.cpu_threads import cpu_threads
from maskdet.runtimes.decoding import Decoder, Output, Quantized
from maskdet.system.file_names import is_readable
from maskdet.system.native_libraries import silent_stderr


class LiteRtNetwork:
    """A `.tflite` file on the CPU.

    It takes one image (1, height, width, 3), float32 0–255 or int8 (0–255 less 128), whose sides
    may be any multiples of 32, and gives class logits (1, N, classes) and box deltas (1, N, 4).
    """

    def __init__(self, file: str | Path | bytes) -> None:
        """Loads a file.

        Args:
            file: the `.tflite` file, or its content.

        Raises:
            ModelError: the file is no such model.
        """
        self._name = name = "model" if isinstance(file, bytes) else file
        if not isinstance(file, bytes) and not is_readable(str(file)):
            file = Path(file).read_bytes()  # LiteRT opens no name that is not UTF-8
        model = {"model_content": file} if isinstance(file, bytes) else {"model_path": str(file)}
        try:
            with silent_stderr():  # its note on its delegate, at every start
                self._interpreter: Any = Interpreter(**model, num_threads=cpu_threads())
            self._input = self._interpreter.get_input_details()[0]
            outputs = self._interpreter.get_output_details()
        except (ValueError, RuntimeError, IndexError) as error:
            reason = one_line(error)
            raise ModelError(f"{name}: cannot be loaded as a LiteRT model: {reason}") from None
        by_values = {int(output["shape"][-1]): output for output in outputs}
        if len(self._input["shape"]) != 4 or len(outputs) != 2 or 4 not in by_values:
            raise ModelError(f"{name}: is a LiteRT model, but no detector exported by maskdet")
        self._deltas = by_values.pop(4)
        (self._logits,) = by_values.values()
        self._size: tuple[int, ...] = (0, 0)

    @property
    def details(self) -> tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]:
        """LiteRT's description of the input, the logits and the deltas: type, quantization …"""
        return self._input, self._logits, self._deltas

    def outputs(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits (N, classes) and deltas (N, 4), float32, of RGB uint8 (height, width, 3).

        The image may be written to.
        """
        logits, deltas = self.run(image)
        return as_floats(logits), as_floats(deltas)

    def run(self, image: np.ndarray) -> tuple[Output, Output]:
        """The same as the file gives them, in eight bits or floats: few of them will be read."""
        if self._interpreter is None:
            raise ModelError(f"{self._name}: the model was closed")
        self._resize(image.shape[:2])
        self._interpreter.set_tensor(self._input["index"], as_input(image, self._input)[None])
        self._interpreter.invoke()
        logits, deltas = (
            as_output(self._interpreter.get_tensor(output["index"])[0], output)
            for output in (self._logits, self._deltas)
        )
        return logits, deltas

    def close(self) -> None:
        """Frees the model."""
        self._interpreter = None

    def _resize(self, size: tuple[int, ...]) -> None:
        if size != self._size:
            self._interpreter.resize_tensor_input(self._input["index"], (1, *size, 3))
            with silent_stderr():  # its note on its delegate, at every start
                self._interpreter.allocate_tensors()
            self._size = size


class LiteRtDetector(SingleImageDetector):
    """A network in a `.tflite` file on the CPU, whose input adapts to each image's aspect.

    Attributes:
        side: longest side in pixels of the network's input, a multiple of 32.
    """

    def __init__(self, file: Path, decoder: Decoder, *, name: str, side: int) -> None:
        """Loads a model.

        Args:
            file: the `.tflite` file.
            decoder: fits the network.
            name: of the model.
            side: longest side in pixels of the network's input, a multiple of 32.

        Raises:
            ModelError: the file is no such model.
        """
        self.name = name
        self.device = CPU
        self._decoder = decoder
        self.side = side
        self._network = LiteRtNetwork(file)

    def close(self) -> None:
        """Frees the model."""
        self._network.close()

    def _detect(self, image: np.ndarray) -> Detections:
        height, width = image.shape[:2]
        size = fitting_size(height, width, self.side)
        boxed, factor = letterbox(image, *size)
        logits, deltas = self._network.run(boxed)
        return self._decoder.decode(logits, deltas, size, (height, width), factor)


CPU = "CPU (LiteRT)"
"""What people read of a detector that computes there."""


def as_input(image: np.ndarray, tensor: Mapping[str, Any]) -> np.ndarray:
    """An image as an input tensor takes it.

    Args:
        image: RGB uint8 (height, width, 3); it may be written to.
        tensor: LiteRT's description of the input.

    Returns:
        int8 or float32 (height, width, 3).
    """
    if tensor["dtype"] == np.int8:
        # 0 … 255 becomes −128 … 127, in place: the letterbox is ours alone
        return np.bitwise_xor(image, np.uint8(0x80), out=image).view(np.int8)
    return image.astype(np.float32)


def as_output(values: np.ndarray, tensor: Mapping[str, Any]) -> Output:
    """An output (N, …) as floats, or in eight bits together with what they mean."""
    return values if values.dtype == np.float32 else Quantized(values, *tensor["quantization"])


def as_floats(output: Output) -> np.ndarray:
    """All of an output, float32 (N, …)."""
    return output[:] if isinstance(output, Quantized) else output
