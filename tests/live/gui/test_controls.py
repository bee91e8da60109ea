"""Keys that have nothing to act on say so."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from maskdet.detections import Detections
from maskdet.live.gui.controls import Controls
from maskdet.live.gui.view import View
from maskdet.live.gui.zone_editor import SourcePlaces, ZoneEditor
from maskdet.observation import Observation, PeopleCounts
from tests.people.scenes import frame


@pytest.mark.parametrize("key", ["z", "l", "p"])
@pytest.mark.parametrize("are_followed", [False, True, None])
def test_people_are_drawn_and_zoned_where_they_are_followed(
    key: str, are_followed: bool | None, tmp_path: Path
) -> None:
    """None: no image has come yet."""
    notices: list[str] = []
    empty = Detections.empty()
    counts = cast(PeopleCounts, object()) if are_followed else None
    seen = Observation(frame(0.0), empty, empty.counts(), people_counts=counts)
    recording = SimpleNamespace(refusal="", blur=False)
    tile = SimpleNamespace(
        name="a", recording=recording, observation=None if are_followed is None else seen
    )
    board = SimpleNamespace(show_notice=notices.append, place_at=lambda x, y: None)
    window = SimpleNamespace(clicks=list, pointer=(0, 0))
    view, zones = View(help=True), ZoneEditor([SourcePlaces("a", lambda zones, lines: None)], None)
    parts: list[Any] = [view, board, window, [tile], tmp_path, zones]
    controls = Controls(*parts)
    controls.obey(key)
    controls.close()
    is_refused = notices[-1].startswith("nobody is followed in pictures")
    assert is_refused == (are_followed is False)
    assert (zones.kind is not None or view.panel) == (not is_refused)
    assert view.help == (key == "p")  # corners are clicked where the list of keys was


def test_a_click_beside_the_image_is_answered_and_makes_no_corner(tmp_path: Path) -> None:
    notices: list[str] = []
    board = SimpleNamespace(show_notice=notices.append, place_at=lambda x, y: None)
    window = SimpleNamespace(clicks=lambda: [("left", 5, 5)], pointer=(5, 5))
    zones = ZoneEditor([SourcePlaces("a", lambda zones, lines: None)], None)
    controls = Controls(View(), board, window, [], tmp_path, zones)  # type: ignore[arg-type]
    controls.obey(None)
    assert notices == []  # nothing is being drawn
    zones.begin("zone")
    controls.obey(None)
    controls.close()
    assert "outside the image" in notices[-1] and zones.points == []


@pytest.mark.parametrize(
    ("key", "playback", "notice"),
    [
        ("left", SimpleNamespace(count=0), "not before the first picture"),
        (",", SimpleNamespace(count=0), "not before the first picture"),
        ("left", None, "only files can be moved in"),
        (",", None, "only files have earlier frames"),
    ],
)
def test_a_file_whose_first_image_is_not_there_is_not_taken_for_a_camera(
    key: str, playback: object, notice: str, tmp_path: Path
) -> None:
    notices: list[str] = []
    pacing = SimpleNamespace(playback=playback)
    recording = SimpleNamespace(refusal="", blur=False)
    tile = SimpleNamespace(name="a", observation=None, pacing=pacing, recording=recording)
    board = SimpleNamespace(show_notice=notices.append)
    window = SimpleNamespace(clicks=list, pointer=(0, 0))
    controls = Controls(View(), board, window, [tile], tmp_path, ZoneEditor([], None))  # type: ignore[arg-type]
    controls.obey(key)
    controls.close()
    assert notices == [notice]
