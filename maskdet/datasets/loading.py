"""Samples that a network can learn, read from ``--data`` and settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from maskdet.datasets import format_detection
from maskdet.datasets.format_detection import AUTO
from maskdet.datasets.image_list import read_list, root_of_list
from maskdet.datasets.image_lookup import ELSEWHERE, ImageLookup, same_name_message
from maskdet.datasets.problems import Problems
from maskdet.datasets.reader_input import root_of
from maskdet.datasets.samples import DataSet, Sample, inside
from maskdet.errors import DatasetError
from maskdet.system.console import say


def read_samples(
    data: Path,
    only: Path | None = None,
    *,
    kind: str = AUTO,
    classes: Mapping[str, str] | None = None,
    class_list: Path | None = None,
    problems: Problems | None = None,
) -> list[Sample]:
    """Annotated images with mask states for classes, of labels that know all three states.

    Args:
        data: see `open_data`, as for the others.
        only: a list of images.
        kind: the labels' format.
        classes: see `maskdet.model.class_names.map_states`.
        class_list: a file that lists the classes.
        problems: takes the notes.

    Raises:
        DatasetError: data or labels cannot be used.
    """
    mistakes = Problems() if problems is None else problems
    found, _ = open_data(data, None, only, kind=kind, class_list=class_list, problems=mistakes)
    mistakes.check()
    return found.in_states(classes, problems=mistakes)


def open_data(
    data: Path,
    source: Path | None = None,
    only: Path | None = None,
    *,
    kind: str = AUTO,
    class_list: Path | None = None,
    problems: Problems | None = None,
) -> tuple[DataSet, str]:
    """Annotated images under their own class names, and the format they came in.

    Args:
        data: the folder that no image may lie outside of, or a file of labels in it.
        source: the labels, a file or a folder; None: `data` itself.
        only: a list of the images to take, relative to `data`: with no `source`, each has its
            xml. Labels in any other format may stand here as well. None: all images.
        kind: the labels' format; see `format_detection.read`.
        class_list: a file that lists the classes; None: found automatically.
        problems: takes the mistakes and notes; see `format_detection.read`.

    Raises:
        DatasetError: data or labels cannot be used.
    """
    root = data_root(data)
    if only is not None and source is None:
        if format_detection.is_labels(only):
            source, only = only, None
        elif _has_xml(data, kind):
            source, only, kind = only, None, "voc"
    found, kind = format_detection.read(source or data, root, kind, class_list, problems)
    if only is not None:
        found = _only(found, root, read_list(only), Problems() if problems is None else problems)
    return found, kind


def below(data: Path, name: str) -> Path | None:
    """A setting's path relative to the data folder; None if it is empty.

    Raises:
        DatasetError: it leads out of that folder.
    """
    return inside(data_root(data), name) if name else None


def data_root(data: Path) -> Path:
    """The folder that the images of ``--data`` lie below: itself, or that of a file of labels."""
    if not data.is_dir() and data.suffix.lower() == ".txt" and data.is_file():
        return root_of_list(data)
    return root_of(data)


def say_notes(problems: Problems) -> None:
    """Prints the notes that reading left, a line for each kind."""
    for line in problems.note_lines():
        say(line)


def _has_xml(data: Path, kind: str) -> bool:
    """Whether the images that a list names have xml: so it is where nothing indicates otherwise."""
    try:
        return kind == "voc" or (kind == AUTO and format_detection.locate(data)[0][0] == "voc")
    except DatasetError:
        return True


def _only(data: DataSet, root: Path, names: Sequence[str], problems: Problems) -> DataSet:
    """Those of the samples that a list names, in its order.

    Raises:
        DatasetError: the list names others, or none.
    """
    index: dict[object, int] = {}
    for number, sample in enumerate(data.samples):
        index[sample.name if sample.span else sample.file.resolve()] = number
    lookup: ImageLookup | None = None
    chosen = []
    for name in names:
        number = index.get(name, index.get(_resolved(root, name), -1))
        if number < 0:
            places = {Path(s.name) if s.span else s.file: i for i, s in enumerate(data.samples)}
            lookup = lookup or ImageLookup(places)
            files = lookup.find(name)
            if len(files) > 1:
                raise DatasetError(same_name_message(name, files, root))
            if not files:
                raise DatasetError(f"{name[:120]}: is not a picture of the data set in {root}")
            number = places[files[0]]
            problems.note(ELSEWHERE, repr(name[:120]), f"is {files[0].name}")
        chosen.append(number)
    if not chosen:
        raise DatasetError(f"{root}: the list names no pictures")
    return DataSet([data.samples[i] for i in chosen], data.names, [data.places[i] for i in chosen])


def _resolved(root: Path, name: str) -> Path | None:
    try:
        return (root / name).resolve()
    except (OSError, ValueError):  # links in a circle, a NUL character
        return None
