"""Zones and lines drawn with the mouse: what comes of clicks and keys, and in a real window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskdet.config import load_settings, read_yaml
from maskdet.config_editing import append_item
from maskdet.detections import Detections
from maskdet.drawing.status_text import AMBER
from maskdet.drawing.zones import count_text
from maskdet.frame import Frame
from maskdet.live.gui.zone_editor import SourcePlaces, ZoneEditor
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.observation import Observation, PeopleCounts
from maskdet.people.zones import Line, Zone, shapes_of
from tests.helpers.xserver import XServer, needs_xvfb
from tests.live.gui.test_viewer import Demo, end, share_of, until

SQUARE = [(0.1, 0.1), (0.5, 0.1), (0.5, 0.6), (0.1, 0.6)]
SQUARE_AROUND = [(0.2, 0.2), (0.8, 0.2), (0.8, 0.9), (0.2, 0.9)]
StartMonitor = Any


class Applied:
    """The zones and lines that a source was given last."""

    def __init__(self) -> None:
        self.zones: Sequence[Zone] = ()
        self.lines: Sequence[Line] = ()

    def take(self, zones: Sequence[Zone], lines: Sequence[Line]) -> None:
        self.zones, self.lines = zones, lines


def editor(file: Path | None, *names: str) -> tuple[ZoneEditor, dict[str, Applied]]:
    applied = {name: Applied() for name in names or ("door",)}
    places = [SourcePlaces(name, one.take) for name, one in applied.items()]
    return ZoneEditor(places, file), applied


def test_a_zone_is_clicked_closed_applied_and_kept(tmp_path: Path):
    file = tmp_path / "door.yaml"
    drawn, applied = editor(file)
    assert "click its corners" in drawn.begin("zone")
    for corner in SQUARE:
        assert "corner" in drawn.click("door", corner)
    assert drawn.finish() == "zone 1: kept in door.yaml" and drawn.kind is None
    assert applied["door"].zones == (Zone("zone 1", tuple(SQUARE)),)
    settings = load_settings(MonitorSettings, file)
    assert [zone.place() for zone in settings.zones] == list(applied["door"].zones)
    assert settings.zones[0].source is None


def test_a_line_ends_with_its_second_click_and_names_its_source_among_several(tmp_path: Path):
    file = tmp_path / "two.yaml"
    drawn, applied = editor(file, "door", "hall")
    drawn.begin("line")
    drawn.click("hall", (0.1, 0.5))
    assert "is in hall" in drawn.click("door", (0.9, 0.5))
    assert drawn.click("hall", (0.9, 0.5)) == "line 1: kept in two.yaml"
    assert applied["hall"].lines and not applied["door"].lines
    assert read_yaml(file)["lines"][0]["source"] == "hall"


def test_clicking_a_corner_twice_closes_a_zone():
    drawn, applied = editor(None)
    drawn.begin("zone")
    for corner in SQUARE:
        drawn.click("door", corner)
    assert "for this run only" in drawn.click("door", SQUARE[-1])
    assert len(applied["door"].zones[0].points) == 4


@pytest.mark.parametrize(
    ("corners", "reported"),
    [
        (SQUARE[:2], "a zone needs three corners"),
        ([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]], "the sides of a zone may not cross"),
        ([(0.1, 0.1), (0.5, 0.5), (0.9, 0.9)], "the corners of a zone may not lie on one line"),
    ],
)
def test_what_is_no_polygon_is_refused(corners: list[tuple[float, float]], reported: str):
    drawn, applied = editor(None)
    drawn.begin("zone")
    for corner in corners:
        drawn.click("door", corner)
    assert drawn.finish().startswith(reported)
    assert not applied["door"].zones and drawn.kind == "zone"
    assert drawn.cancel() == "nothing drawn" and drawn.kind is None


def test_the_zone_or_line_at_the_mouse_is_removed_from_the_file_too(tmp_path: Path):
    file = tmp_path / "door.yaml"
    drawn, applied = editor(file)
    for kind, corners in (("zone", SQUARE), ("line", [(0.7, 0.1), (0.7, 0.9)])):
        drawn.begin(kind)  # type: ignore[arg-type]
        for corner in corners:
            drawn.click("door", corner)
        drawn.finish()
    assert "point at a zone" in drawn.remove("door", (0.95, 0.95))
    assert drawn.remove("door", (0.71, 0.5)) == "line 1 removed, from door.yaml too"
    assert drawn.remove("door", (0.3, 0.3)) == "zone 1 removed, from door.yaml too"
    assert read_yaml(file) == {"zones": [], "lines": []} and not applied["door"].zones


def test_a_zone_of_the_same_name_in_another_source_stays_in_the_file(tmp_path: Path):
    file = tmp_path / "two.yaml"
    points = [list(point) for point in SQUARE]
    zones = [{"name": "bench", "points": points, "source": one} for one in ("door", "hall")]
    zones.append({"name": "desk", "points": points})
    for zone in zones:
        append_item(file, "zones", zone)
    drawn, _ = editor(file, "door", "hall")
    for name, own in (("door", "bench"), ("hall", "desk")):
        drawn._places[name].zones.append(Zone(own, tuple(SQUARE)))
    assert drawn.remove("door", (0.3, 0.3)) == "bench removed, from two.yaml too"
    left = [(zone["name"], zone.get("source")) for zone in read_yaml(file)["zones"]]
    assert left == [("bench", "hall"), ("desk", None)]
    drawn.remove("hall", (0.3, 0.3))
    assert [zone["name"] for zone in read_yaml(file)["zones"]] == ["bench"]


def test_a_zone_of_all_sources_is_removed_from_all(tmp_path: Path):
    file = tmp_path / "two.yaml"
    file.write_text(f"zones: [{{name: till, points: {[list(p) for p in SQUARE]}}}]\n")
    drawn, applied = editor(file, "door", "hall")
    shared = Zone("till", tuple(SQUARE))
    drawn.follow([SourcePlaces(name, one.take, [shared]) for name, one in applied.items()])
    applied["hall"].zones = (shared,)
    assert drawn.remove("door", (0.3, 0.3)) == "till removed, from two.yaml too"
    assert not applied["hall"].zones and not load_settings(MonitorSettings, file).zones


def test_a_name_that_the_file_has_for_a_source_that_is_gone_is_not_given_again(tmp_path: Path):
    file = tmp_path / "two.yaml"
    points = [list(p) for p in SQUARE]
    file.write_text(f"zones: [{{name: zone 1, points: {points}, source: garage}}]\n")
    drawn, _ = editor(file, "door")
    drawn.begin("zone")
    for corner in SQUARE:
        drawn.click("door", corner)
    assert drawn.finish() == "zone 2: kept in two.yaml"
    assert len(load_settings(MonitorSettings, file).zones) == 2


def test_without_people_no_zone_is_begun():
    assert "people.enabled" in ZoneEditor([], None, enabled=False).begin("zone")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path):
    file = tmp_path / "door.yaml"
    file.write_bytes(b"a: [1")
    drawn, applied = editor(file)
    drawn.begin("line")
    drawn.click("door", (0.1, 0.5))
    assert "for this run only: " in drawn.click("door", (0.9, 0.5)) and applied["door"].lines


def test_a_zone_drawn_in_a_held_picture_has_a_dash_until_somebody_is_counted():
    """One of the same name and other corners is another one."""
    kept, gone = Zone("door", tuple(SQUARE)), Zone("zone 1", tuple(SQUARE))
    frame = Frame(np.zeros((48, 64, 3), np.uint8), 0, 0.0, 0.0, "cam")
    zones = {zone.name: {"with_mask": 2} for zone in (kept, gone)}
    seen = Observation(
        frame,
        Detections.empty(),
        people_counts=PeopleCounts(zones=zones),
        shapes=shapes_of([kept, gone], []),
    )
    new = Zone("zone 1", tuple(SQUARE_AROUND))
    shown = seen.with_shapes(shapes_of([kept, new], [Line("line 1", (0, 0), (1, 1))]))
    texts = [count_text(shape, shown.people_counts) for shape in shown.shapes]
    assert texts == ["2", "–", "in 0, out 0"]


@needs_xvfb
def test_in_a_window_clicks_make_a_zone(
    screen: XServer,
    start_monitor: StartMonitor,
    tmp_path: Path,
):
    demo = Demo(screen, tmp_path, start_monitor)
    demo.press("z")
    width, height = screen.geometry(demo.window)
    corners = [(round(x * width), round(y * height)) for x, y in SQUARE_AROUND]

    def is_begun() -> bool:
        screen.click(demo.window, *corners[0])
        return share_of(screen, AMBER) > 20

    until("the first corner", is_begun)
    for corner in corners[1:]:
        screen.click(demo.window, *corner)
    demo.press("space")
    demo.press("Return")
    x, y = corners[0][0], height // 2

    def is_blue() -> bool:  # the left side of the zone; that of the draft is yellow
        side = screen.screenshot()[y, x - 4 : x + 5].astype(int)
        return bool((side[:, 0] - side[:, 2]).max() > 60)

    until("the zone in the held picture", is_blue)
    demo.press("space")
    events = tmp_path / "e.jsonl"
    until("somebody is in the zone", lambda: '"zones":["zone 1"]' in compact(events))
    demo.press("q")
    end(demo.process, tmp_path)


def compact(file: Path) -> str:
    return file.read_text().replace(" ", "").replace("zone1", "zone 1")
