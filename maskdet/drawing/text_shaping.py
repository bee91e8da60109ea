"""Text made ready for a renderer that knows glyphs but neither writing direction nor gaps."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")
_KINDS = {"L": "L", "R": "R", "AL": "R", "EN": "N", "AN": "N"}


def drawable(text: str, has_glyph: Callable[[str], bool]) -> str:
    """One line without gaps: white space becomes a blank, what the font lacks becomes ``□``."""

    def shown(char: str) -> str:
        if char.isascii() and char.isprintable():
            return char
        if char.isspace():
            return " "
        if unicodedata.category(char) in ("Cc", "Cf", "Mn", "Me"):
            return char if unicodedata.category(char) == "Mn" and has_glyph(char) else ""
        return char if has_glyph(char) else "□"

    return "".join(map(shown, text))


def visual_order(text: str) -> str:
    """The characters from left to right as they are seen, right-to-left scripts turned round.

    A small part of the Unicode Bidirectional Algorithm (UAX 9): one line, no explicit marks,
    the first strong character sets the direction of the whole.
    """
    clusters = _clusters(text)
    kinds = [_KINDS.get(unicodedata.bidirectional(cluster[0]), "-") for cluster in clusters]
    if "R" not in kinds:
        return text
    levels = _levels(kinds)
    order = list(range(len(clusters)))
    for level in range(max(levels), 0, -1):
        _reverse_runs(order, [levels[i] >= level for i in order])
    return "".join(
        clusters[i].translate(_MIRRORED) if levels[i] % 2 else clusters[i] for i in order
    )


def _clusters(text: str) -> list[str]:
    """Characters together with the combining marks that follow them."""
    clusters: list[str] = []
    for char in text:
        if clusters and unicodedata.combining(char):
            clusters[-1] += char
        else:
            clusters.append(char)
    return clusters


def _levels(kinds: list[str]) -> list[int]:
    """Embedding level of each cluster: even is left to right, odd is right to left."""
    base = strong = next(kind for kind in kinds if kind in "LR")
    numbered: list[str] = []
    for kind in kinds:  # a number belongs to the words before it, but its digits run onwards
        strong = kind if kind in "LR" else strong
        numbered.append("L" if kind == "N" and strong == "L" else kind)
    sides = ["R" if kind == "N" else kind for kind in numbered]
    level = {"L": 0 if base == "L" else 2, "R": 1, "N": 2}
    levels = []
    for i, kind in enumerate(numbered):
        if kind == "-":
            before = next((side for side in reversed(sides[:i]) if side != "-"), base)
            after = next((side for side in sides[i:] if side != "-"), base)
            kind = before if before == after else base
        levels.append(level[kind])
    return levels


def _reverse_runs(order: list[int], inside: list[bool]) -> None:
    """Reverses, in place, each unbroken run of entries that are inside."""
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and inside[end]:
            end += 1
        order[start:end] = order[start:end][::-1]
        start = max(end, start) + 1
