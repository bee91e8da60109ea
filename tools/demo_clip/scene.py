"""Scene of the demo: who stands where, how they move, what each frame shows.

To alter the clip, change the tables below and run `python -m tools.demo_clip.make`. Every movement
repeats after `FRAMES` frames, so the clip loops without a seam.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from maskdet.boxes import clip
from maskdet.detections import Detections, MaskState
from tools.demo_clip.backdrop import MARGIN, counter, hall
from tools.demo_clip.masks import STYLES, wear
from tools.demo_clip.portraits import PORTRAITS, Portrait, cut_out, load

WIDTH, HEIGHT, FPS, FRAMES = 640, 480, 30, 360
PAN = 7.0
"""Pixels by which the camera sways, for something as near as a face `NEAR` pixels wide."""
NEAR = 100.0
MIN_CERTAIN_SHARE, MIN_SEEN_SHARE = 0.75, 0.30
"""Visible part of a face from which its state is certain, and from which it counts at all."""


@dataclass(frozen=True)
class Wave:
    """A value that swings `cycles` whole times a clip: base + swing · sin(2π(cycles·t + phase))."""

    base: float
    swing: float = 0.0
    cycles: int = 1
    phase: float = 0.0

    def at(self, t: float) -> float:
        """Its value at t, 0 at the clip's start and 1 at its end."""
        return self.base + self.swing * float(np.sin(2 * np.pi * (self.cycles * t + self.phase)))


@dataclass(frozen=True)
class Figure:
    """One person of the scene.

    Attributes:
        portrait: name in `PORTRAITS`.
        masks: names in `STYLES`, or None for a bare face: one for each equal part of the clip.
        x, y: center of the face in pixels; y may have a second, faster swing (`step`).
        width: of the face in pixels.
        angle: of the head in degrees, clockwise.
        flip: mirror the portrait.
        hue: turn of the clothes' color, in half degrees as OpenCV counts hue (0–179).
        tint: factors for blue, green and red, the mask left out.
    """

    portrait: str
    masks: tuple[str | None, ...]
    x: Wave
    y: Wave
    width: Wave
    angle: Wave = Wave(0)
    step: Wave = Wave(0)
    flip: bool = False
    hue: int = 0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)


FIGURES: tuple[Figure, ...] = (  # from the farthest to the nearest
    Figure(
        "hopper", ("cloth",), Wave(68, 8), Wave(152, 2, 2), Wave(46, 2), Wave(0, 2, 2),
        flip=True, tint=(0.92, 0.94, 0.96),
    ),
    Figure(
        "collins", ("respirator", None), Wave(290, 540, 1, -0.25), Wave(124), Wave(56, 2),
        Wave(0, 2, 6), step=Wave(0, 3, 12), hue=70, tint=(0.86, 0.92, 0.97),
    ),
    Figure(
        "collins", ("surgical_low",), Wave(348, 14, 1, 0.3), Wave(186, 4, 2), Wave(76, 7, 1, 0.1),
        Wave(-1, 4, 2, 0.2), flip=True, hue=100, tint=(0.93, 0.96, 1.0),
    ),
    Figure(
        "hopper", (None,), Wave(516, 16, 1, 0.6), Wave(250, 6, 2, 0.1), Wave(102, 10, 1, 0.5),
        Wave(1, 4, 2, 0.4),
    ),
    Figure(
        "collins", ("surgical",), Wave(196, 14), Wave(270, 6, 2, 0.4), Wave(108, 18, 1, 0.75),
        Wave(0, 5, 2),
    ),
)  # fmt: skip
FAR_FIGURES = 3
"""So many of them stand behind the counter, the others before it."""


@dataclass(frozen=True, eq=False)
class _Layer:
    """A picture and where it goes.

    Attributes:
        pixels: float32 (H, W, 4), BGR times alpha, and alpha 0–1.
        matrix: (2, 3), from the picture's pixels to the frame's.
    """

    pixels: np.ndarray
    matrix: np.ndarray


