"""The tables of ``maskdet cluster status``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from maskdet.system.console import printable


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
