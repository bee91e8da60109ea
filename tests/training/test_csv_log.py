"""Logs of metrics that a kill and a later go-on leave readable."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskdet.training.csv_log import append_metrics, read_metrics


def test_figures_come_back(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    append_metrics(file, 1, {"loss": 2.5, "rate": 1e-3})
    append_metrics(file, 2, {"loss": float("nan"), "rate": 2e-3, "later": 1.0})
    columns = read_metrics(file)
    assert columns.keys() == {"step", "loss", "rate"}
    np.testing.assert_array_equal(columns["step"], [1, 2])
    np.testing.assert_array_equal(columns["loss"], [2.5, np.nan])


def test_of_a_step_learned_twice_the_later_line_counts(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    for step, loss in ((10, 1.0), (20, 2.0), (30, 3.0), (20, 5.0)):  # killed at 30, back at 10
        append_metrics(file, step, {"loss": loss})
    np.testing.assert_array_equal(read_metrics(file)["loss"], [1, 5, 3])


def test_a_line_cut_short_spoils_no_other(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    append_metrics(file, 1, {"loss": 1.0, "rate": 1.0})
    with file.open("a") as out:
        out.write("2,0.")
    append_metrics(file, 3, {"loss": 3.0, "rate": 1.0})
    np.testing.assert_array_equal(read_metrics(file)["step"], [1, 3])


def test_there_may_be_no_log_yet(tmp_path: Path) -> None:
    assert read_metrics(tmp_path / "log.csv") == {}
    (tmp_path / "log.csv").write_text("")
    assert read_metrics(tmp_path / "log.csv") == {}
