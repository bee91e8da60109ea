"""A data set as Kaggle's archive lays it out: `images/*.png`, `annotations/*.xml`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskdet.detections import CLASS_NAMES
from tests.training.faces import picture

OBJECT = """<object><name>{}</name><bndbox>
<xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"""
SIZE = "<size><width>{}</width><height>{}</height><depth>3</depth></size>"


def write_voc_folder(folder: Path, count: int, faces: int = 2) -> list[str]:
    """Pictures of 120×96 with up to two faces each, their class shown by their color.

    Returns the pictures' names relative to the folder.
    """
    random = np.random.default_rng(0)
    for name in ("images", "annotations"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        corners = np.column_stack([random.integers(0, 20, 2) + (0, 60), random.integers(0, 50, 2)])
        boxes = np.concatenate([corners, corners + random.integers(28, 40, (2, 1))], axis=1)[:faces]
        classes = [number % 3, int(random.integers(3))][:faces]
        picture(folder / f"images/{number}.png", (96, 120), boxes.tolist(), classes)
        objects = [
            OBJECT.format(CLASS_NAMES[index], *box)
            for index, box in zip(classes, boxes, strict=True)
        ]
        xml = f"<annotation>{SIZE.format(120, 96)}{''.join(objects)}</annotation>"
        (folder / f"annotations/{number}.xml").write_text(xml)
    return [f"images/{number}.png" for number in range(count)]
