"""Bad light and bad cameras: eleven conditions, each from slight (1) to severe (5).

Corruptions with severities as in Hendrycks & Dietterich 2019, "Benchmarking Neural Network
Robustness to Common Corruptions and Perturbations", chosen for what webcams and CCTV give. The
evaluation applies them at whole severities, the augmentation at random ones in between.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np

MAX_SEVERITY = 5.0
NO_BOXES = np.zeros((0, 4), np.float32)
_NOISE_SIDE = 1024

Condition = Callable[[np.ndarray, float, np.random.Generator, np.ndarray], np.ndarray]
"""From an image (BGR uint8), a severity 0–5, a generator and the faces' boxes (N, 4)."""


def apply(
    name: str,
    image: np.ndarray,
    severity: float,
    random: np.random.Generator,
    boxes: np.ndarray = NO_BOXES,
) -> np.ndarray:
    """An image as it would look under a condition.

    Args:
        name: a key of `CONDITIONS`.
        image: BGR uint8 (height, width, 3); it is not changed.
        severity: 0 (hardly visible) to `MAX_SEVERITY`.
        random: draws what the severity leaves open.
        boxes: (N, 4) of the faces in the image; back-light darkens the people in front of it.

    Returns:
        BGR uint8 of the same size.
    """
    return CONDITIONS[name](image, severity, random, boxes)


def underexposure(
    image: np.ndarray, severity: float, random: np.random.Generator, boxes: np.ndarray
) -> np.ndarray:
    """Too little light: gamma above 1 and a lower gain."""
    gamma = 1 + 0.35 * severity * random.uniform(0.8, 1.2)
    return _curve(image, lambda x: x**gamma * (1 - 0.06 * severity))


def overexposure(
    image: np.ndarray, severity: float, random: np.random.Generator, boxes: np.ndarray
) -> np.ndarray:
    """Too much light: gamma below 1, highlights clipped."""
    gamma = 1 / (1 + 0.22 * severity * random.uniform(0.8, 1.2))
    return _curve(image, lambda x: x**gamma * (1 + 0.12 * severity))


