"""The likely meaning of a source that is none: a camera, an address, a file with another name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from difflib import get_close_matches
from itertools import islice

from maskdet.sources.address import scheme_of

_WEBCAM = re.compile(r"(?:usb|video|(?:web)?cam(?:era)?)[ :=#]*([0-9]{0,2})", re.IGNORECASE)
_SCHEME = re.compile(r"(rtsps?|https?|udp|rtp|tcp|srt|rtmps?)(?::(?!//)|//?)", re.IGNORECASE)
_HOST = re.compile(
    r"(?:[^/@]*@)?(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]+)?|[\w.-]+:[0-9]+)(?:/.*)?"
)
_USUAL_SCHEMES = ("http", "https", "rtmp", "rtsp", "udp")
_MAX_NAMES = 10_000
"""Files of a folder among which a name is looked for."""


def likely_meaning(spec: str) -> str:
    """The step to take, for people; empty where nothing is likely.

    Args:
        spec: fits no kind of source. It may hold a password, so nothing of an address is repeated.
    """
    return next((hint for rule in _RULES if (hint := rule(spec))), "")


def _quotes(spec: str) -> str:
    is_quoted = len(spec) > 2 and spec[0] == spec[-1] and spec[0] in "'\"`"
    return "leave out the quotes: they are a part of the name here" if is_quoted else ""


def _several(spec: str) -> str:
    parts = [part.strip() for part in spec.split(",")]
    is_several = len(parts) > 1 and all(
        part.isdecimal() or part == "demo" or "://" in part or (part and os.path.exists(part))
        for part in parts
    )
    return "of several sources, each has a --source of its own" if is_several else ""


def _webcam(spec: str) -> str:
    found = _WEBCAM.fullmatch(spec)
    return f"a webcam is named by its number: {int(found[1] or 0)}" if found else ""


def _demo(spec: str) -> str:
    return "did you mean demo?" if get_close_matches(spec.lower(), ["demo"], cutoff=0.75) else ""


def _address(spec: str) -> str:
    if typed := scheme_of(spec):
        near = get_close_matches(typed, _USUAL_SCHEMES, 1, cutoff=0.75)
        return f"did you mean {near[0]}://?" if near else ""
    if found := _SCHEME.match(spec):
        return f"an address begins with {found[1].lower()}:// (a colon and two strokes)"
    if _HOST.fullmatch(spec):
        return "an address begins with its protocol: rtsp:// or http://"
    return ""


def _file(spec: str) -> str:
    """The nearest name in the folder, or the folder that is missing."""
    if scheme_of(spec):
        return ""
    path = spec[5:] if spec.lower().startswith("file:") else spec
    if path != spec and os.path.exists(path):
        return "name the file by its path alone, without file:"
    bare = path.rstrip("/" + os.sep)
    if bare != path and os.path.isfile(bare):
        return f"'{bare}' is a file: leave out what follows its name"
    folder, name = os.path.split(bare)
    if folder and not os.path.isdir(folder):
        while os.path.dirname(folder) not in ("", folder) and not os.path.isdir(
            os.path.dirname(folder)
        ):
            folder = os.path.dirname(folder)
        return f"there is no folder '{folder}'"
    with suppress(OSError, ValueError), os.scandir(folder or ".") as found:
        names = [entry.name for entry in islice(found, _MAX_NAMES) if entry.name[0] != "."]
        by_stem = [other for other in names if os.path.splitext(other)[0] == name]
        if near := by_stem[:1] or get_close_matches(name, names, 1, cutoff=0.8):
            return f"did you mean '{os.path.join(folder, near[0])}'?"
    return ""


_RULES: tuple[Callable[[str], str], ...] = (_quotes, _several, _webcam, _demo, _address, _file)
