"""The main loop without a window: what it tells while it runs, and when it ends."""

from __future__ import annotations

import sys

import pytest

from maskdet.live import watch
from maskdet.live.pipeline import Pipeline
from maskdet.live.watch import Watch
from maskdet.testing import CollectingSink, ScriptedDetector, SyntheticSource


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_person_gets_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_terminal: bool
):
    monkeypatch.setattr(watch, "_STATUS_SECONDS", 0.0)
    with Pipeline([SyntheticSource(3)], ScriptedDetector()) as pipeline:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
        Watch(pipeline, lambda: False).run()
    told = capsys.readouterr().err.splitlines()
    assert told == [f"synthetic, frame {i}: no face" for i in range(3 * is_terminal)]


def test_each_failure_is_told_once_and_as_it_happens(capsys: pytest.CaptureFixture[str]):
    sources = [SyntheticSource(4), SyntheticSource(2, name="b", error="rtsp://u:geheim@h is gone")]
    with Pipeline(sources, ScriptedDetector(), [CollectingSink(fails_at=1)]) as pipeline:
        loop = Watch(pipeline, lambda: False)
        loop.run()
        assert not loop()
    told = sorted(capsys.readouterr().err.splitlines())
    assert told == ["monitor.py: disk full; free some room", "monitor.py: rtsp://u:***@h is gone"]
    assert pipeline.stats().shown == 0 and pipeline.stats().processed == 6


def test_it_ends_when_somebody_asks():
    asked = iter([False, False, True])
    with Pipeline([SyntheticSource(None, rate=50, is_live=True)], ScriptedDetector()) as pipeline:
        Watch(pipeline, lambda: next(asked)).run()
    assert next(asked, None) is None
