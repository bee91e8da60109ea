"""Changes in a settings file that leave the rest of its text as it is, comments and all.

The file is parsed only to find where its lists and their items stand; the change itself is made in
the text, so that nothing else is written in another way.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from maskdet.errors import ConfigError
from maskdet.system.atomic_files import write_whole
from maskdet.system.text_files import decode_text

_AS_GIVEN = {"allow_unicode": True, "sort_keys": False}
_LAYOUT = "its layout is not one that can be edited; change it by hand"


def append_item(path: Path, key: str, item: Mapping[str, Any]) -> None:
    """Adds a mapping to a list of a settings file; a missing file or list is made.

    Lists inside of the mapping are written in a line.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    file = _Text(path)
    expected = file.plain()
    expected[key] = [*(expected.get(key) or []), _plain(yaml.compose(_flow(item)))]
    value = file.value_of(key)
    if value is None:
        file.add_key(key, item)
    elif _is_null(value) or (not value.value and _is_in_line(value) and not file.is_flow):
        file.fill_empty(key, value, item)
    elif isinstance(value, yaml.SequenceNode) and value.flow_style:
        file.add_to_flow(value, file.in_line(item))
    elif isinstance(value, yaml.SequenceNode):
        indent = value.start_mark.column
        file.insert_lines(_last_line(value), _block(item, indent))
    file.save(expected)


def remove_items(path: Path, key: str, matching: Mapping[str, Any]) -> bool:
    """Takes the mappings that have these values out of a list; whether there was one.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    file = _Text(path)
    expected = file.plain()
    found = False
    while (at := _first(file.value_of(key), matching)) is not None:
        del expected[key][at]
        file.remove(file.value_of(key), at)
        found = True
    if found:
        file.save(expected)
    return found


def item_names(path: Path, key: str) -> set[str]:
    """The names of the mappings in a list of a settings file.

    Raises:
        ConfigError: the file cannot be read.
    """
    items = _Text(path).plain().get(key) or []
    return {str(item["name"]) for item in items if isinstance(item, dict) and "name" in item}


def set_in_item(
    path: Path, key: str, matching: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """Sets values in the first mapping of a list that has these values.

    An item that is a plain text counts as a mapping whose `name` it is.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    file = _Text(path)
    at = _first(file.value_of(key), matching)
    if at is None:
        return
    expected = file.plain()
    item = expected[key][at]
    plain = {name: _plain(yaml.compose(_flow(value))) for name, value in values.items()}
    expected[key][at] = ({"name": item} if isinstance(item, str) else item) | plain
    for name, value in values.items():
        file.set(file.value_of(key).value[at], name, value)
    file.save(expected)


