"""Problems in the files of a data set: collected, then reported together."""

from __future__ import annotations

from dataclasses import dataclass, field

from maskdet.errors import DatasetError

MAX_LISTED = 20
"""Mistakes that one message lists."""
MAX_EXAMPLES = 3
"""Notes of a kind that its line shows."""
MAX_KEPT = 10_000
"""Mistakes that are kept word for word; those beyond are counted."""


@dataclass
class Problems:
    """Mistakes and oddities, each a line that begins with its place.

    Attributes:
        wrong: lines about what cannot be used.
        count: how many there were in all.
        notes: lines about what can be used but somebody should look at, by kind.
        hints: lines about what all mistakes may come from, which are shown where there are any.
    """

    wrong: list[str] = field(default_factory=list)
    count: int = 0
    notes: dict[str, list[str]] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)

    def add(self, place: object, text: str) -> None:
        """Something that cannot be used."""
        self.add_line(f"{place}: {text}")

    def add_line(self, line: str) -> None:
        """The same, the place being in the line already."""
        self.count += 1
        if len(self.wrong) < MAX_KEPT:
            self.wrong.append(printable(line))

    def note(self, kind: str, place: object, text: str) -> None:
        """Something odd; `kind` is a plural: ``boxes cut to their image``."""
        lines = self.notes.setdefault(kind, [])
        if len(lines) < MAX_KEPT:
            lines.append(printable(f"{place}: {text}" if text else str(place)))

    def note_lines(self) -> list[str]:
        """A line for each kind of note: how many there are, and the first three."""
        lines = []
        for kind, found in self.notes.items():
            examples = "; ".join(line[:200] for line in found[:MAX_EXAMPLES]) + " …" * (
                len(found) > MAX_EXAMPLES
            )
            count = f"{MAX_KEPT} or more" if len(found) == MAX_KEPT else str(len(found))
            lines.append(f"note: {kind} ({count}): {examples}")
        return lines

    def check(self) -> None:
        """Ends reading if anything was wrong.

        Raises:
            DatasetError: one line a mistake, the first 20 of them.
        """
        if self.wrong:
            lines = self.wrong[:MAX_LISTED]
            if self.count > len(lines):
                lines = [*lines, f"… and {self.count - len(lines)} more mistakes"]
            raise DatasetError("\n".join([*lines, *self.hints]))


def printable(line: str) -> str:
    """A line with what files may hold but terminals should not get, written as in Python."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)
