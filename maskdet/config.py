"""Settings: a YAML file and single overrides become a checked value; the one place that reads YAML.

What a file may hold is the plain part of YAML 1.2: mappings with text keys, lists, text, numbers,
true, false, null. Aliases, tags and repeated keys are refused, so a hostile file costs nothing.
All mistakes are reported together, each with its place and the nearest right key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from maskdet.config_messages import Key, describe_all, kind_of, rename_old_keys
from maskdet.errors import ConfigError, reason_of
from maskdet.system.console import say
from maskdet.system.file_names import readable_name
from maskdet.system.redaction import mask_password
from maskdet.system.resources import nearest_settings_file, settings_file
from maskdet.system.text_files import decode_text, encoding_problem, raw_content

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml reads a card in a twentieth
_TAB_PROBLEM = "found character that cannot start any token"
MAX_BYTES = 256 * 1024
"""Larger files are refused; no settings file comes near it."""


class Settings(BaseModel):
    """A group of settings: unknown keys are mistakes, values do not change once they are read.

    Numbers are finite: no system call waits for an infinite time.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False
    )

    SHORT_FORM: ClassVar[str] = ""
    """The key that a plain text in the place of the group stands for; empty: none."""
    RENAMED: ClassVar[Mapping[str, str]] = {}
    """New names of keys by their old ones, which are still read."""

    @field_validator("*", mode="wrap")
    @classmethod
    def _accept_file_names(cls, value: Any, check: ValidatorFunctionWrapHandler) -> Any:
        """Takes a file's name with bytes that are not UTF-8, which pydantic takes for no text."""
        try:
            return check(value)
        except ValidationError:
            readable = readable_name(value) if isinstance(value, str) else value
            if readable == value:
                raise
            checked = check(readable)
            return value if checked == readable else checked


@dataclass(frozen=True)
class Override:
    """One value that replaces the file's.

    Attributes:
        origin: what a person typed, for messages: ``--min-score``.
        key: where it goes.
        value: already a number, text, list …
    """

    origin: str
    key: Key
    value: Any


_SECRET_KEYS = ("password", "token", "secret")
"""Keys whose values are never repeated in a message."""
SettingsT = TypeVar("SettingsT", bound=Settings)


def load_settings(
    cls: type[SettingsT],
    path: str | Path | None = None,
    overrides: Sequence[str | Override] = (),
    notes: list[str] | None = None,
) -> SettingsT:
    """Settings from a YAML file, then overrides in their order, then the defaults of `cls`.

    Args:
        cls: the settings to make.
        path: a YAML file, ``configs/NAME.yaml`` is one that ships; None for none.
        overrides: ``a.b=value`` as typed after ``--set`` (the value is YAML), or `Override`.
        notes: gets a line for each old name of a key; None: they are printed.

    Raises:
        ConfigError: a line for every mistake: where it stands, what is wrong, what is expected.
    """
    data, origins = _read(settings_file(path)) if path is not None else ({}, {})
    mistakes = []
    for override in overrides:
        try:
            made = parse_override(override) if isinstance(override, str) else override
            origins[_put(data, _spelled_out(cls, data, made))] = made.origin
        except ConfigError as error:
            mistakes.append(str(error))
    renamed = rename_old_keys(cls, data, origins)
    if notes is None:
        for line in renamed:
            say(line, "warning")
    else:
        notes += renamed
    try:
        settings = cls.model_validate(data)
    except ValidationError as error:
        mistakes += describe_all(cls, error.errors(include_url=False), origins)
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return settings


def parse_override(text: str) -> Override:
    """``a.b=value`` as an `Override`.

    Raises:
        ConfigError: it has no ``=`` or no key.
    """
    name, equals, written = text.partition("=")
    parts = [part.strip() for part in name.split(".")]
    is_secret = parts[-1] in _SECRET_KEYS
    shown = f"--set {name}=***" if is_secret else f"--set {mask_password(text)}"
    if not equals or not all(parts):
        raise ConfigError(f"{shown}: expected key=value, as in overlay.scores=false")
    try:
        value = _parse(f"value: {written}", shown)[0]["value"]
    except ConfigError:
        value = written  # text that is not YAML, such as @name, is meant as it stands
    return Override(shown, tuple(int(p) if p.isdecimal() else p for p in parts), value)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; an empty file is an empty mapping.

    Raises:
        ConfigError: one line with file, line and what is wrong.
    """
    return _read(Path(path))[0]


def write_yaml(data: Mapping[str, Any]) -> str:
    """A mapping as YAML text, in its own order."""
    return yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=100)


def _read(path: Path) -> tuple[dict[str, Any], dict[Key, str]]:
    """A file's mapping, and where each of its keys stands (``file:line``)."""
    raw = b""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_BYTES // 1024} KiB; not a settings file")
        raw = raw_content(path)
        text = decode_text(raw)
    except UnicodeDecodeError as error:
        line, problem = encoding_problem(raw, error)
        raise ConfigError(f"{path}:{line}: {problem}") from None
    except OSError as error:
        near = nearest_settings_file(path) if isinstance(error, FileNotFoundError) else None
        hint = f"; did you mean {near}?" if near is not None else ""
        raise ConfigError(f"{path}: cannot be read: {reason_of(error)}{hint}") from None
    data, lines = _parse(text, str(path))
    if data is None:
        return {}, {(): str(path)}
    if not isinstance(data, dict):
        odd = "; it has a non-breaking space (U+00A0)" if "\xa0" in text else ""
        raise ConfigError(f"{path}: expected 'key: value' lines, found {kind_of(data)}{odd}")
    return data, {key: f"{path}:{line}" for key, line in lines.items()}


