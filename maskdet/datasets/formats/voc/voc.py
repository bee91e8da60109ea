"""Pascal VOC xml as LabelImg writes it, laid out as Kaggle does: `images/`, `annotations/`.

An xml may also lie beside its image, where LabelImg puts it by default, the folders may have
Pascal's own names, `JPEGImages/` and `Annotations/`, and folders of their own for each part.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np

from maskdet.datasets.builder import SHARED, DatasetBuilder, Labeled, turned_corners
from maskdet.datasets.class_list import lost_classes
from maskdet.datasets.formats.unsupported import xml_tool
from maskdet.datasets.formats.voc.voc_layout import (
    LAYOUTS,
    XML,
    XmlFinder,
    holds_xml,
    images_in,
    in_other_layout,
    parts_of_stems,
    stated_name,
)
from maskdet.datasets.formats.voc.voc_xml import parse
from maskdet.datasets.image_files import list_images
from maskdet.datasets.image_list import ListedImages, read_list
from maskdet.datasets.problems import Problems
from maskdet.datasets.reader_input import Source
from maskdet.datasets.samples import DataSet, inside
from maskdet.datasets.text import number, shown_number
from maskdet.errors import DatasetError
from maskdet.system.atomic_files import write_whole
from maskdet.system.file_names import folded_name

EDGES = ("xmin", "ymin", "xmax", "ymax")
_PARTS_OF_OBJECTS = ("object", "bndbox", "robndbox", "xmin")
_NO_NUMBER = ("", "none", "null", "nan")
UNLABELED = "pictures without xml that were left out"
ORPHANS = "xml files without picture that were left out"
OF_ANOTHER = (
    "xml files that state the name of another picture that is there; their own name was taken"
)
SECOND = "xml files whose picture has another one, which were left out"


def read(source: Source, problems: Problems) -> DataSet:
    """Reads a folder, or the images below `source.root` that a list (a text file) names.

    Raises:
        DatasetError: there are no images, or the list cannot be read.
    """
    folder = source.path if source.path.is_dir() else None
    names = _names_in(source, problems) if folder else read_list(source.path)
    if not names and folder:
        _refuse_other_xml(folder)
        if there := list_images(folder):
            raise DatasetError(
                f"{folder}: none of its {len(there)} pictures has an xml of its name, beside it or "
                "in annotations/"
            )
        where = source.path / "images"
        raise DatasetError(f"{source.path}: no pictures in {where}; give the folder above them")
    if not names:
        raise DatasetError(f"{source.path}: names no pictures; one a line, below {source.root}")
    builder = DatasetBuilder(problems, source.names())
    listed, labels = ListedImages(source.root, problems), XmlFinder(source.root)
    parts = parts_of_stems(folder) if folder else {}
    for name in names:
        try:
            found = name if folder else listed.find(name)
            part = parts.get(folded_name(Path(found).stem), "")
            _read_image(source.root, found, labels, builder, part)
        except DatasetError as error:
            problems.add_line(str(error))
    return builder.dataset()


def _refuse_other_xml(folder: Path) -> None:
    """Names the tool whose xml, one file for all images, lies in a folder.

    Raises:
        DatasetError: there is such a file.
    """
    for xml in sorted(folder.rglob(XML))[:2]:
        if tool := xml_tool(parse(xml).tag):
            raise DatasetError(f"{xml}: {tool}")


def _names_in(source: Source, problems: Problems) -> list[str]:
    """Names, relative to `source.root`, of a folder's images."""
    folder = source.path
    for images, labels in LAYOUTS:
        files = images_in(folder / images)
        if files and (holds_xml(folder / labels) or not in_other_layout(folder, labels)):
            return _labeled(folder, folder / labels, files, source, problems)
    return _labeled(folder, folder, images_in(folder) or list_images(folder), source, problems)


def _labeled(
    folder: Path, labels: Path, files: Sequence[Path], source: Source, problems: Problems
) -> list[str]:
    """Names of those of a folder's images that have xml; the others are in a note."""
    finder = XmlFinder(folder)
    labeled, taken = [], set[Path]()
    names = {file.name for file in files}
    for file in files:
        if xml := finder.find(os.path.relpath(file, folder), required=False):
            labeled.append(os.path.relpath(file, source.root))
            if xml in taken:
                problems.note(SHARED, file, xml.name)
            taken.add(xml)
            stated = stated_name(xml)
            if stated in names and Path(stated).stem != file.stem:
                problems.note(OF_ANOTHER, xml, f"states {stated}, and was taken for {file.name}")
        else:
            problems.note(UNLABELED, file, "")
    _note_orphans(labels, files, taken, problems)
    return labeled


def _note_orphans(
    folder: Path, images: Sequence[Path], taken: Set[Path], problems: Problems
) -> None:
    """Takes a note of each xml that no image has, or whose image has another one."""
    names = {folded_name(name) for image in images for name in (image.stem, image.name)}
    beside = {xml for place in {image.parent for image in images} for xml in place.glob(XML)}
    for xml in sorted({*folder.rglob(XML), *beside} - taken):
        known = folded_name(xml.stem) in names or folded_name(stated_name(xml)) in names
        if not xml.name.startswith("."):
            problems.note(SECOND if known else ORPHANS, xml, "")


