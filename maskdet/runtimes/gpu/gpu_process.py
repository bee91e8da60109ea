"""The process that a GPU's driver runs in.

A driver that crashes or hangs ends that process, not ours; and while it compiles shaders, which
takes seconds, ours goes on.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskdet.errors import ModelError, reason_of
from maskdet.runtimes.gpu.gpu_probe import Adapter, selected_adapter, software_counts
from maskdet.system.processes.child_process import ChildProcess

_WORKER = "maskdet.runtimes.gpu.webgpu_worker"
_NO_ADAPTER = "No adapters found"


class NoGpu(ModelError):
    """There is none, or a software one only."""


class GpuFailed(ModelError):
    """There is one, but it cannot be used."""


@dataclass(frozen=True)
class Ready:
    """The first answer of the process.

    Attributes:
        adapter: what it computes on.
        ms: milliseconds of one image.
    """

    adapter: Adapter
    ms: float


class GpuProcess:
    """A network on a GPU, in a process of its own.

    Attributes:
        size: height and width of its input.
    """

    def __init__(self, model: Path, size: tuple[int, int]) -> None:
        """Starts it; it is ready seconds later.

        Args:
            model: the `.tflite` file.
            size: height and width of its input.

        Raises:
            GpuFailed: no process can be started.
        """
        self.size = size
        self._shapes: list[tuple[int, int]] = []
        self._ready: Ready | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="maskdet-gpu-")
        self._answer = Path(self._folder.name, "answer.json")
        self._log = Path(self._folder.name, "log.txt")
        request = {"model": str(model.absolute()), "size": size, "answer": str(self._answer)}
        try:
            with open(self._log, "wb") as log:
                self._process = ChildProcess(_WORKER, "serve", stderr=log)
        except OSError as error:
            self._folder.cleanup()
            raise GpuFailed(f"no process could be started for it: {reason_of(error)}") from None
        self._process.send_request(request)

    def poll(self) -> Ready | None:
        """The first answer of the process; None while it gets ready.

        Raises:
            NoGpu: there is no GPU to be found.
            GpuFailed: its driver refused, crashed or hung.
        """
        if self._ready is not None:
            return self._ready
        status = self._process.poll()  # before the answer is looked for
        adapter = selected_adapter(self._read_log())
        if adapter is not None and not adapter.counts:  # at once: shaders take it seconds
            raise NoGpu(f"the only one is a software adapter ({adapter.name})")
        if self._answer.exists():
            self._ready = self._take(json.loads(self._answer.read_text()), adapter)
        elif status is not None:
            raise GpuFailed(self._death(adapter, status))
        return self._ready

    def wait(self) -> Ready:
        """Waits for the first answer of the process."""
        while (ready := self.poll()) is None:
            time.sleep(0.02)
        return ready

    def outputs(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits (N, classes) and deltas (N, 4), float32, of RGB uint8 of the input's size.

        Raises:
            GpuFailed: the process has ended.
        """
        self._process.send(image.tobytes())
        logits, deltas = (self._receive(shape) for shape in self._shapes)
        return logits, deltas

    def close(self) -> None:
        """Ends it at once; may be called twice, and from another thread."""
        self._process.kill()
        with contextlib.suppress(OSError):
            self._folder.cleanup()

    def _take(self, answer: dict[str, object], adapter: Adapter | None) -> Ready:
        log = self._read_log()
        if "error" in answer:
            if _NO_ADAPTER in log:
                raise NoGpu(_hint())
            where = f"{adapter.name}: " if adapter else ""
            raise GpuFailed(f"{where}{answer['error']}")
        if adapter is None and sys.platform != "darwin" and not software_counts():
            raise NoGpu("LiteRT does not report its device")
        self._shapes = [tuple(shape) for shape in answer["shapes"]]  # type: ignore[attr-defined]
        return Ready(adapter or Adapter("GPU", "Metal", False), float(answer["ms"]))  # type: ignore[arg-type]

    def _death(self, adapter: Adapter | None, status: int) -> str:
        who = f"the driver of {adapter.name}" if adapter else "the GPU's driver"
        if status == 1 and "Timeout (" in self._read_log():  # the watchdog's
            return f"{who} hangs"
        return f"{who} crashed (status {status})"

    def _receive(self, shape: tuple[int, int]) -> np.ndarray:
        values = np.empty(shape, np.float32)
        if not self._process.read_into(values.data.cast("B")):
            adapter = self._ready.adapter if self._ready else None
            raise GpuFailed(self._death(adapter, self._process.wait()))
        return values

    def _read_log(self) -> str:
        try:
            return self._log.read_text(errors="replace")
        except OSError:
            return ""


def _hint() -> str:
    if sys.platform.startswith("linux"):
        return (
            "Vulkan finds none; install its driver (Debian: apt-get install libvulkan1 "
            "mesa-vulkan-drivers, or NVIDIA's own)"
        )
    return "the system offers none to WebGPU; install its driver"
