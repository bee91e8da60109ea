"""Writing a data set in any format: whole, or not at all, and over nothing."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from maskdet.datasets.format_detection import AUTO
from maskdet.datasets.formats import FORMATS
from maskdet.datasets.formats.tfrecord.tfrecord_files import NAME
from maskdet.datasets.image_files import suffix_of
from maskdet.datasets.problems import MAX_EXAMPLES, printable
from maskdet.datasets.samples import DataSet, Sample
from maskdet.errors import ConfigError, SinkError, reason_of
from maskdet.system.file_names import folded_name, is_readable

IMAGES = "images"
_SUFFIXES = {".csv": "csv", ".json": "coco"}
_NOT_IN_NAMES = re.compile(r"[^\w .+@()=,~-]")


def kind_of_target(target: Path, kind: str = AUTO) -> str:
    """The format to write, by the target's name unless it is named.

    Raises:
        ConfigError: it cannot be detected.
    """
    if kind != AUTO:
        return kind
    if NAME.search(target.name):
        return "tfrecord"
    try:
        return _SUFFIXES[target.suffix.lower()]
    except KeyError:
        raise ConfigError(
            f"{target}: which format? add --to with one of {', '.join(FORMATS)}"
        ) from None


def write(data: DataSet, target: Path, kind: str) -> list[str]:
    """Writes a data set.

    Args:
        data: what is written.
        target: a new folder, for labels and copies of the images; or, where a format's labels
            are one file, that file: it then refers to the images if they lie below its folder,
            and has them copied into `images/` beside it if not.
        kind: a key of `FORMATS`.

    Returns:
        What somebody should know about it, a line each.

    Raises:
        SinkError: it cannot be written, or something is there already.
        DatasetError: an image cannot be read.
    """
    chosen = FORMATS[kind]
    single = chosen.one_file and bool(target.suffix)
    require_free(target)
    refers = single and not chosen.has_images
    names = below(data.samples, target.parent) if refers else None
    lost = _lost_parts(data.samples) if names is None else []
    with _workplace(target) as work:
        if names is None:
            names = _unique_names(data.samples)
            lost += _changed_names(data.samples, names)
            if not chosen.has_images:
                names = _copy(data.samples, names, work)
        notes = chosen.write(data, names, work / (target.name if single else chosen.labels)) + lost
        if refers and (work / IMAGES).is_dir():
            notes = [*notes, f"pictures were copied to {target.parent / IMAGES}"]
        if single:
            _move_into(work, target)
        else:
            _replace(work, target)
    return notes


def require_free(target: Path) -> None:
    """Makes sure that nothing would be overwritten.

    Raises:
        SinkError: something is there.
    """
    try:
        there = any(target.iterdir()) if target.is_dir() else os.path.lexists(target)
    except OSError as error:
        raise SinkError(f"{target}: cannot be looked into: {reason_of(error)}") from None
    if there:
        raise SinkError(f"{target}: is there already; remove it, or choose another name")


def below(samples: Sequence[Sample], folder: Path) -> list[str] | None:
    """The images' names relative to a folder; None if one is not below it, or is not UTF-8."""
    top = Path(os.path.abspath(folder))
    names = []
    for sample in samples:
        file = Path(os.path.abspath(sample.file))
        if sample.span or not file.is_relative_to(top):
            return None
        if not file.resolve().is_relative_to(top.resolve()):
            return None
        names.append(file.relative_to(top).as_posix())
    return names if all(map(is_readable, names)) else None


def _lost_parts(samples: Sequence[Sample]) -> list[str]:
    """Notes where a divided data set is written with all its images in one place."""
    parts = Counter(sample.part for sample in samples if sample.part)
    if len(parts) < 2:
        return []
    listed = ", ".join(f"{part} {count}" for part, count in parts.items())
    return [
        f"the data's parts ({listed}) are put together; convert each one separately to keep them"
    ]


def _unique_names(samples: Sequence[Sample]) -> list[str]:
    """A file name for each image, no two alike but for their ending, which labels do not have."""
    taken: set[str] = set()
    names = []
    for number, sample in enumerate(samples, start=1):
        stem, suffix = os.path.splitext(_own_name(sample))
        if sample.span:
            suffix = suffix_of(sample, suffix)
        stem = _NOT_IN_NAMES.sub("_", stem)[:120].strip(" .") or f"picture{number}"
        name, count = stem, 2
        while folded_name(name) in taken:
            name, count = f"{stem}-{count}", count + 1
        taken.add(folded_name(name))
        names.append(name + suffix)
    return names


def _changed_names(samples: Sequence[Sample], names: Sequence[str]) -> list[str]:
    """Notes where images get other names than they had; folders are left out by the layout."""
    changed = [
        f"{printable(old):.120} is {name}"
        for sample, name in zip(samples, names, strict=True)
        if (old := _own_name(sample)) != name and (sample.name or not sample.span)
    ]
    if not changed:
        return []
    listed = "; ".join(changed[:MAX_EXAMPLES]) + " …" * (len(changed) > MAX_EXAMPLES)
    return [f"names of pictures that were changed ({len(changed)}): {listed:.600}"]


def _own_name(sample: Sample) -> str:
    return Path((sample.name or sample.file.name).replace("\\", "/")).name


def _copy(samples: Sequence[Sample], names: Sequence[str], folder: Path) -> list[str]:
    """Copies images into `images/` of a folder; returns their names relative to it."""
    (folder / IMAGES).mkdir()
    for sample, name in zip(samples, names, strict=True):
        copy = folder / IMAGES / name
        if sample.span:
            copy.write_bytes(sample.content())
        else:
            shutil.copyfile(sample.file, copy)
    return [f"{IMAGES}/{name}" for name in names]


@contextmanager
def _workplace(target: Path) -> Iterator[Path]:
    """A new folder beside the target, gone at the end whatever happens.

    Raises:
        SinkError: something in it cannot be written.
    """
    work = target.parent / f".{target.name}.{os.getpid()}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work.mkdir()
        yield work
    except OSError as error:
        reason = reason_of(error)
        raise SinkError(f"{target}: cannot be written: {reason}; nothing was kept") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _replace(work: Path, target: Path) -> None:
    """Puts a folder in the place of nothing, or of an empty folder."""
    if target.is_dir():
        target.rmdir()
    os.rename(work, target)


def _move_into(work: Path, target: Path) -> None:
    """Moves what was made beside the target, which comes last and shows that all of it is there.

    Raises:
        SinkError: something of these names is there.
    """
    entries = sorted(work.iterdir(), key=lambda entry: entry.name == target.name)
    for entry in entries:
        require_free(target.parent / entry.name)
    moved: list[Path] = []
    try:
        for entry in entries:
            _replace(entry, target.parent / entry.name)
            moved.append(target.parent / entry.name)
    except BaseException:
        for path in moved:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise
