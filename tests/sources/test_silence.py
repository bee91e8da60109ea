"""Silence of a source, and which of it is an outage, with a clock that the tests move."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from maskdet.contracts import NO_SIGNAL_S
from maskdet.sources import silence
from maskdet.sources.silence import Silence, SilenceMeter, is_no_signal

Wait = Callable[[float], None]


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Wait:
    """Lets seconds pass."""
    now = [100.0]
    monkeypatch.setattr(silence.time, "monotonic", lambda: now[0])

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


def test_there_is_no_signal_after_a_second_and_a_half() -> None:
    assert not is_no_signal(NO_SIGNAL_S) and is_no_signal(NO_SIGNAL_S + 0.01)


def test_what_nobody_wants_is_not_silent(wait: Wait) -> None:
    meter = SilenceMeter(opening_s=3)
    wait(60)
    assert meter.read() == Silence()
    meter.want()
    meter.receive()
    meter.rest()
    wait(60)
    assert meter.read() == Silence()


def test_an_outage_counts_while_it_lasts_and_once(wait: Wait) -> None:
    meter = SilenceMeter(opening_s=3)
    meter.want()
    meter.receive()
    wait(1.25)
    assert meter.read() == Silence(1.25, 0, 0)
    wait(1.25)
    assert meter.read() == meter.read() == Silence(2.5, 1, 2.5)
    meter.receive()
    assert meter.read() == Silence(0, 1, 2.5)
    wait(4)
    meter.rest()
    assert meter.read() == Silence(0, 2, 6.5)


def test_a_source_has_longer_to_begin_each_time_that_it_is_wanted(wait: Wait) -> None:
    meter = SilenceMeter(opening_s=3)
    for outages in (0, 1):
        meter.want()
        wait(2.75)
        assert meter.is_opening and meter.read().outages == outages
        wait(0.5)
        assert meter.read().outages == outages + 1
        meter.receive()
        assert not meter.is_opening


def test_a_pause_of_the_source_itself_is_no_silence(wait: Wait) -> None:
    meter = SilenceMeter(opening_s=3)
    meter.want()
    meter.receive(pause=10)
    wait(8)
    assert meter.read() == Silence()
    wait(4)
    assert meter.read() == Silence(2, 1, 2)


def test_a_silence_lasts_no_longer_than_its_source(wait: Wait) -> None:
    meter = SilenceMeter(opening_s=3)
    meter.want()
    meter.receive()
    wait(1)
    meter.end()
    wait(60)
    meter.end()
    assert meter.read() == Silence(1, 0, 0)
