"""COCO json: lists of images, annotations and categories that refer to each other by id."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from maskdet.errors import DatasetError
from maskdet.files import write_whole
from maskdet.training.dataset import DataSet
from maskdet.training.formats.gathering import Gathering, Labelled, check_name
from maskdet.training.formats.pictures import Finder
from maskdet.training.formats.problems import Problems
from maskdet.training.formats.source import Source
from maskdet.training.formats.text import read_text

CROWDS = "regions of many objects (iscrowd) that were left out"


def read(source: Source, problems: Problems) -> DataSet:
    """Reads one file; boxes only, segmentations are left aside.

    Raises:
        DatasetError: it is no such file.
    """
    content = _parse(source.path)
    classes = _categories(content, source.path, problems)
    gathering = Gathering(problems, source.names() or tuple(classes.values()))
    pictures = _images(content, source, gathering)
    for place, item in _items(content, "annotations", source.path, problems):
        if item.get("iscrowd"):
            problems.note(CROWDS, place, "")
            continue
        image, category = _key(item.get("image_id")), _key(item.get("category_id"))
        box = item.get("bbox")
        if image not in pictures:
            problems.add(place, f"image_id {_shown(item.get('image_id'))} is no image's")
        elif category not in classes:
            problems.add(place, f"category_id {_shown(item.get('category_id'))} is no category's")
        elif not (isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))):
            problems.add(place, f"bbox {_shown(box)} is not [x, y, width, height]")
        elif picture := pictures[image]:
            x, y, width, height = map(float, box)
            gathering.box(picture, (x, y, x + width, y + height), classes[category], place)
    return gathering.dataset()


def _parse(file: Path) -> dict[str, Any]:
    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no number in JSON")

    try:
        content = json.loads(read_text(file), parse_constant=refuse)
    except RecursionError:
        raise DatasetError(f"{file}: is nested too deeply; this is no COCO file") from None
    except json.JSONDecodeError as error:
        raise DatasetError(f"{file}:{error.lineno}: is no JSON: {error.msg}") from None
    except ValueError as error:
        raise DatasetError(f"{file}: is no JSON: {str(error)[:120]}") from None
    if not isinstance(content, dict) or not {"images", "categories"} <= content.keys():
        raise DatasetError(f"{file}: has no 'images' and 'categories'; this is no COCO file")
    return content


def _items(
    content: dict[str, Any], key: str, file: Path, problems: Problems
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and content of each entry of one of the lists."""
    items = content.get(key, [])
    if not isinstance(items, list):
        problems.add(file, f"'{key}' is no list")
        return
    for index, item in enumerate(items):
        place = f"{file}: {key}[{index}]"
        if isinstance(item, dict):
            yield place, item
        else:
            problems.add(place, f"{_shown(item)} is no object")


def _categories(content: dict[str, Any], file: Path, problems: Problems) -> dict[Any, str]:
    """Category names by id, in order of the ids."""
    classes: dict[Any, str] = {}
    for place, item in _items(content, "categories", file, problems):
        key, name = _key(item.get("id")), item.get("name")
        try:
            check_name(name := name.strip() if isinstance(name, str) else "")
        except DatasetError as error:
            problems.add(place, str(error))
            continue
        if key is None or key in classes:
            problems.add(place, f"id {_shown(item.get('id'))} is none, or is there twice")
        elif name in classes.values():
            problems.add(place, f"class {name!r} is there twice")
        else:
            classes[key] = name
    return dict(sorted(classes.items(), key=lambda entry: (isinstance(entry[0], str), entry[0])))


def _images(
    content: dict[str, Any], source: Source, gathering: Gathering
) -> dict[Any, Labelled | None]:
    """Pictures by id; None for one that cannot be used, which has been told."""
    problems, finder = gathering.problems, Finder(source.root, source.folder)
    pictures: dict[Any, Labelled | None] = {}
    for place, item in _items(content, "images", source.path, problems):
        key, name = _key(item.get("id")), item.get("file_name")
        width, height = item.get("width"), item.get("height")
        if key is None or key in pictures:
            problems.add(place, f"id {_shown(item.get('id'))} is none, or is there twice")
            continue
        pictures[key] = None
        if not isinstance(name, str):
            problems.add(place, f"file_name {_shown(name)} is no text")
        elif width is None or height is None or not all(map(_is_number, (width, height))):
            problems.add(place, f"size {_shown(width)}×{_shown(height)} is no picture's")
        else:
            try:
                pictures[key] = gathering.picture(finder.find(name), width, height, place)
            except DatasetError as error:
                problems.add(place, str(error))
    return pictures


def _key(value: Any) -> int | str | None:
    """An id, or None if it can be none."""
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def _is_number(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 2**53
    return isinstance(value, float)


def _shown(value: Any) -> str:
    """A value in a message: its beginning, and nothing of what lists or objects hold."""
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value[:4])) + ("…]" if len(value) > 4 else "]")
    if isinstance(value, dict):
        return "{…}"
    if isinstance(value, int):
        return f"{value:.6g}" if abs(value) < 10**300 else "of hundreds of digits"
    return f"{value!r:.40}"


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
