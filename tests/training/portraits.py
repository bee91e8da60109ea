"""Drawn faces, masked correctly, incorrectly and not at all, annotated as Pascal VOC."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from maskdet.detections import CLASS_NAMES
from tests.datasets.voc_folder import OBJECT, SIZE

SKIN, CLOTH, EYE = (150, 180, 225), (220, 200, 120), (20, 20, 20)
COVERED_FROM = {0: 0.5, 1: 1.0, 2: 0.72}
"""Where the mask begins, as a share of the face's height, by class."""
SIDE = 128


def draw_face(image: np.ndarray, box: tuple[int, int, int, int], state: int) -> None:
    x1, y1, x2, y2 = box
    center, axes = ((x1 + x2) // 2, (y1 + y2) // 2), ((x2 - x1) // 2, (y2 - y1) // 2)
    cv2.ellipse(image, center, axes, 0, 0, 360, SKIN, -1)
    masked = cv2.ellipse(image.copy(), center, axes, 0, 0, 360, CLOTH, -1)
    top = round(y1 + COVERED_FROM[state] * (y2 - y1))
    image[top:] = masked[top:]
    for side in (-1, 1):
        eye = (center[0] + side * axes[0] // 2, y1 + (y2 - y1) // 3)
        cv2.circle(image, eye, max(1, axes[0] // 6), EYE, -1)


def write_portraits(folder: Path, count: int = 4) -> None:
    """Pictures of three faces each, 18 to 34 pixels wide, on a dark ground; `all.txt` lists them.

    Every class is there in each picture or in the next.
    """
    random = np.random.default_rng(0)
    for name in ("images", "annotations"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        noise = random.integers(0, 90, (SIDE, SIDE, 3), np.uint8)
        image, objects = cv2.GaussianBlur(noise, (0, 0), 3), []
        for column in range(3):
            width = int(random.integers(18, 34))
            height = int(width * 1.25)
            x = int(random.integers(2, 40 - width + 2)) + 43 * column
            y = int(random.integers(4, SIDE - height - 4))
            state = (number + column) % 3
            draw_face(image, (x, y, x + width, y + height), state)
            objects.append(OBJECT.format(CLASS_NAMES[state], x, y, x + width, y + height))
        cv2.imwrite(str(folder / f"images/{number}.png"), image)
        xml = f"<annotation>{SIZE.format(SIDE, SIDE)}{''.join(objects)}</annotation>"
        (folder / f"annotations/{number}.xml").write_text(xml)
    (folder / "all.txt").write_text("".join(f"images/{n}.png\n" for n in range(count)))
