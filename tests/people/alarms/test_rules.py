"""Rules of alarms: scripted scenes with a fake clock, and what is sent about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from maskdet.people.alarms.episode import FLAP_TURNS, FLAP_WINDOW_S
from maskdet.people.alarms.reporter import MAX_MUTED
from maskdet.people.alarms.rule import AlarmRule, CameraView
from maskdet.people.alarms.rules import AlarmRules
from maskdet.people.alarms.timetable import Timetable
from tests.people.alarms.scripts import INCORRECT, MASK, NO_MASK, UNSURE, UTC, Stage, somebody

BARE = AlarmRule("bare")
P = somebody

SCENES = {
    "a person without a mask, then gone": (
        BARE,
        [(0, [P()]), (1, [P()]), (9, [])],
        [("began", 0, 1), ("cleared", 9, 1)],
    ),
    "a mask is not an alarm": (BARE, [(0, [P(1, MASK)]), (9, [P(1, MASK)])], []),
    "a poster is not an alarm": (BARE, [(0, [P(still=True)]), (9, [P(still=True)])], []),
    "only after three seconds": (
        replace(BARE, for_s=3),
        [(0, [P()]), (2.9, [P()]), (3, [P()]), (4, [])],
        [("began", 3, 1), ("cleared", 4, 1)],
    ),
    "a break begins the three seconds again": (
        replace(BARE, for_s=3),
        [(0, [P()]), (2, [P(1, MASK)]), (2.5, [P()]), (5, [P()]), (5.5, [P()]), (6, [])],
        [("began", 5.5, 1), ("cleared", 6, 1)],
    ),
    "gone before the three seconds": (replace(BARE, for_s=3), [(0, [P()]), (2, []), (9, [])], []),
    "a mask for a moment does not clear": (
        BARE,
        [(0, [P()]), (1, [P(1, MASK)]), (5, [P()]), (8, [P()])],
        [("began", 0, 1)],
    ),
    "the same visit is an update, never a second alarm": (
        BARE,
        [(0, [P()]), (1, [P(1, MASK)]), (6, [P(1, MASK)]), (20, [P()]), (30, [])],
        [("began", 0, 1), ("cleared", 6, 1), ("updated", 20, 1), ("cleared", 30, 1)],
    ),
    "who comes back within five seconds is on the same visit": (
        BARE,
        [(0, [P()]), (20, []), (24, [P()]), (40, [P()]), (50, [])],
        [("began", 0, 1), ("cleared", 20, 1), ("updated", 24, 1), ("cleared", 50, 1)],
    ),
    "each person has an alarm": (
        BARE,
        [(0, [P(1)]), (1, [P(1), P(2)]), (2, [P(2)]), (3, [])],
        [("began", 0, 1), ("began", 1, 2), ("cleared", 2, 1), ("cleared", 3, 2)],
    ),
    "only in the zone": (
        replace(BARE, zone="door"),
        [(0, [P()]), (1, [P(1, NO_MASK, "yard")]), (2, [P(1, NO_MASK, "door")]), (3, [])],
        [("began", 2, 1), ("cleared", 3, 1)],
    ),
    "two states of a rule: a change of the state is an update": (
        replace(BARE, states=frozenset({NO_MASK, INCORRECT})),
        [(0, [P()]), (20, [P(1, INCORRECT)]), (21, [P()]), (40, [])],
        [("began", 0, 1), ("updated", 20, 1), ("cleared", 40, 1)],
    ),
    "three people at a time": (
        replace(BARE, people=3, states=frozenset({MASK, NO_MASK})),
        [
            (0, [P(1), P(2)]),
            (1, [P(1), P(2), P(3, MASK)]),
            (30, [P(1), P(2), P(3), P(4)]),
            (40, [P(1)]),
            (45, [P(1)]),
        ],
        [("began", 1, None), ("updated", 30, None), ("cleared", 45, None)],
    ),
    "another camera": (replace(BARE, cameras=("yard",)), [(0, [P()]), (5, [P()])], []),
}


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_sends_what_it_should(name: str):
    rule, scene, expected = SCENES[name]
    stage = Stage.of(rule)
    for seconds, people in scene:
        stage.show(seconds, *people)
    assert stage.sent == expected


def test_a_line_counts_once_the_state_is_known():
    stage = Stage.of(AlarmRule("gate", line="gate", direction="in"))
    stage.show(0, P(1, UNSURE), crossings=[(1, "gate", "out"), (1, "other", "in")])
    stage.show(1, P(1, UNSURE), crossings=[(1, "gate", "in")])
    assert stage.sent == []
    stage.show(2, P(1))
    stage.show(60, P(1), crossings=[(1, "gate", "out")])
    stage.show(61)
    assert stage.sent == [("began", 2, 1), ("cleared", 61, 1)]
    assert stage.messages[0].text == "gate: no mask: person 1 across line gate (in), camera hall"


@pytest.mark.parametrize(
    ("name", "expected"), [("bare", "bare: no mask: person 1"), ("No mask", "no mask: person 1")]
)
def test_a_rule_named_as_a_state_stands_once_in_the_message(name: str, expected: str):
    stage = Stage.of(AlarmRule(name))
    stage.show(0, P())
    assert stage.messages[0].text.startswith(expected)


def test_cool_down_begins_with_the_delivery_and_reports_who_came_meanwhile():
    stage = Stage.of(replace(BARE, cool_down_s=60))
    stage.show(0, P(1))
    stage.show(100, P(1), P(2))  # nothing was delivered: no cool-down
    assert [kind for kind, *_ in stage.sent] == ["began", "began"]
    stage.rules.record_delivered("bare", "hall", 100)
    stage.rules.record_delivered("bare", "yard", 100)
    stage.show(110, P(1), P(2), P(3))
    stage.show(120, P(1), P(2), P(4))
    assert [a.muted for a in stage.alarms.values()] == ["", "", "cool-down", "cool-down"]
    stage.show(159, P(1), P(2))
    assert len(stage.sent) == 2
    (began, cleared) = stage.show(160, P(1), P(2))
    assert began.phase == "began" and began.alarm.track_id == 4 and len(began.others) == 1
    assert began.text.endswith("(and 1 more since the last message)")
    assert cleared.phase == "cleared"


def test_cool_down_is_of_one_camera_and_who_stays_is_reported_after_it():
    stage = Stage.of(replace(BARE, cool_down_s=60))
    stage.rules.record_delivered("bare", "hall", 0)
    stage.show(1, P(1), camera="yard")
    stage.show(2, P(1))
    stage.wait(59.9)
    assert stage.sent == [("began", 1, 1)]
    stage.wait(60)  # though no frame comes
    assert stage.sent == [("began", 1, 1), ("began", 60, 1)]


def test_after_a_cool_down_an_alarm_that_still_goes_on_is_the_one_that_is_sent():
    stage = Stage.of(replace(BARE, cool_down_s=60))
    stage.rules.record_delivered("bare", "hall", 0)
    stage.show(1, P(1))
    stage.show(2, P(1), P(2))
    stage.show(3, P(1))
    (began,) = stage.wait(60)
    assert (began.alarm.track_id, began.alarm.is_open, len(began.others)) == (1, True, 1)
    (cleared,) = stage.show(70)
    assert (cleared.phase, cleared.alarm.track_id) == ("cleared", 1)


def test_an_alarm_began_when_its_condition_was_first_met():
    stage = Stage.of(replace(BARE, for_s=3))
    for second in range(5):
        stage.show(second, P())
    (alarm,) = stage.alarms.values()
    assert (alarm.began, alarm.changed) == (UTC, UTC + 3)


def test_at_most_so_many_an_hour():
    stage = Stage.of(replace(BARE, max_per_hour=2))
    for number in range(1, 6):
        stage.show(number, P(number))
    assert [number for kind, _, number in stage.sent if kind == "began"] == [1, 2]
    (began, *_) = [m for m in stage.wait(3601) if m.phase == "began"]
    assert began.alarm.track_id == 5 and len(began.others) == 2


def test_a_snooze_ends_without_anybody_and_what_goes_on_is_sent_then():
    stage = Stage.of(BARE, AlarmRule("other"))
    stage.rules.snooze("bare", "", 600)
    stage.show(0, P(1))
    stage.show(10, P(2))  # 1 is gone: nobody wanted to know
    assert [m.alarm.rule for m in stage.messages] == ["other"] * 3
    assert [(s.rule, s.until) for s in stage.rules.snoozes(599)] == [("bare", 600)]
    stage.show(599, P(2))
    assert len(stage.messages) == 3
    (late,) = stage.show(600, P(2))
    assert (late.phase, late.alarm.rule, late.alarm.track_id) == ("began", "bare", 2)
    assert stage.rules.snoozes(600) == [] and not late.others


def test_an_end_within_a_snooze_is_sent_after_it():
    stage = Stage.of(BARE)
    stage.show(0, P(1))
    stage.rules.snooze("", "hall", 100)
    stage.show(10)
    assert stage.sent == [("began", 0, 1)]
    stage.wait(100)
    assert stage.sent == [("began", 0, 1), ("cleared", 100, 1)]


def test_a_flapping_alarm_says_so_once_and_is_quiet_until_it_is_steady():
    stage = Stage.of(replace(BARE, people=2, clear_s=0))
    for turn in range(20):
        stage.show(10 * turn, P(1), P(2))
        stage.show(10 * turn + 5, P(1))
    kinds = [kind for kind, *_ in stage.sent]
    assert kinds.count("flapping") == 1 and kinds[-1] == "flapping"
    assert len(kinds) == 2 * FLAP_TURNS + 1
    end = 195 + FLAP_WINDOW_S
    stage.wait(end - 10)
    assert len(stage.sent) == len(kinds)
    stage.wait(end)
    assert [kind for kind, *_ in stage.sent[len(kinds) :]] == ["cleared"]


def test_who_is_no_more_seen_is_cleared_though_no_frame_comes():
    stage = Stage.of(replace(BARE, clear_s=5))
    stage.show(0, P(1))
    stage.wait(4, {"hall": 4})
    assert len(stage.sent) == 1
    stage.wait(5, {"hall": 5})
    assert stage.sent[1:] == [("cleared", 5, 1)]
    stage.show(8, P(1))  # the same visit
    assert stage.sent[2:] == [("updated", 8, 1)]


def test_a_camera_that_is_gone_covered_or_moved_and_a_disk_that_is_full():
    rules = [
        AlarmRule("gone", "camera_gone", for_s=30, clear_s=2),
        AlarmRule("covered", "camera_covered", for_s=5),
        AlarmRule("moved", "camera_moved", for_s=5),
        AlarmRule("full", "disk_full", free_bytes=100),
    ]
    stage = Stage.of(*rules)
    for second in range(0, 12):
        stage.show(second, view=CameraView(0.1 if second >= 3 else 1.0, 0.1))
    assert [(m.alarm.rule, m.alarm.changed - UTC) for m in stage.messages] == [("covered", 8)]
    for second in range(12, 30):
        stage.show(second, view=CameraView(1.0, 0.1))
    assert [(m.phase, m.alarm.rule) for m in stage.messages[1:]] == [
        ("cleared", "covered"),
        ("began", "moved"),
    ]
    stage.wait(40, {"hall": 10, "yard": 29}, free=101)
    stage.wait(41, {"hall": 11, "yard": 30}, free=99)
    stage.wait(50, {"hall": 20, "yard": 0}, free=99)
    stage.wait(52, {"hall": 22, "yard": 1}, free=99)
    assert [(m.phase, m.alarm.rule, m.alarm.camera) for m in stage.messages[3:]] == [
        ("began", "gone", "yard"),
        ("began", "full", ""),
        ("cleared", "gone", "yard"),
    ]
    assert stage.rules.open_rules("hall") == ("moved", "full")


@pytest.mark.parametrize(
    ("when", "spans", "days", "armed"),
    [
        ("2026-03-28 07:59", ((480, 1080),), {5}, False),  # Saturday, 8 to 18
        ("2026-03-28 08:00", ((480, 1080),), {5}, True),
        ("2026-03-28 18:00", ((480, 1080),), {5}, False),
        ("2026-03-27 12:00", ((480, 1080),), {5}, False),
        ("2026-03-28 23:30", ((1320, 360),), {5}, True),  # 22 to 6 over midnight
        ("2026-03-29 05:59", ((1320, 360),), {5}, True),  # of Saturday; clocks went ahead at 2
        ("2026-03-29 06:00", ((1320, 360),), {5}, False),
        ("2026-03-29 23:30", ((1320, 360),), {5}, False),
        ("2026-10-25 05:59", ((1320, 360),), {5}, True),  # 25 hours
        ("2026-03-30 05:00", ((1320, 360),), {6}, True),  # Sunday's night is Monday's morning
        ("2026-03-30 12:00", (), {0}, True),
        ("2026-03-30 00:00", ((0, 60), (120, 180)), set(), True),
        ("2026-03-30 01:30", ((0, 60), (120, 180)), set(), False),
    ],
)
def test_hours_and_weekdays_are_local(when: str, spans: tuple, days: set, armed: bool):
    zone = ZoneInfo("Europe/Berlin")
    utc = datetime.fromisoformat(when).replace(tzinfo=zone).timestamp()
    assert Timetable(spans, frozenset(days)).covers(utc, zone) is armed


def test_a_rule_that_is_not_armed_clears_and_begins_with_its_hours():
    local = datetime.fromtimestamp(UTC)
    minute = local.hour * 60 + local.minute + 1
    stage = Stage.of(replace(BARE, timetable=Timetable(((minute, minute + 1),))))
    first = 60 - local.second
    for second in (0, first, first + 59, first + 60, first + 65):
        stage.show(second, P())
    assert [kind for kind, *_ in stage.sent] == ["began", "cleared"]
    assert stage.sent[0][1] == first


def test_a_camera_a_disk_or_a_group_has_an_alarm_each_time():
    """Channels that send beginnings alone hear of each."""
    rules = (
        AlarmRule("gone", "camera_gone", for_s=10, clear_s=1),
        AlarmRule("full", "disk_full", clear_s=1, free_bytes=100),
        replace(BARE, people=2, clear_s=1),
    )
    stage = Stage.of(*rules)
    for begin in (0, 100):
        stage.show(begin, P(1), P(2))
        stage.show(begin + 1, P(1))
        stage.show(begin + 2, P(1))
        stage.wait(begin + 20, {"hall": 1, "yard": 15}, free=1)
        for seconds in (30, 40):
            stage.wait(begin + seconds, {"hall": 1, "yard": 0}, free=999)
    for rule in ("gone", "full", "bare"):
        news = [(m.phase, m.alarm.alarm_id) for m in stage.messages if m.alarm.rule == rule]
        (first, second) = dict.fromkeys(number for _, number in news)
        expected = [(phase, n) for n in (first, second) for phase in ("began", "cleared")]
        assert news == expected
        assert stage.alarms[first].cleared < stage.alarms[second].began


def test_a_group_that_was_not_seen_for_a_moment_is_the_same_one():
    stage = Stage.of(replace(BARE, people=2))
    stage.show(0, P(1), P(2), P(3))
    stage.wait(10, {"hall": 10})
    stage.show(20, P(4), P(5))
    assert [kind for kind, *_ in stage.sent] == ["began", "cleared", "updated"]
    assert stage.messages[-1].alarm.people == 3, "the most at one time"
    stage.wait(40, {"hall": 20})
    stage.show(40 + FLAP_WINDOW_S, P(5), P(6))
    assert [kind for kind, *_ in stage.sent[3:]] == ["cleared", "began"]


def test_a_restart_clears_people_and_goes_on_with_cameras():
    rules = (BARE, AlarmRule("gone", "camera_gone", for_s=10))
    stage = Stage.of(*rules)
    stage.show(0, P(1))
    stage.wait(20, {"hall": 1, "yard": 20})
    open_ones = [alarm for alarm in stage.alarms.values() if alarm.is_open]
    assert len(open_ones) == 2
    again = Stage(AlarmRules(rules, run="next"))
    again._take(again.rules.restore(open_ones, 0, UTC + 30))
    assert again.sent == [("cleared", 0.0, 1)]
    again.wait(11, {"hall": 1, "yard": 11})
    assert len(again.sent) == 1, "it is open already"
    again.wait(20, {"hall": 1, "yard": 0})
    again.wait(26, {"hall": 1, "yard": 0})
    assert again.messages[1].phase == "cleared"
    assert again.messages[1].alarm.alarm_id == open_ones[1].alarm_id


def test_weeks_of_visitors_leave_nothing_behind():
    limited = AlarmRule("limited", max_per_hour=1)
    stage = Stage.of(BARE, limited, AlarmRule("gate", line="gate"))
    for number in range(1, 2000):
        stage.show(number, P(number), crossings=[(number, "gate", "in")])
    stage.show(2000)
    stage.show(2006)  # until nobody can come back
    rules, reporter = stage.rules, stage.rules._reporter
    assert not any(rules._episodes.values()) and not rules._cameras["hall"].crossed
    assert not reporter._unsettled
    assert [len(muted) for muted in reporter._muted.values()] == [MAX_MUTED] * 3
    assert len([m for m in stage.messages if m.alarm.rule == "bare"]) == 2 * 60
