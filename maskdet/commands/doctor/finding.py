"""Findings of the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """Severity of a finding."""

    OK = "ok"
    WARNING = "warning"
    """It works, and soon will not."""
    ABSENT = "absent"
    """Not there, and nothing needs it."""
    BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """One line.

    Attributes:
        name: what was checked.
        health: how it is.
        text: what was found.
        fix: what to do; empty where there is nothing to do.
    """

    name: str
    health: Health
    text: str
    fix: str = ""

    def line(self) -> str:
        """For a person."""
        mark = {
            Health.OK: "ok",
            Health.WARNING: "warning",
            Health.ABSENT: "–",
            Health.BROKEN: "BROKEN",
        }[self.health]
        fix = f"; {self.fix}" if self.fix else ""
        return f"{mark:<7} {self.name:<14} {self.text}{fix}"


def ok(name: str, text: str) -> Finding:
    """All is well."""
    return Finding(name, Health.OK, text)


def absent(name: str, text: str, fix: str = "") -> Finding:
    """It is not there, and nothing needs it."""
    return Finding(name, Health.ABSENT, text, fix)


def broken(name: str, text: str, fix: str = "") -> Finding:
    """It is needed and does not work."""
    return Finding(name, Health.BROKEN, text, fix)
