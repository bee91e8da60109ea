"""Settings that ship, used with somebody's own images: what the data folder lacks is left out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from maskdet.datasets.loading import below
from maskdet.detections import CLASS_NAMES
from maskdet.errors import DatasetError
from maskdet.training.settings import DataSettings, TrainingSettings

IsModel = Callable[[str], bool]
"""Whether there is a model of that name or path."""
WITHOUT_DOWNLOAD = ("efficientnet_lite0",)
"""Backbones whose ImageNet weights Keras does not download."""
FindStart = Callable[[TrainingSettings], str]
"""The folder of a model that has the network of the settings; empty: there is none."""
Adapted = tuple[TrainingSettings, list[str]]
"""Settings, and a line about each change of them."""
Step = Callable[[TrainingSettings], Adapted]


def adapted(
    settings: TrainingSettings,
    data: Path,
    *,
    is_model: IsModel = lambda name: True,
    find_start: FindStart = lambda settings: "",
) -> Adapted:
    """The settings without what is missing, and a line about each change.

    Where none of the lists that they name is in the data folder, all images there are taken. So
    it is where the settings name no list of images to learn but one to validate in a folder that
    is not there; a list that lacks in a folder that is there is a mistake. Where some are there,
    the others are left out. A list of validation images that is missing beside lists that are
    there is a mistake, and left as it is. A run on all images begins from the model that the
    settings are of, if it is here and no other weights are named; so does every run of a network
    whose ImageNet weights are not downloaded.

    Args:
        settings: as they were read.
        data: folder of the annotated images, or a file of labels.
        is_model: whether there is a teacher of that name.
        find_start: finds the model to begin from.
    """
    steps: tuple[Step, ...] = (
        partial(_without_missing_lists, data=data),
        partial(_without_missing_validation, data=data),
        partial(_with_start, find_start=find_start),
        partial(_without_missing_teachers, is_model=is_model),
    )
    lines: list[str] = []
    for step in steps:
        settings, more = step(settings)
        lines += more
    return settings, lines


def _without_missing_lists(settings: TrainingSettings, data: Path) -> Adapted:
    missing = [part for part in settings.train if _is_missing(part, data)]
    found = tuple(part for part in settings.train if part not in missing)
    if missing and found:
        lines = [_left_out(part, data) for part in missing]
        count = f"{len(found)} of {len(settings.train)}"
        lines.append(f"note: {count} sets of pictures are there to learn")
        return settings.model_copy(update={"train": found}), lines
    validates = bool(settings.validation) and not _is_absent(settings.validation, data)
    if not validates and any(part.list and not part.source for part in missing):
        return _on_all_images(settings, data)
    return settings, []


def _without_missing_validation(settings: TrainingSettings, data: Path) -> Adapted:
    file = settings.validation
    paths = (file, str(Path(file).parent))
    if not file or _names_images(settings) or not all(_is_absent(path, data) for path in paths):
        return settings, []
    line = f"{file} is not in {data}: a part of the pictures validates"
    return settings.model_copy(update={"validation": ""}), [line]


def _with_start(settings: TrainingSettings, find_start: FindStart) -> Adapted:
    has_download = getattr(settings.network, "backbone", "") not in WITHOUT_DOWNLOAD
    if settings.start or settings.imagenet or (has_download and _names_images(settings)):
        return settings, []
    start = find_start(settings)
    if not start:
        return settings, []
    line = (
        f"the run begins from the model {Path(start).name} as it ships; "
        "--set imagenet=none begins from random weights"
    )
    return settings.model_copy(update={"start": start}), [line]


def _names_images(settings: TrainingSettings) -> bool:
    """Whether the images to learn are named, not all that are there."""
    return any(part.list or part.source for part in settings.train if not part.without_faces)


def _on_all_images(settings: TrainingSettings, data: Path) -> Adapted:
    lists = [part for part in settings.train if not part.source]
    whole = next((p for p in lists if len(p.labeled) == len(CLASS_NAMES)), lists[0])
    changes = {"list": "", "about": "", "teacher": "", "share": 1.0, "labeled": CLASS_NAMES}
    lines = [f"{whole.list} is not in {data}: all pictures there are taken"]
    lines += [_left_out(part, data) for part in settings.train if part is not whole]
    train = (whole.model_copy(update=changes),)
    return settings.model_copy(update={"train": train, "validation": ""}), lines


def _without_missing_teachers(settings: TrainingSettings, is_model: IsModel) -> Adapted:
    lines, parts = [], list(settings.train)
    for i, part in enumerate(parts):
        if part.teacher and not is_model(part.teacher):
            lines.append(
                f"the teacher {part.teacher} is not here and is left out: the states that "
                f"{part.list or part.source or 'its pictures'} do not label stay unknown"
            )
            parts[i] = part.model_copy(update={"teacher": ""})
        if part.finder and not is_model(part.finder):
            lines.append(
                f"the finder {part.finder} is not here and is left out: faces that nobody labeled "
                f"in {part.list or part.source or 'its pictures'} are learned as background"
            )
            parts[i] = parts[i].model_copy(update={"finder": ""})
    update: dict[str, object] = {"train": tuple(parts)}
    teacher = settings.distillation.teacher
    if teacher and not is_model(teacher):
        lines.append(f"the teacher {teacher} is not here and is left out: labels alone are learned")
        update["distillation"] = settings.distillation.model_copy(update={"teacher": ""})
    return (settings.model_copy(update=update), lines) if lines else (settings, [])


def _is_missing(part: DataSettings, data: Path) -> bool:
    return any(name and _is_absent(name, data) for name in (part.source, part.list))


def _is_absent(name: str, data: Path) -> bool:
    """Whether a name of the settings leads to nothing; one that leads out is a mistake instead."""
    try:
        path = below(data, name)
    except DatasetError:
        return False
    return path is not None and not path.exists()


def _left_out(part: DataSettings, data: Path) -> str:
    name = part.list or part.source
    teacher = f", and with it the teacher {part.teacher}" if part.teacher else ""
    return f"{name} is not in {data}: left out{teacher}"
