"""Texts about people can be read at every size, and cover no face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from maskdet.detections import MaskState
from maskdet.drawing.panels import Panels
from maskdet.drawing.side_panel import PanelContent, SidePanel, is_panel_legible, panel_width
from maskdet.drawing.status_bar import StatusBar
from maskdet.drawing.status_text import Row, Segment, Status, bar_rows, count_segments, total_row
from maskdet.drawing.text_renderer import TextRenderer
from maskdet.drawing.zones import ZoneRenderer
from maskdet.observation import PeopleCounts, Shape
from tests.drawing.test_people_overlay import observation

SIZES = ((320, 240), (640, 480), (480, 640), (1280, 720), (3840, 2160))
COUNTS = {state.name: 1200 + state for state in MaskState}
PEOPLE = PeopleCounts(
    now={"with_mask": 2},
    day=COUNTS,
    zones={"waiting area": {"with_mask": 11}},
    crossings={"door": {"in": {"with_mask": 1012}, "out": {"with_mask": 988}}},
    margin_today=30,
)
SHAPES = (
    Shape("waiting area", ((0.05, 0.3), (0.6, 0.3), (0.6, 0.9), (0.05, 0.9)), True),
    Shape("door", ((0.1, 0.6), (0.9, 0.65)), False),
)


class Recorder(TextRenderer):
    """Draws, and keeps what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []
        self.starts: list[int] = []

    def write(
        self, canvas: np.ndarray, text: str, x: int, baseline: int, color: tuple[int, int, int]
    ) -> None:
        self.written.append(text)
        self.starts.append(x)
        super().write(canvas, text, x, baseline, color)


def overlap(first: np.ndarray, second: np.ndarray) -> int:
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    return int(np.clip(sides, 0, None).prod())


@pytest.mark.parametrize("size", SIZES)
def test_names_of_zones_and_lines_cover_neither_faces_nor_each_other(size: tuple[int, int]):
    renderer, shares = Recorder(), np.array([[0.05, 0.28, 0.2, 0.5], [0.1, 0.58, 0.25, 0.85]])
    renderer.fit(*size)
    faces = (shares * np.tile(size, 2)).astype(int)
    image = np.zeros((size[1], size[0], 3), np.uint8)
    names = ZoneRenderer(renderer).draw(image, SHAPES, PEOPLE, faces)
    assert len(names) == 2 and renderer.written == ["waiting area: 11", "door: in 1012, out 988"]
    assert not any(overlap(name, face) for name in names for face in faces)
    assert not overlap(*names)


def test_where_faces_leave_little_room_the_count_stands_or_nothing():
    renderer = Recorder()
    renderer.fit(320, 240)
    image, faces = (
        np.zeros((240, 320, 3), np.uint8),
        np.array([[0, 0, 320, 190], [70, 190, 320, 240]]),
    )
    ZoneRenderer(renderer).draw(image, SHAPES[:1], PEOPLE, faces)
    assert renderer.written == ["11"]
    assert not len(ZoneRenderer(renderer).draw(image, SHAPES, PEOPLE, np.array([[0, 0, 320, 240]])))


