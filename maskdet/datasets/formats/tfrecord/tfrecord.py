"""TFRecord of the Object Detection API: one ``tf.train.Example`` per image, its file inside."""

from __future__ import annotations

from collections.abc import Sequence, Set
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from maskdet.datasets.builder import DatasetBuilder, Labeled, pixels, shown_box
from maskdet.datasets.class_list import label_map, read_classes
from maskdet.datasets.formats.tfrecord.tfrecord_files import (
    LABEL_MAP,
    NAME,
    label_map_of,
    read_records,
    write_record,
)
from maskdet.datasets.formats.tfrecord.tfrecord_messages import (
    Feature,
    example_bytes,
    example_features,
)
from maskdet.datasets.image_files import encoded, size_in
from maskdet.datasets.problems import Problems
from maskdet.datasets.reader_input import Source, class_of
from maskdet.datasets.samples import DataSet, Sample
from maskdet.errors import DatasetError
from maskdet.system.atomic_files import write_whole
from maskdet.system.console import counted

EDGES = ("xmin", "ymin", "xmax", "ymax")
REPEATED_RECORDS = (
    "records that repeat a picture, as writers of one record per box do, and were joined"
)
CROWDS = "regions of many objects (is_crowd, group_of) that were left out"
RENAMED = (
    "classes that the label map has under another name than the records, whose own name was taken"
)
SAME = "boxes of repeated records that their picture had already, as oversampling makes them"
Box = tuple[float, ...]


def shards(path: Path) -> list[Path]:
    """All files of a set: those of a folder, or one, or the shards that it is one of.

    Raises:
        DatasetError: there is none, or a shard is missing.
    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if NAME.search(file.name))
    elif (match := NAME.search(path.name)) and match[2]:
        start = path.name[: -len(match[2])]
        files = [path.with_name(f"{start}-{n:05}-of-{match[4]}") for n in range(int(match[4]))]
    else:
        files = [path]
    missing = [file for file in files if not file.is_file()]
    if missing or not files:
        raise DatasetError(f"{missing[0] if missing else path}: no such TFRecord file")
    return files


def read(source: Source, problems: Problems) -> DataSet:
    """Reads the records of all shards. The images stay where they are, inside the files.

    Raises:
        DatasetError: a file is damaged.
    """
    found = label_map_of(source.path) if source.class_list is None else None
    listed = source.classes() if found is None else read_classes(found, may_be_empty=True)
    reader = _Reader(problems, listed, found or source.class_list)
    for file in shards(source.path):
        for count, (start, raw) in enumerate(read_records(file), start=1):
            place = f"{file}: record {count}"
            try:
                reader.take(file, start, raw, place)
            except (DatasetError, ValueError) as error:
                problems.add(place, f"{str(error).removeprefix(f'{place}: ')[:200]}")
    return reader.dataset()


class _Reader:
    """Turns records into images; those that repeat an image become one."""

    def __init__(
        self, problems: Problems, listed: dict[int, str] | None, label_map: Path | None
    ) -> None:
        self._problems = problems
        self._label_map = label_map
        self._listed = listed
        names = tuple(listed.values()) if listed else None
        self._builder = DatasetBuilder(problems, names, in_pixels=False)
        self._images: dict[tuple[bytes, bytes], Labeled | None] = {}
        self._boxes_of: dict[tuple[bytes, bytes], set[tuple[Box, str]]] = {}
        self._labels: dict[int, str] = {}
        self._nameless: set[int | None] = set()

    def take(self, file: Path, start: int, raw: bytes, place: str) -> None:
        """Reads one record.

        Raises:
            DatasetError: it holds no image, or lists of unequal length.
            ValueError: it is no ``tf.train.Example``.
        """
        features = example_features(raw)
        content = _one(features, "image/encoded", bytes)
        if not content:
            raise DatasetError(
                "has no image/encoded, as records of the Object Detection API have; convert what "
                "it was made of"
            )
        name = _one(features, "image/filename", bytes) or _one(features, "image/source_id", bytes)
        key = (name or b"", blake2b(content).digest())
        if key in self._images and name:
            self._problems.note(REPEATED_RECORDS, place, name.decode("utf-8", "replace")[:80])
        else:
            span = (start + raw.index(content), len(content))
            title = (name or b"").decode("utf-8", "replace") or f"{start}"
            self._images[key] = self._image(features, content, file, span, title, place)
            self._boxes_of[key] = set()
        if image := self._images[key]:
            self._boxes_of[key] |= self._boxes(features, image, place, self._boxes_of[key])

    def _image(
        self,
        features: dict[str, Feature],
        content: bytes,
        file: Path,
        span: tuple[int, int],
        name: str,
        place: str,
    ) -> Labeled | None:
        size = [_one(features, f"image/{side}", int) for side in ("width", "height")]
        width, height = (s for s in size) if None not in size else size_in(content, place)
        assert width is not None and height is not None
        return self._builder.image(file, width, height, place, span=span, name=name)

    def _boxes(
        self,
        features: dict[str, Feature],
        image: Labeled,
        place: str,
        had: Set[tuple[Box, str]],
    ) -> set[tuple[Box, str]]:
        """Takes a record's boxes, but for those that earlier records of its image had.

        Returns:
            Box and class of each that was taken.
        """
        taken = set()
        sides = (image.width, image.height) * 2
        crowds = _crowds(features)
        for number, (box, text, label) in enumerate(_marked(features), start=1):
            where = f"{place}, box {number}"
            if number in crowds:
                self._problems.note(CROWDS, where, "")
                continue
            try:
                name = self._name(text, label, where)
            except DatasetError as error:
                is_nameless = not self._listed and not text
                if not (is_nameless and label in self._nameless):  # once a class, not a box
                    self._problems.add(where, str(error))
                if is_nameless:
                    self._nameless.add(label)
                continue
            if all(edge > 1 for edge in box[2:]):
                self._problems.add(
                    where,
                    f"box {shown_box(box)} is in pixels; records have shares of the picture, from "
                    "0 to 1: write them again",
                )
                continue
            edges_px = tuple(pixels(share, side) for share, side in zip(box, sides, strict=True))
            if (edges_px, name) in had:
                self._problems.note(SAME, where, name)
                continue
            taken.add((edges_px, name))
            self._builder.box(image, edges_px, name, where)
        return taken

    def _name(self, text: str, label: int | None, place: str) -> str:
        """The class of a box at a place, which may have a name, a number, or both.

        Raises:
            DatasetError: there is no such class, or the two do not fit.
        """
        if label is None:
            return text
        if not text:
            if not self._listed:
                raise DatasetError(
                    f"class {label} has no name; give the label map by --classes FILE.pbtxt"
                )
            return class_of(self._listed, label)
        if self._listed and text not in self._listed.values():
            listed = ", ".join(list(self._listed.values())[:12])
            raise DatasetError(
                f"unknown class {text[:40]!r}; {self._label_map} has {listed:.200}; name the right "
                "label map by --classes FILE.pbtxt"
            )
        listed = (self._listed or {}).get(label, text)
        if label not in self._labels and listed != text:
            self._problems.note(RENAMED, place, f"class {label}: {text!r:.60}, not {listed!r:.60}")
        if (known := self._labels.setdefault(label, text)) != text:
            raise DatasetError(f"class {label} is {text[:40]!r} here but {known[:40]!r} before")
        return text

    def dataset(self) -> DataSet:
        """All that was taken, the classes in order of their labels."""
        data = self._builder.dataset()
        names = tuple(dict.fromkeys(self._labels[label] for label in sorted(self._labels)))
        if self._listed or set(names) != set(data.names):
            return data
        return data.with_names(names)


def _marked(features: dict[str, Feature]) -> list[tuple[Box, str, int | None]]:
    """A record's boxes in shares, each with name and number of its class, as far as it has them.

    Raises:
        DatasetError: they do not fit together.
    """
    edges = [_many(features, f"image/object/bbox/{edge}", float) for edge in EDGES]
    texts = _many(features, "image/object/class/text", bytes)
    labels = _many(features, "image/object/class/label", int)
    if len({len(some) for some in (*edges, texts or edges[0], labels or edges[0])}) > 1:
        raise DatasetError("boxes and classes are of unequal number")
    if edges[0] and not texts and not labels:
        raise DatasetError("has boxes but no classes")
    boxes = list(zip(*edges, strict=True))
    names = [text.decode("utf-8", "replace") for text in texts] or [""] * len(boxes)
    return list(zip(boxes, names, labels or [None] * len(boxes), strict=True))


def _crowds(features: dict[str, Feature]) -> set[int]:
    """Numbers, from 1, of a record's boxes that are of many objects."""
    keys = ("image/object/is_crowd", "image/object/group_of")
    return {n for key in keys for n, flag in enumerate(features.get(key, []), start=1) if flag}


