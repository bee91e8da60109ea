"""The label map of the Object Detection API (``.pbtxt``), protobuf's text format, read and written.

Only this message is read: protobuf itself is not needed where a model runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"|(?P<word>[\w.+-]+)|(?P<mark>[{}<>\[\]:,;])"
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class LabelMapError(ValueError):
    """A text that is not a label map.

    Attributes:
        line: of the mistake, from 1.
    """

    def __init__(self, line: int, text: str) -> None:
        """Keeps the place beside the message."""
        super().__init__(text)
        self.line = line


class Token(NamedTuple):
    """A word, a quoted text without its quotes, or a mark, with its line."""

    line: int
    kind: str
    text: str


class Item(NamedTuple):
    """A class of a label map, as it stands there.

    Attributes:
        line: where it begins.
        number: None without one.
        name: empty without one.
        display_name: empty without one.
    """

    line: int
    number: int | None
    name: str
    display_name: str


def label_map_items(text: str) -> Iterator[Item]:
    """Each ``item { id: 1 name: 'x' }``; fields that are not of interest are passed over.

    Raises:
        LabelMapError: it is something else.
    """
    tokens = _Tokens(text)
    while (token := tokens.take()) is not None:
        if token.kind == "mark" and token.text in ",;":
            continue
        if (token.kind, token.text) != ("word", "item"):
            raise _unexpected(token.line, token.text, "item { … }")
        yield _item(tokens)


def label_map_text(items: Iterable[tuple[int, str]]) -> str:
    """Numbers and names as a label map."""
    return "".join(f'item {{\n  name: "{_escaped(name)}"\n  id: {id_}\n}}\n' for id_, name in items)


class _Tokens:
    """The tokens of a text, with a look at the next one."""

    def __init__(self, text: str) -> None:
        self.line = 1
        self._all = self._read(text)
        self._next = next(self._all, None)

    def take(self) -> Token | None:
        """The next token; None at the end."""
        token, self._next = self._next, next(self._all, None)
        if token is not None:
            self.line = token.line
        return token

    def need(self) -> Token:
        """The next token of an item."""
        if (token := self.take()) is None:
            raise LabelMapError(
                self.line, "ends in the middle of an item; the label map is cut off"
            )
        return token

    def skip(self, mark: str) -> None:
        """Passes over a mark, if it comes next."""
        if self._next is not None and self._next[1:] == ("mark", mark):
            self.take()

    def follows(self, kind: str) -> bool:
        """Whether a token of that kind comes next."""
        return self._next is not None and self._next.kind == kind

    def _read(self, text: str) -> Iterator[Token]:
        position, line = 0, 1
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise _unexpected(line, text[position], "item { id: 1 name: 'mask' }")
            if match.lastgroup == "text":
                yield Token(line, "text", _unescaped(line, match.group()))
            elif match.lastgroup:
                yield Token(line, match.lastgroup, match.group())
            line += match.group().count("\n")
            position = match.end()


def _item(tokens: _Tokens) -> Item:
    tokens.skip(":")
    begin = tokens.need()
    closing = {"{": "}", "<": ">"}.get(begin.text) if begin.kind == "mark" else None
    if closing is None:
        raise _unexpected(begin.line, begin.text, "{ after item")
    fields: dict[str, str] = {}
    while (token := tokens.take()) is not None:
        if token[1:] == ("mark", closing):
            return _made(begin.line, fields)
        if token.kind == "mark" and token.text in ",;":
            continue
        if token.kind != "word":
            raise _unexpected(token.line, token.text, "a field such as id or name")
        fields[token.text] = _value(tokens)
    raise LabelMapError(begin.line, f"item without its closing {closing}")


def _made(line: int, fields: dict[str, str]) -> Item:
    number = fields.get("id")
    if number is not None and not re.fullmatch(r"[0-9]{1,9}", number):
        raise LabelMapError(line, "item without an id, a whole number")
    display_name = fields.get("display_name", "")
    return Item(line, None if number is None else int(number), fields.get("name", ""), display_name)


def _value(tokens: _Tokens) -> str:
    """The value after a field's name: a word, a text, or a group, which does not matter."""
    tokens.skip(":")
    token = tokens.need()
    if token.kind == "mark" and token.text in "{<[":
        depth = 1
        while depth:
            inner = tokens.need()
            is_mark = inner.kind == "mark"
            depth += is_mark * ((inner.text in "{<[") - (inner.text in "}>]"))
        return ""
    if token.kind == "mark":
        raise _unexpected(token.line, token.text, "a value")
    value = token.text
    while token.kind == "text" and tokens.follows("text"):  # texts beside each other are one
        value += tokens.need().text
    return value


def _unescaped(line: int, token: str) -> str:
    """A quoted text without its quotes; numeric escapes are bytes of UTF-8."""

    def byte(match: re.Match[bytes]) -> bytes:
        code = match.group(1).decode("latin-1")
        if code[0] in "xX" and len(code) > 1:
            return bytes([int(code[1:], 16)])
        if code.isdigit():
            return bytes([int(code, 8) & 255])
        return _ESCAPES.get(code, code).encode("latin-1")

    raw = re.sub(rb"\\([xX][0-9a-fA-F]{1,2}|[0-7]{1,3}|[\x00-\xff])", byte, token[1:-1].encode())
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise LabelMapError(line, "a name that is not UTF-8") from None


def _escaped(name: str) -> str:
    """A name between double quotes; control characters as octal numbers."""
    return re.sub(
        r'[\x00-\x1f\x7f"\\]',
        lambda match: f"\\{match[0]}" if match[0] in '"\\' else f"\\{ord(match[0]):03o}",
        name,
    )


def _unexpected(line: int, token: str, expected: str) -> LabelMapError:
    return LabelMapError(line, f"no label map: expected {expected}, found {token!r:.40}")
