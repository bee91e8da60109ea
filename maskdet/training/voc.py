"""Pascal VOC xml as LabelImg writes it, laid out as Kaggle does: `images/`, `annotations/`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException, ElementTree

from maskdet.detections import CLASS_NAMES
from maskdet.errors import DatasetError
from maskdet.training.dataset import Sample, class_index, inside

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


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
    samples = [read_sample(inside(data, name), known) for name in names]
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


def read_sample(image: Path, labelled: tuple[int, ...]) -> Sample:
    """One picture's annotation.

    Raises:
        DatasetError: picture or xml is missing, or the xml is wrong.
    """
    xml = image.parent.parent / "annotations" / f"{image.stem}.xml"
    if not image.is_file():
        raise DatasetError(f"{image}: no such picture")
    try:
        root = ElementTree.parse(xml, forbid_dtd=True).getroot()
    except FileNotFoundError:
        raise DatasetError(f"{image}: has no annotation {xml}") from None
    except (ParseError, DefusedXmlException, OSError, ValueError) as error:
        raise DatasetError(f"{xml}: cannot be read as xml: {error}") from None
    try:
        return _sample(image, root, labelled)
    except (DatasetError, ValueError) as error:
        raise DatasetError(f"{xml}: {error}") from None


def _sample(image: Path, root: Element, labelled: tuple[int, ...]) -> Sample:
    width, height = (int(_number(root, f"size/{side}")) for side in ("width", "height"))
    if width < 1 or height < 1:
        raise DatasetError(f"size {width}×{height} is no picture's")
    boxes, classes = [], []
    for item in root.iter("object"):
        box = [_number(item, f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")]
        box = np.clip(box, 0, [width, height, width, height]).tolist()
        if box[2] <= box[0] or box[3] <= box[1]:
            raise DatasetError(f"empty box {box}; draw it again or remove it")
        boxes.append(box)
        classes.append(class_index((item.findtext("name") or "").strip()))
    return Sample(
        image,
        width,
        height,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(classes, np.int64),
        labelled,
    )


def _number(element: Element, path: str) -> float:
    text = element.findtext(path)
    if text is None:
        raise DatasetError(f"<{element.tag}> has no <{path}>")
    value = float(text)
    if not np.isfinite(value):
        raise DatasetError(f"<{path}> is {text!r}, not a number")
    return value