def _many(features: dict[str, Feature], key: str, kind: type) -> list[Any]:
    values = features.get(key, [])
    if values and not isinstance(values[0], kind):
        raise DatasetError(f"{key} is of another type than {kind.__name__}")
    return list(values)


def _one(features: dict[str, Feature], key: str, kind: type) -> Any:
    values = _many(features, key, kind)
    return values[0] if values else None


def write(data: DataSet, names: Sequence[str], file: Path) -> list[str]:
    """Writes a record per image, and the label map beside; see `od_csv.write`."""
    changed = 0
    with open(file, "wb") as target:
        for sample, name in zip(data.samples, names, strict=True):
            record, kept = example_of(sample, name, data.names)
            changed += not kept
            write_record(target, record)
    write_whole(label_file(file), label_map(data.names))
    return [
        f"written as PNG: {counted(changed, 'picture')}, as TensorFlow reads neither such kinds "
        "of file nor turned ones"
    ] * bool(changed)


def example_of(sample: Sample, name: str, names: Sequence[str]) -> tuple[bytes, bool]:
    """An image as a ``tf.train.Example``, and whether its file went in as it was."""
    content, kind, kept = encoded(sample)
    sides = np.array([sample.width, sample.height] * 2)
    shares = sample.boxes / sides
    features: dict[str, Feature] = {
        "image/height": [sample.height],
        "image/width": [sample.width],
        "image/filename": [name.encode()],
        "image/source_id": [name.encode()],
        "image/encoded": [content],
        "image/format": [kind.encode()],
        "image/object/class/text": [names[index].encode() for index in sample.classes],
        "image/object/class/label": (sample.classes + 1).tolist(),
    }
    for index, edge in enumerate(EDGES):
        features[f"image/object/bbox/{edge}"] = shares[:, index].tolist()
    return example_bytes(features), kept


def label_file(file: Path) -> Path:
    """Where the label map of a file of records stands: ``train.record`` has ``train.pbtxt``."""
    stem = NAME.sub("", file.name)
    return file.with_name(LABEL_MAP if stem == "annotations" else f"{stem}.pbtxt")
