"""ONNX and LiteRT files of other projects: inputs, outputs, class names, and a way to run them."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from maskdet.errors import ModelError, one_line
from maskdet.runtimes.cpu_threads import cpu_threads
from maskdet.runtimes.onnx_runtime import onnx_session
from maskdet.runtimes.third_party.image_input import ImageInput, image_input
from maskdet.runtimes.third_party.litert_metadata import LiteRtMetadata, read_litert_metadata
from maskdet.system.extras import missing_line
from maskdet.system.file_names import is_readable
from maskdet.system.native_libraries import silent_stderr

_ONNX_TYPES = {
    "tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
}  # fmt: skip


class ThirdPartyFile(Protocol):
    """A network in a file.

    Attributes:
        path: the file.
        device: what people read of where it computes.
        input: how it takes images.
        metadata: what its exporter wrote into it, as text.
    """

    path: Path
    device: str
    input: ImageInput
    metadata: Mapping[str, str]

    def run(self, tensor: np.ndarray) -> list[np.ndarray]:
        """Runs the network once.

        Args:
            tensor: a batch as `input` makes it.

        Returns:
            All outputs, each of a shape of its own; as floats where they are quantized.

        Raises:
            ModelError: the network failed.
        """

    def close(self) -> None:
        """Frees the network."""


class OnnxFile:
    """An ONNX file, run by ONNX Runtime on the CPU.

    Attributes:
        outputs: their names.
    """

    device = "CPU (ONNX Runtime)"

    def __init__(self, path: Path) -> None:
        """Opens a file.

        Args:
            path: the file; weights in a file beside it are found.

        Raises:
            ModelError: the file cannot be opened, or takes no images; or ONNX Runtime is missing.
        """
        try:
            model = str(path) if is_readable(str(path)) else path.read_bytes()
            self._session: Any = onnx_session(model, cpu_threads())
            # texts of a damaged file may be none, which is found as they are read
            self.metadata: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
            inputs = self._session.get_inputs()
            self.outputs: list[str] = [output.name for output in self._session.get_outputs()]
        except ImportError:
            raise ModelError(
                f"{path}: is an ONNX model, and {missing_line('onnxruntime', 'onnx')}"
            ) from None
        except Exception as error:  # each has errors of its own, derived from nothing narrower
            raise ModelError(
                f"{path}: ONNX Runtime cannot open it: {one_line(error)}; if it is cut off, get "
                "it again"
            ) from None
        self.path = path
        if len(inputs) != 1:
            names = ", ".join(entry.name for entry in inputs)
            raise ModelError(
                f"{path}: takes {len(inputs)} inputs ({names:.100}), not one image; no detector of "
                "a known layout"
            )
        self._name = inputs[0].name
        shape = [side if isinstance(side, int) and side > 0 else None for side in inputs[0].shape]
        self.input = image_input(path, shape, np.dtype(_ONNX_TYPES.get(inputs[0].type, object)))

    def run(self, tensor: np.ndarray) -> list[np.ndarray]:
        """All outputs for a batch; see `ThirdPartyFile.run`.

        Raises:
            ModelError: the network failed.
        """
        if self._session is None:
            raise ModelError(f"{self.path}: the model was closed")
        try:
            return [np.asarray(output) for output in self._session.run(None, {self._name: tensor})]
        except Exception as error:
            raise ModelError(f"{self.path}: the network failed: {one_line(error)}") from None

    def close(self) -> None:
        """Frees the network."""
        self._session = None


class LiteRtFile:
    """A LiteRT (TensorFlow Lite) file on the CPU.

    Attributes:
        details: its metadata and the outputs of its suppression, as the file has them.
    """

    device = "CPU (LiteRT)"

    def __init__(self, path: Path) -> None:
        """Opens a file.

        Args:
            path: the file.

        Raises:
            ModelError: the file cannot be opened, or takes no images.
        """
        from ai_edge_litert.interpreter import Interpreter

        self.path = path
        # LiteRT opens no name that is not UTF-8.
        file: dict[str, Any] = {"model_path": str(path)}
        if not is_readable(str(path)):
            file = {"model_content": path.read_bytes()}
        try:
            with silent_stderr():
                self._interpreter: Any = Interpreter(**file, num_threads=cpu_threads())
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{path}: LiteRT cannot open it: {_unopened(error)}") from None
        inputs = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()
        if len(inputs) != 1:
            raise ModelError(
                f"{path}: takes {len(inputs)} inputs, not one image; no detector of a known layout"
            )
        self._input = inputs[0]
        shape = [int(side) if side > 0 else None for side in inputs[0]["shape_signature"]]
        scale, zero = inputs[0]["quantization"]
        dtype = np.dtype(inputs[0]["dtype"])
        self.input = image_input(path, shape or inputs[0]["shape"], dtype, scale, zero)
        self.details: LiteRtMetadata = read_litert_metadata(path)
        self.metadata: Mapping[str, str] = self.details.texts

    @property
    def indices(self) -> list[int]:
        """The tensor number of each output that `run` gives."""
        return [int(output["index"]) for output in self._outputs]

    def run(self, tensor: np.ndarray) -> list[np.ndarray]:
        """All outputs for a batch, as floats; see `ThirdPartyFile.run`.

        Raises:
            ModelError: the network failed.
        """
        if self._interpreter is None:
            raise ModelError(f"{self.path}: the model was closed")
        try:
            if tuple(self._input["shape"]) != tensor.shape:
                self._interpreter.resize_tensor_input(self._input["index"], tensor.shape)
                self._interpreter.allocate_tensors()
                self._input = self._interpreter.get_input_details()[0]
                self._outputs = self._interpreter.get_output_details()
            self._interpreter.set_tensor(self._input["index"], tensor)
            self._interpreter.invoke()
            return [
                _floats(self._interpreter.get_tensor(output["index"]), *output["quantization"])
                for output in self._outputs
            ]
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{self.path}: the network failed: {one_line(error)}") from None

    def close(self) -> None:
        """Frees the network."""
        self._interpreter = None


def embedded_names(metadata: Mapping[str, str]) -> dict[int, str]:
    """Class names by number, as ultralytics and YOLOv5 write them into a file; or none."""
    names: Any = None
    with contextlib.suppress(ValueError, SyntaxError, RecursionError, MemoryError):
        names = ast.literal_eval(metadata.get("names", "None")[:1_000_000])
    if isinstance(names, Mapping):
        with contextlib.suppress(ValueError, TypeError):
            return {int(number): str(name) for number, name in names.items()}
    if isinstance(names, Sequence) and not isinstance(names, str):
        return {number: str(name) for number, name in enumerate(names)}
    return {}


def _floats(values: np.ndarray, scale: float, zero: int) -> np.ndarray:
    if values.dtype.kind == "f" or not scale:
        return values
    return (values.astype(np.float32) - np.float32(zero)) * np.float32(scale)


def _unopened(error: Exception) -> str:
    reason = one_line(error)
    if "edgetpu" in reason:
        return "it was compiled for the Edge TPU; name the file that it was compiled from"
    return f"{reason}; if it is cut off, get it again"
