"""The short form of the soak with alarms, and what it finds broken."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.soak.alarms import broken, soak, unmatched
from tests.soak.scenes import Scene, script
from tests.soak.soak import LIGHT
from tests.web.chromium import needs_chromium


@needs_chromium
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="mounts a disk as Linux does")
@pytest.mark.timeout(300)
def test_a_minute_of_scenes_raises_each_alarm_once(tmp_path: Path):
    found = soak(0.88, tmp_path, fault_pause=4, scale=0.1, settings=LIGHT)
    assert not broken(found, whole=False), found
    assert found["hook"]["began"] == sum(found["scenes"].values()) >= 4
    assert {name.partition(" ")[0] for name in found["scenes"]} >= {"bare", "gone", "moved"}
    assert found["faults"].keys() == {"hook", "broker", "disk"}


def test_the_script_of_an_hour():
    scenes = script(3600)
    assert len(scenes) == 24 * 12
    assert {one.rule for one in scenes} == {"bare", "gone", "dark", "moved"}
    assert len(script(100)) == 8, "a scene that is cut off is none"


SCENES = [Scene("door", 10, 20, "bare"), Scene("door", 50, 60, "bare"), Scene("", 5, 9, "full")]


@pytest.mark.parametrize(
    ("alarms", "lost", "surplus"),
    [
        ([("bare", "door", 11), ("bare", "door", 52), ("full", "", 5)], 0, 0),
        ([("bare", "door", 11), ("full", "", 5)], 1, 0),
        ([("bare", "door", 11), ("bare", "door", 12), ("bare", "door", 52), ("full", "", 5)], 0, 1),
        ([("bare", "hall", 11), ("bare", "door", 52), ("full", "", 5)], 1, 1),
        ([("bare", "door", 11), ("bare", "door", 52), ("full", "", 30)], 1, 1),
    ],
    ids=["each once", "lost", "twice", "of another camera", "too late"],
)
def test_alarms_are_counted_against_the_script(alarms: list, lost: int, surplus: int):
    missing, more = unmatched(SCENES, 1000.0, [(rule, at, 1000.0 + t) for rule, at, t in alarms])
    assert (len(missing), len(more)) == (lost, surplus)


CHANNEL = {
    name: [] for name in ("lost", "surplus", "not_cleared_once", "cleared_unknown")
} | {"twice": 0}  # fmt: skip
GOOD: dict[str, Any] = {
    **{"minutes": 60.0, "growth_mb": 0, "growth_threads": 0, "growth_handles": 0},
    **{"is_own_disk": True, "status": 0, "reported": [], "fragments": [9, 9, 9]},
    **{"shown_ms": {"count": 9}, "hook": CHANNEL, "broker": dict(CHANNEL)},
    "store": {"lost": [], "surplus": [], "open": [], "muted": [], "pending": {"nobody": 3}},
    "ages_ms": {"one": {"median": 60.0}, "three sockets": {"median": 70.0}},
}


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("", {"growth_mb": 21}),
        ("", {"growth_handles": 1}),
        ("", {"is_own_disk": False}),
        ("", {"status": 1}),
        ("", {"fragments": [9, 9, 0]}),
        ("hook", {"lost": ["bare"]}),
        ("broker", {"twice": 1}),
        ("broker", {"not_cleared_once": ["a-1"]}),
        ("store", {"surplus": ["bare"]}),
        ("store", {"pending": {"hook": 1}}),
        ("store", {"open": ["bare"]}),
        ("ages_ms", {"three sockets": {"median": 76.0}}),
    ],
    ids=str,
)
def test_each_broken_promise_is_reported(place: str, fault: dict[str, Any]):
    assert broken(GOOD) == []
    bad = copy.deepcopy(GOOD)
    (bad[place] if place else bad).update(fault)
    assert len(broken(bad)) == 1