class _Text:
    """The text of a settings file, and where in it what stands."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            text = decode_text(path.read_bytes()) if path.exists() else ""
            self._newline = "\r\n" if "\r\n" in text else "\n"
            self._text = text.replace("\r\n", "\n")
            self._root: Any = yaml.compose(self._text, yaml.SafeLoader)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigError(f"{path}: cannot be changed: {_reason(error)}") from None
        if self._root is not None and not isinstance(self._root, yaml.MappingNode):
            raise ConfigError(f"{path}: cannot be changed: it holds no settings")

    @property
    def is_flow(self) -> bool:
        """Whether it is written in braces, as JSON is."""
        return self._root is not None and bool(self._root.flow_style)

    def in_line(self, value: Any) -> str:
        """A value in one line, as JSON where the file may be JSON."""
        return json.dumps(value, ensure_ascii=False) if self.is_flow else _flow(value)

    def plain(self) -> dict[str, Any]:
        """Its content, every value as text."""
        return {} if self._root is None else _plain(self._root)

    def value_of(self, key: str) -> Any:
        """The node of a key; None where there is none."""
        return _value_in(self._root, key)

    def add_key(self, key: str, item: Mapping[str, Any]) -> None:
        """Adds a key with one item at the end."""
        if self.is_flow:
            self.add_to_flow(self._root, f"{json.dumps(key)}: [{self.in_line(item)}]")
            return
        indent = 0 if self._root is None else self._root.start_mark.column
        text = self._text if self._text.endswith("\n") or not self._text else self._text + "\n"
        self._change(f"{text}{' ' * indent}{key}:\n{_block(item, indent + 2)}")

    def fill_empty(self, key: str, value: yaml.Node, item: Mapping[str, Any]) -> None:
        """Puts the first item below a key whose list is empty or missing."""
        if _is_null(value) and self.is_flow:
            self._replace(value.start_mark.index, value.end_mark.index, f"[{self.in_line(item)}]")
            return
        name = next(k for k, _ in self._root.value if k.value == key)
        line = max(name.end_mark.line, _last_line(value))
        begin, end = value.start_mark.index, value.end_mark.index
        if begin < end:  # the comment behind it stays where it is
            rest = self._text[end:].split("\n", 1)[0].strip()
            self._replace(begin, end, " " * (end - begin) if rest else "")
        self.insert_lines(line, _block(item, 2), is_bare=begin < end)

    def add_to_flow(self, node: Any, item: str) -> None:
        """Adds an item to a list or mapping in brackets."""
        end = node.end_mark.index - 1
        last = node.value[-1] if node.value else None
        if last is None:
            self._replace(end, end, item)
            return
        end = (last[1] if isinstance(last, tuple) else last).end_mark.index
        self._replace(end, end, f", {item}")

    def insert_lines(self, line: int, text: str, *, is_bare: bool = False) -> None:
        """Inserts lines behind a line, which loses blanks at its end if it is to be bare."""
        lines = self._text.splitlines(keepends=True)
        if not lines[line].endswith("\n"):
            lines[line] += "\n"
        if is_bare:
            lines[line] = lines[line].rstrip() + "\n"
        self._change("".join([*lines[: line + 1], text, *lines[line + 1 :]]))

    def remove(self, items: Any, at: int) -> None:
        """Takes an item out of a list; comments around it stay."""
        item, rest = items.value[at], len(items.value) - 1
        if items.flow_style:
            begin, end = item.start_mark.index, item.end_mark.index
            if not rest:
                begin, end = items.start_mark.index + 1, items.end_mark.index - 1
            elif at < rest:
                end = items.value[at + 1].start_mark.index
            else:
                begin = items.value[at - 1].end_mark.index
            self._replace(begin, end, "")
            return
        column, lines = items.start_mark.column, self._text.splitlines(keepends=True)
        first = item.start_mark.line
        while not lines[first].startswith("-", column):
            first -= 1
        if not rest:
            name = next(k for k, value in self._root.value if value is items)
            line = lines[name.end_mark.line]
            colon = line.index(":", name.end_mark.column) + 1
            rest_of_line = re.sub("^ {3}(?= )", "", line[colon:])
            lines[name.end_mark.line] = f"{line[:colon]} []{rest_of_line}"
        self._change("".join([*lines[:first], *lines[_last_line(item) + 1 :]]))

    def set(self, item: Any, name: str, value: Any) -> None:
        """Sets a value in an item of a list."""
        known = _value_in(item, name)
        if known is not None:
            self._replace(known.start_mark.index, known.end_mark.index, self.in_line(value))
        elif isinstance(item, yaml.ScalarNode):
            begin, end = item.start_mark.index, item.end_mark.index
            text = self._text[begin:end]  # in the quotes that it has
            self._replace(begin, end, f"{{name: {text}, {name}: {_flow(value)}}}")
        elif item.flow_style:
            key = json.dumps(name) if self.is_flow else name
            self.add_to_flow(item, f"{key}: {self.in_line(value)}")
        else:
            indent = " " * item.start_mark.column
            self.insert_lines(_last_line(item), f"{indent}{name}: {_flow(value)}\n")

    def save(self, expected: Mapping[str, Any]) -> None:
        """Writes the file, if the text now means what it should.

        Raises:
            ConfigError: it does not, or the file cannot be written.
        """
        if self.plain() != expected:
            raise ConfigError(f"{self._path}: cannot be changed: {_LAYOUT}")
        try:
            write_whole(self._path, self._text.replace("\n", self._newline))
        except OSError as error:
            raise ConfigError(f"{self._path}: cannot be written: {_reason(error)}") from None

    def _replace(self, begin: int, end: int, text: str) -> None:
        self._change(self._text[:begin] + text + self._text[end:])

    def _change(self, text: str) -> None:
        self._text = text
        try:
            self._root = yaml.compose(text, yaml.SafeLoader)
        except yaml.YAMLError:
            raise ConfigError(f"{self._path}: cannot be changed: {_LAYOUT}") from None


def _first(items: Any, matching: Mapping[str, Any]) -> int | None:
    """Index of the first item with these values; None where there is none."""
    if not isinstance(items, yaml.SequenceNode):
        return None
    for index, node in enumerate(items.value):
        item = {"name": node.value} if isinstance(node, yaml.ScalarNode) else _plain(node)
        if isinstance(item, dict) and all(item.get(k) == v for k, v in matching.items()):
            return index
    return None


def _value_in(node: Any, key: str) -> Any:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _plain(node: Any) -> Any:
    """Content of a node, numbers and words as the text that they are."""
    if isinstance(node, yaml.MappingNode):
        return {name.value: _plain(value) for name, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one) for one in node.value]
    return None if _is_null(node) else node.value


def _is_null(node: yaml.Node) -> bool:
    return node.tag == "tag:yaml.org,2002:null"


def _is_in_line(node: yaml.Node) -> bool:
    """Whether it is a list in brackets, within a line."""
    return bool(node.flow_style) and node.start_mark.line == node.end_mark.line


def _last_line(node: Any) -> int:
    """The last line of a node, comments behind it left out."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    end = node.end_mark
    return int(end.line) - (end.column == 0 and end.line > node.start_mark.line)


def _flow(value: Any) -> str:
    """A value in one line."""
    text: str = yaml.safe_dump([value], default_flow_style=True, width=math.inf, **_AS_GIVEN)
    return text.strip()[1:-1]


def _block(item: Mapping[str, Any], indent: int) -> str:
    """An item of a list, a line for each of its keys."""
    first, *others = [f"{name}: {_flow(value)}" for name, value in item.items()]
    return "".join(
        " " * indent + line + "\n" for line in (f"- {first}", *(f"  {one}" for one in others))
    )


def _reason(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1} is not YAML; correct it by hand"
    return getattr(error, "strerror", None) or "it is not text"
