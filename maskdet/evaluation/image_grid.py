"""Images with their true and their found faces side by side, many on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from imutils import build_montages
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import IdentityTransform

from maskdet.datasets.samples import Sample
from maskdet.detections import CLASS_NAMES, Detections, MaskState
from maskdet.evaluation.plots import STYLES, png, title_of
from maskdet.images.letterbox import letterbox
from maskdet.system.file_names import readable_name

DPI = 100
HEADER_PIXELS = 34
"""Pixels above the images, for the legend."""
MIN_LEGIBLE_PIXELS = 24
"""Pixels from which a face on the sheet has room for a word above it."""
_COLUMNS = 3
"""Images in a row, each with its labels and with its detections."""


@dataclass(frozen=True, eq=False)
class Pair:
    """One image, what is in it and what was found."""

    sample: Sample
    found: Detections


def sheet(pairs: Sequence[Pair], heading: str, *, tile: int = 320) -> bytes:
    """A PNG of images, each twice: left with its labels, right with the detections.

    Args:
        pairs: one or more; the detections are those to be shown.
        heading: stands on top.
        tile: side in pixels of each image's place.
    """
    columns = min(_COLUMNS, len(pairs))
    rows = -(-len(pairs) // columns)
    boxed = [letterbox(pair.sample.read(), tile, tile) for pair in pairs]
    twice = [image for image, _ in boxed for _ in range(2)]
    montage = build_montages(twice, (tile, tile), (2 * columns, rows))[0]
    height, width = montage.shape[0] + HEADER_PIXELS, montage.shape[1]
    figure = Figure((width / DPI, height / DPI), dpi=DPI)
    figure.figimage(montage, 0, 0)  # pixel by pixel, from the bottom left
    painter = Painter(figure, height)
    for index, (pair, (_, factor)) in enumerate(zip(pairs, boxed, strict=True)):
        x, y = index % columns * 2 * tile, index // columns * tile + HEADER_PIXELS
        names = [CLASS_NAMES[state] for state in pair.sample.classes]
        painter.faces(pair.sample.boxes * factor + (x, y, x, y), names, names)
        x += tile
        found = pair.found
        names = [MaskState(state).name for state in found.states]
        labels = [f"{n} {score:.2f}" for n, score in zip(names, found.scores, strict=True)]
        painter.faces(found.boxes * factor + (x, y, x, y), names, labels)
        painter.divide(x + tile, y, y + tile, 2.0)
        painter.divide(x, y, y + tile, 0.5)
    painter.header(f"{heading}; left: labeled, right: found")
    return png(figure)


class Painter:
    """Draws in pixels from the top left."""

    def __init__(self, figure: Figure, height: int) -> None:
        self._figure = figure
        self._height = height
        self._pixels = IdentityTransform()

    def faces(self, boxes: np.ndarray, names: Sequence[str], labels: Sequence[str]) -> None:
        """Boxes (N, 4) in their states' styles, with a label where there is room."""
        for (x1, y1, x2, y2), name, label in zip(boxes.tolist(), names, labels, strict=True):
            color, line = STYLES[name]
            corner, size = (x1, self._height - y2), (x2 - x1, y2 - y1)
            for back, thick in (("white", 2.6), (color, 1.6)):  # legible on any image
                self._figure.add_artist(
                    Rectangle(
                        corner, *size, fill=False, edgecolor=back, linewidth=thick,
                        linestyle="solid" if back == "white" else line,
                        transform=self._pixels,
                    )
                )  # fmt: skip
            if min(size) >= MIN_LEGIBLE_PIXELS:
                title = label.replace(name, title_of(name))
                self._text(x1, max(y1, HEADER_PIXELS + 10), title, color)

    def divide(self, x: float, top: float, bottom: float, thick: float) -> None:
        """An upright white line."""
        ends = [self._height - top, self._height - bottom]
        self._figure.add_artist(
            Line2D([x, x], ends, color="white", linewidth=thick, transform=self._pixels)
        )

    def header(self, text: str) -> None:
        """Text above the images, and what each style means."""
        lines = [
            Line2D([], [], color=color, linestyle=line, linewidth=2, label=title_of(name))
            for name, (color, line) in STYLES.items()
            if name in CLASS_NAMES
        ]
        self._figure.legend(
            handles=lines, loc="upper right", ncols=len(lines), frameon=False, fontsize=9
        )
        self._figure.text(
            8, self._height - 11, readable_name(text), transform=self._pixels, va="top", fontsize=9,
            parse_math=False,
        )  # fmt: skip

    def _text(self, x: float, y: float, text: str, color: str) -> None:
        self._figure.text(
            x, self._height - y, readable_name(text), transform=self._pixels, va="bottom",
            fontsize=6, parse_math=False, color="white",
            bbox={"facecolor": color, "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip
