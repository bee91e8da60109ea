"""``python -m maskdet inspect``: what is in a data set, and what is wrong with it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from maskdet.commands.inspect import statistics
from maskdet.commands.inspect.contact_sheet import contact_sheet
from maskdet.datasets.format_detection import AUTO
from maskdet.datasets.formats import FORMATS
from maskdet.datasets.loading import open_data
from maskdet.datasets.problems import MAX_LISTED, Problems
from maskdet.datasets.samples import DataSet
from maskdet.detections import CLASS_NAMES
from maskdet.errors import DatasetError
from maskdet.model.class_names import NOT_A_FACE, STATE_OPTION, guess_state, map_states
from maskdet.system.atomic_files import write_output
from maskdet.system.console import counted
from maskdet.training.settings import TrainingSettings

OUTPUT = Path("runs/inspection")
SHEET, RESULTS = "contact_sheet.png", "inspection.json"


def run(
    data: Path,
    settings: TrainingSettings,
    *,
    kind: str = AUTO,
    images: Path | None = None,
    classes: Path | None = None,
    states: Mapping[str, str] | None = None,
    output: Path | None = None,
) -> int:
    """Looks a data set over, prints what there is, and writes a contact sheet and all measured.

    Args:
        data: folder of the annotated images, or a file of labels.
        settings: their anchors, training size and mask states of class names count.
        kind: the labels' format, a key of `FORMATS`; `AUTO`: detected by the files.
        images: list of the images to look at, as it stands or below `data`; None: all.
        classes: a file that lists the classes; None: found automatically.
        states: see `maskdet.model.class_names.map_states`; win over those of the settings.
        output: folder for the results; None: one below `runs/inspection`, named like the data.

    Returns:
        The exit status: 0, or 2 if there are mistakes that training would end with.

    Raises:
        DatasetError: nothing can be read.
        SinkError: the results cannot be written.
    """
    if not data.exists():
        raise DatasetError(f"{data}: no such folder; give the one above images/ and annotations/")
    problems = Problems()
    only = images
    if images is not None and not images.is_file() and (data / images).exists():
        only = data / images
    found, name = open_data(data, None, only, kind=kind, class_list=classes, problems=problems)
    chosen: dict[str, str] = {}
    for each in (*(part.classes for part in settings.train), states or {}):
        chosen |= each
    map_states([], chosen)  # no other words than those of states
    meant = {name: chosen.get(name) or _state(name) for name in found.names}
    left_out = {name for name, state in meant.items() if state == NOT_A_FACE}
    faces = found.without(left_out)
    _check_images(faces, settings, problems)
    _check_names(found, meant, problems)
    measured = {"data": data.name, "format": name, **statistics.describe(found)}
    report = {
        **measured,
        "states": meant,
        "wrong": problems.wrong,
        "wrong_count": problems.count,
        "notes": problems.notes,
    }
    show(report, Console())
    folder = output or OUTPUT / (data.resolve().name or "data")
    heading = f"{data.name}: {_size(measured)}"
    write_output(folder / SHEET, contact_sheet(faces, chosen, heading))
    write_output(folder / RESULTS, json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    Console(stderr=True).print("written:", folder / SHEET, folder / RESULTS, highlight=False)
    return 2 if problems.count else 0


def _check_images(data: DataSet, settings: TrainingSettings, problems: Problems) -> None:
    """Everything beyond reading the labels."""
    from maskdet.model.anchors import AnchorGrid

    grid = AnchorGrid(**settings.network.model_dump()["anchors"])
    statistics.measure_boxes(data, problems, grid, settings.augmentation.long_side)
    console = Console(stderr=True)
    samples = track(data.samples, "reading", console=console, disable=not console.is_terminal)
    statistics.measure_images(samples, problems)


def _check_names(data: DataSet, states: Mapping[str, str | None], problems: Problems) -> None:
    """Adds to the problems each class with boxes that is not a mask state, which training refuses.

    One line for each, at its first box: a data set of such a class may have thousands.
    """
    found: dict[str, list[object]] = {}
    for sample, places in zip(data.samples, data.places, strict=True):
        for index, place in zip(sample.classes.tolist(), places, strict=True):
            if states[name := data.names[index]] is None:
                found.setdefault(name, []).append(place)
    for name, boxes in found.items():
        near = difflib.get_close_matches(name, CLASS_NAMES, n=1)
        hint = f" ({near[0]}?)" if near else ""
        more = f" (the first of {len(boxes)} boxes)" if len(boxes) > 1 else ""
        problems.add(
            boxes[0],
            f"class {name[:40]!r} means no known mask state{hint}{more}; correct it, or say what "
            f"it means: {STATE_OPTION}, where {NOT_A_FACE} leaves its boxes out",
        )


def _size(measured: Mapping[str, Any]) -> str:
    images, boxes = measured["pictures"], measured["boxes"]
    return f"{counted(images, 'picture')}, {counted(boxes, 'box', 'boxes')}"


def _state(name: str) -> str | None:
    state = guess_state(name)
    return None if state is None else state.name


def show(report: Mapping[str, Any], console: Console) -> None:
    """Prints tables and findings."""
    title = FORMATS[report["format"]].title
    table = Table("class", "boxes", "mask state", title=f"{report['data']}: {title}")
    for name, count in report["classes"].items():
        state = report["states"][name] or f"? ({STATE_OPTION} says it)"
        table.add_row(name, str(count), state)
    console.print(table)
    bare = report["without_objects"]
    console.print(
        f"{_size(report)}; {bare} of the pictures without objects",
        highlight=False,
    )
    if parts := report["parts"]:
        shown = ", ".join(f"{name} {count}" for name, count in parts.items())
        rest = report["pictures"] - sum(parts.values())
        console.print(f"parts: {shown}{f', in none {rest}' * bool(rest)}", highlight=False)
    for key in ("boxes_in_a_picture", "picture_width", "picture_height", "box_width", "box_height"):
        if spread := report[key]:
            shown = ", ".join(f"{name} {value:g}" for name, value in spread.items())
            console.print(f"{key.replace('_', ' ')}: {shown}", highlight=False)
    _list("mistakes", report["wrong"], report["wrong_count"], console)
    for kind, lines in report["notes"].items():
        _list(kind, lines, len(lines), console)
    if not report["boxes"]:
        console.print("no box was found: the labels may be in another file, or none were drawn")
    elif not report["wrong"] and not report["notes"]:
        console.print("nothing wrong was found")


def _list(title: str, lines: list[str], count: int, console: Console) -> None:
    """The first lines under a title with their number."""
    if not lines:
        return
    console.print(f"\n{title} ({count}):", highlight=False, markup=False)
    for line in lines[:MAX_LISTED]:
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    if count > MAX_LISTED:
        console.print(f"  … and {count - MAX_LISTED} more, in {RESULTS}", highlight=False)
