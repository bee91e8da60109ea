"""Some of a data set's images with their boxes, on one sheet."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from imutils import build_montages
from matplotlib.figure import Figure

from maskdet.datasets.samples import DataSet, Sample
from maskdet.errors import DatasetError
from maskdet.evaluation.image_grid import DPI, HEADER_PIXELS, Painter
from maskdet.evaluation.plots import png
from maskdet.images.letterbox import letterbox
from maskdet.model.class_names import guess_state

COLUMNS, ROWS = 6, 5
TILE_PIXELS = 240
"""Side in pixels of each image's place."""


def contact_sheet(data: DataSet, states: Mapping[str, str], heading: str) -> bytes:
    """A PNG of up to 30 images, drawn evenly from the data set, with boxes and class names.

    Args:
        data: images that cannot be read are passed over.
        states: by class name, where the guess will not do; they choose the boxes' colors.
        heading: stands on top.
    """
    chosen = _chosen(data.samples)
    columns = max(1, min(COLUMNS, len(chosen)))
    rows = max(1, -(-len(chosen) // columns))
    boxed = [letterbox(image, TILE_PIXELS, TILE_PIXELS) for _, image in chosen]
    blank = np.zeros((TILE_PIXELS, TILE_PIXELS, 3), np.uint8)
    tiles = [tile for tile, _ in boxed] or [blank]
    montage = build_montages(tiles, (TILE_PIXELS, TILE_PIXELS), (columns, rows))[0]
    height, width = montage.shape[0] + HEADER_PIXELS, montage.shape[1]
    figure = Figure((width / DPI, height / DPI), dpi=DPI)
    figure.figimage(montage, 0, 0)
    painter = Painter(figure, height)
    for index, ((sample, _), (_, factor)) in enumerate(zip(chosen, boxed, strict=True)):
        x, y = index % columns * TILE_PIXELS, index // columns * TILE_PIXELS + HEADER_PIXELS
        labels = [data.names[i] for i in sample.classes]
        names = [states.get(label) or _state(label) for label in labels]
        painter.faces(sample.boxes * factor + (x, y, x, y), names, labels)
    painter.header(heading)
    return png(figure)


def _chosen(samples: list[Sample]) -> list[tuple[Sample, np.ndarray]]:
    """Samples evenly drawn, with their images."""
    limit = COLUMNS * ROWS
    order = np.unique(np.linspace(0, len(samples) - 1, limit).round().astype(int))
    chosen = []
    for index in order if len(samples) else ():
        try:
            chosen.append((samples[index], samples[index].read()))
        except DatasetError:
            continue  # reported already
    return chosen


def _state(label: str) -> str:
    state = guess_state(label)
    return "unsure" if state is None else state.name
