"""From what a person names, ``--data`` and settings, to samples that a network can learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from maskdet.detections import CLASS_NAMES
from maskdet.errors import DatasetError
from maskdet.training.dataset import DataSet, Sample, class_index, inside
from maskdet.training.formats import recognition
from maskdet.training.formats.problems import Problems
from maskdet.training.formats.recognition import AUTO
from maskdet.training.formats.voc import read_list


def read_samples(
    data: Path,
    source: Path | None = None,
    only: Path | None = None,
    *,
    kind: str = AUTO,
    classes: Mapping[str, str] | None = None,
    class_list: Path | None = None,
    labelled: Sequence[str] = CLASS_NAMES,
) -> list[Sample]:
    """Annotated pictures with mask states for classes.

    Args:
        data: the folder that no picture may lie outside of, or a file of labels in it.
        source: the labels, a file or a folder; None: `data` itself.
        only: a list of the pictures to take, relative to `data`: with no `source`, each has its
            xml. Labels in any other format may stand here as well. None: all pictures.
        kind: the labels' format; see `recognition.read`.
        classes: mask states by class name, where the guess will not do.
        class_list: a file that lists the classes; None: found by itself.
        labelled: classes that these labels know.

    Raises:
        DatasetError: data or labels cannot be used.
    """
    known = tuple(class_index(name) for name in labelled)
    found, _ = open_data(data, source, only, kind=kind, class_list=class_list)
    return found.in_states(classes, known)


def open_data(
    data: Path,
    source: Path | None = None,
    only: Path | None = None,
    *,
    kind: str = AUTO,
    class_list: Path | None = None,
    problems: Problems | None = None,
) -> tuple[DataSet, str]:
    """Annotated pictures under their own class names, and the format they came in.

    Args:
        data: see `read_samples`, as for the next four.
        source: the labels.
        only: a list of pictures.
        kind: the labels' format.
        class_list: a file that lists the classes.
        problems: see `recognition.read`.

    Raises:
        DatasetError: data or labels cannot be used.
    """
    root = data if data.is_dir() else data.parent
    if only is not None and source is None:
        if recognition.is_labels(only):
            source, only = only, None
        elif _has_xml(data, kind):
            source, only, kind = only, None, "voc"
    found, kind = recognition.read(source or data, root, kind, class_list, problems)
    if only is not None:
        found = _only(found, root, read_list(only))
    return found, kind


def below(data: Path, name: str) -> Path | None:
    """What a setting names relative to the data folder; None if it is empty.

    Raises:
        DatasetError: it leads out of that folder.
    """
    return inside(data if data.is_dir() else data.parent, name) if name else None


def _has_xml(data: Path, kind: str) -> bool:
    """Whether the pictures that a list names have xml: so it is where nothing speaks against it."""
    try:
        return kind == "voc" or (kind == AUTO and recognition.locate(data)[0] == "voc")
    except DatasetError:
        return True


def _only(data: DataSet, root: Path, names: Sequence[str]) -> DataSet:
    """Those of the samples that a list names, in its order.

    Raises:
        DatasetError: the list names others, or none.
    """
    index: dict[object, int] = {}
    for number, sample in enumerate(data.samples):
        index[sample.name if sample.span else sample.file.resolve()] = number
    chosen = []
    for name in names:
        number = index.get(name, index.get((root / name).resolve(), -1))
        if number < 0:
            raise DatasetError(f"{name[:120]}: is no picture of the data set in {root}")
        chosen.append(number)
    if not chosen:
        raise DatasetError(f"{root}: the list names no pictures")
    return DataSet([data.samples[i] for i in chosen], data.names, [data.places[i] for i in chosen])
