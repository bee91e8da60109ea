"""Pascal VOC xml as LabelImg writes it, laid out as Kaggle does: `images/`, `annotations/`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException, ElementTree

from maskdet.detections import CLASS_NAMES
from maskdet.errors import DatasetError
from maskdet.training.dataset import Sample, class_index, inside

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
LARGEST = 2**20
"""No picture is wider or higher than this: OpenCV reads none that is."""


def read_folder(
    data: Path, names: Iterable[str] | None = None, labelled: Sequence[str] = CLASS_NAMES
) -> list[Sample]:
    """Reads annotated pictures below a folder.

    Args:
        data: the folder; with no names, it has `images/` and `annotations/`.
        names: pictures relative to `data`; each one's xml lies in `annotations/` beside its
            `images/`. None: every picture of `data/images`.
        labelled: classes that these pictures' labels know.

    Raises:
        DatasetError: a picture or annotation is missing or wrong.
    """
    if names is None:
        names = sorted(
            str(file.relative_to(data))
            for file in (data / "images").glob("*")
            if file.suffix.lower() in SUFFIXES
        )
    known = tuple(class_index(name) for name in labelled)
    samples = [read_sample(data, name, known) for name in names]
    if not samples:
        raise DatasetError(f"{data}: no pictures in {data / 'images'}; give the folder above them")
    return samples


def read_list(file: Path) -> list[str]:
    """The lines of a list of pictures, blank ones left out.

    Raises:
        DatasetError: the list cannot be read.
    """
    try:
        return [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file}: cannot be read as a list of pictures: {error}") from None


def read_sample(data: Path, name: str, labelled: tuple[int, ...]) -> Sample:
    """One picture's annotation.

    Args:
        data: the folder that neither picture nor xml may lie outside of.
        name: the picture's, relative to it.
        labelled: see `Sample`.

    Raises:
        DatasetError: picture or xml is missing, or the xml is wrong.
    """
    image = inside(data, name)
    if not os.path.isfile(image):
        raise DatasetError(f"{image}: no such picture")
    folder = os.path.normpath(os.path.join(name, "../../annotations"))
    xml = inside(data, os.path.join(folder, f"{image.stem}.xml"))
    try:
        root = ElementTree.parse(xml, forbid_dtd=True).getroot()
    except FileNotFoundError:
        raise DatasetError(f"{image}: has no annotation {xml}") from None
    except (ParseError, DefusedXmlException, OSError, LookupError, ValueError) as error:
        raise DatasetError(f"{xml}: cannot be read as xml: {error}") from None
    try:
        return _sample(image, root, labelled)
    except DatasetError as error:
        raise DatasetError(f"{xml}: {error}") from None


def _sample(image: Path, root: Element, labelled: tuple[int, ...]) -> Sample:
    width, height = (_number(root, f"size/{side}") for side in ("width", "height"))
    if not (1 <= width <= LARGEST and 1 <= height <= LARGEST):
        raise DatasetError(f"size {width:g}×{height:g} is no picture's")
    width, height = int(width), int(height)
    boxes = [_box(item, width, height) for item in root.iter("object")]
    classes = [class_index((item.findtext("name") or "").strip()) for item in root.iter("object")]
    return Sample(
        image,
        width,
        height,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(classes, np.int64),
        labelled,
    )


def _box(item: Element, width: int, height: int) -> np.ndarray:
    """An object's box (4,), cut to the picture: tools that count from 1 reach over its edge."""
    box = [_number(item, f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")]
    shown = ", ".join(f"{edge:g}" for edge in box)
    if box[2] <= box[0] or box[3] <= box[1]:
        raise DatasetError(f"empty box {shown}; draw it again or remove it")
    cut = np.clip(box, 0, [width, height, width, height])
    if cut[2] <= cut[0] or cut[3] <= cut[1]:
        raise DatasetError(f"box {shown} lies outside the picture; draw it again or remove it")
    return cut


def _number(element: Element, path: str) -> float:
    text = element.findtext(path)
    if text is None:
        raise DatasetError(f"<{element.tag}> has no <{path}>")
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise DatasetError(f"<{path}> is {text[:40]!r}, not a number")
    return value
