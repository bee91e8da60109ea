"""The last hour for the side panel, and the panel at every size of picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from maskdet.detections import Detections, MaskState
from maskdet.drawing.overlay import Overlay
from maskdet.drawing.side_panel import PanelContent, panel_width
from maskdet.drawing.status_text import Status
from maskdet.frame import Frame
from maskdet.live.gui.people_history import CHANGES, MINUTES, PeopleHistory
from maskdet.observation import Observation, PeopleCounts, Person, PersonEvent

NOON = 1_800_000_000 // 3600 * 3600
IMAGE = np.zeros((4, 4, 3), np.uint8)


def seen(second: float, *states: MaskState, source: str = "door", **facts: Any) -> Observation:
    frame = Frame(IMAGE, 0, second, 0.0, source, position=second, utc=NOON + second)
    people = tuple(
        Person(number, state, 0.9, 0, 0, second, still=facts.get("still", False))
        for number, state in enumerate(states, 1)
    )
    now = {state.name: states.count(state) for state in MaskState}
    return Observation(
        frame,
        Detections.empty(),
        people=people,
        events=facts.get("events", ()),
        people_counts=PeopleCounts(now=now, day=now),
    )


def test_masks_are_weighed_by_time_and_minute():
    history = PeopleHistory()
    for half in range(241):  # two minutes: the first with a mask, of the second only half
        masked = half < 120 or half % 2 == 0
        history.write(seen(half / 2, MaskState(not masked)))
    summary = history.summary()
    assert summary is not None and len(summary.shares) == MINUTES
    assert summary.shares[-3] == 1.0 and summary.shares[-2] == pytest.approx(0.5, abs=0.02)
    assert summary.shares[:-3] == (None,) * (MINUTES - 3)


def test_posters_the_unsure_and_gaps_do_not_count():
    history = PeopleHistory()
    history.write(seen(0, MaskState.with_mask, still=True))
    history.write(seen(1, MaskState.without_mask, still=True))
    history.write(seen(2, MaskState.unsure))
    assert history.summary().shares[-1] is None  # type: ignore[union-attr]
    history.write(seen(50, MaskState.without_mask))  # nobody knows what was meanwhile
    history.write(seen(51, MaskState.with_mask))
    assert history.summary().shares[-1] == 0.5  # type: ignore[union-attr]


def test_an_hour_is_kept_and_sources_are_added_up():
    history = PeopleHistory()
    for source in ("door", "hall"):
        for second in (0, 1):
            history.write(seen(second, MaskState.with_mask, source=source))
    assert history.summary().now["with_mask"] == 2  # type: ignore[union-attr]
    history.write(seen(3700, MaskState.without_mask))
    assert history.summary().shares == (None,) * 59 + (0.0,)  # type: ignore[union-attr]


def test_the_newest_changes_come_first_with_their_source_among_several():
    def event(number: int) -> PersonEvent:
        return PersonEvent(
            "state", number, 0, NOON, MaskState.with_mask, 0.9, previous=MaskState.without_mask
        )

    history = PeopleHistory()
    for number in range(CHANGES + 3):
        history.write(seen(number, events=(event(number),)))
    summary = history.summary()
    assert summary is not None and len(summary.changes) == CHANGES
    (first, state, source), *_ = summary.changes
    assert first.endswith(f"#{CHANGES + 2} no mask -> mask") and state == MaskState.with_mask
    assert source == "" and history.summary(2).changes[0][2] == "door"  # type: ignore[union-attr]


def test_changes_stand_in_the_order_of_their_times():
    """Somebody was seen last before another came, which is known two seconds later."""
    history = PeopleHistory()
    came = PersonEvent("appeared", 2, 0, NOON + 18, MaskState.with_mask, 0.9)
    gone = PersonEvent("gone", 1, 0, NOON + 16, MaskState.with_mask, 0.9)
    history.write(seen(18, events=(came,)))
    history.write(seen(18.1, events=(gone,)))
    summary = history.summary()
    assert summary is not None
    assert [text.split()[1] for text, *_ in summary.changes] == ["#2", "#1"]


def test_nobody_followed_is_no_summary():
    history = PeopleHistory()
    history.write(Observation(Frame(IMAGE, 0, 0.0, 0.0), Detections.empty()))
    assert history.summary() is None


@pytest.mark.parametrize("size", [(320, 240), (480, 640), (640, 480), (1920, 1080), (3840, 2160)])
def test_the_panel_fits_every_picture(size: tuple[int, int]):
    changes = [(f"12:00:0{i} #{i} no mask -> mask", MaskState.with_mask, "hall") for i in range(8)]
    counts = {state.name: 12 for state in MaskState}
    content = PanelContent(counts, counts, [None] * 30 + [0.5] * 30, changes)
    text = max(12, size[1] // 40)
    width = panel_width(size[0], text)
    assert width < 0.8 * size[0]  # the picture stays visible
    drawn = np.full((size[1], width, 3), 120, np.uint8)
    Overlay().side_panel(drawn, content, text)
    assert (drawn[:, [0, -1]] == 24).all()  # no text runs out of it
    assert (drawn > 200).any()


@pytest.mark.parametrize("size", [(475, 918), (964, 775), (1280, 776)])
def test_the_panel_stands_beside_the_picture_and_covers_nothing_of_it(size: tuple[int, int]):
    overlay, right = Overlay(), panel_width(size[0], 18)
    plain = overlay.view(seen(0), Status(), size, 18)
    shown = overlay.view(seen(0), Status(), size, 18, (right, 0))
    x, _, width, _ = overlay.image_box
    assert x + width <= size[0] - right and 0 < overlay.bar_height < size[1] / 4
    assert (shown[: overlay.bar_height] == plain[: overlay.bar_height]).all()
