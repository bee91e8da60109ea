"""Settings that ship, used with somebody's own images: what the data folder lacks is left out."""

from __future__ import annotations

from collections.abc import Callable
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


def adapted(
    settings: TrainingSettings,
    data: Path,
    *,
    is_model: IsModel = lambda name: True,
    find_start: FindStart = lambda settings: "",
) -> tuple[TrainingSettings, list[str]]:
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
    lines: list[str] = []
    missing = [part for part in settings.train if _is_missing(part, data)]
    found = [part for part in settings.train if part not in missing]
    validates = bool(settings.validation) and not _is_absent(settings.validation, data)
    if missing and found:
        settings = settings.model_copy(update={"train": tuple(found)})
        lines += [_left_out(part, data) for part in missing]
    elif missing and not validates and any(part.list and not part.source for part in missing):
        settings, lines = _on_all_images(settings, data)
    labeled = [part for part in settings.train if not part.without_faces]
    named = any(part.list or part.source for part in labeled)
    folder = str(Path(settings.validation).parent)
    if not named and settings.validation and not validates and _is_absent(folder, data):
        lines.append(f"{settings.validation} is not in {data}: a part of the pictures validates")
        settings = settings.model_copy(update={"validation": ""})
    needs_start = not named or getattr(settings.network, "backbone", "") in WITHOUT_DOWNLOAD
    if needs_start and (start := _start(settings, find_start)):
        settings = settings.model_copy(update={"start": start})
        lines.append(
            f"the run begins from the model {Path(start).name} as it ships; "
            f"--set imagenet=none begins from random weights"
        )
    settings, more = _without_missing_teachers(settings, is_model)
    return settings, [*lines, *more]


def _start(settings: TrainingSettings, find_start: FindStart) -> str:
    return "" if settings.start or settings.imagenet else find_start(settings)


def _on_all_images(settings: TrainingSettings, data: Path) -> tuple[TrainingSettings, list[str]]:
    lists = [part for part in settings.train if not part.source]
    whole = next((p for p in lists if len(p.labelled) == len(CLASS_NAMES)), lists[0])
    changes = {"list": "", "about": "", "teacher": "", "share": 1.0, "labelled": CLASS_NAMES}
    lines = [f"{whole.list} is not in {data}: all pictures there are taken"]
    lines += [_left_out(part, data) for part in settings.train if part is not whole]
    train = (whole.model_copy(update=changes),)
    return settings.model_copy(update={"train": train, "validation": ""}), lines


def _without_missing_teachers(
    settings: TrainingSettings, is_model: IsModel
) -> tuple[TrainingSettings, list[str]]:
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
        lines.append(f"the teacher {teacher} is not here and is left out: labels alone are learnt")
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
