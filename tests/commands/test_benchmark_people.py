"""The benchmark of following people: its simulated detector, its scores, its command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from maskdet.__main__ import main
from maskdet.commands.benchmark.head_tracks import (
    FALSE_BOX,
    Conditions,
    Found,
    read_tracks,
    score,
    simulate,
)
from maskdet.commands.benchmark.people import follow

PERFECT = Conditions("perfect", recall=1.0, jitter=0.0, false_boxes=0.0)


def write_tracks(path: Path, seconds: float = 4.0) -> Path:
    """Three people who walk side by side."""
    lines = ["frame,person,x1,y1,x2,y2"]
    for frame in range(round(seconds * 25)):
        for person in range(3):
            x, y = 20 + 60 * frame / 25, 40 + 150 * person
            lines.append(f"{frame},{person},{x},{y},{x + 20},{y + 22}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def tracks(tmp_path: Path) -> np.ndarray:
    return read_tracks(write_tracks(tmp_path / "heads.csv"))


@pytest.mark.parametrize("fps", [25, 12.5, 5, 2.5, 1])
def test_without_faults_everybody_is_followed(tracks: np.ndarray, fps: float) -> None:
    found = simulate(tracks, fps, PERFECT, 0)
    assert len(found) == pytest.approx(4 * fps, abs=1)
    result = score(tracks, found, follow(found))
    assert (result.net, result.splits, result.joins, result.missed) == (0, 0, 0, 0)


def test_a_simulated_detector_has_the_given_faults(tmp_path: Path) -> None:
    tracks = read_tracks(write_tracks(tmp_path / "long.csv", 60))
    faults = Conditions("bad", recall=0.7, jitter=0.1, false_boxes=0.5)
    found = simulate(tracks, 25, faults, 1)
    people = np.concatenate([one.people for one in found])
    assert (people != FALSE_BOX).sum() / len(tracks) == pytest.approx(0.7, abs=0.1)
    assert (people == FALSE_BOX).sum() / len(found) == pytest.approx(0.5, abs=0.1)
    widths = np.concatenate([one.boxes[one.people >= 0] for one in found])
    assert (widths[:, 2] - widths[:, 0]).std() == pytest.approx(0.1 * 20 * 2**0.5, rel=0.15)


@pytest.mark.parametrize(
    ("ids", "splits", "joins", "net", "missed"),
    [
        ([[1, 2]] * 10, 0, 0, 0, 0),
        ([[1, 2]] * 5 + [[3, 2]] * 5, 0.5, 0, 0.5, 0),
        ([[1, 2]] * 5 + [[2, -1]] * 5, 0.5, 0.5, 0, 0),
        ([[1, -1]] * 10, 0, 0, -0.5, 0.5),
        ([[1, 2]] * 9 + [[2, 1]], 0, 0, 0, 0),  # a moment's confusion
    ],
)
def test_scores_keep_splits_and_joins_apart(
    ids: list[list[int]], splits: float, joins: float, net: float, missed: float
) -> None:
    rows = np.array([[frame, p, 0, 0, 9, 9] for frame in range(10) for p in (0, 1)], float)
    found = [Found(i / 5, np.zeros((2, 4)), np.array([0, 1])) for i in range(10)]
    result = score(rows, found, [np.array(one) for one in ids])
    assert (result.splits, result.joins, result.net, result.missed) == (splits, joins, net, missed)


def test_the_command_prints_a_table_and_writes_json(tmp_path: Path, capsys) -> None:
    path, out = write_tracks(tmp_path / "heads.csv", 2), tmp_path / "people.json"
    assert main(["benchmark", "--people", str(path), "--json", str(out)]) == 0
    table = capsys.readouterr().out
    assert "| maskdet | usual | 25 |" in table and "| maskdet | hard | 1 |" in table
    rows = json.loads(out.read_text())["people"]
    assert {row["fps"] for row in rows} == {25, 12.5, 5, 2.5, 1}
    assert all(row["splits"] >= 0 and row["milliseconds"] >= 0 for row in rows)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (None, "cannot be read"),
        ("a,b\n1,2\n", "expected the columns"),
        ("frame,person,x1,y1,x2,y2\n", "no boxes"),
        ("frame,person,x1,y1,x2,y2\n0,0,a,0,9,9\n", "not a table of numbers"),
        ("frame,person,x1,y1,x2,y2\n0,0,9,0,1,9\n", "inside out"),
        ("frame,person,x1,y1,x2,y2\n0,0,nan,0,1,9\n", "no boxes"),
    ],
)
def test_bad_tracks_are_one_line(tmp_path: Path, capsys, text: str | None, part: str) -> None:
    path = tmp_path / "t.csv"
    if text is not None:
        path.write_text(text)
    assert main(["benchmark", "--people", str(path)]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and part in lines[0] and str(path) in lines[0]
