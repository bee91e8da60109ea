"""Where Pascal VOC's images and xml lie, as LabelImg, Kaggle, Pascal and others have it."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import unescape

from maskdet.datasets.image_files import SUFFIXES, list_images
from maskdet.datasets.image_list import read_list
from maskdet.datasets.image_lookup import shared_folders
from maskdet.datasets.samples import inside
from maskdet.datasets.splits import PARTS
from maskdet.system.file_names import folded_name
from maskdet.system.text_files import decode_start

LAYOUTS = (
    ("images", "annotations"),
    ("JPEGImages", "Annotations"),
    ("images", "labels"),
    ("images", "xmls"),
)
"""Folders of images, and of their xml."""
SETS = Path("ImageSets/Main")
"""Where Pascal lists the images of each part."""
_FILENAME = re.compile("<filename>([^<]+)</filename>")
XML = "*.[xX][mM][lL]"


def parts_of_stems(folder: Path) -> dict[str, str]:
    """The part of each image, by its folded stem, where Pascal's lists have it."""
    parts: dict[str, str] = {}
    for part in PARTS:
        file = folder / SETS / f"{part}.txt"
        for line in read_list(file) if file.is_file() else []:
            stem = folded_name(Path(line.replace("\\", "/")).name).removesuffix(".jpg")
            parts[stem] = part if parts.get(stem, part) == part else ""
    return parts


def holds_xml(folder: Path) -> bool:
    """Whether xml lies in a folder, or in folders of it."""
    return next(folder.rglob(XML), None) is not None


def in_other_layout(folder: Path, labels: str) -> bool:
    """Whether xml lies in another place than the usual one, which a later layout may know."""
    return any(holds_xml(folder / other) for _, other in LAYOUTS if other != labels) or holds_xml(
        folder
    )


def images_in(folder: Path) -> list[Path]:
    """Images of a folder; of its folders, where it holds none itself and has such a name."""
    # a Mac leaves a file named ._x.png beside x.png on other systems' disks and in archives
    files = (file for file in folder.glob("*") if not file.name.startswith("."))
    found = sorted(file for file in files if file.suffix.lower() in SUFFIXES)
    if not found and folder.name in {images for images, _ in LAYOUTS}:
        return list_images(folder) if folder.is_dir() else []
    return found


def stated_name(xml: Path) -> str:
    """The last part of the image's name that an xml states; empty: it states none."""
    try:
        with open(xml, "rb") as file:
            found = _FILENAME.search(decode_start(file.read(4096)))
    except OSError:
        return ""
    return re.split(r"[\\/]", unescape(found[1]).strip())[-1] if found else ""


class XmlFinder:
    """Finds the xml of an image: in the usual places, or anywhere, if its stem is unique."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._all: dict[str, list[str]] | None = None
        self._folded: dict[str, list[str]] = {}
        self._stated: dict[str, list[str]] | None = None
        self._images: Counter[str] = Counter()
        self._folded_images: Counter[str] = Counter()

    def find(self, name: str, *, required: bool = True) -> Path | None:
        """The xml of an image that is named relative to the root; the usual place if required."""
        usual = next(_xml_names(name))
        wanted = [path for path in _xml_names(name) if not path.startswith("..")]
        is_of_twin = False
        for path in wanted:
            if (self._root / path).is_file():
                xml = inside(self._root, path)
                if required or not self._is_of_twin(xml, name):
                    return xml
                is_of_twin = True
        if is_of_twin:
            return None
        if found := self._by_last_parts(Path(name)) or self._by_stated_name(Path(name)):
            return inside(self._root, found)
        # one that lies outside is named as that
        missing = usual if (self._root / usual).is_file() else wanted[0]
        return inside(self._root, missing) if required else None

    def _is_of_twin(self, xml: Path, name: str) -> bool:
        """Whether an xml states the name of another image of that stem: a.jpg beside a.png."""
        image = self._root / name
        stated = stated_name(xml)
        is_twin = stated != image.name and os.path.splitext(stated)[0] == image.stem
        return is_twin and os.path.isfile(image.with_name(stated))

    def _by_last_parts(self, image: Path) -> str | None:
        """The one xml of an image's stem, or the one in folders of the same names."""
        found = self._by_stem().get(image.stem, [])
        if len(found) == 1 and self._images[image.stem] == 1:
            return found[0]
        if not found:  # a.xml of A.jpg, or an accent in its other writing
            folded = folded_name(image.stem)
            found = self._folded.get(folded, [])
            return found[0] if len(found) == self._folded_images[folded] == 1 else None
        shared = [shared_folders(Path(xml).parent.parts, image.parent.parts) for xml in found]
        most = max(shared, default=0)
        return found[shared.index(most)] if most and shared.count(most) == 1 else None

    def _by_stated_name(self, image: Path) -> str | None:
        """The one xml of another stem that names an image as its own."""
        if self._stated is None:
            self._stated = {}
            for stem, files in self._by_stem().items():
                for xml in files if stem not in self._images else ():
                    stated = folded_name(stated_name(self._root / xml))
                    self._stated.setdefault(stated, []).append(xml)
        found = self._stated.get(folded_name(image.name), [])
        return found[0] if len(found) == 1 else None

    def _by_stem(self) -> dict[str, list[str]]:
        if self._all is None:
            self._all = {}
            stems = [file.stem for file in list_images(self._root)]
            self._images.update(stems)
            self._folded_images.update(map(folded_name, stems))
            for file in sorted(self._root.rglob(XML)):
                if not file.name.startswith("."):
                    relative = os.path.relpath(file, self._root)
                    self._all.setdefault(file.stem, []).append(relative)
                    self._folded.setdefault(folded_name(file.stem), []).append(relative)
        return self._all


def _xml_names(name: str) -> Iterator[str]:
    """Where the xml of an image may lie, relative to the same folder."""
    path = Path(name)
    beside = [Path(name, "../..", labels) for _, labels in LAYOUTS]
    places = [beside[0], path.parent, *beside[1:]]
    folders = path.parent.parts
    for index in reversed(range(len(folders))):  # images/a/b.png, annotations/a/b.xml
        for images, labels in LAYOUTS:
            if folders[index] == images:
                places.append(Path(*folders[:index], labels, *folders[index + 1 :]))
    for place in dict.fromkeys(map(os.path.normpath, places)):
        yield os.path.join(place, f"{path.stem}.xml")
        yield os.path.join(place, f"{path.stem}.XML")
        yield os.path.join(place, f"{path.name}.xml")
