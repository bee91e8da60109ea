"""Zones and lines in settings: one line for each mistake, and what the analysis gets."""

from __future__ import annotations

import pytest

from maskdet.config import load_settings
from maskdet.errors import ConfigError
from maskdet.live.assembly import new_analyses
from maskdet.live.settings.monitor import MonitorSettings

SQUARE = "[[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5]]"


def load(*lines: str) -> MonitorSettings:
    return load_settings(MonitorSettings, None, lines)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (f"zones=[{{name: a, points: {SQUARE.replace('0.5', '1.5')}}}]", "outside the picture"),
        ("zones=[{name: a, points: [[0, 0], [1, 1], [1, 0], [0, 1]]}]", "cross each other"),
        ("zones=[{name: a, points: [[0, 0], [1, 1]]}]", "three points"),
        ("zones=[{name: a, points: [[0, 0], [0, 0], [1, 1]]}]", "same"),
        (f"zones=[{{name: a, points: {SQUARE}}}, {{name: a, points: {SQUARE}}}]", "two zones"),
        ("zones=[{name: a, points: [[0, 0], [0.5, 0.5], [1, 1]]}]", "has no area"),
        ("zones=[{name: a, points: [[0, 0, 0], [1, 1], [1, 0]]}]", "x and y of each"),
        (f'zones=[{{name: "a\\nb", points: {SQUARE}}}]', "a line of visible text"),
        (f'zones=[{{name: "\\e[31m", points: {SQUARE}}}]', "a line of visible text"),
        (f'zones=[{{name: "  ", points: {SQUARE}}}]', "a line of visible text"),
        ('sources=[{source: demo, name: "a\\u2028b"}]', "a line of visible text"),
        (
            'lines=[{name: a, points: [[0, 0], [1, 1]]}, {name: "a ", points: [[0, 1], [1, 0]]}]',
            "two lines",
        ),
        ("lines=[{name: a, points: [[0, 0], [1, 1], [0, 1]]}]", "two points"),
        ("lines=[{name: a, points: [[0, 0], [2, 1]]}]", "outside the picture"),
        (
            "lines=[{name: a, points: [[0, 0], [1, 1]]}, {name: a, points: [[0, 1], [1, 0]]}]",
            "two lines",
        ),
        ("people.memory_seconds=0", "people.memory_seconds"),
        ("people.memory=3", "memory_seconds"),
    ],
)
def test_a_mistake_is_one_line(line: str, part: str):
    with pytest.raises(ConfigError) as caught:
        load(line)
    (message,) = str(caught.value).splitlines()
    assert part in message


def test_names_of_any_script_are_names():
    for name in ("Ausgang Süd", "入口", "می\u200cخواهم", 'a "b", c;d', "👩\u200d🔬 lab"):
        points = "[[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]"
        quoted = name.replace('"', '\\"')
        (zone,) = load(f'zones=[{{name: "{quoted}", points: {points}}}]').zones
        assert zone.name == name


def test_a_long_value_is_seen_to_be_cut_and_groups_are_not_repeated():
    points = ", ".join(f"[0.1, {y}]" for y in (0.1, 0.2, 0.1, 0.3, 0.4, 0.5))
    with pytest.raises(ConfigError, match=r"its points are the same, not \[.{58}…$"):
        load(f"lines=[{{name: a, points: [{points}]}}]")
    zone = f"{{name: a, points: {SQUARE}}}"
    with pytest.raises(ConfigError, match=r"give each its own name$"):
        load(f"zones=[{zone}, {zone}]")


def test_zones_belong_to_their_source():
    settings = load(
        f"zones=[{{name: a, points: {SQUARE}, source: door}}, {{name: b, points: {SQUARE}}}]"
    )
    door, hall = new_analyses(settings, ["door", "hall"])
    assert door is not None and hall is not None
    assert [zone.name for zone in door._zones] == ["a", "b"]
    assert [zone.name for zone in hall._zones] == ["b"]
    with pytest.raises(ConfigError, match="'a' is drawn in the source 'door'"):
        new_analyses(settings, ["hall"])


def test_nobody_is_followed_where_that_is_off(capsys: pytest.CaptureFixture[str]):
    assert new_analyses(load("people.enabled=false"), ["a", "b"]) == [None, None]
    assert not capsys.readouterr().err
    zone = f"zones=[{{name: a, points: {SQUARE}}}]"
    assert new_analyses(load("people.enabled=false", zone), ["a"]) == [None]
    assert "zones and lines count nobody: people.enabled is false" in capsys.readouterr().err
