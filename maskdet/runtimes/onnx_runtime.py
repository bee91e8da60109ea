"""ONNX: a `.onnx` file run by ONNX Runtime or by OpenVINO, on a CPU, without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskdet.detections import Detections
from maskdet.errors import ModelError, one_line
from maskdet.images.letterbox import fitting_size, letterbox
from maskdet.runtimes.batching import SingleImageDetector
from maskdet.runtimes.cpu_threads import cpu_threads
from maskdet.runtimes.decoding import Decoder
from maskdet.system.extras import missing_line

Run = Callable[[np.ndarray], Sequence[np.ndarray]]


class OnnxDetector(SingleImageDetector):
    """A network in a `.onnx` file, whose input adapts to each image's aspect.

    The file takes images (batch, height, width, 3), float32 0–255, and gives the network's two
    outputs, (batch, N, classes) and (batch, N, 4), in this order.
    """

    def __init__(
        self,
        file: Path,
        decoder: Decoder,
        *,
        name: str,
        side: int,
        engine: str = "onnx",
        device: str = "auto",
    ) -> None:
        """Loads a model.

        Args:
            file: the `.onnx` file.
            decoder: fits the network.
            name: of the model.
            side: longest side in pixels of the network's input, a multiple of 32.
            engine: a key of `ENGINES`.
            device: auto, cpu or gpu; the last is refused, as no engine is asked for one here.

        Raises:
            ModelError: the file is no such model; or the engine's package is not installed; or a
                GPU is asked for.
        """
        self.name = name
        self._file = file
        self._decoder = decoder
        self._side = side
        open_file, title, package = ENGINES[engine]
        if device == "gpu":
            raise ModelError(
                f"--device gpu: {title} computes on the CPU here; take another of the model's "
                "runtimes (litert, keras), or use --device cpu"
            )
        self.device = f"CPU ({title})"
        try:
            self._run: Run | None = open_file(file, cpu_threads())
        except ImportError:
            raise ModelError(
                f"{file}: {missing_line(package, engine)}; or take another of the model's runtimes"
            ) from None
        except Exception as error:  # each has errors of its own, derived from nothing narrower
            raise ModelError(f"{file}: cannot be loaded as ONNX: {one_line(error)}") from None

    def close(self) -> None:
        """Frees the model."""
        self._run = None

    def _detect(self, image: np.ndarray) -> Detections:
        if self._run is None:
            raise ModelError(f"{self._file}: the model was closed")
        height, width = image.shape[:2]
        size = fitting_size(height, width, self._side)
        boxed, factor = letterbox(image, *size)
        try:
            first, second = self._run(boxed[None].astype(np.float32))
            if first.ndim != 3 or second.shape != (*first.shape[:2], 4):
                raise ValueError(f"its outputs are {first.shape} and {second.shape}")
        except Exception as error:
            raise ModelError(
                f"{self._file}: is not a detector exported by maskdet: {one_line(error)}"
            ) from None
        return self._decoder.decode(first[0], second[0], size, (height, width), factor)


def onnx_session(model: str | bytes, threads: int) -> Any:
    """A session of ONNX Runtime on the CPU.

    Args:
        model: path of a file, or its content.
        threads: to compute with.

    Raises:
        ImportError: ONNX Runtime is not installed; else whatever it raises.
    """
    import onnxruntime

    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # what goes wrong is raised, and reported once
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _onnx_runtime(file: Path, threads: int) -> Run:
    session = onnx_session(file.read_bytes(), threads)
    entry = session.get_inputs()[0].name
    return lambda images: session.run(None, {entry: images})


def _openvino(file: Path, threads: int) -> Run:
    import openvino

    wanted = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    # half the digits would be quicker on some processors, but give other scores
    wanted["INFERENCE_PRECISION_HINT"] = "f32"
    request: Any = openvino.Core().compile_model(file, "CPU", wanted).create_infer_request()

    def run(images: np.ndarray) -> list[np.ndarray]:
        request.infer([images])
        return [request.get_output_tensor(index).data for index in range(2)]

    return run


ENGINES: dict[str, tuple[Callable[[Path, int], Run], str, str]] = {
    "onnx": (_onnx_runtime, "ONNX Runtime", "onnxruntime"),
    "openvino": (_openvino, "OpenVINO", "openvino"),
}
"""By the name of the runtime: what opens a file, its name for people, the package."""
