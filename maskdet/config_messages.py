"""Messages about mistakes in settings: the place, what is wrong, the nearest right key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from maskdet.system.redaction import mask_password

_OF_GROUPS = ("value_error", "channel_kind")
"""Kinds of mistakes that name what is wrong in a whole group, which need not be repeated."""

_OF_KEYS = ("extra_forbidden", "missing")
"""Kinds of mistakes in a key, not in its value."""
_NO_GROUP = ("model_type", "dict_type", "model_attributes_type")
"""Kinds of mistakes where something else stands in the place of a group."""

_MAX_SHOWN = 60
"""Letters of a wrong value that a message repeats."""

Key = tuple[str | int, ...]
"""Where a value stands: names in mappings, positions in lists."""


def describe_all(
    cls: type[BaseModel], details: Sequence[ErrorDetails], origins: Mapping[Key, str]
) -> list[str]:
    """A line for each mistake; a list that lacks what is wrong in it is not one of its own."""
    details = _joined(cls, details)
    places = [detail["loc"] for detail in details]

    def is_own(detail: ErrorDetails) -> bool:
        length = len(detail["loc"])
        within = any(len(loc) > length and loc[:length] == detail["loc"] for loc in places)
        return not (within and detail["type"] == "too_short")

    return [describe(cls, detail, origins) for detail in filter(is_own, details)]


def _joined(cls: type[BaseModel], details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """The same with one instead of those that pydantic has for each member of a plain union.

    Such a member (``'auto'``, or a number) stands as a name of pydantic's own behind the key.
    """
    joined: list[ErrorDetails] = []
    places: dict[Key, int] = {}
    for detail in details:
        owner = detail["loc"][:-1]
        if not _is_member(cls, detail):
            joined.append(detail)
        elif owner not in places:
            places[owner] = len(joined)
            joined.append({**detail, "loc": owner})
        else:
            first = joined[places[owner]]
            choices = [_choice(one) for one in (first, detail)]
            joined[places[owner]] = {
                **first,
                "type": "literal_error",
                "msg": f"must be {' or '.join(choices)}",
            }
    return joined


def _choice(detail: ErrorDetails) -> str:
    return _expected(detail).removeprefix("expected ").removeprefix("must be ")


def _is_member(cls: type[BaseModel], detail: ErrorDetails) -> bool:
    """Whether a mistake is of one member of a union of plain values."""
    key = _without_tags(cls, detail["loc"])
    if len(key) < 2 or not isinstance(key[-1], str) or detail["type"] in _OF_KEYS:
        return False
    is_key = any(one[-1] == key[-1] for one in _children(cls, key[:-1]))
    return not is_key and any(one[-1] == key[-2] for one in _children(cls, key[:-2]))


def describe(cls: type[BaseModel], detail: ErrorDetails, origins: Mapping[Key, str]) -> str:
    """One line for one thing that pydantic found.

    Args:
        cls: the settings that were to be made.
        detail: pydantic's own description.
        origins: where each key was written: file and line, or the option.
    """
    key = _without_tags(cls, detail["loc"])
    if detail["type"] == "extra_forbidden":  # whatever its name, it is not a member of a union
        key = (*_without_tags(cls, detail["loc"][:-1]), detail["loc"][-1])
    place = _place(key, origins)
    dotted = ".".join(map(str, key))
    if detail["type"] == "extra_forbidden":
        return f"{place}: unknown key '{dotted}'; {_nearest(cls, key)}"
    if detail["type"] == "missing":
        return f"{place}: '{dotted}' is missing"
    if not key:  # of several groups together
        return f"{place}: {_expected(detail)}"
    given = detail["input"]
    if detail["type"] == "string_too_short" and not given:
        return f"{place}: '{dotted}': must not be empty"
    if given is None and detail["type"] in (*_NO_GROUP, "list_type", "tuple_type"):
        return f"{place}: '{dotted}': has no value; write one, or leave the key out"
    if detail["type"] in _OF_GROUPS and _has_groups(given):
        return f"{place}: '{dotted}': {_expected(detail)}"
    shown = kind_of(given)
    if not isinstance(given, dict):
        shown = _shortened(mask_password(repr(given)))
    known = ", ".join(k[-1] for k in _children(cls, key)) if detail["type"] in _NO_GROUP else ""
    hint = f"; its keys: {known}" if known else ""
    return f"{place}: '{dotted}': {_expected(detail)}, not {shown}{hint}"


def _has_groups(given: Any) -> bool:
    """Whether a value is a group of settings, or a list of some."""
    values = given if isinstance(given, list | tuple) else [given]
    return any(isinstance(one, dict) for one in values)


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"


def rename_old_keys(
    cls: type[BaseModel], data: Any, origins: dict[Key, str], key: Key = ()
) -> list[str]:
    """Puts the values of keys that have a new name under it; a line for each that names it.

    Args:
        cls: the settings; its `RENAMED` has the new names by the old ones.
        data: their values, changed.
        origins: where each key was written, changed, too.
        key: the place of `data`.
    """
    if isinstance(data, list):
        items = enumerate(data)
        return [
            line for i, item in items for line in rename_old_keys(cls, item, origins, (*key, i))
        ]
    if not isinstance(data, dict):
        return []
    lines = []
    for old, new in getattr(cls, "RENAMED", {}).items():
        if old in data and new not in data:
            data[new] = data.pop(old)
            place = _place((*key, old), origins)
            origins[(*key, new)] = origins.pop((*key, old), place)
            lines.append(f"{place}: '{old}' is called '{new}' now; it is read under both names")
    for name, field in cls.model_fields.items():
        for group, _ in _groups(field.annotation):
            lines += rename_old_keys(group, data.get(name), origins, (*key, name))
    return lines


def _without_tags(cls: type[BaseModel], key: Key) -> Key:
    """A place without pydantic's names for the members of a union (distinguished by ``kind``)."""
    tags = set(_tags(cls))
    place: Key = ()
    for part in key:
        if part not in tags or any(one[-1] == part for one in _children(cls, place)):
            place = (*place, part)
    return place


