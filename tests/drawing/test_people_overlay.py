"""People on the picture: their state, their number, how many there are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from maskdet.detections import Detections, MaskState
from maskdet.drawing.overlay import Overlay, shown_faces
from maskdet.drawing.status_text import Status, bar_rows
from maskdet.drawing.styles import STYLES
from maskdet.drawing.text_renderer import TextRenderer
from maskdet.frame import Frame
from maskdet.observation import Observation, PeopleCounts, Person

IMAGE = np.full((240, 320, 3), 90, np.uint8)


def observation(track_id: int = 7) -> Observation:
    """A frame's face without mask, of somebody who wears one."""
    face = Detections([[120, 80, 180, 150]], [0.6], [MaskState.without_mask], [track_id])
    person = Person(7, MaskState.with_mask, 0.97, 0, 0, 1)
    counts = PeopleCounts(now={"with_mask": 1}, day={"with_mask": 12, "without_mask": 3})
    frame = Frame(IMAGE, 0, 0.0, 0.0, "door")
    return Observation(frame, face, people=(person,), people_counts=counts)


def colors(image: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(int(v) for v in pixel) for pixel in image.reshape(-1, 3)}


def test_a_face_is_drawn_in_the_state_of_its_person() -> None:
    found = colors(Overlay().draw(observation()))
    assert STYLES[MaskState.with_mask].color in found
    assert STYLES[MaskState.without_mask].color not in found
    shown = shown_faces(observation())
    assert (shown.states[0], round(float(shown.scores[0]), 2)) == (MaskState.with_mask, 0.97)


def test_a_face_of_nobody_known_is_drawn_as_it_is() -> None:
    assert STYLES[MaskState.without_mask].color in colors(Overlay().draw(observation(-1)))
    assert shown_faces(observation(-1)).scores[0] == pytest.approx(0.6)


@pytest.mark.parametrize("narrow", [True, False])
@pytest.mark.parametrize("clock", ["", "2026-01-31 23:59:59"])
def test_the_bar_says_how_many_people_there_are(narrow: bool, clock: str) -> None:
    def texts(status: Status) -> list[str]:
        rows = bar_rows(status, observation(), narrow=narrow)
        return [part.text for row in rows for part in (*row.left, *row.right)]

    given = "people 1, today 15"
    assert given in texts(Status("door", clock=clock))
    assert given not in texts(Status("door", clock=clock, no_signal=True))


@pytest.mark.parametrize("still", [True, False])
def test_a_poster_is_named_still(monkeypatch: pytest.MonkeyPatch, still: bool) -> None:
    written: list[str] = []
    monkeypatch.setattr(TextRenderer, "write", lambda self, canvas, text, *_: written.append(text))
    seen = observation()
    person = replace(seen.people[0], still=still)
    Overlay().draw(replace(seen, people=(person,)))
    assert written == ["mask 0.97 #7" + " still" * still]
