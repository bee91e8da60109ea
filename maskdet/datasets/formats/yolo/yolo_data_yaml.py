"""YOLO's data.yaml, under any name: its classes' file, and where the images of each part lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskdet.config import read_yaml
from maskdet.datasets.image_files import SUFFIXES, list_images
from maskdet.datasets.image_list import read_list
from maskdet.datasets.image_lookup import ImageLookup, parts_of, same_name_message
from maskdet.datasets.problems import Problems
from maskdet.datasets.samples import inside
from maskdet.datasets.splits import PARTS
from maskdet.errors import ConfigError, DatasetError

ASTRAY = "lines of the data.yaml that lead nowhere in this folder and were left aside"
SEVERAL = "pictures that are in more than one part, so that the parts were left aside"
SUFFIXES_OF_PLANS = (".yaml", ".yml")


@dataclass(frozen=True)
class Plan:
    """Content of a data.yaml beside its classes.

    Attributes:
        file: itself.
        base: its `path`, that the lines are relative to; may be empty.
        lines: folders, lists or images of each part.
        keypoints: whether rows have key points behind their box.
    """

    file: Path
    base: str
    lines: dict[str, list[str]]
    keypoints: bool


def is_plan(file: Path) -> bool:
    """Whether a file is a data.yaml: it has the classes' names, and the place of the images."""
    if file.suffix.lower() not in SUFFIXES_OF_PLANS or not file.is_file():
        return False
    try:
        content = read_yaml(file)
    except ConfigError:
        return False
    places = {"path", "train", "val", "test", "nc"}
    return isinstance(content.get("names"), list | dict) and bool(places & content.keys())


def plans_in(folder: Path) -> list[Path]:
    """Every data.yaml of a folder, whatever its name."""
    return [file for file in sorted(folder.iterdir()) if is_plan(file)]


def wrong_plans(folder: Path) -> str:
    """The end of a message that a folder has no classes: why its YAML files give none."""
    reasons = []
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in SUFFIXES_OF_PLANS and file.is_file():
            try:
                read_yaml(file)
                reasons.append(f"{file.name} has no list of names")
            except ConfigError as error:
                reasons.append(str(error))
    return f" ({'; '.join(reasons[:2]):.300})" if reasons else ""


def read_plan(file: Path) -> Plan:
    """Reads a data.yaml.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        content = read_yaml(file)
    except ConfigError as error:
        raise DatasetError(str(error)) from None
    base = content.get("path")
    lines = {part: _texts(content.get(part)) for part in PARTS}
    lines["val"] += _texts(content.get("valid"))
    keypoints = isinstance(content.get("kpt_shape"), list)
    return Plan(file, base if isinstance(base, str) else "", lines, keypoints)


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str) and text.strip()]


def images_of(plan: Plan, root: Path, problems: Problems) -> dict[Path, str]:
    """The images that the lines of a plan lead to, and the part of each; empty: to none.

    Args:
        plan: its lines; those of other machines are followed by their last parts.
        root: no image may lie outside of this folder.
        problems: takes lines that lead nowhere.
    """
    parts: dict[Path, set[str]] = {}
    lookup: ImageLookup | None = None
    for part, lines in plan.lines.items():
        for line in lines:
            found = _follow(line, plan, root)
            if found is None:
                problems.note(ASTRAY, plan.file, f"{part}: {line:.120}")
                continue
            if found.is_dir():
                files = list_images(found)
            elif found.suffix.lower() in SUFFIXES:
                files = [found]
            else:
                lookup = lookup or ImageLookup(list_images(root))
                files = list(_listed(found, plan, root, lookup, problems))
            for file in files:
                parts.setdefault(file, set()).add(part)
    shared = [file for file, names in parts.items() if len(names) > 1]
    if shared and len(shared) < len(parts):
        for file in shared:
            problems.note(SEVERAL, file, "")
    return {file: "" if shared else next(iter(names)) for file, names in sorted(parts.items())}


def _follow(line: str, plan: Plan, root: Path) -> Path | None:
    """The folder or file that a line leads to, as it stands or by its last parts."""
    own = plan.file.parent
    based = [os.path.join(own, plan.base)] if plan.base else []
    parts = parts_of(line)
    shortened = (
        os.path.join(base, *parts[start:]) for start in range(len(parts)) for base in (own, root)
    )
    stated = (os.path.join(base, line) for base in (*based, str(own), str(root)))
    for path in (*stated, *shortened):
        if found := _inside(root, path):
            return found
    return None


def _inside(root: Path, path: str) -> Path | None:
    """A path that is there, if it lies in the folder."""
    try:
        relative = os.path.relpath(path, root)
    except ValueError:  # Windows: on another drive
        return None
    if relative.startswith(".."):
        return None
    try:
        found = inside(root, relative)
    except DatasetError:
        return None
    return found if os.path.exists(found) else None


def _listed(
    file: Path, plan: Plan, root: Path, lookup: ImageLookup, problems: Problems
) -> Iterator[Path]:
    for name in read_list(file):
        based = [file.parent, plan.file.parent / plan.base, root]
        exact = (_inside(root, os.path.join(base, name)) for base in based)
        if path := next((found for found in exact if found and found.is_file()), None):
            yield path
            continue
        files = lookup.find(name)
        if len(files) == 1:
            yield files[0]
        elif files:
            problems.add(file, same_name_message(name, files, root))
        else:
            problems.add(file, f"{name[:120]!r}: no such picture")
