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


def test_a_long_value_is_seen_to_be_cut():
    zone = f"{{name: a, points: {SQUARE}}}"
    with pytest.raises(ConfigError, match=r"each its own name, not \[.{58}…$"):
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


def test_nobody_is_followed_where_that_is_off():
    assert new_analyses(load("people.enabled=false"), ["a", "b"]) == [None, None]
