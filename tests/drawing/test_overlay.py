"""Drawn marks: distinct without colors, inside the picture, off the faces, in any script."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest

from maskdet.detections import Detections, MaskState
from maskdet.drawing import label_placement
from maskdet.drawing.overlay import Overlay, annotate
from maskdet.drawing.panels import KEYS
from maskdet.drawing.status_text import Row, Status, bar_rows
from maskdet.drawing.styles import STYLES
from maskdet.drawing.text_shaping import drawable, visual_order
from maskdet.frame import Frame
from maskdet.live.recording.evidence import evidence_status, with_bar
from maskdet.observation import Observation


@pytest.fixture(autouse=True)
def own_time_zone() -> Iterator[None]:
    """Whatever zone a test sets, the next one has the computer's own."""
    yield
    time.tzset()


SIZES = [(320, 240), (640, 480), (480, 640), (1920, 1080), (3840, 2160)]
GRAY = 120


def observation(
    size: tuple[int, int], boxes: list[list[float]], states: list[int] | None = None, **counts: int
) -> Observation:
    """Faces on a gray picture; boxes as parts of its size."""
    width, height = size
    image = np.full((height, width, 3), GRAY, np.uint8)
    pixels = np.array(boxes, np.float32).reshape(-1, 4) * (width, height, width, height)
    states = states if states is not None else [0] * len(boxes)
    faces = Detections(pixels, np.full(len(boxes), 0.93), states)
    return Observation(Frame(image, 0, 0.0, 0.0, "camera 0"), faces, counts)


def near(image: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return (np.abs(image.astype(int) - color) < 8).all(axis=2)


@pytest.mark.parametrize("size", SIZES)
def test_bar_stands_above_an_otherwise_untouched_picture(size: tuple[int, int]) -> None:
    seen = observation(size, [])
    before = seen.frame.image.copy()
    drawn = Overlay().draw(seen, Status("door", 30, 12, 45, "CPU (LiteRT)", recording=True))
    bar = drawn.shape[0] - size[1]
    assert drawn.shape[1] == size[0]
    assert 0.03 * size[1] < bar < 0.25 * size[1]
    assert (drawn[bar:] == before).all()  # it covers nothing
    assert (seen.frame.image == before).all()  # the frame itself is never drawn on
    assert near(drawn[:bar], (240, 240, 240)).any()  # text


def test_no_status_no_bar_and_annotate_is_the_same() -> None:
    seen = observation((320, 240), [[0.2, 0.3, 0.5, 0.7]], [1])
    drawn = Overlay().draw(seen)
    assert drawn.shape == seen.frame.image.shape
    assert (annotate(seen.frame.image, seen.detections) == drawn).all()
    assert (seen.frame.image == GRAY).all()


@pytest.mark.parametrize("size", SIZES[:3])
@pytest.mark.parametrize("state", list(MaskState))
def test_each_state_shows_in_its_color(size: tuple[int, int], state: MaskState) -> None:
    drawn = Overlay().draw(observation(size, [[0.3, 0.3, 0.6, 0.7]], [state]))
    for other in MaskState:
        assert near(drawn, STYLES[other].color).any() == (other == state), other


@pytest.mark.parametrize("part", [0.35, 0.08])  # of the picture: a close face, a far one
@pytest.mark.parametrize(("one", "two"), itertools.combinations(MaskState, 2))
def test_states_differ_without_color(one: MaskState, two: MaskState, part: float) -> None:
    """In shape: the pictures are made to ink and paper before they are compared."""
    box = [[0.4, 0.4, 0.4 + part, 0.4 + part]]
    shapes = []
    for state in (one, two):
        drawn = Overlay(scores=False).draw(observation((640, 480), box, [state]))
        shapes.append(near(drawn, STYLES[state].color))
    assert (shapes[0] ^ shapes[1]).sum() > 0.2 * min(shape.sum() for shape in shapes)


@pytest.mark.parametrize(
    "box",
    [
        [0.4, 0.4, 0.6, 0.6],  # in the middle
        [0.0, 0.0, 0.1, 0.1],  # in each corner
        [0.9, 0.0, 1.0, 0.1],
        [0.0, 0.9, 0.1, 1.0],
        [0.9, 0.9, 1.0, 1.0],
        [-0.3, -0.3, 0.2, 0.2],  # half outside
        [0.0, 0.0, 1.0, 1.0],  # all of the picture
        [1.5, 1.5, 1.6, 1.6],  # wholly outside
        [0.5, 0.5, 0.5, 0.5],  # empty
        [float("nan")] * 4,  # nonsense
    ],
)
def test_any_box_can_be_drawn_with_its_label_inside(box: list[float]) -> None:
    drawn = Overlay().draw(observation((640, 480), [box], [1]))
    assert near(drawn, STYLES[MaskState.without_mask].color).sum() > 80


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (64, 48), (2000, 16), (16, 2000)])
def test_any_picture_can_be_drawn_on(size: tuple[int, int]) -> None:
    seen = observation(size, [[0.1, 0.1, 0.9, 0.9]])
    drawn = Overlay().draw(seen, Status("x" * 200, help=True, recording=True))
    assert drawn.shape[1] == size[0]


