"""Clips of the cameras: people who move in every image, or a still scene seen by a noisy camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from maskdet.commands.benchmark.cameras.server import CameraFormat
from maskdet.sources import CLIP
from maskdet.sources.files.video_file import VideoFile

NOISE_LEVELS = 2.0
"""Standard deviation, in levels of 255, of the noise of a quiet scene."""
QUIET_S = 8
"""Seconds of a quiet scene before it is repeated."""
_CLIP_FPS = 30


def moving(camera: CameraFormat) -> Iterator[np.ndarray]:
    """The demo: several people walk through the image."""
    clip = VideoFile(str(CLIP), "demo")
    due = 0.0
    for number, frame in enumerate(iter(clip.read, None)):
        if number >= due:
            due += _CLIP_FPS / camera.fps
            yield _fitted(frame.image, camera)
    clip.close()


def quiet(camera: CameraFormat) -> Iterator[np.ndarray]:
    """The demo's first image again and again, with new noise in each."""
    still = next(moving(camera)).astype(np.float32)
    random = np.random.default_rng(0)
    for _ in range(QUIET_S * camera.fps):
        noise = random.standard_normal(still.shape[:2], np.float32)[..., None] * NOISE_LEVELS
        yield np.clip(still + noise, 0, 255).astype(np.uint8)


SCENES: dict[str, Callable[[CameraFormat], Iterator[np.ndarray]]] = {
    "moving": moving,
    "quiet": quiet,
}


def _fitted(image: np.ndarray, camera: CameraFormat) -> np.ndarray:
    """The middle of an image in the camera's shape and size."""
    height, width = image.shape[:2]
    rows = min(height, round(width * camera.height / camera.width))
    columns = min(width, round(height * camera.width / camera.height))
    top, left = (height - rows) // 2, (width - columns) // 2
    part = image[top : top + rows, left : left + columns]
    size = (camera.width, camera.height)
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_CUBIC), np.uint8)
