"""Pascal VOC xml as LabelImg writes it, laid out as Kaggle does: `images/`, `annotations/`.

An xml may also lie beside its picture, where LabelImg puts it unless told, and the folders may
have Pascal's own names, `JPEGImages/` and `Annotations/`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, indent, tostring
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler

import defusedxml.sax
import numpy as np
from defusedxml import DefusedXmlException

from maskdet.errors import DatasetError
from maskdet.files import write_whole
from maskdet.training.dataset import DataSet, inside
from maskdet.training.formats.class_list import lost_classes
from maskdet.training.formats.gathering import Gathering
from maskdet.training.formats.pictures import SUFFIXES
from maskdet.training.formats.problems import Problems
from maskdet.training.formats.source import Source
from maskdet.training.formats.text import number, shown_number

LAYOUTS = (("images", "annotations"), ("JPEGImages", "Annotations"))
"""Folders of pictures, and of their xml."""
EDGES = ("xmin", "ymin", "xmax", "ymax")
UNLABELLED = "pictures without xml that were left out"
ORPHANS = "xml files without picture that were left out"


def read(source: Source, problems: Problems) -> DataSet:
    """Reads a folder, or the pictures below `source.root` that a list (a text file) names.

    Raises:
        DatasetError: there are no pictures, or the list cannot be read.
    """
    names = _names_in(source, problems) if source.path.is_dir() else read_list(source.path)
    gathering = Gathering(problems, source.names())
    for name in names:
        try:
            _read_picture(source.root, name, gathering)
        except DatasetError as error:
            problems.add_line(str(error))
    if not names and source.path.is_dir():
        where = source.path / "images"
        raise DatasetError(f"{source.path}: no pictures in {where}; give the folder above them")
    if not names:
        raise DatasetError(f"{source.path}: names no pictures; one a line, below {source.root}")
    return gathering.dataset()


def read_list(file: Path) -> list[str]:
    """The lines of a list of pictures, blank ones left out.

    Raises:
        DatasetError: the list cannot be read.
    """
    try:
        return [line.strip() for line in file.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file}: cannot be read as a list of pictures: {error}") from None


def _names_in(source: Source, problems: Problems) -> list[str]:
    """Names, relative to `source.root`, of a folder's pictures."""
    folder = source.path
    for pictures, labels in LAYOUTS:
        if files := _pictures_in(folder / pictures):
            _note_orphans(folder / labels, files, problems)
            return [os.path.relpath(file, source.root) for file in files]
    files = _pictures_in(folder)
    _note_orphans(folder, files, problems)
    for file in files:
        if not _has_xml(file):
            problems.note(UNLABELLED, file, "")
    return [os.path.relpath(file, source.root) for file in files if _has_xml(file)]


def _note_orphans(folder: Path, pictures: Sequence[Path], problems: Problems) -> None:
    stems = {picture.stem for picture in pictures}
    for xml in sorted(folder.glob("*.xml")):
        if xml.stem not in stems and not xml.name.startswith("."):
            problems.note(ORPHANS, xml, "")


def _pictures_in(folder: Path) -> list[Path]:
    # a Mac leaves a file named ._x.png beside x.png on foreign disks and in archives
    files = (file for file in folder.glob("*") if not file.name.startswith("."))
    return sorted(file for file in files if file.suffix.lower() in SUFFIXES)


def _has_xml(picture: Path) -> bool:
    return picture.with_suffix(".xml").is_file()


def _read_picture(root: Path, name: str, gathering: Gathering) -> None:
    """Takes one picture and its xml.

    Raises:
        DatasetError: picture or xml is missing or no xml; wrong boxes go to the problems.
    """
    image = inside(root, name)
    if not os.path.isfile(image):
        raise DatasetError(f"{image}: no such picture")
    folders = ["../../annotations", "..", "../../Annotations"]
    normal = [os.path.normpath(os.path.join(name, folder)) for folder in folders]
    wanted = [os.path.join(folder, f"{image.stem}.xml") for folder in normal]
    found = [path for path in wanted if not path.startswith("..") and (root / path).is_file()]
    xml = inside(root, (found or wanted)[0])
    try:
        tree = parse(xml)
    except FileNotFoundError:
        raise DatasetError(f"{image}: has no annotation {xml}") from None
    try:
        width, height = (_number(tree, f"size/{side}") for side in ("width", "height"))
    except DatasetError as error:
        raise DatasetError(f"{xml}: {error}") from None
    if picture := gathering.picture(image, width, height, xml):
        for item in tree.iter("object"):
            place = f"{xml}:{item.get('line')}"
            try:
                box = [_number(item, f"bndbox/{edge}") for edge in EDGES]
            except DatasetError as error:
                gathering.problems.add(place, str(error))
                continue
            gathering.box(picture, box, item.findtext("name") or "", place)


class _Builder(ContentHandler):
    """Builds elements that know their line, as an attribute of that name."""

    def __init__(self) -> None:
        super().__init__()
        self._builder = TreeBuilder()
        self._locator: Any = None

    def setDocumentLocator(self, locator: Any) -> None:  # noqa: N802 (the parser's name)
        """Takes what tells the line."""
        self._locator = locator

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802
        """An element begins."""
        self._builder.start(name, {"line": str(self._locator.getLineNumber())})

    def endElement(self, name: str) -> None:  # noqa: N802
        """An element ends."""
        self._builder.end(name)

    def characters(self, content: str) -> None:
        """Text within an element."""
        self._builder.data(content)

    def root(self) -> Element:
        """All of it."""
        return self._builder.close()


def parse(xml: Path) -> Element:
    """The root of an xml file; document types and entities are refused.

    Raises:
        FileNotFoundError: there is none.
        DatasetError: it is no xml.
    """
    builder = _Builder()
    try:
        with open(xml, "rb") as file:
            defusedxml.sax.parse(file, builder, forbid_dtd=True)
        return builder.root()
    except FileNotFoundError:
        raise
    except SAXParseException as error:
        place = f"line {error.getLineNumber()}"
        reason = f"{error.getMessage()} ({place})"
    except (SAXException, DefusedXmlException, OSError, LookupError, ValueError) as error:
        reason = " ".join(str(error).split())
    raise DatasetError(f"{xml}: cannot be read as xml: {reason}")


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
