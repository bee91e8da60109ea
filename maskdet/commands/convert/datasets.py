"""``python -m maskdet convert``: a data set from one format to another."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from maskdet.datasets import format_detection, writing
from maskdet.datasets.format_detection import AUTO
from maskdet.datasets.formats import FORMATS
from maskdet.datasets.image_files import wrong_sizes
from maskdet.datasets.loading import data_root
from maskdet.datasets.problems import Problems
from maskdet.datasets.samples import DataSet
from maskdet.errors import DatasetError
from maskdet.system.console import counted, say


def run(
    source: Path,
    target: Path,
    *,
    from_kind: str = AUTO,
    to_kind: str = AUTO,
    classes: Path | None = None,
    images: Path | None = None,
) -> int:
    """Converts; every box, class and image is kept, or nothing is written.

    Args:
        source: labels of any format, a file or a folder.
        target: a new folder or file; see `writing.write`.
        from_kind: the source's format, a key of `FORMATS`; `AUTO`: detected by its files.
        to_kind: the target's; `AUTO`: detected by its name.
        classes: a file that lists the classes, in the order that they are to have.
        images: the folder that the images' names are relative to; None: found automatically.

    Returns:
        The exit status, 0.

    Raises:
        ConfigError: a format cannot be detected.
        DatasetError: the source cannot be used; with up to 20 mistakes.
        SinkError: the target cannot be written, or is there already.
    """
    kind = writing.kind_of_target(target, to_kind)
    writing.require_free(target)
    if images is not None and not images.is_dir():
        raise DatasetError(f"{images}: no such folder of pictures")
    problems = Problems()
    root = images or data_root(source)
    data, found = format_detection.read(source, root, from_kind, classes, problems)
    problems.check()
    for line in wrong_sizes(data.samples):
        problems.add_line(line)
    problems.check()
    if not data.samples:
        raise DatasetError(f"{source}: has no pictures")
    notes = writing.write(data, target, kind)
    print(f"{target}: {FORMATS[kind].title}, from {FORMATS[found].title}: {summary(data)}")
    for line in problems.note_lines():
        say(line)
    for note in notes:
        say(f"note: {note}")
    return 0


def summary(data: DataSet) -> str:
    """Counts of a data set in one line."""
    counts = Counter(data.names[i] for sample in data.samples for i in sample.classes.tolist())
    boxes = sum(counts.values())
    classes = ", ".join(f"{name} {counts[name]}" for name in data.names)
    images = counted(len(data.samples), "picture")
    return f"{images}, {counted(boxes, 'box', 'boxes')} ({classes or 'no classes'})"
