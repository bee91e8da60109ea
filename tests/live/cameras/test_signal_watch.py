"""Lines about silent streams: each reason once, one when the signal is back, none when paused."""

from __future__ import annotations

import pytest

from maskdet.live.cameras.signal_watch import SignalWatch
from maskdet.live.meters import SourceMeter
from maskdet.sources import silence


def lines(
    capsys: pytest.CaptureFixture[str], *, label: str = "", checks: list[object]
) -> list[str]:
    """Lines for checks of (seconds of silence, whether it began, reason), or None."""
    watch = SignalWatch(label)
    for check in checks:
        if check is None:
            watch.forget()
        else:
            silent, begun, reason = check  # type: ignore[misc]
            watch.check("door", silent_s=silent, has_begun=begun, reason=reason)
    return capsys.readouterr().err.splitlines()


def test_a_silence_is_reported_once_and_its_end_with_its_length(capsys) -> None:
    found = lines(capsys, checks=[(s, True, None) for s in (0.1, 1.4, 1.6, 5, 65, 0.2, 0.1)])
    assert found == [
        "maskdet: door: no signal; waiting for it",
        "maskdet: door: signal again after 1 min 5 s",
    ]


def test_each_reason_is_reported_once(capsys) -> None:
    reasons = [None, "refuses port 554", None, "wrong password", "refuses port 554", None]
    found = lines(
        capsys, label="recorded stream: ", checks=[(2 + i, True, r) for i, r in enumerate(reasons)]
    )
    start = "maskdet: door: recorded stream: no signal"
    assert found == [
        f"{start}; waiting for it",
        f"{start} (refuses port 554); waiting for it",
        f"{start} (wrong password); waiting for it",
    ]


def test_a_stream_may_take_three_seconds_to_open_unless_it_says_why(capsys) -> None:
    assert lines(capsys, checks=[(2.9, False, None), (0, True, None)]) == []
    checks = [(0, False, None), (2.9, False, None), (3.1, False, None), (0, True, None)]
    assert lines(capsys, checks=checks) == [
        "maskdet: door: no picture yet; waiting for it",
        "maskdet: door: signal after 3.1 s",
    ]
    assert len(lines(capsys, checks=[(2, False, "refuses port 554")])) == 1


def test_a_paused_stream_is_silent_without_a_line_and_begins_again(capsys) -> None:
    found = lines(capsys, checks=[(3, True, "lost"), None, (0, True, None), (3, True, "lost")])
    assert found == ["maskdet: door: no signal (lost); waiting for it"] * 2


def test_who_asks_for_a_camera_again_waits_three_seconds_before_that_counts_as_an_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meter, now = SourceMeter(), [100.0]
    monkeypatch.setattr(silence.time, "monotonic", lambda: now[0])

    def outages_after(seconds: float) -> int:
        now[0] += seconds
        return meter.read(0, 0, is_live=True).outages

    meter.begin()
    meter.capture()
    assert not meter.read(0, 0, is_live=True).is_opening and outages_after(1.6) == 1
    meter.suspend()
    meter.resume()
    assert meter.read(0, 0, is_live=True).is_opening
    assert outages_after(2.9) == 1 and outages_after(0.2) == 2
    meter.capture()
    assert not meter.read(0, 0, is_live=True).is_opening and outages_after(1.6) == 3
