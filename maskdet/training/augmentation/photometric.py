"""Random changes of color, and of what cameras and codecs lose."""

from __future__ import annotations

import cv2
import numpy as np


def jitter_color(image: np.ndarray, strength: float, random: np.random.Generator) -> np.ndarray:
    """Brightness, contrast, color cast and saturation changed at once; gray now and then."""
    gain = np.exp(random.normal(0, 0.25 * strength)) * np.exp(random.normal(0, 0.08 * strength, 3))
    shift = random.normal(0, 20 * strength)
    table = np.clip((np.arange(256)[:, None] - 128) * gain + 128 + shift, 0, 255)
    image = cv2.LUT(image, table[None].astype(np.uint8))
    dull = random.random() < 0.08 * strength
    saturation = 0.0 if dull else np.exp(random.normal(0, 0.3 * strength))
    gray = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(image, saturation, gray, 1 - saturation, 0)


def degrade(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Degrades an image as cameras and codecs do: blur, noise, JPEG, or coarser pixels."""
    kind = random.integers(4)
    if kind == 0:
        return cv2.GaussianBlur(image, (0, 0), random.uniform(0.5, 1.5))
    if kind == 1:
        noise = random.normal(0, random.uniform(3, 12), image.shape).astype(np.float32)
        return np.clip(image + noise, 0, 255).astype(np.uint8)
    if kind == 2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.uniform(20, 70))]
        decoded = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)
        assert decoded is not None  # it was encoded a moment ago
        return decoded
    height, width = image.shape[:2]
    factor = random.uniform(0.5, 0.8)
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
