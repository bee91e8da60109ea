"""The tables of ``maskdet cluster status``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from maskdet.system.console import printable

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
    problems = [(node["name"], node["problem"]) for node in table["nodes"] if node["problem"]]
    for name, problem in [
        *problems,
        *([("placement", table["problem"])] if table["problem"] else []),
    ]:
        yield printable(f"{name}: {problem}")


def warnings_of(table: Mapping[str, Any]) -> Iterator[str]:
    """Lines on cameras that do not run, one a state, and on machines if none takes cameras.

    Args:
        table: of the placement.
    """
    names: dict[str, list[str]] = {}
    for row in table["cameras"]:
        if row["state"] != "running":
            names.setdefault(row["state"], []).append(row["name"])
    for state, those in names.items():
        more = f" and {len(those) - _MAX_NAMES} more" if len(those) > _MAX_NAMES else ""
        yield printable(f"{', '.join(those[:_MAX_NAMES])}{more}: {state}")
    states = {node["name"]: node["state"] for node in table["nodes"]}
    if names and not {"up", "starting"} & set(states.values()):
        where = ", ".join(f"{name} is {state}" for name, state in states.items())
        ways = {
            "drained": "maskdet cluster drain NAME --undo",
            "down": "maskdet cluster up on a machine that is down",
        }
        what = ", or ".join(way for state, way in ways.items() if state in states.values())
        yield printable(f"no machine takes cameras ({where}); run {what}")


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
