"""Masks drawn onto a portrait: shape, folds, shading, loops and shadow, all by formula.

A mask lives in the face's own coordinates (origin at the tip of the nose, x along the eyes, y down,
one unit = half the face's width) and, on itself, in u (−1 left edge … 1 right edge) and v (0 upper
edge … 1 lower edge).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tools.demo_clip.portraits import Portrait

SUPERSAMPLING = 2
"""Masks are drawn this much larger and then shrunk, so that their edges are smooth."""
GRAIN = 5.0
GRAIN_SEED = 2


@dataclass(frozen=True)
class MaskStyle:
    """One kind of mask.

    Attributes:
        color: of the cloth in even light, BGR 0–255.
        drop: how far below its right place it is worn, in half widths; 0 is worn correctly.
        below_chin: how far it reaches below the chin, in half widths.
        pleats: heights v of the folds that run from side to side.
        pleat_depth: how dark they are, 0–1.
        ridge: difference in light between the halves of a mask folded down the middle, 0–1.
        seam: how dark the seam down the middle is, 0–1.
        binding: how much brighter the sewn edge is, 0–1.
        bulge: how much the cloth darkens toward its sides, 0–1.
        creases: strength of the small irregular folds, 0–1.
        loop: color of the ear loops, BGR.
    """

    color: tuple[float, float, float]
    drop: float = 0.0
    below_chin: float = 0.06
    pleats: tuple[float, ...] = ()
    pleat_depth: float = 0.0
    ridge: float = 0.0
    seam: float = 0.0
    binding: float = 0.0
    bulge: float = 0.35
    creases: float = 0.05
    loop: tuple[float, float, float] = (235, 235, 235)


STYLES: dict[str, MaskStyle] = {
    "surgical": MaskStyle(
        (230, 213, 176), pleats=(0.30, 0.50, 0.70), pleat_depth=0.30, binding=0.10, creases=0.06
    ),
    "respirator": MaskStyle(
        (236, 238, 236), below_chin=0.10, ridge=0.10, seam=0.14, binding=-0.06, bulge=0.42
    ),
    "cloth": MaskStyle(
        (46, 43, 42), ridge=0.16, seam=0.35, binding=0.12, creases=0.16, loop=(40, 38, 38)
    ),
    "surgical_low": MaskStyle(
        (230, 213, 176), drop=0.30, below_chin=0.16, pleats=(0.22, 0.45, 0.68), pleat_depth=0.36,
        binding=0.10, creases=0.09,
    ),
}  # fmt: skip
"""`surgical_low` leaves the nose bare; the others are worn correctly."""


def wear(image: np.ndarray, portrait: Portrait, style: MaskStyle) -> np.ndarray:
    """Puts a mask onto a portrait.

    Args:
        image: the portrait at `portrait.zoom` times its photograph's size, float32 (H, W, 3) BGR.
        portrait: where the face is.
        style: the mask.

    Returns:
        The portrait wearing it, float32 (H, W, 3), 0–255.
    """
    x, y = _face_coordinates(image.shape[:2], portrait)
    u, v = _mask_coordinates(x, y, portrait, style)
    cover = _cover(u, v)
    cloth = _cloth(u, v, style) * _photo_light(image, portrait)[..., None]
    cloth += _grain(cover.shape, portrait)[..., None]
    loops = _loops(x, y, portrait, style)
    shadow = 1 - 0.45 * _contact_shadow(np.maximum(cover, 0.7 * loops), portrait)
    worn = image * shadow[..., None]
    worn += (0.92 * np.array(style.loop, np.float32) - worn) * loops[..., None]
    cover = cv2.GaussianBlur(cover, (0, 0), 0.6 * portrait.zoom)[..., None]
    worn += (cv2.GaussianBlur(cloth, (0, 0), 0.45 * portrait.zoom) - worn) * cover
    return np.clip(worn, 0, 255).astype(np.float32)


def _face_coordinates(shape: tuple[int, int], portrait: Portrait) -> tuple[np.ndarray, np.ndarray]:
    """The face's x and y at each pixel of the zoomed portrait, float32 (H, W) each."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    unit = portrait.half_width * portrait.zoom
    dx = (columns - portrait.nose[0] * portrait.zoom) / unit
    dy = (rows - portrait.nose[1] * portrait.zoom) / unit
    cos, sin = np.cos(np.radians(portrait.tilt)), np.sin(np.radians(portrait.tilt))
    return dx * cos + dy * sin, dy * cos - dx * sin


def _half_width(y: np.ndarray, portrait: Portrait) -> np.ndarray:
    """Half the mask's width at height y: nearly straight beside the nose, narrow at the chin."""
    low = np.clip(y / portrait.chin, -0.4, 1.3)
    return 0.97 - 0.30 * np.clip(low, 0, None) ** 2.6 - 0.03 * low


def _mask_coordinates(
    x: np.ndarray, y: np.ndarray, portrait: Portrait, style: MaskStyle
) -> tuple[np.ndarray, np.ndarray]:
    """The mask's u and v at each point; outside −1…1 and 0…1 there is no mask."""
    rise, cheek, breadth = portrait.bridge
    if style.drop:
        upper = style.drop + 0.05 * np.abs(x) ** 2 - 0.16 * np.abs(x) ** 3
    else:
        upper = cheek + (rise - cheek) * np.exp(-((x / breadth) ** 2)) - 0.06 * np.abs(x) ** 3
    lower = portrait.chin + style.below_chin - 0.42 * np.abs(x) ** 2.4
    v = (y - upper) / np.maximum(lower - upper, 0.05)
    level = upper if style.drop else 0.35 * rise + 0.65 * cheek - 0.06 * np.abs(x) ** 3
    flat = (y - level) / np.maximum(lower - level, 0.05)
    v += (flat - v) * np.clip(3 * np.minimum(v, 1 - v), 0, 1)  # folds forget the nose's peak
    return x / _half_width(y, portrait), v


