"""The benchmark measures what it says; how fast this machine is, no test asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from maskdet.__main__ import main
from maskdet.commands.benchmark import batches, whole_monitor
from maskdet.errors import ConfigError, MaskdetError
from maskdet.runtimes import load_detector
from tests.doubles import ScriptedDetector


def test_a_detector_is_timed_alone():
    detector = ScriptedDetector(delay=0.02)
    measured = whole_monitor.time_detector(detector, 0.2)
    assert detector.warm and set(detector.batches) == {1}
    assert 20 <= measured["p50_ms"] <= measured["p95_ms"]
    assert measured["fps"] == pytest.approx(1000 / measured["p50_ms"], rel=0.5)


def test_every_figure_comes_from_a_run_of_the_monitor(
    tiny_model: Path, make_video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(whole_monitor, "_STARTS", 1)
    detector = load_detector(str(tiny_model), device="cpu")
    video = make_video(frames=30)
    sure = ("--min-score", "0.99")  # else hundreds of faces in noise are followed and drawn
    measured = whole_monitor.run(
        detector, str(tiny_model), "cpu", seconds=0.5, video=video, options=sure
    )
    assert json.loads(json.dumps(measured)) == measured
    assert measured["model"] == "tiny" and measured["machine"]["cores"] > 0
    assert measured["detector"]["fps"] > 0 and measured["file"]["fps"] > 0
    assert 0 < measured["start"]["first_result_s"] < 30
    assert 0 <= measured["camera"]["dropped"] < measured["camera"]["captured"]
    assert measured["camera"]["peak_rss_mb"] > 20 and not measured["camera"]["window"]
    text = whole_monitor.table(measured)
    assert f"{measured['detector']['fps']} frames/s" in text and "no: there is no display" in text


@pytest.mark.slow
def test_all_of_a_model_s_runtimes_are_timed_alike(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    command = ["benchmark", "--runtimes", "--model", str(tiny_model), "--seconds", "0.1"]
    assert main([*command, "--json", str(tmp_path / "figures.json")]) == 0
    measured = json.loads((tmp_path / "figures.json").read_text())
    assert {row["runtime"] for row in measured["runtimes"]} == {"litert_int8", "litert", "keras"}
    times = [row["p50_ms"] for row in measured["runtimes"]]
    assert times == sorted(times) and times[0] > 0
    shown = capsys.readouterr().out
    assert all(f"| {row['p50_ms']} " in shown for row in measured["runtimes"])


def test_a_monitor_that_fails_is_reported(tmp_path: Path):
    with pytest.raises(MaskdetError, match="the monitor failed .*no model 'nope'"):
        whole_monitor._monitor(tmp_path, "--source", "demo", "--model", "nope", "--headless")


def test_relative_paths_are_those_of_the_folder_it_is_run_in(
    tiny_model: Path, make_video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    """Model and video lie outside the checkout, beside something that is called as we are."""
    video = make_video(frames=3)
    (video.parent / "maskdet").mkdir()
    (video.parent / "maskdet" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    (video.parent / "model").symlink_to(tiny_model)
    monkeypatch.chdir(video.parent)
    summary = whole_monitor._monitor(
        video.parent, "--source", video.name, "--model", "model", "--headless", "--device", "cpu"
    )
    assert summary["frames"]["processed"] == 3


@pytest.mark.slow
def test_a_detector_is_timed_by_batch(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The command itself: on the CPU, LiteRT."""
    report = tmp_path / "batches.json"
    options = ["--device", "cpu", "--batch", "1,2,4", "--seconds", "0.1", "--json", str(report)]
    assert main(["benchmark", "--model", str(tiny_model), *options]) == 0
    measured = json.loads(report.read_text())["batches"]
    assert [one["batch"] for one in measured] == [1, 2, 4]
    for one in measured:
        assert one["fps"] == pytest.approx(1000 / one["ms_per_frame"], rel=0.8)
        assert one["memory_mb"] > 50
    assert len(capsys.readouterr().out.splitlines()) == 4


@pytest.mark.slow
def test_each_batch_size_gets_a_detector_for_it():
    """A call costs 20 ms whatever it is given, so each doubling halves a frame's share."""
    made: dict[int, ScriptedDetector] = {}

    def new_detector(size: int) -> ScriptedDetector:
        made[size] = ScriptedDetector(delay=0.02)
        return made[size]

    images = [np.zeros((48, 64, 3), np.uint8)]
    one, four = batches.time_batches(new_detector, [1, 4], images, 0.2)
    assert set(made[1].batches) == {1} and set(made[4].batches) == {4}
    assert one["ms_per_frame"] >= 20 and 5 <= four["ms_per_frame"] < one["ms_per_frame"]
    assert four["fps"] > one["fps"]
    assert "frames/s" in batches.table([one, four])


@pytest.mark.parametrize("given", ["", "0", "1,x", "1,,2", "9999", "-1"])
def test_wrong_batch_sizes_are_reported(given: str):
    with pytest.raises(ConfigError, match="--batch .*write sizes from 1 to 256 like 1,2,4,8"):
        batches.parse_sizes(given)