def _parse(text: str, name: str) -> tuple[Any, dict[Key, int]]:
    """The value of a YAML text, and the line of each key in it."""
    lines: dict[Key, int] = {}
    try:
        node = yaml.compose(text, _LOADER)
        return (None if node is None else _value(node, (), lines, set())), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        last = len(text.splitlines())  # libyaml names the line after an end that comes too early
        place = f"{name}:{min(mark.line + 1, last)}" if mark else name
        problem = _explained(str(error.problem or error.context), mark, text)
        raise ConfigError(f"{place}: not valid YAML: {problem}") from None
    except yaml.reader.ReaderError:
        raise ConfigError(f"{name}: not a text file: it holds control characters") from None
    except RecursionError:
        raise ConfigError(f"{name}:1: not valid YAML: exceeded maximum nesting depth") from None


def _explained(problem: str, mark: yaml.Mark | None, text: str) -> str:
    """The problem that the parser found, with the way out where that is known."""
    line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
    if mark and problem == _TAB_PROBLEM and line[mark.column : mark.column + 1] == "\t":
        return "a tab; indent with spaces"
    if "hexdecimal" in problem or "unknown escape" in problem:
        return "between double quotes \\ begins an escape; write single quotes around a path"
    if "another document" in problem:
        return "a second document (---); settings are one"
    if re.match(r"\s*\[[\w.]+\]", text.removeprefix("\ufeff")):
        return f"{problem}; a group is written as 'name:', its keys indented below, not as [name]"
    return problem


def _value(node: yaml.Node, key: Key, lines: dict[Key, int], seen: set[int]) -> Any:
    """The Python value of a node; an alias shows as a node met twice."""
    if id(node) in seen:
        raise _refusal(node, "aliases (*name) are not used here; write the value out")
    if not re.fullmatch(r"tag:yaml\.org,2002:(map|seq|str)", node.tag):
        raise _refusal(node, f"tags ({node.tag}) are not used here")
    seen.add(id(node))
    lines.setdefault(key, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*key, i), lines, seen) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return dict(_items(node, key, lines, seen))
    return node.value if node.style else _plain(node.value)


def _items(
    node: yaml.MappingNode, key: Key, lines: dict[Key, int], seen: set[int]
) -> Iterator[tuple[str, Any]]:
    """Names and values of a mapping, in order."""
    names = set()
    for name_node, value_node in node.value:
        if not isinstance(name_node, yaml.ScalarNode):
            raise _refusal(name_node, "a key must be text")
        if (name := name_node.value) in names:
            raise _refusal(name_node, f"key '{name}' is there twice")
        names.add(name)
        lines[(*key, name)] = name_node.start_mark.line + 1
        yield name, _value(value_node, (*key, name), lines, seen)


def _plain(text: str) -> Any:
    """An unquoted scalar as YAML 1.2 reads it: 1e-3 is a number, no and 12:30 are text."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text[0] in "tT"
    if re.fullmatch(r"[-+]?[0-9]{1,300}", text):
        return int(text)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?", text):
        return float(text)
    return text


def _refusal(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _spelled_out(cls: type[Settings], data: dict[str, Any], override: Override) -> Override:
    """Spells short forms of a group out: so `events` and `events.every` can both be set."""
    name = override.key[0]
    field = cls.model_fields.get(str(name))
    group = None if field is None else field.annotation
    short = group.SHORT_FORM if isinstance(group, type) and issubclass(group, Settings) else ""
    if not short:
        return override
    if isinstance(data.get(str(name)), str):
        data[str(name)] = {short: data[str(name)]}
    if len(override.key) == 1 and isinstance(override.value, str):
        return Override(override.origin, (name, short), override.value)
    return override


def _put(data: dict[str, Any], override: Override) -> Key:
    """Sets one value, making the groups on the way that are not there yet; returns its place."""
    place: Any = data
    key: Key = ()
    for part in override.key:
        if isinstance(place, list) and isinstance(part, int) and part < len(place):
            name: str | int = part
        elif isinstance(place, dict):
            name = str(part)
        else:
            raise ConfigError(f"{override.origin}: '{'.'.join(map(str, key))}' has no '{part}'")
        key = (*key, name)
        if len(key) == len(override.key):
            place[name] = override.value
        elif isinstance(place, dict) and place.get(name) is None:
            place[name] = {}
        place = place[name]
    return key
