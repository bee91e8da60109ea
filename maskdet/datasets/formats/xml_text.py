"""xml in encodings that its parser does not know: the East Asian ones, and wrong or missing names.

The parser (expat) reads UTF-8, UTF-16, ISO 8859-1 and ASCII; Python's codecs read the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

GUESSED = "xml files that are not in the encoding they should be; plain letters alone were read"
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][\w.:-]*)["']""")
_ENCODING = re.compile(r"""(\sencoding\s*=\s*)["'][^"']*["']""")
_PARSERS_OWN = {
    *("utf-8", "utf8", "utf-16", "utf16", "utf-16le", "utf-16be"),
    *("us-ascii", "ascii", "iso-8859-1", "latin-1", "latin1"),
}
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb18030": "gb18030",
          "shift_jis": "cp932", "shift-jis": "cp932", "x-sjis": "cp932", "sjis": "cp932",
          "big5": "cp950", "ks_c_5601-1987": "cp949", "euc-kr": "cp949"}  # fmt: skip
"""What files of these names really hold on Windows."""
_READABLE = re.compile(
    r"(gb|big5|cp|windows-|iso-?8859|iso-2022|koi8|mac|shift|euc|hz|johab|x-|ks_c|latin)", re.I
)
"""Encodings that a person's files may be in; the others (UTF-7 …) are nobody's."""


def in_utf8(raw: bytes) -> tuple[bytes, bool]:
    """The content of an xml file as the parser reads it, and whether its encoding was guessed.

    A file that is not in the encoding that it names is read as if each byte were a letter: tags
    and numbers are right then, other letters are not, see `require_plain`.

    Raises:
        ValueError: it is in an encoding that nobody knows; the message names the way out.
    """
    declared = _DECLARED.match(raw.removeprefix(b"\xef\xbb\xbf")[:300])
    name = declared[1].decode("ascii").lower() if declared else ""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:  # whatever it names: an editor has saved it in another encoding
            return _with_utf8(raw.decode("utf-16")), False
        except UnicodeDecodeError:
            return raw, False
    if name.startswith("utf-16"):
        return raw, False
    if name in _PARSERS_OWN or not name:
        try:
            raw.decode("latin-1" if "8859" in name or name.startswith("latin") else "utf-8")
        except UnicodeDecodeError:
            return _with_utf8(raw.decode("latin-1")), b"\0" not in raw
        return raw, False
    codec = _WIDER.get(name, name)
    try:
        if not _READABLE.match(name):
            raise LookupError
        return _with_utf8(raw.decode(codec)), False
    except LookupError:
        raise ValueError(
            f"the encoding {name!r} that it names is not known; save it as UTF-8"
        ) from None
    except UnicodeDecodeError:
        return _with_utf8(raw.decode("latin-1")), True


def _with_utf8(text: str) -> bytes:
    """A text whose declaration, if it has one, names UTF-8."""
    end = text.find("?>")
    head = _ENCODING.sub(r'\1"utf-8"', text[:end], count=1) if end > 0 else ""
    return (head + text[len(text[:end]) if end > 0 else 0 :]).encode("utf-8", "replace")


def require_plain(names: Iterable[str]) -> None:
    """Makes sure that no name was misread because an encoding was guessed.

    Raises:
        ValueError: one has other letters than ASCII's.
    """
    if not all(name.isascii() for name in names):
        raise ValueError(
            "it is not in UTF-8, and does not name its encoding, but has class names in other "
            "letters; save it as UTF-8, or name the encoding in its first line"
        )
