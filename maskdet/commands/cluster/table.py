"""The tables of ``maskdet cluster status``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from maskdet.system.console import as_typed, printable

_MAX_NAMES = 5
"""Cameras that a line names; a cluster may have a thousand."""


def lines_of(table: Mapping[str, Any]) -> Iterator[str]:
    """Machines, then cameras, as lines of text.

    Args:
        table: of the placement.
    """
    yield from _columns(
        ("machine", "state", "cameras", "monitor", "machine load", "starts"),
        [
            (
                node["name"],
                node["state"],
                str(node["cameras"]),
                _cores(node["load_cores"], node["cores"]),
                "" if node["machine_share"] is None else f"{node['machine_share']:.0%}",
                str(node["monitor_starts"] or ""),
            )
            for node in table["nodes"]
        ],
    )
    yield ""
    yield from _columns(
        ("camera", "machine", "state", "last frame", "camera fps", "detect fps", "people"),
        [
            (
                row["name"],
                row["node"] or "-",
                row["state"],
                "" if row["age_s"] is None else f"{row['age_s']:.1f} s ago",
                _rate(row["capture_fps"]),
                _rate(row["detect_fps"]),
                "" if row["people"] is None else str(sum(row["people"].values())),
            )
            for row in table["cameras"]
        ],
    )
    placement = {"name": "placement", "problem": table["problem"]}
    yield from _grouped((row["name"], row["problem"]) for row in (*table["nodes"], placement))
    yield from _grouped((row["name"], row.get("problem")) for row in table["cameras"])


def warnings_of(table: Mapping[str, Any]) -> Iterator[str]:
    """Lines on cameras that do not run, one a state, and on machines if none takes cameras.

    Args:
        table: of the placement.
    """
    states = {node["name"]: node["state"] for node in table["nodes"]}
    takes_cameras = bool({"up", "starting"} & set(states.values()))
    lost = [row for row in table["cameras"] if row["state"] != "running"]
    yield from _grouped((row["name"], _state(row, with_reason=takes_cameras)) for row in lost)
    if lost and not takes_cameras:
        where = ", ".join(f"{name} is {state}" for name, state in states.items())
        ways = {
            "drained": as_typed("cluster drain NAME --undo"),
            "down": f"{as_typed('cluster up')} on a machine that is down",
        }
        what = ", or ".join(way for state, way in ways.items() if state in states.values())
        yield printable(f"no machine takes cameras ({where}); run {what}")


def _grouped(rows: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    """A line for each text, with the first names that have it; none for empty ones."""
    names: dict[str, list[str]] = {}
    for name, text in rows:
        if text:
            names.setdefault(text, []).append(name)
    for text, those in names.items():
        more = f" and {len(those) - _MAX_NAMES} more" if len(those) > _MAX_NAMES else ""
        yield printable(f"{', '.join(those[:_MAX_NAMES])}{more}: {text}")


def _state(row: Mapping[str, Any], *, with_reason: bool) -> str:
    reason = row.get("problem") if with_reason else None
    return f"{row['state']} ({reason})" if reason else str(row["state"])


def _cores(load: float | None, cores: int | None) -> str:
    return "" if load is None or cores is None else f"{load:.2f} of {cores} cores"


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    lines = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()
