"""Changes in a settings file that keep its comments and its order."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maskdet.errors import ConfigError
from maskdet.system.atomic_files import write_whole
from maskdet.system.text_files import decode_text


def append_item(path: Path, key: str, item: Mapping[str, Any]) -> None:
    """Adds a mapping to a list of a settings file; a missing file or list is made.

    Lists inside of the mapping are written in a line.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    yaml, data = _load(path)
    items = data.get(key)
    if not items:
        items = data[key] = _block([])
    items.append({name: _flow(value) for name, value in item.items()})
    _save(path, yaml, data)


def remove_items(path: Path, key: str, matching: Mapping[str, Any]) -> bool:
    """Takes the mappings that have these values out of a list; whether there was one.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    yaml, data = _load(path)
    items = data.get(key) or []
    fits = [
        index
        for index, item in enumerate(items)
        if all(item.get(name) == value for name, value in matching.items())
    ]
    for index in reversed(fits):
        del items[index]
    if fits:
        if not items:
            data[key] = _flow([])
        _save(path, yaml, data)
    return bool(fits)


def item_names(path: Path, key: str) -> set[str]:
    """The names of the mappings in a list of a settings file.

    Raises:
        ConfigError: the file cannot be read.
    """
    _, data = _load(path)
    return {str(item["name"]) for item in data.get(key) or [] if "name" in item}


def set_in_item(
    path: Path, key: str, matching: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """Sets values in the mappings of a list that have these values.

    An item that is a plain text counts as a mapping whose `name` it is.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    yaml, data = _load(path)
    items = data.get(key) or []
    for index, item in enumerate(items):
        if isinstance(item, str):
            item = {"name": item}
        if all(item.get(name) == value for name, value in matching.items()):
            item.update(values)
            items[index] = item
    _save(path, yaml, data)


def _load(path: Path) -> tuple[Any, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.error import YAMLError

    yaml = YAML()
    yaml.width = 100
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    try:
        text = decode_text(path.read_bytes()) if path.exists() else ""
        data = yaml.load(text.replace("\r\n", "\n"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise ConfigError(f"{path}: cannot be changed: {_reason(error)}") from None
    return yaml, CommentedMap() if data is None else data


def _save(path: Path, yaml: Any, data: Any) -> None:
    text = io.StringIO()
    yaml.dump(data, text)
    try:
        write_whole(path, text.getvalue())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def _flow(value: Any) -> Any:
    """A list, however deep, that is written in one line."""
    if not isinstance(value, list | tuple):
        return value
    from ruamel.yaml.comments import CommentedSeq

    items = CommentedSeq([_flow(item) for item in value])
    items.fa.set_flow_style()
    return items


def _block(items: list[Any]) -> Any:
    from ruamel.yaml.comments import CommentedSeq

    made = CommentedSeq(items)
    made.fa.set_block_style()
    return made
