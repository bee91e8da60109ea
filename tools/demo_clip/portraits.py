"""The two photographs, where the face is in each, and how the person is cut out.

All figures are pixels of the photograph; they were read off it by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

GRABCUT_ROUNDS = 4
GRABCUT_SEED = 1
EDGE_DOUBT = 9
"""Width in pixels of the band around the drawn outline in which GrabCut decides."""


@dataclass(frozen=True)
class Portrait:
    """One photograph and its landmarks.

    Attributes:
        file: name beside this module.
        zoom: enlargement after which the faces of all portraits are about equally wide.
        bottom: row below which the photograph is not used.
        extend: rows to add below, repeating the last, so that a small figure reaches the counter.
        face: box x1 y1 x2 y2 as the data sets draw it: forehead to chin, ear to ear.
        nose: tip of the nose, the origin of the face's own coordinates.
        half_width: from the nose to the cheek's edge, the unit of the face's own coordinates.
        tilt: degrees that the line through the eyes falls to the right.
        chin: how far the chin lies below the nose, in half widths.
        bridge: a mask's upper edge: its height at the nose, at the cheeks (upwards is negative)
            and how broad the rise between them is, in half widths. Glasses make it narrow.
        ears: where the upper and the lower ear loop vanish, (x, y) in half widths.
        outline: the person, clockwise from the lower left.
    """

    file: str
    zoom: int
    bottom: int
    extend: int
    face: tuple[float, float, float, float]
    nose: tuple[float, float]
    half_width: float
    tilt: float
    chin: float
    bridge: tuple[float, float, float]
    ears: tuple[tuple[float, float], tuple[float, float]]
    outline: tuple[tuple[int, int], ...]


PORTRAITS: dict[str, Portrait] = {
    "collins": Portrait(
        "collins.jpg", 2, 512, 0, (177, 70, 273, 181), (226, 128), 43, 3.0, 1.19,
        (-0.46, -0.16, 0.50),
        ((1.05, -0.16), (1.07, 0.05)),
        (
            (19, 511), (22, 440), (26, 400), (25, 360), (32, 320), (42, 285), (60, 255), (80, 235),
            (108, 215), (116, 205), (114, 190), (122, 175), (130, 160), (145, 152), (165, 148),
            (184, 148), (184, 140), (182, 131), (176, 127), (170, 117), (158, 100), (154, 85),
            (154, 65), (165, 48), (182, 38), (192, 25), (210, 18), (235, 15), (258, 22), (278, 33),
            (290, 48), (301, 75), (300, 95), (292, 112), (278, 125), (277, 135), (268, 136),
            (264, 150), (258, 165), (256, 176), (270, 183), (290, 203), (303, 228), (305, 240),
            (330, 255), (342, 270), (352, 300), (360, 330), (363, 345), (385, 343), (410, 344),
            (445, 355), (475, 380), (490, 410), (497, 450), (511, 460), (511, 511),
        ),
    ),
    "hopper": Portrait(
        "hopper.jpg", 1, 566, 620, (162, 126, 368, 335), (265, 240), 87, 0.0, 1.05,
        (-0.40, -0.05, 0.27),
        ((1.09, -0.50), (1.06, 0.20)),
        (
            (14, 565), (25, 450), (32, 410), (45, 385), (60, 378), (110, 360),
            (170, 345), (190, 330), (203, 315), (200, 300), (180, 290), (165, 280), (160, 265),
            (163, 250), (154, 215), (152, 195), (148, 185), (146, 160), (150, 120), (155, 95),
            (172, 84), (178, 65), (195, 48), (215, 38), (222, 28), (245, 23), (280, 24),
            (300, 32), (303, 40), (330, 52), (348, 70), (353, 87), (365, 87), (370, 110),
            (372, 150), (368, 180), (376, 195), (372, 220), (362, 250), (362, 270), (358, 285),
            (345, 300), (332, 308), (332, 315), (365, 340), (420, 365), (470, 378), (488, 388),
            (500, 415), (511, 445), (511, 565),
        ),
    ),
}  # fmt: skip


def load(portrait: Portrait) -> np.ndarray:
    """The photograph, BGR uint8 at its own size, less what lies below `bottom`."""
    image = cv2.imread(str(Path(__file__).with_name(portrait.file)))
    if image is None:
        raise FileNotFoundError(Path(__file__).with_name(portrait.file))
    return image[: portrait.bottom]


def cut_out(image: np.ndarray, portrait: Portrait) -> tuple[np.ndarray, np.ndarray]:
    """Parts the person from the background.

    Args:
        image: the photograph, BGR uint8 (H, W, 3).
        portrait: its landmarks.

    Returns:
        Color, float32 (H, W, 3), in which the person's edge is carried on outwards so that no
        old background shines through; and alpha, float32 (H, W), 0–1 with a soft edge.
    """
    person = _refine(image, portrait)
    inner = cv2.erode(person, np.ones((3, 3), np.uint8)).astype(np.float32)
    spread = cv2.GaussianBlur(inner, (0, 0), 3)
    carried = cv2.GaussianBlur(image * inner[..., None], (0, 0), 3) / (spread[..., None] + 1e-4)
    color = np.where(inner[..., None] > 0, image, carried).astype(np.float32)
    return color, cv2.GaussianBlur(inner, (0, 0), 1.0)


def _refine(image: np.ndarray, portrait: Portrait) -> np.ndarray:
    """The person as 0 and 1: the drawn outline, its edge settled by GrabCut."""
    drawn = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(drawn, [np.array(portrait.outline, np.int32)], 1)
    padded = cv2.copyMakeBorder(drawn, 0, EDGE_DOUBT, 0, 0, cv2.BORDER_REPLICATE)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (EDGE_DOUBT, EDGE_DOUBT))
    surely, possibly = cv2.erode(padded, kernel), cv2.dilate(padded, kernel)
    labels = np.where(padded > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    labels = np.where(surely > 0, cv2.GC_FGD, np.where(possibly > 0, labels, cv2.GC_BGD))
    labels = np.ascontiguousarray(labels[: len(image)].astype(np.uint8))
    cv2.setRNGSeed(GRABCUT_SEED)
    back, front, no_rectangle = np.zeros((1, 65)), np.zeros((1, 65)), (0, 0, 1, 1)
    settled, *_ = cv2.grabCut(
        image, labels, no_rectangle, back, front, GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK
    )
    person = np.isin(settled, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    return cv2.morphologyEx(person, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