def render(index: int) -> np.ndarray:
    """The scene at a frame.

    Args:
        index: any whole number; `FRAMES` later the picture is the same.

    Returns:
        BGR uint8 (480, 640, 3).
    """
    t = index % FRAMES / FRAMES
    back = np.array([[1, 0, _sway(t, 0.25 * NEAR)], [0, 1, 0]], np.float32)
    size = (WIDTH, HEIGHT)
    canvas = cv2.warpAffine(hall(*size), back, size, borderMode=cv2.BORDER_REPLICATE)
    for layer in _layers(t):
        warped = cv2.warpAffine(layer.pixels, layer.matrix, size)
        canvas = canvas * (1 - warped[..., 3:]) + warped[..., :3]
    return np.clip(canvas + 0.5, 0, 255).astype(np.uint8)


def truth(index: int) -> Detections:
    """Where the faces are at a frame, and in which state, from the scene's own geometry.

    Args:
        index: of the frame, as for `render`.

    Returns:
        The faces, farthest first: box within the picture; as score the part of the face that can
        be seen; as track id the figure's number in `FIGURES`. A face half hidden by somebody or by
        the picture's edge is `unsure`; one that can hardly be seen is left out.
    """
    t = index % FRAMES / FRAMES
    layers = _layers(t)
    boxes = np.array([_face_box(figure, t) for figure in FIGURES], np.float32)
    seen = np.array(
        [_visible(box, layers[_place(number) + 1 :]) for number, box in enumerate(boxes)]
    )
    states = np.array([_state(_mask(figure, t)) for figure in FIGURES])
    states[seen < MIN_CERTAIN_SHARE] = MaskState.unsure
    faces = Detections(clip(boxes, WIDTH, HEIGHT), seen, states, np.arange(len(FIGURES)))
    return faces[seen >= MIN_SEEN_SHARE]


def _layers(t: float) -> list[_Layer]:
    """The figures, farthest first, and the counter between the far and the near ones."""
    layers = [_figure_layer(figure, t) for figure in FIGURES]
    shift = np.array([[1, 0, _sway(t, 0.9 * NEAR) - MARGIN], [0, 1, 0]], np.float32)
    return [
        *layers[:FAR_FIGURES],
        _Layer(counter(WIDTH, HEIGHT), shift),
        *layers[FAR_FIGURES:],
    ]


def _place(number: int) -> int:
    """Where the figure of that number stands among the layers."""
    return number if number < FAR_FIGURES else number + 1


def _figure_layer(figure: Figure, t: float) -> _Layer:
    pixels = _sprite(figure, _mask(figure, t))
    portrait = PORTRAITS[figure.portrait]
    largest = _largest_scale(figure)
    x1, y1, x2, y2 = (value * largest for value in portrait.face)
    column, row = (x1 + x2) / 2, (y1 + y2) / 2
    if figure.flip:
        column = pixels.shape[1] - column
    scale = figure.width.at(t) / (x2 - x1)
    matrix = cv2.getRotationMatrix2D((column, row), -figure.angle.at(t), scale)
    x, y = _center(figure, t)
    to_place = np.array([[0, 0, x - column], [0, 0, y - row]])
    return _Layer(pixels, matrix + to_place)


@cache
def _sprite(figure: Figure, mask: str | None) -> np.ndarray:
    """The figure at its largest, cut out and colored: float32 (H, W, 4), premultiplied."""
    portrait = PORTRAITS[figure.portrait]
    color, alpha = _person(figure.portrait)
    if figure.hue:
        color = _recolored(color, portrait, figure.hue)
    color = color * np.array(figure.tint, np.float32)
    if mask is not None:
        color = wear(color, portrait, STYLES[mask])
    pixels = _extended(np.dstack([color * alpha[..., None], alpha]), portrait)
    shrink = _largest_scale(figure) / portrait.zoom
    pixels = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(pixels[:, ::-1]) if figure.flip else pixels


@cache
def _person(name: str) -> tuple[np.ndarray, np.ndarray]:
    """A portrait cut out and enlarged: color float32 (H, W, 3) 0–255, alpha float32 (H, W)."""
    portrait = PORTRAITS[name]
    cut = cut_out(load(portrait), portrait)
    size = cut[1].shape[1] * portrait.zoom, cut[1].shape[0] * portrait.zoom
    color, alpha = (cv2.resize(part, size, interpolation=cv2.INTER_CUBIC) for part in cut)
    return np.clip(color, 0, 255), np.clip(alpha, 0, 1)


