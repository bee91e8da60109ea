"""Names of files: those not in UTF-8, those that are one on some systems, and in a command line.

Python holds a byte that is not UTF-8 as half of a surrogate pair.
"""

from __future__ import annotations

import re
import shlex
import sys
import unicodedata


def readable_name(name: str) -> str:
    """A name with a question mark for each byte that is not UTF-8, as libraries in C++ need it."""
    return name.encode(errors="replace").decode()


def is_readable(name: str) -> bool:
    """Whether a name can be encoded in UTF-8."""
    return readable_name(name) == name


def folded_name(name: str) -> str:
    """A name that is equal for names that are one on Windows and macOS: a.jpg and A.JPG.

    Neither upper and lower case nor the two ways to write an accent matter.
    """
    return unicodedata.normalize("NFC", name).casefold()


def in_shell(word: str) -> str:
    """A word as one has to write it in a command line of this system, whose shells quote alike.

    Windows' command prompt takes single quotes for a part of the name.
    """
    if sys.platform != "win32":
        return shlex.quote(word)
    return word if re.fullmatch(r"[\w\\/:.+=~@-]+", word) else f'"{word}"'
