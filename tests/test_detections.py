"""The value that carries faces: parallel arrays of one length."""

import dataclasses

import numpy as np
import pytest

from maskdet.detections import CLASS_NAMES, Detections, MaskState


def three() -> Detections:
    return Detections(np.arange(12).reshape(3, 4), [0.9, 0.8, 0.7], [0, 1, 3], [5, -1, 6])


def test_arrays_get_their_types_and_shapes():
    faces = three()
    assert (faces.boxes.dtype, faces.scores.dtype) == (np.float32, np.float32)
    assert faces.states.dtype == np.int8 and faces.track_ids is not None
    assert faces.track_ids.dtype == np.int64 and len(faces) == 3
    assert Detections([], [], []).boxes.shape == (0, 4)


@pytest.mark.parametrize(
    "arrays",
    [
        (np.zeros((2, 4)), [1.0], [0, 0], None),
        (np.zeros((2, 4)), [1.0, 1.0], [0], None),
        (np.zeros((2, 4)), [1.0, 1.0], [0, 0], [1]),
        (np.zeros((2, 4)), [[1.0], [1.0]], [0, 0], None),  # a column is not a row
    ],
)
def test_unequal_lengths_are_refused(arrays: tuple[object, ...]):
    with pytest.raises(ValueError, match="unequal length"):
        Detections(*arrays)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("keep", "scores", "ids"),
    [
        (np.array([True, False, True]), [0.9, 0.7], [5, 6]),
        (np.array([2, 0]), [0.7, 0.9], [6, 5]),
        (slice(1, None), [0.8, 0.7], [-1, 6]),
        (np.zeros(3, bool), [], []),
    ],
)
def test_entries_are_selected_together(
    keep: np.ndarray | slice, scores: list[float], ids: list[int]
):
    chosen = three()[keep]
    assert chosen.scores.tolist() == pytest.approx(scores)
    assert chosen.track_ids is not None and chosen.track_ids.tolist() == ids
    assert len(chosen.boxes) == len(chosen.states) == len(scores)


def test_probabilities_come_along():
    faces = Detections(np.zeros((2, 4)), [0.9, 0.8], [0, 1], None, np.arange(6).reshape(2, 3))
    chosen = faces[np.array([1])].probabilities
    assert chosen is not None and chosen.dtype == np.float32 and chosen.tolist() == [[3, 4, 5]]
    with pytest.raises(ValueError, match="unequal length"):
        Detections(np.zeros((2, 4)), [0.9, 0.8], [0, 1], probabilities=np.zeros((3, 3)))


def test_counts_name_every_state():
    assert three().counts() == {
        "with_mask": 1,
        "without_mask": 1,
        "mask_weared_incorrect": 0,
        "unsure": 1,
    }
    assert set(Detections.empty().counts().values()) == {0} and len(Detections.empty()) == 0


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        three().scores = np.zeros(3)  # type: ignore[misc]


def test_states_and_classes():
    assert CLASS_NAMES == ("with_mask", "without_mask", "mask_weared_incorrect")
    assert [MaskState[name].value for name in CLASS_NAMES] == [0, 1, 2]
    assert [state.title for state in MaskState] == ["mask", "no mask", "incorrect", "unsure"]


def test_every_state_that_is_likely_enough() -> None:
    """A face stands once for each; an unsure one for all; track and box go along."""
    probabilities = np.array([[0.7, 0.02, 0.2], [0.4, 0.05, 0.45]])
    boxes = [[0, 0, 10, 10], [20, 0, 30, 10]]
    states = [MaskState.with_mask, MaskState.unsure]
    found = Detections(boxes, [0.7, 0.9], states, [4, 5], probabilities)
    every = found.every_state(0.1)
    rows = zip(every.boxes[:, 0], every.scores, every.states, every.track_ids, strict=True)
    assert [(int(x), round(float(s), 2), int(state), int(t)) for x, s, state, t in rows] == [
        (0, 0.7, 0, 4),
        (20, 0.9, MaskState.unsure, 5),
        (0, 0.2, 2, 4),
        (20, 0.4, 0, 5),
        (20, 0.45, 2, 5),
    ]
    np.testing.assert_array_equal(every.probabilities[2], found.probabilities[0])
    assert len(found.every_state(0.75)) == 2


def test_every_state_without_probabilities() -> None:
    found = Detections([[0, 0, 10, 10]], [0.7], [0])
    assert found.every_state(0.0) is found
    assert len(Detections.empty().every_state(0.0)) == 0
