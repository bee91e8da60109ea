"""Keras: a network rebuilt from its card, on whichever backend and GPU there is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import keras
import numpy as np

from maskdet.contracts import require_images
from maskdet.detections import Detections
from maskdet.errors import ModelError, one_line
from maskdet.images.letterbox import fitting_size, letterbox
from maskdet.networks.plans import Plan, build_network
from maskdet.runtimes.batching import detect_in_batches
from maskdet.runtimes.decoding import Decoder

GPU_BATCH = 8
"""Most images in one call on a GPU."""
_GPU_BUILDS = {
    "tensorflow": "pip install 'tensorflow[and-cuda]'",
    "jax": "pip install 'jax[cuda12]'",
}


def gpu_name() -> str | None:
    """The first GPU that the Keras backend in use can compute on, None where there is none."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if not gpus:
            return None
        details = tf.config.experimental.get_device_details(gpus[0])
        return str(details.get("device_name", "GPU"))
    if backend == "jax":
        import jax

        gpus = [device for device in jax.devices() if device.platform != "cpu"]
        return str(gpus[0].device_kind) if gpus else None
    devices = keras.distribution.list_devices("gpu")
    return "GPU" if devices else None


def placement(device: str) -> tuple[str | None, str | None]:
    """Where to compute.

    Args:
        device: auto, cpu or gpu.

    Returns:
        What `keras.device` calls it, None for the backend's own choice; the GPU's name, or None.

    Raises:
        ModelError: a GPU is asked for and there is none.
    """
    gpu = None if device == "cpu" else gpu_name()
    if gpu is None and device == "gpu":
        backend = keras.backend.backend()
        hint = _GPU_BUILDS.get(backend, f"a build of {backend} for it")
        raise ModelError(
            f"--device gpu: Keras ({backend}) finds no GPU; for an NVIDIA GPU, install its driver "
            f"and {hint}; or use --device cpu"
        )
    return ("cpu:0", None) if gpu is None else (None, gpu)


def _grow_memory() -> None:
    """TensorFlow takes the whole GPU otherwise; too late once it has computed there."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            try:
                tf.config.experimental.set_memory_growth(gpu, True)
            except RuntimeError:
                return


def padded_count(count: int, most: int) -> int:
    """Images in a call that answers so many: a power of two, as each size is compiled again."""
    return min(most, 1 << (count - 1).bit_length())


class KerasDetector:
    """A network from its weights, compiled; in half precision and batches on a GPU."""

    def __init__(
        self,
        weights: Path,
        plan: Plan,
        decoder: Decoder,
        *,
        name: str,
        side: int,
        device: str = "auto",
        batch: int | None = None,
        half: bool | None = None,
    ) -> None:
        """Builds the network and loads its weights.

        Args:
            weights: a `.weights.h5` file.
            plan: of the network.
            decoder: fits the network.
            name: of the model.
            side: longest side in pixels of the network's input.
            device: auto, cpu or gpu.
            batch: most images in one call; None: eight on a GPU, else one.
            half: half precision; None: on a GPU.

        Raises:
            ModelError: the weights do not fit; or there is no GPU though asked for.
        """
        self.name = name
        self._place, gpu = placement(device)
        _grow_memory()
        self.device = f"{gpu or 'CPU'} (Keras, {keras.backend.backend()})"
        self._decoder = decoder
        self._side = side
        self._batch = batch or (GPU_BATCH if gpu else 1)
        half = bool(gpu) if half is None else half
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_float16" if half else "float32")
        try:
            with self._placed():
                self._network: Any = build_network(plan)
                self._network.load_weights(weights)
        except (OSError, ValueError, KeyError) as error:
            reason = one_line(error)
            raise ModelError(f"{weights}: does not fit the network of its card: {reason}") from None
        finally:
            keras.config.set_dtype_policy(policy)
        # XLA makes a CPU several times slower
        self._network.compile(jit_compile="auto" if gpu else False)

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Faces of each image (BGR uint8), best first; images of one aspect go together."""
        require_images(images)
        return detect_in_batches(images, self._size, self._batch, self._detect)

    def warm_up(self, height: int = 480, width: int = 640) -> None:
        """Compiles and runs every batch size once on gray images of the size to come.

        Another aspect is compiled again: a caller who expects several calls it once for each.
        """
        image = np.full((height, width, 3), 128, np.uint8)
        for count in sorted({padded_count(n, self._batch) for n in range(1, self._batch + 1)}):
            self.detect([image] * count)

    def close(self) -> None:
        """Frees the network."""
        self._network = None

    def _placed(self) -> AbstractContextManager[Any]:
        """Within it, Keras computes where this detector does."""
        return keras.device(self._place) if self._place else nullcontext()

    def _size(self, image: np.ndarray) -> tuple[int, int]:
        return fitting_size(image.shape[0], image.shape[1], self._side)

    def _detect(self, images: list[np.ndarray]) -> list[Detections]:
        size = self._size(images[0])
        boxed = [letterbox(image, *size) for image in images]
        inputs = np.stack([inside for inside, _ in boxed]).astype(np.float32)
        missing = padded_count(len(images), self._batch) - len(images)
        inputs = np.concatenate([inputs, np.repeat(inputs[-1:], missing, axis=0)])
        with self._placed():
            outputs = self._network.predict_on_batch(inputs)
        logits, deltas = (keras.ops.convert_to_numpy(each).astype(np.float32) for each in outputs)
        return [
            self._decoder.decode(logits[i], deltas[i], size, image.shape[:2], boxed[i][1])
            for i, image in enumerate(images)
        ]
