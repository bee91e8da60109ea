"""The benchmark measures what it says; how fast this machine is, no test asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from maskdet.commands import benchmark
from maskdet.errors import MaskdetError
from maskdet.runtimes import load_detector
from maskdet.testing import ScriptedDetector


def test_a_detector_is_timed_alone():
    detector = ScriptedDetector(delay=0.02)
    figures = benchmark.time_detector(detector, 0.2)
    assert detector.warm and set(detector.batches) == {1}
    assert 20 <= figures["p50_ms"] <= figures["p95_ms"]
    assert figures["fps"] == pytest.approx(1000 / figures["p50_ms"], rel=0.5)


def test_every_figure_comes_from_a_run_of_the_monitor(
    tiny_model: Path, make_video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(benchmark, "_STARTS", 1)
    detector = load_detector(str(tiny_model), device="cpu")
    video = make_video(frames=30)
    figures = benchmark.run(detector, str(tiny_model), "cpu", seconds=0.5, video=video)
    assert json.loads(json.dumps(figures)) == figures
    assert figures["model"] == "tiny" and figures["machine"]["cores"] > 0
    assert figures["detector"]["fps"] > 0 and figures["file"]["fps"] > 0
    assert 0 < figures["start"]["first_result_s"] < 30
    assert 0 <= figures["camera"]["dropped"] < figures["camera"]["captured"]
    assert figures["camera"]["peak_rss_mb"] > 20 and not figures["camera"]["window"]
    text = benchmark.table(figures)
    assert f"{figures['detector']['fps']} frames/s" in text and "no: there is no display" in text


def test_a_monitor_that_fails_is_told(tmp_path: Path):
    with pytest.raises(MaskdetError, match="the monitor failed .*no model 'nope'"):
        benchmark._monitor(tmp_path, "--source", "demo", "--model", "nope", "--headless")
