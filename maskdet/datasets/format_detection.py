"""Detection of a data set's format by its files, and reading it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from maskdet.datasets.formats import FORMATS
from maskdet.datasets.formats.labels_file import (
    KINDS,
    RETINANET_FIELDS,
    TABLES,
    first_fields,
    first_shard,
    holds_boxes,
    kind_of_labels,
)
from maskdet.datasets.formats.tfrecord.tfrecord_files import NAME
from maskdet.datasets.formats.unsupported import folder_tool
from maskdet.datasets.formats.voc.voc_layout import LAYOUTS, XML
from maskdet.datasets.formats.yolo.yolo_data_yaml import plans_in
from maskdet.datasets.formats.yolo.yolo_labels import CLASS_LISTS, TEXTS
from maskdet.datasets.image_files import (
    list_images,
    note_unlisted,
    note_unreadable_folders,
    turn_labels,
    unreadable_hint,
)
from maskdet.datasets.image_list import refuse_boxes_in_lists
from maskdet.datasets.problems import Problems
from maskdet.datasets.reader_input import Source, file_of_name
from maskdet.datasets.samples import DataSet
from maskdet.datasets.splits import in_parts, joined, part_of_name
from maskdet.datasets.text import MAX_BYTES
from maskdet.errors import DatasetError, reason_of

AUTO = "auto"
BESIDE_XML = "labels of other formats that were not read, as xml goes before them; --format chooses"
SEVERAL = "pictures that more than one file of labels has, each with its own boxes"
_INNER = ("annotations", "data", "labels")
"""Folders beside those of images in which files of labels lie."""
_ONE_LIST = ("coco", "csv", "retinanet")
"""Formats in which a file names the images there are."""
_WITHOUT_SIZES = ("yolo", "retinanet")
"""Formats whose labels do not state how large their images are."""


def read(
    path: Path,
    root: Path,
    kind: str = AUTO,
    class_list: Path | None = None,
    problems: Problems | None = None,
) -> tuple[DataSet, str]:
    """Reads a data set of any format.

    Args:
        path: its labels, or a folder that they are found in.
        root: no image may lie outside of this folder.
        kind: a key of `FORMATS`; `AUTO` for telling it by the files.
        class_list: see `Source`.
        problems: collects what is wrong and lets the rest be read; None: anything wrong is raised.

    Returns:
        The data set, and the format it had.

    Raises:
        DatasetError: it cannot be read; with `problems`, not even in part.
    """
    mistakes = Problems() if problems is None else problems
    note_unreadable_folders(root, mistakes)
    try:
        found = locate(path, kind)
        if kind == AUTO and path.is_dir() and found == [("voc", path)]:
            _note_others(path, mistakes)
        whole = _read_all(found, root, class_list, mistakes)
        if path.is_dir() and found[0][0] in _ONE_LIST and not mistakes.count:
            note_unlisted(path, whole, mistakes)
        if problems is None:
            mistakes.check()
        if not whole.samples and not mistakes.count:
            raise DatasetError(f"{found[0][1]}: has no pictures")
    except DatasetError as error:
        raise DatasetError(f"{error}{unreadable_hint(mistakes)}") from None
    return whole, found[0][0]


Labels = tuple[str, Path]
"""A format, and the file or folder of labels in it."""


def _read_all(
    found: list[Labels], root: Path, class_list: Path | None, problems: Problems
) -> DataSet:
    sets = []
    owners: dict[Path, Path] = {}
    for name, labels in found:
        data = FORMATS[name].read(Source(labels, root, class_list), problems)
        data = turn_labels(data, problems, have_sizes=name not in _WITHOUT_SIZES)
        sets.append(in_parts(data, root, labels))
        for sample in data.samples:
            if not sample.span and (other := owners.setdefault(sample.file, labels)) != labels:
                problems.note(SEVERAL, sample.file, f"{other.name} and {labels.name}")
    return joined(sets)


def locate(path: Path, kind: str = AUTO) -> list[Labels]:
    """The format of a data set, and the files or folders of its labels, one for each of its parts.

    Raises:
        DatasetError: it cannot be detected.
    """
    if not os.path.exists(path) and kind != "voc":
        if shard := first_shard(path):
            return [("tfrecord", shard)]
        raise DatasetError(f"{path}: no such file or folder")
    if not path.is_dir():
        return [(kind if kind != AUTO else _kind_of(path), path)]
    try:
        return _in_folder(path, kind)
    except OSError as error:
        reason = reason_of(error)
        raise DatasetError(f"{path}: cannot be looked into: {reason}") from None


def _in_folder(folder: Path, kind: str) -> list[Labels]:
    """The labels in a folder, as the folder's own files, or those below, indicate."""
    candidates = _candidates(folder, kind)
    if not candidates:
        if inner := _divided(folder, kind):
            return inner
        if kind == AUTO and (unpacked := _unpacked(folder)):
            return locate(unpacked)
        if kind == AUTO and _xml_somewhere(folder):
            return [("voc", folder)]
    if kind != AUTO and (not candidates or not FORMATS[kind].one_file):
        return [(kind, folder)]
    return _choose(folder, candidates) or [_without_labels(folder)]


