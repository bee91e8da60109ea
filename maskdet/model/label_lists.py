"""Class names in the files of YOLO and of TensorFlow Lite: a name a line, or ``names`` in YAML."""

from __future__ import annotations

import re
from pathlib import Path

from maskdet.config import read_yaml
from maskdet.errors import ConfigError, MaskdetError, ModelError

NAMES = (
    "labelmap.txt", "label_map.txt", "labels.txt", "classes.txt", "class_names.txt", "obj.names",
    "coco.names", "metadata.yaml", "data.yaml",
)  # fmt: skip
"""How such files are called beside a model."""
SUFFIXES = (".txt", ".names", ".yaml", ".yml")
_PLACEHOLDERS = ("???", "background")
"""What stands first where class 0 of a list is not a class of the network."""


def parse_label_list(text: str) -> dict[int, str]:
    """Names by number, from 0; a number may stand before each name."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbered = [re.fullmatch(r"(\d{1,6})\s*[:\s]\s*(\S.*)", line) for line in lines]
    if lines and all(numbered):
        found = {int(match[1]): match[2] for match in numbered if match}
    else:
        found = dict(enumerate(lines))
    if found.get(0, "").lower() in _PLACEHOLDERS:
        found = {number - 1: name for number, name in found.items() if number}
    return found


def read_label_list(path: Path, text: str) -> dict[int, str]:
    """Names by number of a file in one of `SUFFIXES`.

    Raises:
        ModelError: the YAML is broken or names no classes.
    """
    if path.suffix.lower() not in (".yaml", ".yml"):
        return parse_label_list(text)
    names = yaml_names(path, ModelError)
    if all(str(number).isdecimal() for number in names):
        return {int(str(number)): str(name) for number, name in names.items()}
    raise ModelError(f"{path}: has no class names; expected names: [mask, no_mask]")


def yaml_names(path: Path, error: type[MaskdetError]) -> dict[object, object]:
    """The ``names`` of YOLO's ``data.yaml``, a list's by number from 0.

    Raises:
        MaskdetError: of the kind `error`: the YAML is broken or has no such list.
    """
    try:
        names = read_yaml(path).get("names")
    except ConfigError as broken:
        raise error(" ".join(str(broken).split())) from None
    if isinstance(names, list):
        return dict(enumerate(names))
    if not isinstance(names, dict):
        raise error(f"{path}: has no 'names' list; expected names: [mask, no_mask]")
    return dict(names)