def _tags(cls: type[BaseModel]) -> Iterator[str]:
    """The names of the members of unions within settings, at any depth."""
    for field in cls.model_fields.values():
        for group, _ in _groups(field.annotation):
            if "kind" in group.model_fields:
                yield group.model_fields["kind"].default
            yield from _tags(group)


def _place(key: Key, origins: Mapping[Key, str]) -> str:
    """Where a key, or else the nearest group around it or value within it, was written."""
    around = [key[:n] for n in range(len(key), -1, -1) if key[:n] in origins]
    within = [k for k in origins if k[: len(key)] == key]
    return origins[(around + within)[0]] if around or within else "settings"


def kind_of(value: Any) -> str:
    """The kind of a value, in words."""
    kinds = {dict: "a group of settings", list: "a list", str: "text", bool: "true or false"}
    return kinds.get(type(value), "a number")


def _expected(detail: ErrorDetails) -> str:
    """The kind of value that was expected, in words that need no knowledge of Python."""
    kind, message = detail["type"], detail["msg"]
    if kind.startswith(("int_", "float_", "bool_", "string_", "path_", "list_", "tuple_")):
        names = {
            "int": "a whole number", "float": "a number", "bool": "true or false",
            "string": "text", "path": "a path", "list": "a list", "tuple": "a list",
        }  # fmt: skip
        if not kind.endswith(("_short", "_long", "_mismatch")):
            return f"expected {names[kind.split('_')[0]]}"
    if kind in _NO_GROUP:
        return "expected a group of settings (key: value)"
    message = re.sub("^[A-Z][a-z]+ should have", "must have", message)  # a string, a tuple
    return message.removeprefix("Value error, ").replace("Input should be", "must be")


def _nearest(cls: type[BaseModel], key: Key) -> str:
    """The key to write instead of an unknown one."""
    known = list(_keys(cls))
    siblings = _children(cls, key[:-1])
    parts = str(key[-1]).casefold().split(".")
    if len(parts) > 1 and (*key[:-1], *parts) in known:
        return f"write it as a group: {': {'.join(parts)}: …{'}' * (len(parts) - 1)}"
    for keys, likeness in ((siblings, 0.6), (known, 0.8)):
        names = {k[-1]: k for k in reversed(keys)}
        if close := difflib.get_close_matches(str(key[-1]).casefold(), names, 1, likeness):
            right = (*key[:-1], close[0]) if keys is siblings else names[close[0]]
            return f"did you mean '{'.'.join(map(str, right))}'?"
    return f"known here: {', '.join(k[-1] for k in siblings)}"


def _children(cls: type[BaseModel], key: Key) -> list[tuple[str, ...]]:
    """The keys of the group at a place."""
    pattern = tuple("*" if isinstance(part, int) else part for part in key)
    return [known for known in _keys(cls) if known[:-1] == pattern]


def _keys(cls: type[BaseModel], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key that settings may have; ``*`` stands for a position in a list."""
    for name, field in cls.model_fields.items():
        yield (*prefix, name)
        for group, is_item in _groups(field.annotation):
            yield from _keys(group, (*prefix, name, *(["*"] if is_item else [])))


def _groups(annotation: Any, is_item: bool = False) -> Iterator[tuple[type[BaseModel], bool]]:
    """Groups of settings inside a type, and whether they are items of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, is_item
    for inner in get_args(annotation):
        origin_is_list = getattr(annotation, "__origin__", None) in (list, tuple)
        yield from _groups(inner, is_item or origin_is_list)