def _note_others(folder: Path, problems: Problems) -> None:
    """Notes labels of other formats beside xml, which goes before them."""
    lists = {Path(name).name for name in CLASS_LISTS}
    texts = (file for file in (folder / "labels").rglob(TEXTS) if file.name not in lists)
    for name, labels in _candidates(folder, AUTO):
        is_list_alone = name == "yolo" and next(texts, None) is None
        if name != "voc" and not is_list_alone and not _is_other((name, labels)):
            shown = f"labels of {name} in {folder}" if labels == folder else labels
            problems.note(BESIDE_XML, shown, "")


def _divided(folder: Path, kind: str) -> list[Labels]:
    """The labels in folders that are named after parts: ``train``, ``valid``, ``test``."""
    inner = sorted(p for p in folder.iterdir() if p.is_dir() and part_of_name(p.name))
    found = []
    for path in inner:
        found += _choose(path, _candidates(path, kind))
    return found if len({name for name, _ in found}) == 1 else []


def _xml_somewhere(folder: Path) -> bool:
    """Whether xml lies in folders of any name, beside images or not."""
    hidden = (".", "__")  # folders of editors, and what a Mac leaves in archives
    return any(
        not any(part.startswith(hidden) for part in file.relative_to(folder).parts)
        for file in folder.rglob(XML)
    )


def _unpacked(folder: Path) -> Path | None:
    """The one folder in a folder that holds labels, as an archive unpacks into one of its own."""
    if any((folder / images).is_dir() for images, _ in LAYOUTS):
        return None
    inner = [path for path in folder.iterdir() if path.is_dir() and path.name[0] not in "._"]
    holding = [path for path in inner if _is_whole(path)]
    if not holding and len(inner) == 1 and _unpacked(inner[0]):
        return inner[0]
    return holding[0] if len(holding) == 1 else None


def _is_whole(folder: Path) -> bool:
    """Whether a folder holds labels, and those that are files beside images have images."""
    found = _candidates(folder, AUTO) or _divided(folder, AUTO)
    kind, _ = found[0] if found else ("", folder)
    return bool(kind) and (kind not in ("voc", "yolo") or bool(list_images(folder)))


def _choose(folder: Path, candidates: list[Labels]) -> list[Labels]:
    """The one candidate; or xml, which is where other labels were made from; or one a part.

    Raises:
        DatasetError: there are several, and none of them goes before.
    """
    if len(candidates) > 1 and candidates[0][0] == "voc":
        return candidates[:1]
    if len(candidates) > 1:
        # settings and notes of tools, files of other formats: the first one's reader names it
        candidates = [entry for entry in candidates if not _is_other(entry)] or candidates[:1]
    if instances := [entry for entry in candidates if entry[1].name.startswith("instances_")]:
        candidates = instances  # captions and key points of the same images lie beside them
    if len(candidates) > 1 and not _are_parts(candidates):
        raise _several(folder, candidates)
    return candidates


