"""Sweeps on painted faces, with detectors that know where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskdet.datasets.samples import Sample
from maskdet.detections import Detections
from maskdet.evaluation import plots, sweep_views, sweeps
from maskdet.model.decision import DecisionRule
from tests.training.faces import colored, picture

JUDGE = DecisionRule.from_min_score(0.5)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    folder = tmp_path_factory.mktemp("faces")
    boxes = [[60, 50, 272, 300], [420, 200, 470, 260]]
    return [picture(folder / f"{i}.png", (480, 640), boxes, [0, 1]) for i in range(3)]


def test_the_face_takes_its_share_of_the_view_and_lies_where_its_box_is(
    samples: list[Sample],
) -> None:
    for share in (0.05, 0.3, 0.8):
        views = list(sweep_views.size_views(samples, share, 10))
        assert views
        for view in views:
            image = view.read()
            assert image.shape == (480, 640, 3)
            x1, y1, x2, y2 = view.boxes[0]
            if share < 0.7:  # a higher face than the view is cut
                assert x2 - x1 == pytest.approx(share * 640, abs=1)
            inside = image[int(y1) + 2 : int(y2) - 1, int(x1) + 2 : int(x2) - 1]
            assert inside.std(axis=(0, 1)).mean() < 80  # one face, not the gray around


def test_cut_faces_are_cut_by_an_edge(samples: list[Sample]) -> None:
    for view in sweep_views.size_views(samples, 0.3, 10, cut=True):
        x1, y1, x2, y2 = view.boxes[0]
        assert min(x1, y1, 640 - x2, 480 - y2) == pytest.approx(0, abs=1e-3)


def test_a_tilted_face_lies_in_its_box(samples: list[Sample]) -> None:
    for degrees in (30, -45):
        view = sweep_views.tilted_view(samples[0], degrees)
        image = view.read()
        assert image.shape == (view.height, view.width, 3) and view.height > 480
        for box, state in zip(view.boxes, view.classes, strict=True):
            y, x = np.nonzero(colored(image, int(state)))
            np.testing.assert_allclose([x.min(), y.min(), x.max() + 1, y.max() + 1], box, atol=1)


def test_faces_that_would_be_blurred_by_enlarging_are_left_out(samples: list[Sample]) -> None:
    assert {len(view.boxes) for view in sweep_views.size_views(samples, 0.9, 10)} <= {1, 2}
    assert not list(sweep_views.size_views(samples[:0], 0.5, 10))
    small = [view for view in sweep_views.size_views(samples, 0.9, 10) if view.classes[0] == 1]
    assert not small  # 50 pixels, enlarged twelve times


def test_empty_views_show_no_face(samples: list[Sample]) -> None:
    views = list(sweep_views.empty_views(samples, 3))
    assert 1 <= len(views) <= 3 and all(view.shape == (480, 480, 3) for view in views)
    many = sweep_views.empty_views(samples * 8, 30)
    assert not any(colored(view, state).any() for view in (*views, *many) for state in range(3))


def test_a_detector_that_knows_all_and_one_that_knows_nothing(samples: list[Sample]) -> None:
    views = list(sweep_views.size_views(samples, 0.3, 10))
    truth = iter(views)

    def knows(images: list[np.ndarray]) -> list[Detections]:
        chosen = [next(truth) for _ in images]
        return [Detections(v.boxes, np.ones(len(v.boxes)), v.classes) for v in chosen]

    step = sweeps.measure("size", "0.3", 0, views, knows, JUDGE)
    assert (step.faces, step.found, step.right) == (len(views), 1.0, 1.0)
    nothing = sweeps.measure(
        "size", "0.3", 0, views, lambda images: [Detections.empty()] * len(images), JUDGE
    )
    assert nothing.found == 0.0


def test_all_sweeps_their_gate_and_their_plot(samples: list[Sample], tmp_path: Path) -> None:
    def everywhere(images: list[np.ndarray]) -> list[Detections]:
        return [Detections([[0, 0, 100, 100]], [0.9], [0])] * len(images)

    steps = sweeps.run(samples, everywhere, JUDGE, faces=2)
    assert {step.sweep for step in steps} == {"size", "cut", "tilt", "condition", "empty"}
    assert sum(step.sweep == "condition" for step in steps) == 1 + 11 * 5
    rows = {row["metric"]: row for row in sweeps.gate(steps)}
    assert all(row["figure"] == row["metric"] for row in rows.values())
    assert rows["sweep_empty"]["value"] == 0.0 and rows["sweep_empty"]["reached"] is False
    assert rows["sweep_size_found"]["reached"] is False
    assert plots.sweeps(steps).startswith(b"\x89PNG")
    card = sweeps.for_card(steps)
    assert card["size"]["share_of_width"] == list(sweeps.SHARES) == card["cut"]["share_of_width"]
    assert card["tilt"]["degrees"] == list(sweeps.TILTS)
    haze = [step for step in steps if step.name == "haze"]
    assert card["haze"]["found"] == [step.found for step in haze] and len(haze) == 5
    assert card["empty"]["with_false_face"] == 1.0


def test_steps_that_no_picture_can_show_are_not_measured(tmp_path: Path) -> None:
    small = picture(tmp_path / "small.png", (480, 640), [[100, 100, 140, 150]], [0])
    owner = Detections([[0, 0, 640, 480]], [0.9], [0])
    steps = sweeps.run([small], lambda images: [owner] * len(images), JUDGE, faces=2)
    wide = next(step for step in steps if (step.sweep, step.name) == ("size", "0.9"))
    assert wide.faces == 0 and np.isnan(wide.found)
    assert wide.record()["found"] is None and wide.record()["right"] is None
    rows = {row["metric"]: row for row in sweeps.gate(steps)}
    measured = [step.found for step in steps if step.sweep == "size" and step.faces]
    assert rows["sweep_size_found"]["value"] == min(measured)
    faces = sweeps.for_card(steps)["size"]
    assert [count == 0 for count in faces["faces"]] == [found is None for found in faces["found"]]
    assert plots.sweeps(steps).startswith(b"\x89PNG")


def test_a_gate_asks_for_far_faces_and_for_the_states_of_nearer_ones_alone() -> None:
    facts = {"0.02": (0.1, 0.1), "0.03": (0.98, 0.2), "0.08": (0.99, 0.93), "0.9": (1.0, 0.95)}
    steps = [sweeps.Step("size", name, 0, 9, *shares, 0.0) for name, shares in facts.items()]
    rows = {row["metric"]: (row["value"], row["reached"]) for row in sweeps.gate(steps)}
    assert rows["sweep_size_found"] == (0.98, True)
    assert rows["sweep_size_right"] == (0.93, True)


def test_a_gate_without_any_face_is_not_measurable(tmp_path: Path) -> None:
    nothing = picture(tmp_path / "none.png", (480, 640), [], [])
    steps = sweeps.run([nothing], lambda images: [Detections.empty()] * len(images), JUDGE)
    rows = {row["metric"]: (row["value"], row["reached"]) for row in sweeps.gate(steps)}
    assert rows["sweep_size_found"] == rows["sweep_size_right"] == (None, None)
    assert rows["sweep_empty"] == (1.0, True)
    assert sweeps.gate([]) == []
