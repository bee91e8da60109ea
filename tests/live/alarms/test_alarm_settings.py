"""Settings of alarms become rules; the examples of the documentation are read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from maskdet.config import load_settings
from maskdet.detections import MaskState
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.people.alarms.rule import AlarmRule
from maskdet.people.alarms.timetable import Timetable

ROOT = Path(__file__).resolve().parents[3]


def rules_of(tmp_path: Path, text: str) -> list[AlarmRule]:
    file = tmp_path / "own.yaml"
    file.write_text(text)
    return [one.rule() for one in load_settings(MonitorSettings, file).alarms.rules]


def test_every_key_reaches_the_rule(tmp_path: Path):
    (rule,) = rules_of(
        tmp_path,
        "alarms:\n  rules:\n  - name: door\n    states: [without_mask, unsure]\n    zone: door\n"
        "    people: 2\n    for_seconds: 3\n    clear_seconds: 4\n"
        "    hours: [8:00-12:30, 22:00-24:00]\n    days: [mon, sun]\n    cameras: [hall]\n"
        "    cool_down_seconds: 60\n"
        "    max_per_hour: 5\n    channels: [hook]\n  channels:\n"
        "  - {name: hook, kind: sound}\n",
    )
    assert rule == AlarmRule(
        "door",
        states=frozenset({MaskState.without_mask, MaskState.unsure}),
        zone="door",
        people=2,
        for_s=3,
        clear_s=4,
        timetable=Timetable(((480, 750), (1320, 1440)), frozenset({0, 6})),
        cameras=("hall",),
        cool_down_s=60,
        max_per_hour=5,
        channels=("hook",),
    )


@pytest.mark.parametrize(
    ("when", "seconds"),
    [
        ("people", 0),
        ("camera_gone", 30),
        ("camera_covered", 5),
        ("camera_moved", 5),
        ("disk_full", 5),
    ],
)
def test_how_long_it_has_to_be_so_by_default(tmp_path: Path, when: str, seconds: float):
    (rule,) = rules_of(tmp_path, f"alarms: {{rules: [{{name: a, when: {when}, free_gb: 2}}]}}")
    assert (rule.for_s, rule.free_bytes) == (seconds, 2e9)
    assert load_settings(MonitorSettings, None, ["alarms.rules=[{name: a}]"]).alarms.clips.after


def test_the_examples_of_the_documentation_are_read(tmp_path: Path):
    text = (ROOT / "docs/alarms.md").read_text(encoding="utf-8")
    short, long = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert [rule.kind for rule in rules_of(tmp_path, short)] == ["people"]
    assert [rule.kind for rule in rules_of(tmp_path, long)] == ["people", "camera_gone"]
    commented = (ROOT / "configs/monitor.yaml").read_text(encoding="utf-8").split("\nalarms:")[1]
    lines = [line for line in commented.splitlines() if re.match(r"  # ?( |- )", line)]
    parts: dict[str, list[str]] = {"rules": [], "channels": []}
    for line in lines:
        kind = "channels" if "kind:" in line else "rules"
        parts[kind].append("  " + line.replace("  # ", "", 1))
    example = "alarms:\n" + "".join(f"  {k}:\n" + "\n".join(v) + "\n" for k, v in parts.items())
    (rule,) = rules_of(tmp_path, example)
    assert rule.zone == "door" and rule.timetable.days == frozenset(range(5))
    documented = re.findall(r"^\| `(\w+)` \| (?:`|what|nothing)", text, re.MULTILINE)
    assert {"web_hook", "mqtt", "notify", "command", "http_output"} <= set(documented)
