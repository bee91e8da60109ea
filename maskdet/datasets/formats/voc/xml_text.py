"""xml in any encoding, as its parser reads it: in UTF-8, without what it need not know."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

GUESSED = "xml files that are not in the encoding they should be; plain letters alone were read"
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][\w.:-]*)["']""")
_DECLARATION = re.compile(r"\A\s*<\?xml\s[^>]*\?>")
_PLAIN_DOCTYPE = re.compile(r"""<!DOCTYPE\s+[\w.:-]+(\s+SYSTEM\s+["'][\w.-]*["'])?\s*>""")
"""A document type that defines nothing; the file that it may name is not opened."""
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb18030": "gb18030",
          "gb_2312-80": "gb18030", "shift_jis": "cp932", "shift-jis": "cp932", "x-sjis": "cp932",
          "sjis": "cp932", "big5": "cp950", "ks_c_5601-1987": "cp949", "euc-kr": "cp949",
          "macintosh": "mac-roman"}  # fmt: skip
"""What files of these names really hold on Windows and Macs."""
_READABLE = re.compile(
    r"(utf-?8$|utf-?16|us-ascii|ascii|gb|big5|cp|windows-|iso-?8859|iso-2022|koi8|mac|shift|euc|"
    r"hz|johab|x-|ks_c|latin)",
    re.I,
)
"""Encodings that a person's files may be in; the others (UTF-7 …) are nobody's."""


def in_utf8(raw: bytes) -> tuple[bytes, bool]:
    """The content of an xml file in UTF-8, and whether its encoding was guessed.

    A file that is not in the encoding that it names is read as if each byte were a letter: tags
    and numbers are right then, other letters are not, see `require_plain`.

    Raises:
        ValueError: it is in an encoding that nobody knows; the message names the way out.
    """
    try:
        return _plain(raw.decode(_codec_of(raw))), False
    except UnicodeDecodeError:
        if b"\0" in raw:
            raise ValueError("it is neither text in UTF-8 nor in UTF-16") from None
        return _plain(raw.decode("latin-1")), True


def _codec_of(raw: bytes) -> str:
    """Python's name of a file's encoding: by its first bytes, or else as it declares.

    Raises:
        ValueError: it declares one that nobody knows; the message names the way out.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"  # whatever it declares: an editor has saved it in another encoding
    if raw.startswith((b"<\0", b"\0<")):
        return "utf-16-le" if raw[1] == 0 else "utf-16-be"
    declared = _DECLARED.match(raw.removeprefix(b"\xef\xbb\xbf")[:300])
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    codec = _WIDER.get(name, name)
    if codec.startswith("utf-16") or codec.replace("-", "") == "utf8":
        return "utf-8-sig"  # no byte of UTF-16, whatever it declares
    try:
        codecs.lookup(codec)
    except LookupError:
        codec = ""
    if not codec or not _READABLE.match(name):
        raise ValueError(f"the encoding {name!r} that it names is not known; save it as UTF-8")
    return codec


def _plain(text: str) -> bytes:
    """A text in UTF-8 without declaration and plain document type, its lines where they were."""
    for pattern in (_DECLARATION, _PLAIN_DOCTYPE):
        text = pattern.sub(lambda found: "\n" * found[0].count("\n"), text, count=1)
    return text.encode("utf-8", "replace")


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