@pytest.mark.parametrize("size", SIZES)
def test_the_panel_cuts_no_title_and_no_number(size: tuple[int, int]):
    renderer = Recorder()
    renderer.fit(size[0], size[1], max(16, size[1] // 40))
    panel = np.zeros((size[1], panel_width(size[0], renderer.size), 3), np.uint8)
    changes = [("12:00:00 #12 no mask -> mask", MaskState.with_mask, "")]
    content = PanelContent(PEOPLE.now, COUNTS, [0.5] * 60, changes, margin=30)
    SidePanel(renderer).draw(panel, content)
    titles = [state.title for state in MaskState]
    assert set(titles) <= set(renderer.written)
    assert renderer.written[15:18] == ["in all ± 30", "4806", "2"]


@pytest.mark.parametrize("text", [16, 18, 30])
def test_the_smallest_panel_that_counts_as_legible_has_the_whole_table(text: int):
    renderer = Recorder()
    renderer.fit(640, 480, text)
    sizes = ((width, height) for width in range(10, 1000) for height in (round(text * 10),))
    width, height = next(size for size in sizes if is_panel_legible(size, text))
    while is_panel_legible((width, height - 1), text):
        height -= 1
    panel = np.zeros((height, width, 3), np.uint8)
    SidePanel(renderer).draw(panel, PanelContent(COUNTS, COUNTS, [], [], margin=30))
    titles = {state.title for state in MaskState} | {"people", "in all ± 30", "now", "today"}
    assert titles <= set(renderer.written)
    assert (panel[-2:] == panel[0, 0]).all() and (panel[:, -2:] == panel[0, 0]).all()


@pytest.mark.parametrize("width", [170, 213, 240, 256, 480, 960])
def test_in_a_grid_counts_are_whole_and_nothing_lies_on_them(width: int):
    renderer = Recorder()
    renderer.fit(width, 200, 16)
    bar = np.zeros((renderer.row, width, 3), np.uint8)
    StatusBar(renderer).draw(bar, [Row(count_segments({"with_mask": 2}), [Segment("age 38 ms")])])
    places = sorted(zip(renderer.starts, renderer.written, strict=True))
    counts = [text for _, text in places if not text.startswith("age")]
    assert [text.split()[-1] for text in counts] == ["2", "0", "0", "0"]
    ends = [x + renderer.width(text) for x, text in places]
    assert ends[-1] <= width
    marks = [renderer.size * (not text.startswith("age")) for _, text in places[1:]]
    for end, (start, _), mark in zip(ends, places[1:], marks, strict=False):
        assert end < start - mark


def test_people_stand_in_each_bar_and_above_a_grid():
    def texts(*rows: Row) -> list[str]:
        return [one.text for row in rows for one in (*row.left, *row.right)]

    seen = observation()
    assert "people 1" in texts(*bar_rows(Status(compact=True), seen, narrow=True))
    assert "people 1, today 15" in texts(*bar_rows(Status(compact=True), seen, narrow=False))
    whole = texts(total_row(2, COUNTS, [PEOPLE, PEOPLE], "CPU"))
    assert whole == [
        "all 2 sources",
        *(f"{state.title} {COUNTS[state.name]}" for state in MaskState),
        "CPU",
        "people 4, today 9612 ± 43",
    ]
    assert not any("people" in text for text in texts(total_row(2, COUNTS, [], "CPU")))


NAMES = (
    "rtsp://admin:***@192.168.1.20:554/Streaming/Channels/101",
    "rtsp://admin:***@192.168.1.20:554/Streaming/Channels/102",
    "rtsp://admin:***@192.168.1.21:554/Streaming/Channels/101",
    "/home/anna/Recordings of the entrance/2026-11-28/door.mp4",
    "/home/anna/Recordings of the entrance/2026-11-28/hall.mp4",
)


@pytest.mark.parametrize("width", [400, 320, 240])
def test_long_names_are_distinct_and_leave_room_for_the_people(width: int):
    shown = set()
    for name in NAMES:
        renderer = Recorder()
        renderer.fit(width, 200, 16)
        bar = np.zeros((2 * renderer.row, width, 3), np.uint8)
        status = Status(source=name, compact=True)
        rows = bar_rows(status, observation(), narrow=True)
        StatusBar(renderer).draw(bar, rows)
        short, people = renderer.written[:2]
        assert people == "people 1" and len(short) >= 6
        shown.add(short)
    assert len(shown) == len(NAMES) or width < 320


@pytest.mark.parametrize("width", [170, 213, 240, 256, 270, 320, 400, 640])
@pytest.mark.parametrize("compact", [True, False])
@pytest.mark.parametrize(
    "status",
    [
        Status(recording=True),
        Status(not_recording=True),
        Status(not_recording=True, blurred=True),
        Status(recording=True, blurred=True, paused=True),
        Status(not_recording=True, no_signal=True),
    ],
)
def test_marks_and_people_stand_whole_beside_a_name(width: int, compact: bool, status: Status):
    renderer = Recorder()
    renderer.fit(width, 200, 16)
    bar = np.zeros((3 * renderer.row, width, 3), np.uint8)
    status = replace(status, source="entrance camera north", compact=compact)
    StatusBar(renderer).draw(bar, bar_rows(status, observation(), narrow=True))
    written = renderer.written
    camera = next(text for text in written if text.endswith("h"))
    assert len(camera) >= 4
    marks = [text for text in written if text[:1] in {"▲", "■", "●", "‖"}]
    assert not any(text.endswith("…") for text in written if text.startswith("p") or text in marks)
    lost = status.no_signal and "▲ NO SIGNAL" not in marks  # the image itself has it then
    flags = (status.not_recording, status.recording, status.blurred, status.paused)
    assert len(marks) == sum(flags) + (status.no_signal and not lost)
    assert {"▲ NO REC", "▲ NOT RECORDING"} & set(marks) or not status.not_recording
    first = min(renderer.starts[written.index(mark)] for mark in marks)
    assert renderer.starts[written.index(camera)] + renderer.width(camera) < first


def test_the_panel_has_what_happened_whole_and_the_source_behind_it():
    renderer = Recorder()
    renderer.fit(1280, 720, 18)
    changes = [("12:00:00 #12 appeared", MaskState.with_mask, name) for name in NAMES]
    content = PanelContent(PEOPLE.now, COUNTS, [0.5] * 60, changes)
    SidePanel(renderer).draw(np.zeros((720, panel_width(1280, 18), 3), np.uint8), content)
    assert renderer.written.count("12:00:00 #12 appeared") == len(NAMES)
    assert sum(text.endswith("or.mp4") for text in renderer.written) == 1


def test_why_there_is_no_signal_is_whole_in_a_narrow_place():
    renderer = Recorder()
    renderer.fit(230, 230, 16)
    reason = "127.0.0.1 refuses port 554; is the camera's server on, and the port right?"
    status = Status(no_signal=True, signal_loss_reason=reason)
    Panels(renderer).no_signal(np.zeros((230, 230, 3), np.uint8), status)
    assert " ".join(renderer.written[1:]) == reason.replace(";", "")
