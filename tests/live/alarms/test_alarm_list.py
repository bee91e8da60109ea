"""The list of alarms: how long it may be, and what of it is forgotten."""

from __future__ import annotations

import pytest

from maskdet.alarm import Alarm
from maskdet.live.alarms import alarm_list
from maskdet.live.alarms.alarm_list import AlarmList


def alarm(number: int, *, is_open: bool = False) -> Alarm:
    cleared = None if is_open else number + 1.0
    return Alarm(f"a-{number}", "bare", "people", "hall", number, number, "no mask", cleared)


def numbers(found: AlarmList) -> list[str]:
    return [one.alarm_id for one in found.newest(100, only_open=False)]


def test_only_what_is_over_is_forgotten_however_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alarm_list, "MAX_ALARMS", 2)
    found = AlarmList()
    for number, is_open in enumerate((True, False, True, False, True)):
        found.put(alarm(number, is_open=is_open))
    assert numbers(found) == ["a-4", "a-2", "a-0"]


def test_an_alarm_that_is_deleted_while_it_is_open_stays() -> None:
    found = AlarmList([alarm(1), alarm(2, is_open=True)])
    version = found.version
    found.drop(["a-1", "a-2", "a-3"])
    assert numbers(found) == ["a-2"] and found.version == version + 1