def backlight(
    image: np.ndarray, severity: float, random: np.random.Generator, boxes: np.ndarray
) -> np.ndarray:
    """A window behind people: they are dark, what is around them clips, glare lies over all."""
    height, width = image.shape[:2]
    if len(boxes):
        small = _people(boxes * np.array([64 / width, 64 / height] * 2))
    else:
        small = 1 - _light_field(64, 64, random)
    people = cv2.GaussianBlur(small, (0, 0), 2.5)
    people = cv2.resize(people, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    dark = max(0.12, 1 - 0.17 * severity * random.uniform(0.8, 1.1))
    bright = 1 + 0.35 * severity * random.uniform(0.7, 1.2)
    glare = 9 * severity * random.uniform(0.3, 1.2)
    lit = image * (bright + (dark - bright) * people) + glare
    return _bytes(lit)


def haze(
    image: np.ndarray, severity: float, random: np.random.Generator, boxes: np.ndarray
) -> np.ndarray:
    """Fog, a dirty lens or a greasy cover: contrast is lost to a light gray, unevenly."""
    height, width = image.shape[:2]
    veil = np.clip(0.13 * severity * random.uniform(0.85, 1.15), 0, 0.8)
    uneven = _light_field(height, width, random)[..., None] * 0.3 + 0.7
    amount = np.float32(veil) * uneven
    light = random.uniform(150, 235) + random.normal(0, 6, 3)
    return _bytes(image * (1 - amount) + light.astype(np.float32) * amount)


def low_light(
    image: np.ndarray, severity: float, random: np.random.Generator, boxes: np.ndarray
) -> np.ndarray:
    """A dark room: little light, and the sensor's noise, stronger where it is brighter."""
    light = image.astype(np.float32) * (0.75 ** (severity * random.uniform(0.8, 1.2)))
    noise = _noise(image.shape[0], image.shape[1], random)
    grain = (1.5 + 2.2 * severity) * random.uniform(0.7, 1.2)
    colored = random.random() < 0.7
    noise = noise if colored else noise[..., :1]
    dark = light + noise * (grain * (0.6 + 0.4 * np.sqrt(light / 64)))
    if random.random() < 0.5:  # the camera's automatic gain
        dark *= random.uniform(1, 1 + 0.5 * severity)
    return _bytes(dark)


def motion_blur(
    image: np.ndarray, severity: float, random: np.random.Generator, boxes: np.ndarray
) -> np.ndarray:
    """Movement while the shutter is open: a line in a random direction."""
    length = 1 + _relative(image, 0.006) * severity * random.uniform(0.7, 1.2)
    side = int(np.ceil(length)) | 1
    angle = random.uniform(0, np.pi)
    along = np.linspace(-(length - 1) / 2, (length - 1) / 2, 4 * side)
    points = np.round(np.stack([np.sin(angle) * along, np.cos(angle) * along]) + side // 2)
    kernel = np.zeros((side, side), np.float32)
    np.add.at(kernel, tuple(np.clip(points, 0, side - 1).astype(int)), 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def defocus(
    image: np.ndarray, severity: float, random: np.random.Generator, boxes: np.ndarray
) -> np.ndarray:
    """A lens out of focus: every point becomes a disk."""
    radius = _relative(image, 0.0016) * severity * random.uniform(0.7, 1.2)
    side = 2 * int(np.ceil(radius)) + 1
    across = np.arange(side) - side // 2
    distance = np.hypot(across[None], across[:, None])
    kernel = np.clip(radius + 0.5 - distance, 0, 1).astype(np.float32)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def compression(
    image: np.ndarray, severity: float, random: np.random.Generator, boxes: np.ndarray
) -> np.ndarray:
    """A stream of too few bits: JPEG of low quality, coarser still when severe."""
    quality = int(np.clip(55 - 10 * severity * random.uniform(0.9, 1.05), 4, 90))
    height, width = image.shape[:2]
    factor = 1 - 0.1 * max(0.0, severity - 2)
    small = image
    if factor < 1:
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert decoded is not None  # it was encoded a moment ago
    return decoded if factor >= 1 else cv2.resize(decoded, (width, height))


def grayscale(
    image: np.ndarray, severity: float, random: np.random.Generator, boxes: np.ndarray
) -> np.ndarray:
    """A camera without color, its contrast changed the more the severer."""
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    gain = np.exp(random.normal(0, 0.06) * severity)
    shift = random.normal(0, 4) * severity
    gray = _bytes((gray.astype(np.float32) - 128) * gain + 128 + shift)
    return cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)


def infrared(
    image: np.ndarray, severity: float, random: np.random.Generator, boxes: np.ndarray
) -> np.ndarray:
    """A night camera with its own lamp: pale skin, a light spot that fades outwards, noise."""
    height, width = image.shape[:2]
    weights = np.array([random.uniform(-0.1, 0.15), random.uniform(0.1, 0.4), 0], np.float32)
    weights[2] = 1 - weights.sum()
    gray = np.clip(cv2.transform(image, weights[None]).astype(np.float32), 0, 255) / 255
    gray = gray ** (1 / (1 + 0.16 * severity * random.uniform(0.6, 1.2)))
    middle = random.uniform(0.3, 0.7, 2) if not len(boxes) else _middle(boxes, height, width)
    down = (np.arange(height, dtype=np.float32) / height - middle[1])[:, None]
    across = (np.arange(width, dtype=np.float32) / width - middle[0])[None]
    fall = 1 / (1 + (0.35 * severity) * (down**2 + across**2) * random.uniform(0.6, 1.6))
    lamp = gray * fall * (1 + 0.1 * severity * random.uniform(0, 1)) * 255
    noise = _noise(height, width, random)[..., 0] * (0.8 + 1.6 * severity)
    mixed = cv2.GaussianBlur(_bytes(lamp + noise), (0, 0), 0.3 + 0.12 * severity)
    if random.random() < 0.15 * severity / MAX_SEVERITY:
        mixed = 255 - cv2.LUT(255 - mixed, _table(lambda x: x**0.8))  # bloom of bright parts
    return cv2.cvtColor(mixed, cv2.COLOR_GRAY2BGR)


def white_balance(
    image: np.ndarray, severity: float, random: np.random.Generator, boxes: np.ndarray
) -> np.ndarray:
    """A cast of lamps or of a wrong white balance: warm, cold, green or magenta."""
    warmth = random.choice([-1.0, 1.0]) * 0.075 * severity * random.uniform(0.7, 1.2)
    tint = random.normal(0, 0.03) * severity
    gains = np.exp(np.array([-warmth, tint, warmth], np.float32))
    return _bytes(image * (gains / gains.mean()))


CONDITIONS: dict[str, Condition] = {
    "underexposure": underexposure,
    "overexposure": overexposure,
    "backlight": backlight,
    "haze": haze,
    "low_light": low_light,
    "motion_blur": motion_blur,
    "defocus": defocus,
    "compression": compression,
    "grayscale": grayscale,
    "infrared": infrared,
    "white_balance": white_balance,
}


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(values, 0, 255).astype(np.uint8)


def _table(curve: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """A tone curve of values 0–1 as a table for uint8."""
    return _bytes(curve(np.arange(256, dtype=np.float32) / 255) * 255)


def _curve(image: np.ndarray, curve: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    return cv2.LUT(image, _table(curve))


def _relative(image: np.ndarray, share: float) -> float:
    """A length in pixels as a share of the image's longer side."""
    return share * max(image.shape[:2])


def _people(boxes: np.ndarray, side: int = 64) -> np.ndarray:
    """Where heads and the bodies below them are, float32 (side, side), of faces in its pixels."""
    down, across = np.mgrid[:side, :side].astype(np.float32) + 0.5
    people = np.zeros((side, side), bool)
    for x1, y1, x2, y2 in boxes:
        half, middle = (x2 - x1) / 2 + 0.5, (x1 + x2) / 2
        tall = (y2 - y1) * 0.75 + 0.5
        head = ((across - middle) / (half * 1.3)) ** 2 + ((down - (y1 + y2) / 2) / tall) ** 2
        people |= (head < 1) | ((down > y2) & (np.abs(across - middle) < 2.5 * half))
    return people.astype(np.float32)


def _middle(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Where the largest face is, in parts of the image."""
    x1, y1, x2, y2 = boxes[((boxes[:, 2:] - boxes[:, :2]).prod(axis=1)).argmax()]
    return np.array([(x1 + x2) / 2 / width, (y1 + y2) / 2 / height])


def _light_field(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """Smooth random light (height, width), float32 in 0–1."""
    coarse = random.random((3, 3)).astype(np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(field, 0, 1)


@cache
def _noise_bank() -> np.ndarray:
    """Normal noise, drawn once: drawing it for each image costs more than all else."""
    random = np.random.default_rng(0)
    sharp = random.standard_normal((_NOISE_SIDE, _NOISE_SIDE, 3), np.float32)
    soft = cv2.GaussianBlur(sharp, (0, 0), 0.7)  # cameras smooth their noise
    return np.asarray((sharp + soft / soft.std()) / np.sqrt(2), np.float32)


def _noise(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """Noise (height, width, 3) of deviation about 1, from a random place of the bank."""
    bank = _noise_bank()
    if height > _NOISE_SIDE or width > _NOISE_SIDE:
        repeats = (-(-height // _NOISE_SIDE) + 1, -(-width // _NOISE_SIDE) + 1, 1)
        bank = np.tile(bank, repeats)
    top = int(random.integers(bank.shape[0] - height + 1))
    left = int(random.integers(bank.shape[1] - width + 1))
    part = bank[top : top + height, left : left + width]
    return part[:, ::-1] if random.random() < 0.5 else part
