"""Files of labels that are not read here: what each is, and the way out, in a few words."""

from __future__ import annotations

from typing import Any

_JSON_TOOLS: tuple[tuple[set[str], str], ...] = (
    ({"shapes", "imagePath"}, "labelme's, a file for each picture"),
    ({"_via_img_metadata"}, "a project of the VGG Image Annotator"),
    ({"taxonomy", "items"}, "Datumaro's"),
    ({"captions"}, "a list of captions"),
)


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
        if {"data", "annotations"} <= content[0].keys():
            tool = "Label Studio's own list of tasks"
        elif {"image", "annotations"} <= content[0].keys():
            tool = "Create ML's"
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
