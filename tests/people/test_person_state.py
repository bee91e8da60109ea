"""A person's state over time: enough evidence, quick true changes, no flips."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from maskdet.detections import Detections, MaskState
from maskdet.people.analysis import Analysis
from maskdet.people.person_state import StateFilter, probabilities_of, sharpness, weight_of
from tests.people.scenes import IMAGE, Actor, events, ids, play, times, unique, walk

MASK, BARE = (0.94, 0.03, 0.03), (0.03, 0.94, 0.03)
RATES = (25, 12.5, 5)


def change_at(moment: float, before=BARE, after=MASK):
    return lambda t: before if t < moment else after


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("seconds", (5, 60))
def test_a_true_change_shows_within_a_second_however_long_before(fps: float, seconds: float):
    seen = play([Actor(walk(100, 100), change_at(seconds))], times(fps, seconds + 3),
                Analysis(still_after=None))  # fmt: skip
    (change,) = [e for e in events(seen, "state") if e.time > 1]
    assert seconds < change.time <= seconds + 1.0 + 1e-9
    assert (change.previous, change.state) == (MaskState.without_mask, MaskState.with_mask)
    assert change.certainty > 0.8


def test_the_certainty_of_unsure_is_that_no_state_is_right():
    mask = StateFilter()
    assert mask.certainty == pytest.approx(2 / 3)  # nothing was seen: each may be
    mask.update((0.8, 0.15, 0.05), 0.1, None)
    assert (mask.state, mask.certainty) == (MaskState.unsure, pytest.approx(0.2))
    mask.update((0.8, 0.15, 0.05), 1.0, 1.0)
    assert (mask.state, mask.certainty) == (MaskState.with_mask, pytest.approx(0.8))


def test_who_is_gone_has_the_state_worn_longest():
    path = walk(100, 100, gone=[(8, 99)])
    seen = play([Actor(path, change_at(6, before=MASK, after=BARE))], times(10, 12))
    (gone,) = events(seen, "gone")
    assert events(seen, "state")[-1].state is MaskState.without_mask
    assert gone.state is MaskState.with_mask


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize(
    "hand",
    [(0.8, 0.15, 0.05), (0.7, 0.25, 0.05), (0.55, 0.4, 0.05), (0.5, 0.3, 0.2), (0.3, 0.35, 0.35)],
)
def test_a_hand_at_the_mouth_for_two_seconds_changes_nothing(fps: float, hand: tuple):
    seen = play([Actor(walk(100, 100), lambda t: hand if 4 < t < 6 else BARE)], times(fps, 9))
    assert [e.state for e in events(seen, "state")] in ([MaskState.without_mask], [])
    assert seen[-1].people[0].state is MaskState.without_mask


@pytest.mark.parametrize("sure", [0.85, 0.75, 0.6])
def test_who_is_seen_less_surely_for_long_has_the_new_state_all_the_same(sure: float):
    after = (sure, (1 - sure) * 0.8, (1 - sure) * 0.2)
    actor = Actor(walk(100, 100), change_at(5, after=after))
    seen = play([actor], times(10, 15), Analysis(still_after=None))
    (change,) = [e for e in events(seen, "state") if e.time > 1]
    assert change.state is MaskState.with_mask and change.time < 13


@pytest.mark.parametrize("fps", RATES)
def test_single_frames_that_say_otherwise_change_nothing(fps: float):
    rng = np.random.default_rng(1)
    wrong = {t: rng.random() < 0.15 for t in times(fps, 60)}
    seen = play([Actor(walk(100, 100), lambda t: MASK if wrong[t] else BARE)], times(fps, 60))
    assert seen[-1].people[0].state is MaskState.without_mask
    assert len([e for e in events(seen, "state") if e.time > 1]) == 0


def test_a_state_is_unsure_until_there_is_enough_evidence():
    person = StateFilter()
    person.update((0.9, 0.05, 0.05), 0.2, None)
    assert person.state is MaskState.unsure
    assert 0 < person.certainty < 1
    for _ in range(8):
        person.update((0.9, 0.05, 0.05), 0.2, 0.2)
    assert person.state is MaskState.with_mask and person.certainty > 0.75


def test_what_was_seen_minutes_ago_says_little_of_a_mask_now():
    """Who comes back after so long, bare, is bare in the first frame that is sure of it."""
    one = StateFilter()
    for _ in range(50):
        one.update((0.96, 0.02, 0.02), 1.0, 0.1)
    assert one.state is MaskState.with_mask
    assert not one.update((0.02, 0.96, 0.02), 1.0, 0.1)
    assert one.update((0.02, 0.96, 0.02), 1.0, 300.0)
    assert one.state is MaskState.without_mask


@pytest.mark.parametrize(
    ("sure", "weight", "frames", "state"),
    [
        (0.96, 1.0, 1, MaskState.with_mask),
        (0.75, 1.0, 1, MaskState.unsure),  # too little says so
        (0.75, 1.0, 30, MaskState.with_mask),
        (0.65, 1.0, 30, MaskState.unsure),  # all of them say so, but none of them surely
    ],
)
def test_a_first_state_needs_enough_of_what_is_sure(
    sure: float, weight: float, frames: int, state: MaskState
):
    one, rest = StateFilter(), (1 - sure) / 2
    for frame in range(frames):
        one.update((sure, rest, rest), weight, 0.1 if frame else None)
    assert one.state is state


@pytest.mark.parametrize(("weight", "seconds"), [(1.0, 0.64), (0.3, 1.76)])
def test_a_small_face_takes_longer_to_change(weight: float, seconds: float):
    one, frames = StateFilter(), 0
    for before in range(100):
        one.update(BARE, weight, 0.04 if before else None)
    while not one.update(MASK, weight, 0.04):
        frames += 1
    assert 0.04 * frames == pytest.approx(seconds, rel=0.15)


def test_a_face_without_any_sign_stays_unsure():
    seen = play([Actor(walk(100, 100), lambda t: (1 / 3, 1 / 3, 1 / 3))], times(10, 10))
    assert seen[-1].people[0].state is MaskState.unsure
    assert seen[-1].people_counts.run["unsure"] == 1


def test_small_and_blurred_faces_weigh_less():
    sharp = IMAGE[:100, :100]
    blurred = cv2.GaussianBlur(sharp, (0, 0), 15)
    box = [10, 10, 80, 80]
    assert weight_of(70, sharpness(sharp, box)) == 1.0
    assert weight_of(70, sharpness(blurred, box)) < 0.8
    assert weight_of(10, sharpness(sharp, box)) < 0.5


@pytest.mark.parametrize(
    "box", [[-50, -50, -10, -10], [90, 90, 300, 300], [5, 5, 5, 5], [200, 200, 300, 300]]
)
def test_a_box_outside_the_picture_has_a_weight(box: list[int]):
    assert 0 < weight_of(box[2] - box[0], sharpness(IMAGE[:100, :100], box)) <= 1


def test_a_model_that_reports_its_best_state_alone_is_believed_by_its_score():
    found = Detections([[0, 0, 9, 9]] * 3, [0.9, 0.2, 0.8], [1, 0, 3])
    assert probabilities_of(found, 0) == pytest.approx([0.05, 0.9, 0.05])
    assert probabilities_of(found, 1)[0] == 0.5
    assert probabilities_of(found, 2) == pytest.approx([1 / 3] * 3)


def test_a_poster_is_set_aside_and_not_counted_and_stays_so_when_hidden():
    poster = Actor(walk(400, 100, gone=[(40, 70)]), state=1)
    person = Actor(lambda t: (100 + 20 * np.sin(t), 200), state=0)
    seen = play([poster, person], times(5, 100), Analysis(still_after=30))
    (still,) = events(seen, "still")
    assert 29 < still.duration < 31 and not events(seen, "moved", "gone")
    counts = seen[-1].people_counts
    assert counts.run == counts.now == {
        "with_mask": 1, "without_mask": 0, "mask_weared_incorrect": 0, "unsure": 0}  # fmt: skip
    assert [p.still for p in seen[-1].people] == [True, False]


@pytest.mark.parametrize(("fps", "speed"), [(2.5, 40), (5, 200), (10, 200)])
def test_who_gets_up_after_being_taken_for_a_poster_is_the_same_person(fps: float, speed: int):
    def path(t: float):
        return (100 + max(0, speed * (t - 20)), 100)

    seen = play([Actor(path)], times(fps, 22), Analysis(still_after=15))
    assert [e.kind for e in events(seen, "still", "moved")] == ["still", "moved"]
    assert unique(seen) == 1 and ids(seen) == {1}


def test_no_face_is_still_where_that_is_off():
    seen = play([Actor(walk(100, 100))], times(1, 900), Analysis(still_after=None))
    assert not events(seen, "still")
