"""LiteRT: the light models on a CPU, without TensorFlow."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from maskdet.detections import Detections
from maskdet.errors import ModelError
from maskdet.runtimes.decoding import Decoder
from maskdet.runtimes.letterbox import fitting_size, letterbox


class LiteRtDetector:
    """A one-stage network in a `.tflite` file, whose input adapts to each picture's aspect.

    The file takes one picture (1, height, width, 3), float32 0–255 or int8 (0–255 less 128), and
    gives class logits (1, N, classes) and box deltas (1, N, 4).
    """

    def __init__(
        self, file: Path, decoder: Decoder, *, name: str, side: int, threads: int | None = None
    ) -> None:
        """Loads a model.

        Args:
            file: the `.tflite` file.
            decoder: fits the network.
            name: of the model.
            side: longest side in pixels of the network's input, a multiple of 32.
            threads: to compute with; None: one a core, four at most.

        Raises:
            ModelError: the file is no such model.
        """
        self.name = name
        self.device = "CPU (LiteRT)"
        self._decoder = decoder
        self._side = side
        self._size = (0, 0)
        threads = threads or min(4, os.cpu_count() or 1)
        try:
            with _quiet():
                self._interpreter: Any = Interpreter(model_path=str(file), num_threads=threads)
            self._input = self._interpreter.get_input_details()[0]
            outputs = self._interpreter.get_output_details()
        except (ValueError, RuntimeError, IndexError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"{file}: cannot be loaded as a LiteRT model: {reason}") from None
        by_values = {int(output["shape"][-1]): output for output in outputs}
        if len(self._input["shape"]) != 4 or len(outputs) != 2 or 4 not in by_values:
            raise ModelError(f"{file}: is a LiteRT model, but no detector exported by maskdet")
        self._deltas = by_values.pop(4)
        (self._logits,) = by_values.values()

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Faces of each picture (BGR uint8), best first; one after another."""
        return [self._detect(image) for image in images]

    def warm_up(self, height: int = 480, width: int = 640) -> None:
        """Runs once on a grey picture of the size to come."""
        self._detect(np.full((height, width, 3), 128, np.uint8))

    def close(self) -> None:
        """Frees the model."""
        self._interpreter = None

    def _detect(self, image: np.ndarray) -> Detections:
        height, width = image.shape[:2]
        size = fitting_size(height, width, self._side)
        self._resize(size)
        boxed, factor = letterbox(image, *size)
        self._interpreter.set_tensor(self._input["index"], self._quantised(boxed)[None])
        self._interpreter.invoke()
        logits, deltas = (self._output(detail) for detail in (self._logits, self._deltas))
        return self._decoder.decode(logits, deltas, size, (height, width), factor)

    def _resize(self, size: tuple[int, int]) -> None:
        if size != self._size:
            self._interpreter.resize_tensor_input(self._input["index"], (1, *size, 3))
            with _quiet():
                self._interpreter.allocate_tensors()
            self._size = size

    def _quantised(self, image: np.ndarray) -> np.ndarray:
        if self._input["dtype"] == np.int8:
            # 0 … 255 becomes −128 … 127, in place: the letterbox is ours alone
            return np.bitwise_xor(image, np.uint8(0x80), out=image).view(np.int8)
        return image.astype(np.float32)

    def _output(self, detail: dict[str, Any]) -> np.ndarray:
        values = self._interpreter.get_tensor(detail["index"])[0]
        if values.dtype == np.float32:
            return np.asarray(values)
        scale, zero = detail["quantization"]
        return (values.astype(np.float32) - zero) * np.float32(scale)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps LiteRT's note on its delegate, written by C++ at every start, off the terminal."""
    sys.stderr.flush()
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