def _cover(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Share of each pixel that belongs to the mask, 0–1; corners are a little rounded."""
    across, along = np.clip(np.abs(u), 0, 2), np.clip(np.abs(2 * v - 1), 0, 2)
    radius = (across**14 + along**14) ** (1 / 14)
    return np.clip((1 - radius) / 0.012 + 0.5, 0, 1).astype(np.float32)


def _cloth(u: np.ndarray, v: np.ndarray, style: MaskStyle) -> np.ndarray:
    """The cloth's color under its own folds, float32 (H, W, 3)."""
    light = 1.04 - style.bulge * np.abs(u) ** 2.6 - 0.16 * np.clip(v - 0.55, 0, 1) ** 1.5
    light += 0.07 * np.exp(-((u / 0.16) ** 2) - ((v - 0.16) / 0.16) ** 2)  # over the nose
    light -= 0.06 * np.exp(-(((np.abs(u) - 0.30) / 0.12) ** 2) - ((v - 0.2) / 0.16) ** 2)
    for height in style.pleats:
        along = v - height - 0.02 * np.sin(2.5 * u + 9 * height)
        fold = np.exp(-((along / 0.016) ** 2)) + 0.5 * np.exp(-(((along - 0.03) / 0.035) ** 2))
        light -= style.pleat_depth * (0.55 + 0.45 * np.abs(u)) * fold
        light += 0.35 * style.pleat_depth * np.exp(-(((along + 0.045) / 0.03) ** 2))
    light -= style.ridge * np.tanh(u / 0.12)
    light -= style.seam * np.exp(-((u / 0.018) ** 2))
    edge = np.maximum(np.abs(u) - 0.94, np.maximum(0.055 - v, v - 0.955) * 0.8)
    light += style.binding * (edge > 0) - 0.10 * np.exp(-((edge / 0.010) ** 2))
    light += style.creases * _creases(u, v)
    return (light[..., None] * np.array(style.color)).astype(np.float32)


def _creases(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Irregular folds that spread from the four corners, about −1…1."""
    total = np.zeros_like(u)
    for side, height, phase in ((-1, 0, 0.3), (1, 0, 1.9), (-1, 1, 4.0), (1, 1, 5.2)):
        dx, dy = side * u - 1.15, (v - height) * 1.2
        angle, reach = np.arctan2(dy, -dx), np.hypot(dx, dy)
        waves = np.sin(13 * angle + phase) + 0.6 * np.sin(29 * angle + 2 * phase)
        total += waves * np.exp(-((reach / 0.55) ** 2))
    return total + 0.25 * np.sin(5 * u + 3 * v) * np.sin(7 * v - 2 * u)


def _loops(x: np.ndarray, y: np.ndarray, portrait: Portrait, style: MaskStyle) -> np.ndarray:
    """The ear loops as cover, 0–1: from the mask's corners to the ears."""
    unit, scale = portrait.half_width * portrait.zoom, SUPERSAMPLING
    big = np.zeros([side * scale for side in x.shape], np.uint8)
    thickness = max(1, round(0.040 * unit * scale))
    upper_y = (style.drop or portrait.bridge[1]) + 0.02
    lower_y = portrait.chin * 0.52 + 0.25 * style.drop
    cos, sin = np.cos(np.radians(portrait.tilt)), np.sin(np.radians(portrait.tilt))
    for side in (-1, 1):
        for start_y, ear in zip((upper_y, lower_y), portrait.ears, strict=True):
            start = (float(_half_width(np.array(start_y), portrait)) - 0.04, start_y)
            sag = ((start[0] + ear[0]) / 2 + 0.03, (start[1] + ear[1]) / 2 + 0.05)
            t = np.linspace(0, 1, 12)[:, None]
            curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * np.array(sag) + t**2 * np.array(ear)
            px, py = side * curve[:, 0] * unit, curve[:, 1] * unit
            points = np.stack([px * cos - py * sin, py * cos + px * sin], 1)
            points = (points + np.array(portrait.nose) * portrait.zoom) * scale
            cv2.polylines(big, [points.astype(np.int32)], False, 255, thickness, cv2.LINE_AA)
    small = cv2.resize(big, x.shape[::-1], interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small, (0, 0), 0.45 * portrait.zoom).astype(np.float32) / 255


def _grain(shape: tuple[int, ...], portrait: Portrait) -> np.ndarray:
    """The weave and the film's grain; the same at every run."""
    noise = np.random.default_rng(GRAIN_SEED).normal(0, 1, shape).astype(np.float32)
    return GRAIN * portrait.zoom * cv2.GaussianBlur(noise, (0, 0), 0.5 * portrait.zoom)


def _photo_light(image: np.ndarray, portrait: Portrait) -> np.ndarray:
    """The photograph's own broad light on the face, around 1, so that the mask shares it."""
    unit = portrait.half_width * portrait.zoom
    gray = cv2.GaussianBlur(image.mean(axis=2), (0, 0), 0.35 * unit)
    column, row = (round(value * portrait.zoom) for value in portrait.nose)
    return 1 + 0.35 * np.clip(gray / gray[row, column] - 1, -0.6, 0.3)


def _contact_shadow(cover: np.ndarray, portrait: Portrait) -> np.ndarray:
    """Where the mask darkens the skin beside and below it, 0–1."""
    unit = portrait.half_width * portrait.zoom
    shift = np.array([[1, 0, 0], [0, 1, 0.03 * unit]], np.float32)
    moved = cv2.warpAffine(cover, shift, cover.shape[::-1])
    return cv2.GaussianBlur(moved, (0, 0), 0.05 * unit)