def _recolored(color: np.ndarray, portrait: Portrait, hue: int) -> np.ndarray:
    """The bright clothes below the chin in another hue."""
    turned = np.asarray(cv2.cvtColor((color / 255).astype(np.float32), cv2.COLOR_BGR2HSV))
    below = np.arange(len(color))[:, None] > (portrait.face[3] + 8) * portrait.zoom
    cloth = cv2.GaussianBlur((below & (turned[..., 1] > 0.5)).astype(np.float32), (0, 0), 2)
    turned = turned * np.array((1, 0.6, 0.75), np.float32)  # calmer than a space suit
    turned[..., 0] = (turned[..., 0] + 2 * hue) % 360
    other = 255 * np.asarray(cv2.cvtColor(turned, cv2.COLOR_HSV2BGR))
    return color + (other - color) * cloth[..., None]


def _extended(pixels: np.ndarray, portrait: Portrait) -> np.ndarray:
    """The sprite carried on below its last row, so that a small figure reaches the counter."""
    if not portrait.extend:
        return pixels
    alpha = pixels[-1:, :, 3:]
    smooth = cv2.GaussianBlur(pixels[-8:].mean(axis=0, keepdims=True), (0, 0), 12)
    last = smooth / np.maximum(smooth[..., 3:], 0.01) * alpha
    return np.vstack([pixels, np.repeat(last, portrait.extend * portrait.zoom, axis=0)])


def _largest_scale(figure: Figure) -> float:
    """Frame pixels per photograph pixel when the figure is nearest."""
    x1, _, x2, _ = PORTRAITS[figure.portrait].face
    return (figure.width.base + abs(figure.width.swing)) / (x2 - x1)


def _mask(figure: Figure, t: float) -> str | None:
    """The mask worn at t."""
    return figure.masks[int(t * len(figure.masks))]


def _state(mask: str | None) -> MaskState:
    if mask is None:
        return MaskState.without_mask
    return MaskState.mask_weared_incorrect if STYLES[mask].drop else MaskState.with_mask


def _sway(t: float, width: float) -> float:
    """Shift, by the camera's sway, of something as near as a face of that width."""
    return PAN * width / NEAR * float(np.sin(2 * np.pi * t))


def _center(figure: Figure, t: float) -> tuple[float, float]:
    """Center of the face in the frame."""
    return (
        figure.x.at(t) + _sway(t, figure.width.base),
        figure.y.at(t) + figure.step.at(t),
    )


def _face_box(figure: Figure, t: float) -> tuple[float, float, float, float]:
    """The face's box in the frame, parts outside it included."""
    x1, y1, x2, y2 = PORTRAITS[figure.portrait].face
    (x, y), width = _center(figure, t), figure.width.at(t)
    height = width * (y2 - y1) / (x2 - x1)
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _visible(box: np.ndarray, nearer: Sequence[_Layer]) -> float:
    """Part of a face's oval that lies in the frame and behind none of the nearer layers."""
    side = np.linspace(-1, 1, 15)
    across, down = (grid.ravel() for grid in np.meshgrid(side, side))
    inside = across**2 + down**2 <= 1
    x = (box[0] + box[2]) / 2 + across[inside] * (box[2] - box[0]) / 2
    y = (box[1] + box[3]) / 2 + down[inside] * (box[3] - box[1]) / 2
    free = ((x >= 0) & (x < WIDTH) & (y >= 0) & (y < HEIGHT)).astype(np.float32)
    points = np.stack([x, y]).astype(np.float32)
    for layer in nearer:
        back = cv2.invertAffineTransform(layer.matrix)
        column, row = (back[:, :2] @ points + back[:, 2:]).astype(np.float32)
        alpha = np.ascontiguousarray(layer.pixels[..., 3])
        free *= 1 - cv2.remap(alpha, column, row, cv2.INTER_LINEAR)[:, 0]
    return float(free.mean())
