"""LiteRT on whatever GPU a laptop has, with the CPU beside it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskdet.contracts import require_images
from maskdet.detections import Detections
from maskdet.errors import ModelError
from maskdet.images.letterbox import fitting_size, letterbox
from maskdet.runtimes.decoding import Decoder
from maskdet.runtimes.gpu.gpu_process import GpuFailed, GpuProcess, NoGpu, Ready
from maskdet.runtimes.litert import CPU, LiteRtNetwork
from maskdet.system.console import say

_CPU_IMAGES = 5
"""Images that the CPU answers, timed, before the GPU is tried: nobody waits for shaders."""
_MAX_TIME_SHARE = 0.9
"""What part of the CPU's time the GPU may take at most: less is not worth a change."""


def worth_changing(gpu: float, cpu: float) -> bool:
    """Whether ``auto`` leaves the CPU for the GPU, by the time of an image on each."""
    return gpu <= _MAX_TIME_SHARE * cpu


class LiteRtGpuDetector:
    """A network in a `.tflite` file, on the GPU where it is there, works and is faster.

    The GPU's input has one size, an image in a batch of its own; it grows when an image of
    another aspect comes. Everything the GPU cannot answer, the CPU does.
    """

    def __init__(
        self,
        file: Path,
        gpu_file: Path,
        decoder: Decoder,
        *,
        name: str,
        side: int,
        demanded: bool = False,
    ) -> None:
        """Loads the model for the CPU.

        Args:
            file: the `.tflite` file for the CPU.
            gpu_file: that for the GPU; may be the same.
            decoder: fits the network.
            name: of the model.
            side: longest side in pixels of the network's input, a multiple of 32.
            demanded: the GPU is waited for and must work; otherwise the CPU begins, and the GPU
                takes over once it has proved faster.

        Raises:
            ModelError: a file is no such model; or, if demanded, there is no GPU that works.
        """
        self.name = name
        self._file = gpu_file
        self._decoder = decoder
        self._side = side
        self._demanded = demanded
        self._cpu = LiteRtNetwork(file)
        self._cpu_ms: list[float] = []
        self._gpu: GpuProcess | None = None
        self._ready: Ready | None = None
        self._over = self._reported = False
        if demanded:
            try:
                self._start(fitting_size(3, 4, side))
            except ModelError as error:
                self.close()
                raise ModelError(f"--device gpu: {error}; or use --device cpu") from None

    @property
    def device(self) -> str:
        """The device that computes at the moment."""
        if self._ready is None:
            return CPU
        return f"{self._ready.adapter.name} (LiteRT, {self._ready.adapter.backend})"

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Faces of each image (BGR uint8), best first; one after another."""
        require_images(images)
        if images and not self._over:
            sizes = [fitting_size(one.shape[0], one.shape[1], self._side) for one in images]
            self._prepare((max(height for height, _ in sizes), max(width for _, width in sizes)))
        return [self._detect(image) for image in images]

    def warm_up(self, height: int = 480, width: int = 640) -> None:
        """Runs once on a gray image of the size to come."""
        self.detect([np.full((height, width, 3), 128, np.uint8)])
        self._cpu_ms.clear()

    def close(self) -> None:
        """Ends the GPU's process and frees the model."""
        self._over = True
        if self._gpu is not None:
            self._gpu.close()
        self._cpu.close()

    def _prepare(self, size: tuple[int, int]) -> None:
        """Has the GPU ready for inputs up to a size, or on its way there."""
        try:
            if self._gpu is None or not _holds(self._gpu.size, size):
                if self._demanded or len(self._cpu_ms) >= _CPU_IMAGES:
                    self._start(size if self._gpu is None else (self._side, self._side))
            elif self._ready is None and (ready := self._gpu.poll()):
                self._rule(ready)
        except ModelError as error:
            self._give_up(error)

    def _start(self, size: tuple[int, int]) -> None:
        self._ready = None
        if self._gpu is not None:
            self._gpu.close()
        self._gpu = GpuProcess(self._file, size)
        if self._demanded:
            self._ready = self._gpu.wait()

    def _rule(self, ready: Ready) -> None:
        cpu = float(np.median(self._cpu_ms))
        if not worth_changing(ready.ms, cpu):
            self._stop()
            return
        self._ready = ready
        if not self._reported:
            self._reported = True
            say(f"detecting on {self.device}: {ready.ms:.1f} ms a picture, {cpu:.1f} on the CPU")

    def _detect(self, image: np.ndarray) -> Detections:
        rows, columns = image.shape[:2]
        size = fitting_size(rows, columns, self._side)
        gpu = self._gpu if self._ready is not None else None
        if gpu is not None and _holds(gpu.size, size):
            boxed, factor = letterbox(image, *gpu.size)
            try:
                outputs = gpu.outputs(boxed)
                return self._decoder.decode(*outputs, gpu.size, (rows, columns), factor)
            except GpuFailed as error:
                self._give_up(error)
        boxed, factor = letterbox(image, *size)
        start = time.perf_counter()
        logits, deltas = self._cpu.run(boxed)
        if len(self._cpu_ms) < _CPU_IMAGES:
            self._cpu_ms.append((time.perf_counter() - start) * 1000)
        return self._decoder.decode(logits, deltas, size, (rows, columns), factor)

    def _give_up(self, error: ModelError) -> None:
        """Stays on the CPU from now on; that there is no GPU goes without saying."""
        if not isinstance(error, NoGpu) and not self._over:
            say(f"{error}; going on on the CPU")
        self._stop()

    def _stop(self) -> None:
        self._over, self._ready = True, None
        if self._gpu is not None:
            self._gpu.close()


def _holds(size: tuple[int, int], other: tuple[int, int]) -> bool:
    return size[0] >= other[0] and size[1] >= other[1]
