"""Promises of the rules for any scene: nobody twice, nobody lost."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from maskdet.people.alarms.rule import AlarmRule
from maskdet.people.alarms.rules import AlarmRules
from tests.people.alarms.scripts import INCORRECT, MASK, NO_MASK, UTC, Stage, somebody

Visits = st.lists(
    st.tuples(
        st.integers(0, 60),  # comes
        st.integers(1, 40),  # stays
        st.lists(st.sampled_from((NO_MASK, MASK, INCORRECT)), min_size=1, max_size=6),
    ),
    max_size=8,
)
Limits = st.fixed_dictionaries(
    {
        "for_s": st.sampled_from((0.0, 2.0)),
        "clear_s": st.sampled_from((0.0, 3.0)),
        "cool_down_s": st.sampled_from((0.0, 15.0)),
        "max_per_hour": st.sampled_from((1, 3, 60)),
    }
)
Gaps = st.sets(st.integers(0, 110), max_size=60)


def play(stage: Stage, visits: list, gaps: set[int], snooze: tuple[int, int]) -> None:
    """A hundred seconds; within the gaps the camera gives no frame, and only sweeps come."""
    last = 0
    for second in range(120):
        if second == snooze[0]:
            stage.rules.snooze("rule", "", second + snooze[1])
        people = [
            somebody(number, states[(second - comes) % len(states)])
            for number, (comes, stays, states) in enumerate(visits, 1)
            if comes <= second < comes + stays
        ]
        sent = []
        if second not in gaps:
            sent += stage.show(second, *people)
            last = second
        sent += stage.wait(second, {"hall": second - last})
        for message in sent:
            if message.phase == "began":
                stage.rules.record_delivered("rule", "hall", second)


@settings(max_examples=60)
@given(Visits, Limits, Gaps, st.tuples(st.integers(0, 120), st.integers(1, 60)))
def test_no_visit_twice_and_none_lost(visits: list, limits: dict, gaps: set, snooze: tuple):
    stage = Stage.of(AlarmRule("rule", **limits))
    play(stage, visits, gaps, snooze)
    stage.wait(10_000, {"hall": 9_880})  # cool-down, snooze and hour are over

    began = [m for m in stage.messages if m.phase == "began"]
    counts = Counter(m.alarm.track_id for m in began)
    assert not [number for number, count in counts.items() if count > 1]
    assert len({a.track_id for a in stage.alarms.values()}) == len(stage.alarms)

    reported = {m.alarm.alarm_id for m in began} | {one for m in began for one in m.others}
    for alarm in stage.alarms.values():
        assert alarm.alarm_id in reported or alarm.muted == "snoozed"
        assert alarm.cleared is not None
    if not limits["for_s"]:  # everybody who was seen without a mask has an alarm
        bare = {
            number
            for number, (comes, stays, states) in enumerate(visits, 1)
            for second in range(comes, comes + stays)
            if second not in gaps and states[(second - comes) % len(states)] is NO_MASK
        }
        assert {a.track_id for a in stage.alarms.values()} == bare


@settings(max_examples=60)
@given(Visits, Limits, Gaps)
def test_the_news_of_an_alarm_are_in_order(visits: list, limits: dict, gaps: set):
    """Each begins once; what follows alternates between open and cleared, and ends cleared."""
    stage = Stage.of(AlarmRule("rule", **limits))
    play(stage, visits, gaps, (200, 1))
    stage.wait(10_000, {"hall": 9_880})
    stage.wait(20_000, {"hall": 19_880})
    for number in {m.alarm.alarm_id for m in stage.messages}:
        phases = [m.phase for m in stage.messages if m.alarm.alarm_id == number]
        assert phases[0] == "began" and phases.count("began") == 1
        assert phases.count("flapping") <= 1 and phases[-1] == "cleared"
        assert "cleared cleared" not in " ".join(phases)


@settings(max_examples=40)
@given(Visits, Limits, st.integers(5, 100))
def test_a_restart_neither_loses_nor_repeats(visits: list, limits: dict, at: int):
    """Alarms that were open are cleared once; people of the new run have alarms of their own."""
    rule = AlarmRule("rule", **limits)
    stage = Stage.of(rule, run="a")
    for second in range(at):
        people = [
            somebody(number, NO_MASK)
            for number, (comes, stays, _) in enumerate(visits, 1)
            if comes <= second < comes + stays
        ]
        stage.show(second, *people)
    were_open = [alarm for alarm in stage.alarms.values() if alarm.is_open]
    again = Stage(AlarmRules([rule], run="b"))
    again._take(again.rules.restore(were_open, 0, UTC + at))
    again._take(again.rules.restore([], 0, UTC + at))
    cleared = [m.alarm.alarm_id for m in again.messages]
    assert cleared == [a.alarm_id for a in were_open if not a.muted]
    assert {a.alarm_id for a in again.alarms.values()} == {a.alarm_id for a in were_open}
    again.show(0, somebody(1))
    (alarm,) = [a for a in again.alarms.values() if a.is_open and not limits["for_s"]] or [None]
    assert alarm is None or alarm.alarm_id not in {a.alarm_id for a in were_open}
