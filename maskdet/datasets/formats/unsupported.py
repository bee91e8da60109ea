"""Files of labels that are not read here: what each is, and the way out, in a few words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from maskdet.model.class_names import guess_state
from maskdet.system.console import counted
from maskdet.system.text_files import stand_in

_JSON_TOOLS: tuple[tuple[set[str], str], ...] = (
    ({"shapes", "imagePath"}, "labelme's, a file for each picture"),
    ({"_via_img_metadata"}, "a project of the VGG Image Annotator"),
    ({"taxonomy", "items"}, "Datumaro's"),
    ({"categories", "items"}, "Datumaro's"),
    ({"objects", "size"}, "Supervisely's, a file for each picture"),
    ({"classes", "tags"}, "a list of classes, as Supervisely writes it"),
    ({"captions"}, "a list of captions"),
    ({"asset", "regions"}, "VoTT's, a file for each picture"),
    ({"assets", "tags"}, "VoTT's"),
    ({"item", "annotations"}, "V7's, a file for each picture"),
    ({"classes", "labels"}, "FiftyOne's"),
    ({"FileName", "Annotations"}, "that of Kaggle's Medical Mask, a file for each picture"),
    ({"project", "file", "view"}, "a project of the VGG Image Annotator"),
)
_CSV_TOOLS: tuple[tuple[set[str], str], ...] = (
    ({"region_shape_attributes", "region_attributes"}, "the VGG Image Annotator's CSV"),
    ({"imageid", "labelname", "xmin"}, "Open Images' CSV"),
    ({"bbox_x", "bbox_width", "image_name"}, "makesense.ai's CSV"),
    ({"annotator", "lead_time"}, "Label Studio's own CSV"),
    ({"annotation_id", "annotator"}, "Label Studio's own CSV"),
)
_FILES = {
    ".parquet": "Hugging Face's Parquet; save its pictures, and their boxes as COCO",
    ".arrow": "Hugging Face's Arrow; save its pictures, and their boxes as COCO",
    ".jsonl": "lines of JSON, as Hugging Face and Label Studio write them; convert them to COCO",
    ".ndjson": "lines of JSON, as Labelbox writes them; export as COCO or YOLO",
    ".manifest": "Amazon SageMaker's manifest; convert it to COCO, VOC xml or YOLO",
    ".mat": "a file of MATLAB's; convert it to COCO, VOC xml or YOLO",
    ".xlsx": "a spreadsheet; save it as CSV",
    ".ods": "a spreadsheet; save it as CSV",
    **dict.fromkeys((".zip", ".tar", ".tgz", ".gz", ".7z", ".rar"), "an archive; unpack it"),
}
"""What holds labels that are not read, by the ending of its name."""
_MAX_LISTED = 10_000
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
MAX_LOOKED_INTO = 200
"""Text files of a folder that are opened to name their tool."""


def json_tool(content: Any) -> str:
    """The tool that wrote a JSON file that is not COCO's, and what to do; empty: not known."""
    tool = ""
    if isinstance(content, dict):
        tool = next((name for keys, name in _JSON_TOOLS if keys <= content.keys()), "")
        if not tool and content and all(_is_via_entry(value) for value in content.values()):
            tool = "the VGG Image Annotator's"
        if not tool and {"images", "annotations"} <= content.keys():
            return "; it lists no categories, as files of captions do: take the one of instances"
    elif isinstance(content, list) and content and isinstance(content[0], dict):
        if {"data", "annotations"} <= content[0].keys() or "annotator" in content[0]:
            tool = "Label Studio's own list of tasks"
        elif {"image", "annotations"} <= content[0].keys():
            tool = "Create ML's"
        elif {"Labeled Data", "Label"} <= content[0].keys():
            tool = "Labelbox's"
        elif {"name", "labels"} <= content[0].keys():
            tool = "Scalabel's, as of BDD100K"
        elif {"image_id", "bbox", "score"} <= content[0].keys():
            return " but a detector's answers; take the file of the annotations"
    return f" but {tool}; export or convert it as COCO, VOC xml or YOLO" if tool else ""


def _is_via_entry(value: Any) -> bool:
    return isinstance(value, dict) and {"filename", "regions"} <= value.keys()


def xml_tool(tag: str) -> str:
    """The same for an xml file, by the name of its root element."""
    if tag == "annotations":
        return "is CVAT's own xml, one file for all pictures; export it as Pascal VOC, COCO or YOLO"
    if tag == "dataset":
        return "is dlib's xml, one file for all pictures; convert it to Pascal VOC, COCO or YOLO"
    return ""


def csv_tool(first: Sequence[str]) -> str:
    """The same for a CSV, by the fields of its first row."""
    names = {field.strip().casefold() for field in first}
    if {"x1", "x2", "y1", "y2", "classname"} <= names:
        return (
            "is the table of Kaggle's Medical Mask, whose columns x1,x2,y1,y2 hold left, top, "
            "right, bottom; write filename,xmin,ymin,xmax,ymax,class as its first line"
        )
    tool = next((name for keys, name in _CSV_TOOLS if keys <= names), "")
    numbers = [index for index, field in enumerate(first) if _NUMBER.fullmatch(field.strip())]
    if len(first) == 8 and set(numbers) >= {1, 2, 3, 4, 6, 7} and 5 not in numbers:
        tool = "makesense.ai's CSV"
    if len(first) in (9, 11) and names & {"train", "validation", "test", "unassigned"}:
        tool = "Google AutoML's CSV"
    return f"is {tool}; export or convert it as COCO, VOC xml or YOLO" if tool else ""


def folder_tool(folder: Path, images: Sequence[Path]) -> str:
    """The same for a folder without labels that are known, by the names of its files.

    Args:
        folder: the data set.
        images: those that lie below it.
    """
    texts = [path for path in folder.rglob("*.txt") if path.is_file()]
    for path in texts[:MAX_LOOKED_INTO]:
        if path.name == "_annotations.txt":
            return "is Roboflow's YOLOv4 PyTorch or YOLOv3 Keras; export it as COCO, VOC or YOLO"
        if path.name.startswith("wider_face_"):
            return "is WIDER FACE's list of boxes, without mask states; convert it to COCO"
    if any(path.is_dir() for path in folder.rglob("labelTxt")):
        return "has DOTA's turned boxes in labelTxt/; export it as COCO, VOC xml or YOLO"
    if any(path.is_dir() for path in folder.rglob("label_2")):
        return "is KITTI's; convert it to COCO, VOC xml or YOLO"
    for path in sorted(folder.rglob("*.csv"))[:MAX_LOOKED_INTO]:
        with suppress(OSError), open(path, "rb") as file:
            if other := stand_in(file.read(_MAX_LISTED)):
                return f"holds {path.relative_to(folder)}, which {other}"
    for path in sorted(islice(folder.rglob("*"), _MAX_LISTED)):
        if path.suffix.lower() in _FILES and path.is_file():
            return f"holds {path.relative_to(folder)}: {_FILES[path.suffix.lower()]}"
    if not images:
        return ""
    states = {image.parent.name for image in images}
    if len(states) > 1 and None not in map(guess_state, states):
        return (
            "is a classifier's data set, a folder of pictures for each class, without boxes: faces "
            "have to be marked first, with LabelImg, CVAT or Label Studio"
        )
    return (
        f"holds {counted(len(images), 'picture')}, but no labels that are known (VOC xml, CSV, "
        "TFRecord, COCO, YOLO); give their file, or the folder above images/ and annotations/"
    )
