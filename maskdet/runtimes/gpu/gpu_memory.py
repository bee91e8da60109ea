"""Memory of a GPU under Keras."""

from __future__ import annotations

import sys


def gpu_memory_mb(*, restart: bool = False) -> float | None:
    """The most MiB that the first GPU held for us; None where there is none, or none was used.

    Args:
        restart: counts from now on, where the library can.
    """
    if "tensorflow" in sys.modules:
        import tensorflow as tf

        if not tf.config.list_physical_devices("GPU"):
            return None
        if restart:
            tf.config.experimental.reset_memory_stats("GPU:0")
        return float(tf.config.experimental.get_memory_info("GPU:0")["peak"]) / 2**20
    if "jax" in sys.modules:
        import jax

        device = jax.devices()[0]
        stats = device.memory_stats() if device.platform != "cpu" else None
        return float(stats["peak_bytes_in_use"]) / 2**20 if stats else None
    return None
