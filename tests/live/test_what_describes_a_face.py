"""Descriptions of faces stay in memory: no output of a whole run has them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskdet.config import load_settings
from maskdet.live.session import run
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.shutdown import Stop
from maskdet.people import analysis
from maskdet.sources import CLIP

BOX = 4
"""The longest row of numbers that an output has about somebody."""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, np.ndarray]]:
    """The folder of all outputs of a run, and the descriptions (N, D) of its faces."""
    folder = tmp_path_factory.mktemp("outputs")
    made: list[np.ndarray] = []
    describe = analysis.describe

    def remember(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        made.append(describe(image, boxes))
        return made[-1]

    wanted = {
        "record": folder / "seen.mp4",
        "events": folder / "events.jsonl",
        "store": folder / "people.db",
        "summary": folder / "summary.json",
        "status": folder / "status.json",
        "snapshots": folder,
        "alarms.rules": "[{name: bare}]",
    }
    options = [f"sources=[{CLIP}]", "headless=true", "device=cpu", "looks=1", "detect.fps=2"]
    settings = load_settings(
        MonitorSettings, None, options + [f"{key}={value}" for key, value in wanted.items()]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analysis, "describe", remember)
        assert run(settings, Stop(None)) == 0
    found = np.concatenate(made)
    yield folder, found[~np.isnan(found).any(axis=1)]


def rows_of_numbers(value: Any) -> Iterator[list[float]]:
    """Every list of numbers in a JSON value, at any depth."""
    if isinstance(value, list) and value and all(isinstance(one, int | float) for one in value):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from rows_of_numbers(one)


def test_there_is_something_to_find(outputs: tuple[Path, np.ndarray]):
    folder, descriptions = outputs
    names = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert {".mp4", ".jsonl", ".db", ".json", ".jpg"} <= names
    assert len(descriptions) > 20 and descriptions.shape[1] > BOX
    with closing(sqlite3.connect(folder / "people.db")) as store:
        assert store.execute("SELECT count(*) FROM visits").fetchone()[0] >= 4


def test_no_file_has_the_numbers_as_bytes(outputs: tuple[Path, np.ndarray]):
    folder, descriptions = outputs
    runs = [row[:BOX].astype(kind).tobytes() for row in descriptions for kind in ["<f4", "<f8"]]
    for path in filter(Path.is_file, folder.rglob("*")):
        content = path.read_bytes()
        assert not any(run in content for run in runs), path.name


def test_no_line_has_a_row_of_numbers_longer_than_a_box(outputs: tuple[Path, np.ndarray]):
    folder, _ = outputs
    texts = [*folder.rglob("*.jsonl"), *folder.rglob("*.json")]
    assert len(texts) >= 3
    for path in texts:
        lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
        longest = max((len(row) for line in lines for row in rows_of_numbers(json.loads(line))),
                      default=0)  # fmt: skip
        assert longest <= BOX, path.name


def test_the_store_has_short_texts_and_numbers_alone(outputs: tuple[Path, np.ndarray]):
    folder, _ = outputs
    with closing(sqlite3.connect(folder / "people.db")) as store:
        tables = [
            name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        assert "visits" in tables
        for table in tables:
            for row in store.execute(f'SELECT * FROM "{table}"'):
                assert not any(isinstance(value, bytes) for value in row), table
                for text in (value for value in row if isinstance(value, str)):
                    assert text.count(",") <= BOX, (table, text)
