"""COCO json: lists of images, annotations and categories that refer to each other by id.

The regions of `annotations` are in `coco_regions`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from maskdet.datasets.builder import DatasetBuilder, Labeled, check_name
from maskdet.datasets.formats.coco_regions import (
    BOX_VALUES,
    are_corners,
    numbers,
    shown_value,
    take_region,
)
from maskdet.datasets.formats.unsupported import json_tool
from maskdet.datasets.image_lookup import Finder
from maskdet.datasets.problems import Problems
from maskdet.datasets.reader_input import Source
from maskdet.datasets.samples import DataSet
from maskdet.datasets.text import read_text
from maskdet.errors import DatasetError
from maskdet.system.atomic_files import write_whole

_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")

CROWDS = "regions of many objects (iscrowd) that were left out"
PROJECTS = "names of Roboflow projects, listed as classes without a box, that were left out"
SAME_NAME = "categories of the name of another one, which were taken as one class"


def read(source: Source, problems: Problems) -> DataSet:
    """Reads one file; of an annotation that has no box, the box around its segmentation.

    Raises:
        DatasetError: it is no such file.
    """
    content = _parse(source.path)
    classes = _categories(content, source.path, problems)
    builder = DatasetBuilder(problems, source.names() or tuple(dict.fromkeys(classes.values())))
    images = _images(content, source, builder)
    boxes: list[tuple[float, ...]] = []
    for place, item in _items(content, "annotations", source.path, problems):
        if item.get("iscrowd") not in (None, 0, "0", "", "false"):
            problems.note(CROWDS, place, "")
            continue
        image, category = _key(item.get("image_id")), _key(item.get("category_id"))
        if image not in images:
            problems.add(place, f"image_id {shown_value(item.get('image_id'))} is not an image's")
        elif category not in classes:
            problems.add(
                place, f"category_id {shown_value(item.get('category_id'))} is not a category's"
            )
        elif target := images[image]:
            take_region(item, target, classes[category], builder, place)
            if len(box := numbers(item.get("bbox"))) == BOX_VALUES:
                boxes.append((*box, target.width, target.height))
    if are_corners(boxes):
        problems.add(
            source.path,
            "each 'bbox' fits its picture as x1, y1, x2, y2, not as COCO's x, y, width, height; "
            "convert them",
        )
    return builder.dataset()


def _parse(file: Path) -> dict[str, Any]:
    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not a number in JSON")

    try:
        content = json.loads(read_text(file), parse_constant=refuse)
    except RecursionError:
        raise DatasetError(f"{file}: is nested too deeply; this is not a COCO file") from None
    except json.JSONDecodeError as error:
        raise DatasetError(f"{file}:{error.lineno}: is not JSON: {error.msg}") from None
    except ValueError as error:
        raise DatasetError(f"{file}: is not JSON: {str(error)[:120]}") from None
    if not isinstance(content, dict) or not {"images", "categories"} <= content.keys():
        hint = json_tool(content)
        raise DatasetError(
            f"{file}: has no 'images' and 'categories'; this is not a COCO file{hint}"
        )
    return content


def _items(
    content: dict[str, Any], key: str, file: Path, problems: Problems
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and content of each entry of one of the lists."""
    items = content.get(key, [])
    if not isinstance(items, list):
        problems.add(file, f"'{key}' is not a list")
        return
    for index, item in enumerate(items):
        place = f"{file}: {key}[{index}]"
        if isinstance(item, dict):
            yield place, item
        else:
            problems.add(place, f"{shown_value(item)} is not an object")


def _categories(content: dict[str, Any], file: Path, problems: Problems) -> dict[Any, str]:
    """Category names by id, in order of the ids."""
    classes: dict[Any, str] = {}
    projects = _projects(content)
    for place, item in _items(content, "categories", file, problems):
        key, name = _key(item.get("id")), item.get("name")
        try:
            check_name(name := name.strip() if isinstance(name, str) else "")
        except DatasetError as error:
            problems.add(place, str(error))
            continue
        if key is None or key in classes:
            problems.add(place, f"id {shown_value(item.get('id'))} is none, or is there twice")
            continue
        if key in projects:
            problems.note(PROJECTS, place, repr(name))
            continue
        if name in classes.values():
            problems.note(SAME_NAME, place, repr(name))
        classes[key] = name
    return dict(sorted(classes.items(), key=lambda entry: (isinstance(entry[0], str), entry[0])))


def _projects(content: dict[str, Any]) -> set[Any]:
    """Ids of categories that Roboflow names after its project: above the others, without boxes."""
    lists = [content.get(key) for key in ("categories", "annotations")]
    items, boxes = ([i for i in each if isinstance(i, dict)] if isinstance(each, list) else []
                    for each in lists)  # fmt: skip
    above = {item["supercategory"] for item in items if isinstance(item.get("supercategory"), str)}
    found = {
        _key(item.get("id"))
        for item in items
        if isinstance(name := item.get("name"), str)
        and item.get("supercategory") == "none"
        and name in above
    }
    return found - {_key(box.get("category_id")) for box in boxes} - {None}


def _images(
    content: dict[str, Any], source: Source, builder: DatasetBuilder
) -> dict[Any, Labeled | None]:
    """Images by id; None for one that cannot be used, which was reported."""
    problems = builder.problems
    finder = Finder(source, problems)
    images: dict[Any, Labeled | None] = {}
    for place, item in _items(content, "images", source.path, problems):
        key, name = _key(item.get("id")), item.get("file_name")
        sides = [item.get(side) or 0 for side in ("width", "height")]
        if key is None or key in images:
            problems.add(place, f"id {shown_value(item.get('id'))} is none, or is there twice")
            continue
        images[key] = None
        if not isinstance(name, str):
            problems.add(place, f"file_name {shown_value(name)} is not text")
        elif len(size := numbers(sides)) < len(sides):
            problems.add(place, f"size {'×'.join(map(shown_value, sides))} is not a picture's")
        else:
            try:
                file = finder.find(name, place)
                images[key] = builder.image(file, size[0], size[1], place)
            except DatasetError as error:
                problems.add(place, str(error))
    return images


def _key(value: Any) -> int | str | None:
    """An id, or None if it can be none; ``1``, ``1.0`` and ``"1"`` are the same one."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        return int(value)
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def write(data: DataSet, names: Sequence[str], file: Path) -> list[str]:
    """Writes images, annotations and categories, ids from 1; see `od_csv.write`."""
    images, annotations = [], list[dict[str, Any]]()
    for number, (sample, name) in enumerate(zip(data.samples, names, strict=True), start=1):
        images.append(
            {"id": number, "file_name": name, "width": sample.width, "height": sample.height}
        )
        boxes = zip(sample.boxes.tolist(), sample.classes.tolist(), strict=True)
        for (x1, y1, x2, y2), index in boxes:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": index + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                    "segmentation": [],
                }
            )
    categories = [
        {"id": number, "name": name, "supercategory": "face"}
        for number, name in enumerate(data.names, start=1)
    ]
    content = {"images": images, "annotations": annotations, "categories": categories}
    write_whole(file, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    return []
