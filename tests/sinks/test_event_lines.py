"""Real output against docs/events.schema.json, and the settings of the event log."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import cv2
import jsonschema_rs
import numpy as np
import pytest

from maskdet.config import load_settings
from maskdet.errors import ConfigError
from maskdet.live.settings.monitor import MonitorSettings
from tests.commands.test_monitor import MakeVideo, lines_of, monitor

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = jsonschema_rs.Draft202012Validator(
    json.loads((ROOT / "docs/events.schema.json").read_text()), validate_formats=True
)


@pytest.mark.parametrize("kind", ["video", "folder", "demo"])
def test_lines_are_what_the_schema_says(tmp_path: Path, make_video: MakeVideo, kind: str):
    folder, events = tmp_path / "pictures", tmp_path / "e.jsonl"
    (folder / "in").mkdir(parents=True)
    picture = cv2.imencode(".png", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
    for name in ("1.png", "in/2.png"):
        (folder / name).write_bytes(picture)
    source = {"video": make_video(frames=5), "folder": folder, "demo": "demo"}[kind]
    before = datetime.now(UTC).timestamp() - 1
    assert monitor(f"sources=[{source}]", f"events={events}", "max_frames=5") == 0
    lines = lines_of(events)
    assert lines
    for line in lines:
        SCHEMA.validate(line)
        utc = datetime.fromisoformat(line["utc"]).timestamp()
        assert before < utc < datetime.now(UTC).timestamp() + 1
    assert lines[0]["position"] == 0
    if kind == "folder":
        files = [str(folder / "1.png"), str(folder / "in/2.png")]
        assert [line["file"] for line in lines] == files
        assert (lines[0]["width"], lines[0]["height"]) == (64, 48)
    elif kind == "video":
        assert lines[4]["time"] == lines[4]["position"] == pytest.approx(4 / 25, abs=0.002)
    else:
        assert lines[-1]["time"] > 1.6e9 and 0 < lines[-1]["position"] < 60


def test_the_schema_refuses_what_is_wrong(tmp_path: Path, make_video: MakeVideo):
    events = tmp_path / "e.jsonl"
    monitor(f"sources=[{make_video(frames=1)}]", f"events={events}")
    (line,) = lines_of(events)
    for change in ({"version": 2}, {"utc": "yesterday"}, {"counts": {"x": -1}}, {"width": "9"}):
        assert not SCHEMA.is_valid({**line, **change})
    assert not SCHEMA.is_valid({key: line[key] for key in line if key != "utc"})


def test_the_documentation_names_every_key_and_setting():
    text = (ROOT / "docs/events.md").read_text()
    schema = json.loads((ROOT / "docs/events.schema.json").read_text())
    example = text.partition("```json\n")[2].partition("\n```")[0]
    SCHEMA.validate(json.loads(example))
    assert all(f"`{key}`" in text for key in schema["properties"])
    assert all(f"`events.{key}`" in text for key in ("every", "seconds", "append", "rotate.keep"))


def test_a_second_run_says_where_its_events_went(
    tmp_path: Path, make_video: MakeVideo, capsys: pytest.CaptureFixture[str]
):
    video, events = make_video(frames=3), tmp_path / "e.jsonl"
    for _ in range(2):
        assert monitor(f"sources=[{video}]", f"events={events}") == 0
    assert len(lines_of(events)) == len(lines_of(tmp_path / "e-2.jsonl")) == 3
    assert f"wrote 3 events to {tmp_path / 'e-2.jsonl'}" in capsys.readouterr().err


def test_fewer_frames_are_the_same_ones_and_counted_in_the_summary(
    tmp_path: Path, make_video: MakeVideo, capsys: pytest.CaptureFixture[str]
):
    events, summary = tmp_path / "e.jsonl", tmp_path / "s.json"
    options = ["detect.fps=5", f"events={events}", f"summary={summary}"]
    assert monitor(f"sources=[{make_video(frames=25)}]", *options) == 0
    assert [line["frame"] for line in lines_of(events)] == [0, 5, 10, 15, 20]
    frames = json.loads(summary.read_text())["frames"]
    wanted = {"captured": 25, "processed": 5, "shown": 0, "dropped": 0, "skipped": 20}
    assert frames == {**wanted, "unchanged": 0}
    assert "processed 5 of 25 frames" in (reported := capsys.readouterr().err)
    assert "20 skipped as the settings ask" in reported


@pytest.mark.parametrize(
    "overrides",
    [
        ["events=seen.jsonl", "events.every=change"],
        ["events.every=change", "events=seen.jsonl"],
        ["events={file: seen.jsonl, every: change}"],
    ],
)
def test_a_file_alone_is_short_for_the_group(tmp_path: Path, overrides: list[str]):
    wanted = load_settings(MonitorSettings, None, overrides).events
    assert (str(wanted.file), wanted.every, wanted.append) == ("seen.jsonl", "change", False)
    settings = tmp_path / "m.yaml"
    settings.write_text("events: a.jsonl\n")
    kept = load_settings(MonitorSettings, settings, ["events.every=2"]).events
    assert (str(kept.file), kept.every, kept.seconds) == ("a.jsonl", "seconds", 2)
    settings.write_text("events: null\n")
    assert load_settings(MonitorSettings, settings).events.file is None


@pytest.mark.parametrize(
    ("overrides", "reported"),
    [
        (["events=-", "events.rotate.mb=1"], "rotate needs a file"),
        (["events.rotate.keep=3"], "keep needs mb or seconds"),
        (["events.rotate.compress=true"], "compress needs mb or seconds"),
        (["events.every=never"], "events.every"),
        (["detect.fps=0"], "detect.fps"),
    ],
)
def test_what_makes_no_sense_is_a_line(overrides: list[str], reported: str):
    with pytest.raises(ConfigError, match=reported):
        load_settings(MonitorSettings, None, overrides)
