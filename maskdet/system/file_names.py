"""Names of files that are not UTF-8: Python holds such a byte as half of a surrogate pair."""

from __future__ import annotations


def readable_name(name: str) -> str:
    """A name with a question mark for each byte that is not UTF-8, as libraries in C++ need it."""
    return name.encode(errors="replace").decode()


def is_readable(name: str) -> bool:
    """Whether a name can be encoded in UTF-8."""
    return readable_name(name) == name
