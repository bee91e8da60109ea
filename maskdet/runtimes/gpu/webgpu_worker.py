"""A `.tflite` file on the GPU that WebGPU finds: what runs in the process of `gpu_process.py`.

LiteRT's WebGPU accelerator reaches Vulkan, Direct3D 12 and Metal alike. It takes files whose
sizes are fixed, and its shaders are compiled at each start, which takes seconds. `serve` reads
from stdin

    one line      JSON: "model" (file), "size" (height, width), "answer" (file)
    each image  RGB bytes of that size

It writes the answer file when it is ready: {"ms", "shapes"}, or {"error"}. For each image it
then sends logits and deltas to stdout, float32. It ends when stdin does.
"""

from __future__ import annotations

import faulthandler
import json
import math
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.compiled_model import (
    CompiledModel,
    CpuOptions,
    HardwareAccelerator,
    Options,
)

from maskdet.errors import ModelError, one_line
from maskdet.runtimes.cpu_threads import cpu_threads
from maskdet.runtimes.litert import LiteRtNetwork, as_floats, as_input, as_output
from maskdet.system.atomic_files import write_whole

PREPARING, ANSWERING = 120.0, 20.0
"""Seconds after which a driver counts as hung: while shaders are compiled, and on an image."""
MAX_DIFFERENCE = 0.25
"""Most that the GPU's outputs may differ from the CPU's, root mean square, of their spread.

Half precision differs by .015 (NVIDIA H200). Of a file of eight bits the GPU computes with the
floats that its numbers stand for, the CPU with the numbers: both are as far from the network's own
floats, and differ by .05 on images, by up to .14 on the noise that this is asked of (the same
GPU). A broken driver differs by more than one."""
_RUNS, _MAX_SECONDS = 10, 1.0


class WebGpuNetwork:
    """A `.tflite` file with an input of one size, on the GPU as far as it has the operations."""

    def __init__(self, content: bytes, height: int, width: int) -> None:
        """Compiles it, which takes seconds.

        Args:
            content: of a `.tflite` file whose input is of any size.
            height: of the input in pixels.
            width: of the input in pixels.

        Raises:
            ModelError: there is no GPU, or its driver refuses.
        """
        self._content = fixed_input(content, height, width)  # the model looks into these very bytes
        self._cpu = LiteRtNetwork(self._content)
        options = Options(
            hardware_accelerators=HardwareAccelerator.GPU | HardwareAccelerator.CPU,
            cpu_options=CpuOptions(num_threads=cpu_threads()),
        )
        try:
            self._model = CompiledModel.from_buffer(self._content, options=options)
            self._inputs = self._model.create_input_buffers(0)
            self._outputs = self._model.create_output_buffers(0)
        except RuntimeError as error:
            raise ModelError(one_line(error)) from None
        self._shapes = [tuple(o.get_tensor_details()["shape"][1:]) for o in self._outputs]
        self._order = sorted((0, 1), key=lambda i: self._shapes[i][-1] == 4)  # the deltas last
        self.shapes = [self._shapes[i] for i in self._order]
        self.size = (height, width)

    def outputs(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits (N, classes) and deltas (N, 4), float32, of RGB uint8 of the input's size.

        The image may be written to.
        """
        tensor, *details = self._cpu.details
        self._inputs[0].write(as_input(image, tensor))
        self._model.run_by_index(0, self._inputs, self._outputs)
        logits, deltas = (
            as_floats(
                as_output(
                    self._outputs[i].read(math.prod(shape), detail["dtype"]).reshape(shape), detail
                )
            )
            for i, shape, detail in zip(self._order, self.shapes, details, strict=True)
        )
        return logits, deltas

    def check(self) -> None:
        """Makes sure that it computes what the CPU does.

        Raises:
            ModelError: it does not.
        """
        image = _blocks(*self.size)
        pairs = zip(self.outputs(image.copy()), self._cpu.outputs(image.copy()), strict=True)
        for gpu, cpu in pairs:
            off = float(np.sqrt(np.mean(np.square(gpu - cpu))))
            if not off <= MAX_DIFFERENCE * float(cpu.std()) + 1e-5:  # not a number: off, too
                raise ModelError(f"its results are wrong (off by {off:.3g}); update its driver")

    def milliseconds(self) -> float:
        """The median time of an image."""
        image = _blocks(*self.size)
        taken: list[float] = []
        end = time.perf_counter() + _MAX_SECONDS
        while len(taken) < _RUNS and (not taken or time.perf_counter() < end):
            copy, start = image.copy(), time.perf_counter()
            self.outputs(copy)
            taken.append(time.perf_counter() - start)
        return float(np.median(taken) * 1000)


def fixed_input(content: bytes, height: int, width: int) -> bytes:
    """A `.tflite` file whose input has one size; all other sizes follow from it.

    The numbers lie in the file as they lie in memory, so they are written over in place.
    """
    data = bytearray(content)
    graph = schema.Model.GetRootAs(data).Subgraphs(0)
    tensor = graph.Tensors(graph.Inputs(0))
    for shape in (tensor.ShapeAsNumpy(), tensor.ShapeSignatureAsNumpy()):
        if isinstance(shape, np.ndarray):  # a file that was fixed before has no signature
            shape[:] = (1, height, width, 3)
    return bytes(data)


def serve() -> None:
    """The process: see above."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, whose end is ours
    request = json.loads(sys.stdin.buffer.readline())
    output = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # drivers that print
    answer = Path(request["answer"])
    try:
        with _watchdog(PREPARING):
            network = WebGpuNetwork(Path(request["model"]).read_bytes(), *request["size"])
            network.check()
            ready = {"ms": network.milliseconds(), "shapes": network.shapes}
    except (ModelError, OSError) as error:
        write_whole(answer, json.dumps({"error": str(error)}))
        return
    write_whole(answer, json.dumps(ready))
    image = np.empty((*network.size, 3), np.uint8)
    while _fill(image):
        with _watchdog(ANSWERING):
            logits, deltas = network.outputs(image)
        output.write(logits.tobytes() + deltas.tobytes())


def _fill(image: np.ndarray) -> bool:
    """Reads an image; False at the end."""
    rest, stdin = image.data.cast("B"), sys.stdin.buffer
    while rest:
        count = stdin.readinto(rest)  # type: ignore[union-attr]  # it is buffered
        if not count:
            return False
        rest = rest[count:]
    return True


def _blocks(height: int, width: int) -> np.ndarray:
    """An image with something in it everywhere, the same each time."""
    coarse = np.random.default_rng(0).integers(0, 256, (height // 16, width // 16, 3), np.uint8)
    return np.kron(coarse, np.ones((16, 16, 1), np.uint8))


@contextmanager
def _watchdog(seconds: float) -> Iterator[None]:
    """Ends the process if the block takes longer, even where native code never comes back.

    Its trace goes to the log, by which `gpu_process` knows it from other ends.
    """
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
