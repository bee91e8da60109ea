"""The detector of this machine, and its speed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

from maskdet.commands.benchmark.whole_monitor import time_detector
from maskdet.commands.doctor.finding import Finding, absent, broken, ok
from maskdet.contracts import Detector
from maskdet.errors import ModelError
from maskdet.runtimes import load_detector
from maskdet.runtimes.adaptive_side import LOOK_BUDGET_S, choose_side
from maskdet.runtimes.gpu.gpu_probe import cuda_seems_there, gpu_seems_there
from maskdet.runtimes.gpu.litert_gpu import LiteRtGpuDetector, worth_changing
from maskdet.runtimes.spec import Device, resolve

_TIMED_S = 1.0
_NO_DRIVER = (
    "install its driver: on Debian, apt-get install libvulkan1 mesa-vulkan-drivers for Intel and "
    "AMD, nvidia-driver for NVIDIA; in a container, pass it in (--gpus all, --device /dev/dri)"
)


def check(model: str, device: Device) -> Iterator[Finding]:
    """The CPU, and the GPU if there is one."""
    _, text, on_cpu = _speed(model, "cpu")
    yield ok("CPU", f"{text}{_chosen_side(model, on_cpu)}")
    if device != "cpu":
        yield _gpu(model, on_cpu, demanded=device == "gpu")


def _chosen_side(model: str, milliseconds: float) -> str:
    """The input's size that `side: auto` takes here, where it is not the model's own."""
    spec = resolve(model, device="cpu", side="auto")
    if spec.side is None or not spec.sides:
        return ""
    side = choose_side(milliseconds / 1000, spec.side, spec.sides, LOOK_BUDGET_S)
    return "" if side == spec.side else f"; live frames get an input of {side} pixels (side: auto)"


def _gpu(model: str, on_cpu: float, *, demanded: bool) -> Finding:
    no = broken if demanded else absent
    if not gpu_seems_there() and not cuda_seems_there():
        return no("GPU", "no driver of one is loaded; detecting on the CPU", _NO_DRIVER)
    try:
        gpu, text, on_gpu = _speed(model, "gpu")
    except ModelError as error:
        return no("GPU", str(error))
    return ok("GPU", f"{text}; {_use(gpu, on_gpu, on_cpu)}")


def _use(gpu: Detector, on_gpu: float, on_cpu: float) -> str:
    """The choice of the monitor with ``--device auto``.

    A GPU under Keras or TensorFlow it takes without measuring.
    """
    if not isinstance(gpu, LiteRtGpuDetector) or worth_changing(on_gpu, on_cpu):
        return "used"
    slower = "the CPU is faster" if on_cpu < on_gpu else "it is hardly faster than the CPU"
    return f"not used by --device auto: {slower}"


def _speed(model: str, device: Device) -> tuple[Detector, str, float]:
    """The detector (closed again), in words, and milliseconds of an image in the long run."""
    start = time.perf_counter()
    with closing(load_detector(model, device=device)) as detector:
        loaded = time.perf_counter()
        detector.warm_up()
        first = time.perf_counter()
        steady = time_detector(detector, _TIMED_S)["p50_ms"]
        return (
            detector,
            f"{detector.name} on {detector.device}: loaded in {loaded - start:.1f} s, first "
            f"picture {(first - loaded) * 1000:.0f} ms, then {steady:.1f} ms",
            steady,
        )