def _are_parts(candidates: list[Labels]) -> bool:
    """Whether files of one format are each named after a part of its own."""
    parts = [part_of_name(labels.stem) for _, labels in candidates]
    has_one_kind = len({kind for kind, _ in candidates}) == 1
    return has_one_kind and all(parts) and len(set(parts)) == len(parts)


def _without_labels(folder: Path) -> Labels:
    """The format whose reader can name what is missing in a folder in which no labels were found.

    Raises:
        DatasetError: there is none.
    """
    if any((folder / images).is_dir() for images, _ in LAYOUTS):
        return "voc", folder
    images, known = list_images(folder), ", ".join(FORMATS)
    if any(image.with_suffix(".txt").is_file() for image in images):
        return "yolo", folder  # whose reader asks for a list of classes
    refuse_boxes_in_lists(folder)
    if tool := folder_tool(folder, images):
        raise DatasetError(f"{folder}: {tool}")
    raise DatasetError(
        f"{folder}: holds no labels that are known ({known}); give their file, or the folder above "
        "images/ and annotations/"
    )


def _is_other(labels: Labels) -> bool:
    """Whether a file is certainly no labels: json that is not COCO's, a table of other columns."""
    kind, file = labels
    if kind == "retinanet":
        return len(first_fields(file)) != RETINANET_FIELDS
    if kind != "coco" or file.stat().st_size > MAX_BYTES:
        return False
    content = file.read_bytes()
    return bool(content.strip()) and b'"images"' not in content


def _several(folder: Path, candidates: list[Labels]) -> DatasetError:
    listed = ", ".join(f"{labels.name} ({kind})" for kind, labels in candidates[:6])
    return DatasetError(
        f"{folder}: holds several sets of labels: {listed}; name one of them as the data: "
        "its file, or the folder above images/ and annotations/"
    )


def is_labels(file: Path) -> bool:
    """Whether a path is that of labels, not of a list of images."""
    return file.is_dir() or bool(NAME.search(file.name)) or file.suffix.lower() in KINDS


def _candidates(folder: Path, kind: str) -> list[Labels]:
    """Formats that a folder's files indicate, of those that are wanted, with their labels."""
    return [entry for entry in _all_candidates(folder) if kind in (AUTO, entry[0])]


def _all_candidates(folder: Path) -> Iterator[Labels]:
    inner_xml = (folder / annotations for _, annotations in LAYOUTS)
    if next(folder.glob(XML), None) or any(next(place.rglob(XML), None) for place in inner_xml):
        yield "voc", folder
    entries = sorted(folder.iterdir())
    if any(NAME.search(file.name) for file in entries):
        yield "tfrecord", folder
    inner = (folder / name for name in _INNER)
    below = (file for place in inner if place.is_dir() for file in sorted(place.iterdir()))
    for file in [*entries, *below]:
        if file.suffix.lower() == ".json" and file.is_file():
            yield "coco", file
        elif file.suffix.lower() in TABLES and file.is_file() and holds_boxes(file):
            yield _kind_of(file), file
    listed = any(file_of_name(folder, name) for name in CLASS_LISTS)
    if _holds_texts(folder / "labels") or listed or plans_in(folder):
        yield "yolo", folder


def _holds_texts(folder: Path) -> bool:
    """Whether a folder is there and may hold YOLO's labels: some, or none of any kind."""
    if not folder.is_dir():
        return False
    return next(folder.rglob(TEXTS), None) is not None or next(folder.iterdir(), None) is None


def _kind_of(file: Path) -> str:
    return kind_of_labels(file, ", ".join(FORMATS))