def _read_image(
    root: Path, name: str, labels: XmlFinder, builder: DatasetBuilder, part: str
) -> None:
    """Takes one image and its xml.

    Raises:
        DatasetError: image or xml is missing or no xml; wrong boxes go to the problems.
    """
    image = inside(root, name)
    if not os.path.isfile(image):
        raise DatasetError(f"{image}: no such picture")
    xml = labels.find(name)
    assert xml is not None
    try:
        tree = parse(xml, builder.problems)
    except FileNotFoundError:
        hint = ""
        if image.with_suffix(".txt").is_file():
            hint = "; labels of YOLO lie beside it: give their folder, and the list by --images"
        raise DatasetError(f"{image}: has no annotation {xml}{hint}") from None
    try:
        if tool := xml_tool(tree.tag):
            raise DatasetError(tool)
        width, height = _size(tree)
    except DatasetError as error:
        raise DatasetError(f"{xml}: {error}") from None
    if target := builder.image(image, width, height, xml):
        target.part = part
        objects = list(tree.iter("object"))
        other = next((e for e in tree.iter() if e.tag.lower() in _PARTS_OF_OBJECTS), None)
        if not objects and other is not None:
            place = f"{xml}:{other.get('line')}"
            builder.problems.add(place, f"<{other.tag}> stands in no <object>; correct the xml")
        for item in objects:
            if (item.findtext("deleted") or "").strip() in ("1", "yes"):  # LabelMe's own xml
                continue
            place = f"{xml}:{item.get('line')}"
            try:
                _take_box(item, target, builder, place)
            except DatasetError as error:
                builder.problems.add(place, str(error))


def _size(tree: Element) -> tuple[float, float]:
    """Width and height that an xml states: in ``size``, or LabelMe's ``imagesize``; else 0 by 0.

    Raises:
        DatasetError: one of them is missing, or no number.
    """
    if tree.find("imagesize") is not None and tree.find("size") is None:
        return _number(tree, "imagesize/ncols"), _number(tree, "imagesize/nrows")
    stated = [(tree.findtext(f"size/{side}") or "").strip() for side in ("width", "height")]
    if tree.find("object") is not None and all(s.lower() in _NO_NUMBER for s in stated):
        return 0, 0
    return _number(tree, "size/width"), _number(tree, "size/height")


def _take_box(item: Element, image: Labeled, builder: DatasetBuilder, place: str) -> None:
    """Takes the box of an object: `bndbox`, or what turned boxes and outlines stand in.

    Raises:
        DatasetError: it has none, or one that is not made of numbers.
    """
    name = item.findtext("name") or ""
    if (count := len(item.findall("bndbox"))) > 1:
        raise DatasetError(f"<object> has {count} <bndbox>; write an <object> for each")
    turned, outline = item.find("robndbox"), item.find("polygon")
    if item.find("bndbox") is not None or (turned is None and outline is None):
        box = [_number(item, f"bndbox/{edge}") for edge in EDGES]
        if (degrees := _rotation(item)) and box[2] > box[0] and box[3] > box[1]:
            x1, y1, x2, y2 = box
            corners = turned_corners((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, degrees)
            builder.outline(image, corners, name, place)
        else:
            builder.box(image, box, name, place)
    elif turned is not None:  # roLabelImg's, the angle in radians
        x, y, width, height, angle = (_number(turned, k) for k in ("cx", "cy", "w", "h", "angle"))
        corners = turned_corners(x, y, width, height, math.degrees(angle))
        builder.outline(image, corners, name, place)
    elif outline is not None:
        builder.outline(image, _points(outline), name, place)


def _rotation(item: Element) -> float:
    """Degrees that a box is turned by, where CVAT keeps them among its attributes."""
    for attribute in item.iterfind("attributes/attribute"):
        if (attribute.findtext("name") or "").strip() == "rotation":
            degrees = number(attribute.findtext("value") or "")
            return degrees if math.isfinite(degrees) and abs(degrees) % 180 else 0.0
    return 0.0


def _points(outline: Element) -> list[float]:
    """``<x1>…<y1>…`` or ``<pt><x>…<y>…`` as x, y, x, y …

    Raises:
        DatasetError: they are fewer than three.
    """
    leaves = [leaf for leaf in outline.iter() if leaf.tag[:1] in "xy" and len(leaf) == 0]
    across = [number(leaf.text or "") for leaf in leaves if leaf.tag.startswith("x")]
    down = [number(leaf.text or "") for leaf in leaves if leaf.tag.startswith("y")]
    if len(across) != len(down) or len(across) < 3:
        raise DatasetError("<polygon> has no three points <x1> <y1> …")
    return [value for point in zip(across, down, strict=True) for value in point]


def _number(element: Element, path: str) -> float:
    text = element.findtext(path)
    if text is None:
        raise DatasetError(f"<{element.tag}> has no <{path}>")
    value = number(text)
    if not np.isfinite(value):
        raise DatasetError(f"<{path}> is {text[:40]!r}, not a number")
    return value


def write(data: DataSet, names: Sequence[str], file: Path) -> list[str]:
    """Writes a folder of xml files; see `od_csv.write`."""
    file.mkdir()
    for sample, name in zip(data.samples, names, strict=True):
        root = Element("annotation")
        texts = {"folder": Path(name).parent.name, "filename": Path(name).name}
        _put(root, texts)
        _put(SubElement(root, "size"), {"width": sample.width, "height": sample.height, "depth": 3})
        _put(root, {"segmented": 0})
        for box, index in zip(sample.boxes.tolist(), sample.classes.tolist(), strict=True):
            item = SubElement(root, "object")
            _put(item, {"name": data.names[index], "pose": "Unspecified"})
            _put(item, {"truncated": 0, "difficult": 0})
            edges = dict(zip(EDGES, map(shown_number, box), strict=True))
            _put(SubElement(item, "bndbox"), edges)
        indent(root, "\t")
        write_whole(file / f"{Path(name).stem}.xml", tostring(root, "utf-8"))
    return lost_classes(data)


def _put(element: Element, texts: dict[str, Any]) -> None:
    for tag, text in texts.items():
        SubElement(element, tag).text = str(text)
