"""The models: size, accuracy, where they are, and speed on this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from maskdet.commands.benchmark.timing import milliseconds
from maskdet.errors import ConfigError, ModelError
from maskdet.model.card import CARD_NAME, ModelCard, read_card
from maskdet.model.registry import DEFAULT_MODEL
from maskdet.runtimes import load_detector
from maskdet.runtimes.spec import is_whole
from maskdet.system.atomic_files import write_output
from maskdet.system.console import as_typed, say

BEGIN = "<!-- models: written by `python -m maskdet models --readme README.md` -->"
END = "<!-- end of models -->"
HEAD = (
    "model", "network", "input", "MB", "mAP50", "mAP .5:.95", "with mask", "without", "incorrect",
)  # fmt: skip
METRICS = (
    "mAP50", "mAP", "AP50_with_mask", "AP50_without_mask", "AP50_mask_weared_incorrect",
)  # fmt: skip


def rows(folder: Path) -> list[tuple[str, ...]]:
    """Cells below `HEAD` for every file of every model in a folder, in the order of the names."""
    return [_cells(path, card, kind) for path, card, kind in _files(folder)]


def show(shipped: Path, fetched: Path, *, speed: bool = False) -> None:
    """Prints a table of all models for a person; the default is marked.

    Args:
        shipped: the folder of the models that ship.
        fetched: the folder of those that were fetched.
        speed: measures those that are here.
    """
    head = ("", "model", "file", "input", "MB", "mAP50", "mAP .5:.95", "where")
    grid = Table(*head, *(("ms here",) if speed else ()), box=None, pad_edge=False)
    for path, card, kind in _known(shipped, fetched):
        is_here = is_whole(path)
        _, _, side, size, *measured = _cells(path, card, kind)
        where = "ships" if path.parent == shipped else "fetched"
        is_default = card.name == DEFAULT_MODEL and kind == next(iter(card.files))
        cells = (
            *("*" if is_default else "", card.name, kind, side, size, *measured[:2]),
            where if is_here else "not here",
            *([_speed(path, kind, 2.0) if is_here else ""] if speed else ()),
        )
        grid.add_row(*cells)
    width = None if sys.stdout.isatty() else 1000  # a file or a pipe has no width
    Console(width=width, highlight=False).print(grid)
    print(f"* the default; another one: {as_typed('monitor')} --model NAME")
    if any(not is_whole(path) for path, *_ in _known(shipped, fetched)):
        print(f"not here: {as_typed('models get')} NAME --from FOLDER_OR_URL")


def _known(shipped: Path, fetched: Path) -> Iterator[tuple[Path, ModelCard, str]]:
    """Every file of every model, each model once: where it is whole, if it is."""
    folders = {path.parent.name: path.parent for path in shipped.glob(f"*/{CARD_NAME}")}
    for path in sorted(fetched.glob(f"[!.]*/{CARD_NAME}")):
        of_shipped = folders.get(path.parent.name)
        if of_shipped is None or not is_whole(of_shipped):
            folders[path.parent.name] = path.parent
    for _, folder in sorted(folders.items()):
        card = read_card(folder)
        for kind in card.files:
            yield folder, card, kind


def _files(folder: Path) -> Iterator[tuple[Path, ModelCard, str]]:
    for path in sorted(folder.glob(f"*/{CARD_NAME}")):
        card = read_card(path.parent)
        for kind in card.files:
            yield path.parent, card, kind


def _speed(folder: Path, kind: str, seconds: float) -> str:
    try:
        with closing(load_detector(str(folder), runtime=kind)) as detector:
            return f"{milliseconds(detector, seconds):.1f}"
    except ModelError as error:
        say(f"{kind}: {error}")
        return "–"


def _cells(folder: Path, card: ModelCard, kind: str) -> tuple[str, ...]:
    file = folder / card.files[kind].file
    size = f"{file.stat().st_size / 1e6:.1f}" if file.is_file() else ""
    metrics: Mapping[str, Any] = card.metrics.get(kind) or {}
    measured = ["" if metrics.get(name) is None else f"{metrics[name]:.3f}" for name in METRICS]
    network = f"{card.network}, {card.options.get('backbone', '?')}"
    side = f"{card.input.width}×{card.input.height}"
    return (f"{card.name} ({kind})", network, side, size, *measured)


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, which reads well in a terminal too."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    ruled = [head, ["-" * width for width in widths], *lines]
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in ruled
    )


def write_readme(readme: Path, text: str) -> None:
    """Puts a table between the markers of a README.

    Raises:
        ConfigError: there are no markers.
    """
    content = readme.read_text("utf-8")
    if BEGIN not in content or END not in content:
        raise ConfigError(f"{readme}: has no lines {BEGIN!r} and {END!r} to write between")
    before, after = content.split(BEGIN)[0], content.split(END)[1]
    write_output(readme, f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