def test_labels_of_neighbors_leave_each_others_faces_free() -> None:
    boxes = [[x, y, x + 0.1, y + 0.14] for x in (0.1, 0.3, 0.5, 0.7) for y in (0.15, 0.45, 0.75)]
    seen = observation((640, 480), boxes, [1] * len(boxes))
    drawn = Overlay().draw(seen)
    for x1, y1, x2, y2 in seen.detections.boxes.astype(int):
        inside = drawn[y1 + 8 : y2 - 8, x1 + 8 : x2 - 8]
        assert (inside == GRAY).all()


def test_a_crowd_of_tiny_faces_keeps_its_faces_visible() -> None:
    boxes = [[x, y, x + 0.02, y + 0.03] for x in np.arange(0.1, 0.9, 0.1) for y in (0.3, 0.5, 0.7)]
    seen = observation((640, 480), boxes, [0] * len(boxes))
    drawn = Overlay().draw(seen)
    for x, y in (seen.detections.boxes.reshape(-1, 2, 2).mean(axis=1)).astype(int):
        assert (drawn[y - 2 : y + 3, x - 2 : x + 3] == GRAY).all()


PLACES = [
    # face, taken, expected variant, expected corner (variants: 60×20, 30×20, 12×20)
    ((100, 100, 160, 180), [], 0, (100, 80)),  # above
    ((100, 0, 160, 60), [], 0, (100, 60)),  # no room above: below
    ((300, 100, 320, 140), [], 0, (260, 80)),  # at the right edge: pushed inwards
    ((100, 100, 160, 180), [(100, 40, 160, 99)], 0, (100, 180)),  # a face above: below
    ((0, 0, 320, 240), [], 0, (0, 0)),  # fills the picture: inside, the face is large enough
    # neighbors above, below and left: beside it on the right
    ((100, 100, 130, 130), [(0, 0, 320, 99), (0, 131, 320, 240), (0, 80, 99, 131)], 0, (130, 100)),
    # and little room on the right, too: the mark alone
    ((100, 100, 130, 130), [(0, 0, 320, 99), (0, 131, 320, 240), (0, 80, 99, 131),
                            (145, 80, 320, 131)], 2, (130, 100)),
]  # fmt: skip


@pytest.mark.parametrize(("face", "taken", "variant", "corner"), PLACES)
def test_label_places(
    face: tuple[int, ...],
    taken: list[tuple[int, ...]],
    variant: int,
    corner: tuple[int, int],
) -> None:
    others = np.array(taken, int).reshape(-1, 4)
    chosen = label_placement.place(
        np.array(face), [(60, 20), (30, 20), (12, 20)], others, (320, 240)
    )
    assert chosen == (variant, corner)


def test_no_edge_of_a_narrow_picture_cuts_a_label():
    face, variants = np.array([4, 60, 36, 100]), [(60, 20), (30, 20), (12, 20)]
    chosen = label_placement.place(face, variants, np.empty((0, 4), int), (40, 200))
    assert chosen == (1, (4, 40))


def test_status_is_on_the_bar() -> None:
    overlay, seen = Overlay(), observation((640, 480), [])
    plain = overlay.draw(seen, Status("camera"))
    changes = [
        Status("other"),
        Status("camera", capture_fps=30),
        Status("camera", detect_fps=12),
        Status("camera", age_ms=45),
        Status("camera", age_ms=2500),
        Status("camera", device="NVIDIA H100 (Keras)"),
        Status("camera", recording=True),
        Status("camera", paused=True),
        Status("camera", no_signal=True),
        Status("camera", blurred=True),
        Status("camera", help=True),
    ]
    bars = [overlay.draw(seen, status) for status in changes]
    counted = observation((640, 480), [], with_mask=3)
    bars += [overlay.draw(counted, Status("camera")), plain]
    assert all(bar.shape == plain.shape for bar in bars)  # a recording keeps its size
    assert len({bar.tobytes() for bar in bars}) == len(bars)


