"""Alarms at their edges: episodes, cool-downs, hours, silent cameras, rules that have changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from maskdet.alarm import Alarm
from maskdet.people.alarms.episode import FLAP_TURNS, Episode
from maskdet.people.alarms.limits import Limits
from maskdet.people.alarms.rule import AlarmRule, CameraView
from maskdet.people.alarms.rules import AlarmRules
from maskdet.people.alarms.timetable import Timetable
from tests.people.alarms.scripts import UTC, Stage, somebody

ALARM = Alarm("run-1", "bare", "people", "hall", UTC, UTC, "no mask", cleared=UTC)
NEVER = Timetable(spans=((0, 1),), days=frozenset({0}))
"""Monday, the first minute of the day; the scenes are on a Thursday."""


def test_seconds_until_an_alarm_is_cleared_begin_when_its_condition_ends() -> None:
    episode = Episode()
    assert episode.step(True, 0, 0, 5) == "opened"
    assert episode.step(False, 6, 0, 5) == "" and episode.step(False, 11, 0, 5) == "closed"


def test_who_was_not_seen_for_a_moment_goes_on_and_who_was_seen_to_end_does_not() -> None:
    episode = Episode(ALARM)
    episode.step(True, 0, 0, 0)
    assert episode.close() and not episode.close()
    assert not episode.is_over(1, UTC + 1)
    episode.step(True, 2, 0, 0)
    episode.step(False, 3, 0, 0)
    assert episode.is_over(4, UTC + 4)


def test_what_flaps_is_one_alarm() -> None:
    episode = Episode(ALARM)
    assert [episode.begins_to_flap(0) for _ in range(FLAP_TURNS + 1)][-1]
    assert not episode.is_over(1000, UTC + 1000)


def test_a_late_report_of_a_delivery_shortens_no_cool_down() -> None:
    limits, rule = Limits(), AlarmRule("bare", cool_down_s=60)
    limits.record_delivered("bare", "hall", 100)
    limits.record_delivered("bare", "hall", 50)
    assert limits.mute(rule, "hall", 159) == "cool-down" and not limits.mute(rule, "hall", 160)


@pytest.mark.parametrize("timetable", [Timetable(), NEVER])
def test_cameras_and_disks_alarm_within_the_hours_alone(timetable: Timetable) -> None:
    stage = Stage.of(
        AlarmRule("gone", "camera_gone", timetable=timetable),
        AlarmRule("covered", "camera_covered", timetable=timetable),
        AlarmRule("full", "disk_full", timetable=timetable),
    )
    stage.show(0, view=CameraView(detail=0.0))
    stage.wait(1, {"hall": 1}, free=0.0)
    kinds = {alarm.kind for alarm in stage.alarms.values()}
    assert len(kinds) == (0 if timetable is NEVER else 3)


@pytest.mark.parametrize(("clear_s", "silent", "is_cleared"), [(20, 10, 0), (1, 3, 0), (1, 5, 1)])
def test_a_silent_camera_clears_after_five_seconds_or_the_rules_own(
    clear_s: float, silent: float, is_cleared: int
) -> None:
    stage = Stage.of(AlarmRule("bare", clear_s=clear_s))
    stage.show(0, somebody())
    assert len(stage.wait(silent, {"hall": silent})) == is_cleared


def test_a_camera_that_is_paused_clears_its_alarms() -> None:
    stage = Stage.of(AlarmRule("covered", "camera_covered"))
    stage.show(0, view=CameraView(detail=0.0))
    changes = stage.rules.sweep(1, UTC + 1, {}, idle=["hall"])
    assert [message.phase for message in changes.messages] == ["cleared"]


@pytest.mark.parametrize(
    ("rule", "stays"),
    [
        (AlarmRule("bare", "camera_gone"), True),
        (AlarmRule("bare", "people"), False),
        (AlarmRule("bare", "camera_gone", cameras=("yard",)), False),
        (AlarmRule("other", "camera_gone"), False),
    ],
)
def test_an_alarm_of_a_rule_that_a_restart_has_changed_is_cleared(
    rule: AlarmRule, stays: bool
) -> None:
    rules = AlarmRules([rule], run="b")
    still_open = replace(ALARM, kind="camera_gone", cleared=None)
    changes = rules.restore([still_open], 0, UTC)
    assert [message.phase for message in changes.messages] == ([] if stays else ["cleared"])
