"""A detector's speed and memory by how many images it is given at once: by cameras."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import psutil

from maskdet.commands.benchmark.timing import time_calls
from maskdet.contracts import Detector
from maskdet.errors import ConfigError
from maskdet.runtimes.gpu.gpu_memory import gpu_memory_mb

MAX_BATCH = 256


def parse_sizes(text: str) -> list[int]:
    """``1,2,4`` as numbers.

    Raises:
        ConfigError: it is something else.
    """
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or not all(1 <= size <= MAX_BATCH for size in sizes):
        raise ConfigError(f"--batch {text:.40}: write sizes from 1 to {MAX_BATCH} like 1,2,4,8")
    return sizes


def time_batches(
    new_detector: Callable[[int], Detector],
    sizes: Sequence[int],
    images: Sequence[np.ndarray],
    seconds: float,
) -> list[dict[str, Any]]:
    """Values of each batch size.

    Args:
        new_detector: opens a detector that takes so many images in a call.
        sizes: of the batches.
        images: of one size (BGR uint8), shown in turn.
        seconds: length of each measurement.

    Returns:
        A mapping a size: ``batch``; ``ms_per_frame`` (median of the calls, over the batch);
        ``fps``; ``memory_mb`` of the process; ``gpu_memory_mb``, its peak, None where Keras has no
        GPU.
    """
    return [_time(new_detector, size, images, seconds) for size in sizes]


def table(measured: Sequence[dict[str, Any]]) -> str:
    """A table of what was measured, for people."""
    head = f"{'batch':>5} {'ms per frame':>13} {'frames/s':>9} {'memory':>10} {'GPU memory':>11}"
    rows = [
        f"{one['batch']:>5} {one['ms_per_frame']:>13.2f} {one['fps']:>9.1f} "
        f"{one['memory_mb']:>6.0f} MiB {_mib(one['gpu_memory_mb']):>11}"
        for one in measured
    ]
    return "\n".join([head, *rows])


def _mib(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} MiB"


def _time(
    new_detector: Callable[[int], Detector],
    size: int,
    images: Sequence[np.ndarray],
    seconds: float,
) -> dict[str, Any]:
    batch = [images[i % len(images)] for i in range(size)]
    gpu_memory_mb(restart=True)
    with closing(new_detector(size)) as detector:
        detector.detect(batch)  # compiles what is compiled for this size
        taken = time_calls(detector, [batch], seconds)
        memory = psutil.Process().memory_info().rss / 2**20
        on_gpu = gpu_memory_mb()
    gc.collect()
    return {
        "batch": size,
        "ms_per_frame": round(float(np.median(taken)) * 1000 / size, 3),
        "fps": round(len(taken) * size / sum(taken), 2),
        "memory_mb": round(memory, 1),
        "gpu_memory_mb": None if on_gpu is None else round(on_gpu, 1),
    }