@pytest.mark.parametrize("size", [(288, 204), (320, 240), (240, 426), (1280, 720)])
def test_the_help_lists_every_key_to_its_last_letter(size: tuple[int, int]) -> None:
    longest = max(range(len(KEYS)), key=lambda i: len(KEYS[i][1]))
    panels = []
    for row in (None, 0, longest, len(KEYS) - 1):  # each with another last letter
        keys = [(key, text[:-1] + "¿" if i == row else text) for i, (key, text) in enumerate(KEYS)]
        canvas = np.full((size[1], size[0], 3), GRAY, np.uint8)
        Overlay().help(canvas, 16, keys)
        panels.append(canvas.tobytes())
    assert len(set(panels)) == 4


@pytest.mark.parametrize("size", SIZES)
def test_the_device_can_be_read_to_its_last_letter(size: tuple[int, int]) -> None:
    """At every size, however fast camera and detector are: another last letter shows."""
    overlay, seen = Overlay(), observation(size, [])
    bars = [
        overlay.draw(seen, Status("camera 0", 120.4, 118.7, 1234, device))
        for device in ("CPU (LiteRT)", "CPU (LiteRT]")
    ]
    assert (bars[0] != bars[1]).any()


def test_frame_names_the_source_where_the_status_does_not() -> None:
    seen = observation((640, 480), [])
    overlay = Overlay()
    assert (overlay.draw(seen, Status()) == overlay.draw(seen, Status("camera 0"))).all()


def test_message_while_there_is_no_frame() -> None:
    empty, text = (
        Overlay().waiting(text, Status("door", no_signal=True), (640, 528), 16)
        for text in ("", "waiting for rtsp://admin:***@10.0.0.7/ …")
    )
    assert empty.shape == text.shape == (528, 640, 3)
    changed = np.argwhere((empty != text).any(axis=2))
    middle = changed.mean(axis=0) - (264, 320)
    assert np.abs(middle).max() < 12


@pytest.mark.parametrize("size", [(400, 330), (640, 528), (300, 700)])
def test_what_has_no_signal_is_dark_from_side_to_side(size: tuple[int, int]) -> None:
    status = Status("door", no_signal=True, compact=True, signal_loss_reason="nobody answers")
    rows = Overlay().waiting("", status, size, 16)[60:]
    assert (rows[-1] == rows[-1, 0]).all() and (rows[:, 0] == rows[:, -1]).all()
    assert (rows[-1, 0] == rows[5, size[0] // 2]).all()


def test_that_message_can_be_read_to_its_end_in_a_small_tile() -> None:
    drawn = {
        Overlay().waiting(text, Status("door", compact=True), (200, 125), 16).tobytes()
        for text in ("waiting for the first picture", "waiting for the first pictura")
    }
    assert len(drawn) == 2


@pytest.mark.parametrize("source", [(64, 48), (640, 480), (3840, 2160), (480, 1920)])
def test_text_on_the_screen_is_as_large_as_asked_whatever_the_source(
    source: tuple[int, int],
) -> None:
    seen = observation(source, [])
    shown = Overlay().view(seen, Status("H"), (800, 600), 16)
    assert shown.shape == (600, 800, 3)
    rows = np.flatnonzero(near(shown[:24, :24], (240, 240, 240)).any(axis=1))
    assert len(rows) >= 11  # a capital letter, its softest line left out
    ys, xs = np.nonzero(near(shown[80:], (GRAY,) * 3))  # below the bar
    assert (np.ptp(xs) + 1) / (np.ptp(ys) + 1) == pytest.approx(source[0] / source[1], rel=0.02)


def test_an_old_picture_has_neither_boxes_nor_counts() -> None:
    seen = observation((640, 480), [[0.3, 0.3, 0.6, 0.7]], [1], without_mask=1)
    empty = observation((640, 480), [])
    status = Status("door", 25.0, 12.0, 3000, no_signal=True)
    old, nothing = (Overlay().draw(one, status) for one in (seen, empty))
    assert (old == nothing).all()
    live = Overlay().draw(seen, Status("door", 25.0, 12.0, 3000))
    assert near(live, STYLES[MaskState.without_mask].color).sum() > 500


def texts(rows: list[Row]) -> list[str]:
    return [segment.text for row in rows for segment in (*row.left, *row.right)]


def test_a_file_has_its_progress_and_no_camera() -> None:
    seen = observation((640, 480), [])
    still = Status("a.jpg", 0.0, 0.0, 262, "CPU", is_file=True)
    shown = texts(bar_rows(still, seen, narrow=False))
    assert not [text for text in shown if "fps" in text or "age" in text or "ms" in text]
    progress = "0:01 of 0:09, 0:08 left"
    video = Status("v", 99.0, 24.0, 262, is_file=True, progress=progress, share=0.1)
    shown = texts(bar_rows(video, seen, narrow=False))
    assert progress in shown and "detect 24.0 fps" in shown
    assert not [text for text in shown if "camera" in text or "age" in text]


def test_the_bar_of_a_recording_has_clock_zone_counts_and_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    image = np.full((480, 640, 3), GRAY, np.uint8)
    frame = Frame(image, 0, 1769902199.5, 0.0, "door")
    seen = Observation(frame, Detections.empty(), {"with_mask": 3})
    for narrow in (False, True):
        shown = texts(bar_rows(evidence_status(frame), seen, narrow=narrow))
        assert {"door", "2026-02-01 04:59:59 UTC+05:30", "mask 3"} <= set(shown)
    drawn = with_bar(Overlay())(seen)
    assert drawn.shape[0] > 480 and (drawn[-480:] == image).all()
    position = evidence_status(replace(frame, time=61.25))
    assert position.progress == "1:01.25" and position.clock.startswith("processed 20")


def rendered(text: str) -> np.ndarray:
    """The bar's first row with that source name."""
    return Overlay().draw(observation((640, 480), []), Status(text))[:20]


QUESTION = rendered("?")


@pytest.mark.parametrize(
    "text", ["é", "ß", "Ж", "Ω", "ש", "م", "摄", "カ", "한", "…", "·", "–", "▲", "●", "‖", "■"]
)
def test_scripts_are_drawn_as_themselves(text: str) -> None:
    assert (rendered(text) != QUESTION).any()
    assert (rendered(text) != rendered("□")).any()
    assert (rendered(text) != rendered("")).any()


@pytest.mark.parametrize("text", ["😀", "ཀ", "\U000f0000", "ก"])
def test_what_the_font_lacks_is_a_box_never_a_question_mark(text: str) -> None:
    assert (rendered(text) == rendered("□")).all()
    assert (rendered(text) != QUESTION).any()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain 1/2", "plain 1/2"),
        ("two\nlines\tand\ttabs", "two lines and tabs"),
        ("bell\x07 zero\u200bwidth \u202eoverride", "bell zerowidth override"),
        ("né", "né"),
        ("no glyph: 😀", "no glyph: □"),
    ],
)
def test_drawable(text: str, expected: str) -> None:
    assert drawable(text, lambda char: char != "😀") == expected


ALEF, BET, GIMEL = "אבג"
HEBREW, REVERSED = ALEF + BET + GIMEL, GIMEL + BET + ALEF


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("camera 5", "camera 5"),  # nothing to turn
        (HEBREW, REVERSED),
        (f"cam {HEBREW} x", f"cam {REVERSED} x"),  # within left-to-right text
        (f"{HEBREW} 12", f"12 {REVERSED}"),  # a number's digits run onwards
        (f"{HEBREW} cam", f"cam {REVERSED}"),  # right-to-left as a whole
        (f"{ALEF}({BET})", f"({BET}){ALEF}"),  # brackets are mirrored
        (f"{ALEF}\u05b8{BET}", f"{BET}{ALEF}\u05b8"),  # a vowel sign stays with its letter
        (f"a {HEBREW} 5 b", f"a 5 {REVERSED} b"),
    ],
)
def test_visual_order(text: str, expected: str) -> None:
    assert visual_order(text) == expected


def test_colors_differ_to_every_kind_of_eye() -> None:
    """Brightness alone separates green and orange from yellow and blue; marks separate the rest."""
    colors = np.array([[STYLES[state].color for state in MaskState]], np.uint8)
    lightness = cv2.cvtColor(colors, cv2.COLOR_BGR2LAB)[0, :, 0].astype(float)
    mask, bare, wrong, unsure = lightness.tolist()
    assert wrong - max(mask, bare, unsure) > 25
    assert unsure - max(mask, bare) > 20
    assert min(mask, bare) > 110  # black text is legible on all of them
