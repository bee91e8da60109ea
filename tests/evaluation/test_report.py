"""Output of `evaluate`, printed, written and drawn, for a detector with given answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from maskdet import boxes as box_ops
from maskdet.commands import evaluate
from maskdet.commands.evaluate import Outputs
from maskdet.commands.measured_data import MeasuredData, Scenes
from maskdet.datasets.loading import read_samples
from maskdet.datasets.samples import Sample, limit_scenes, scene_names
from maskdet.detections import CLASS_NAMES, Detections
from maskdet.errors import DatasetError, SinkError
from maskdet.evaluation import plots, report
from maskdet.evaluation.calibration import Reliability
from maskdet.evaluation.image_grid import HEADER_PIXELS, Pair, sheet
from maskdet.model.decision import DecisionRule
from tests.datasets.voc_folder import write_voc_folder
from tests.doubles import ScriptedDetector
from tests.training.faces import COLORS, picture


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two data sets of four and two pictures, and a list of all of them."""
    names = []
    for name, count in (("first", 4), ("second", 2)):
        names += [f"{name}/{file}" for file in write_voc_folder(tmp_path / "data" / name, count)]
    (tmp_path / "data/all.txt").write_text("\n".join(names) + "\n")
    return tmp_path / "data"


def knowing(samples: list[Sample], scores: float = 0.9) -> ScriptedDetector:
    """Finds every face of pictures that come in this order."""
    coming = iter(samples)

    def script(image: np.ndarray) -> Detections:
        sample = next(coming)
        return Detections(sample.boxes, np.full(len(sample.boxes), scores), sample.classes)

    return ScriptedDetector(script)


def run(data: Path, detector: ScriptedDetector, folder: Path, **more: Any) -> dict[str, Any]:
    measured = MeasuredData(
        data, more.pop("images", Path("all.txt")), scenes=more.pop("scenes", None)
    )
    outputs = Outputs(folder / "out.json", folder)
    status = evaluate.run(lambda min_score: detector, measured, outputs, **more)
    assert status == 0
    text = (folder / "out.json").read_text("utf-8")
    result: dict[str, Any] = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    return result


def test_the_report_says_what_was_measured(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    detector = knowing(read_samples(data, only=data / "all.txt"))
    metrics = run(data, detector, tmp_path)
    assert metrics["model"] == "scripted"
    assert metrics["device"] == "CPU (scripted)"
    assert (metrics["images"], metrics["faces"]) == (6, 12)
    assert metrics["faces_by_class"].keys() == set(CLASS_NAMES)
    assert sum(metrics["faces_by_class"].values()) == 12
    assert metrics["metrics"]["mAP50"] == metrics["metrics"]["right_state"] == 1
    assert metrics["intervals"]["mAP50"] == [1, 1]
    assert metrics["bootstrap"] == {"resamplings": 300, "seed": 0, "level": 0.95}
    assert metrics["by_width"]["0-16"] == {
        "faces": 0, "AP50": None, "face_AP50": None, "recall": None, "right_state": None,
        "unsure": None, "right_when_called": None,
    }  # fmt: skip
    assert sum(row["faces"] for row in metrics["by_width"].values()) == 12
    assert metrics["best_thresholds"]["all"]["threshold"] == pytest.approx(0.9, abs=1e-4)
    assert [metrics["by_folder"][name]["images"] for name in ("first", "second")] == [4, 2]
    assert [metrics["by_folder"][name]["faces"] for name in ("first", "second")] == [8, 4]
    assert metrics["confusion"]["labelled"] == [*CLASS_NAMES, "no face"]
    assert detector.closed
    reported = capsys.readouterr().out
    for part in ("scripted on CPU (scripted)", "6 pictures, 12 faces of all.txt", "mAP50"):
        assert part in reported


def test_the_gate_reports_what_is_reached(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faces all found, some of the bare ones taken for masked."""
    samples = read_samples(data, only=data / "all.txt")
    coming = iter(samples)

    def script(image: np.ndarray) -> Detections:
        sample = next(coming)
        return Detections(sample.boxes, np.full(len(sample.boxes), 0.9), 0 * sample.classes)

    gate = {row["metric"]: row for row in run(data, ScriptedDetector(script), tmp_path)["gate"]}
    wide = [box_ops.widths(each.boxes) >= 32 for each in samples]
    classes = np.concatenate([each.classes[w] for each, w in zip(samples, wide, strict=True)])
    assert len(classes) > 0
    row = gate["right_state_32+"]
    assert row["value"] == pytest.approx((classes == 0).mean(), abs=1e-4)
    low, high = row["interval"]
    assert low <= row["value"] <= high and row["reached"] is False
    assert gate["masked_bare_32+"]["value"] == 1 and gate["masked_bare_32+"]["reached"] is False
    assert gate["recall_16-32"]["reached"] in (None, True)
    reported = capsys.readouterr().out
    assert "Gate" in reported and "hands, scarves" in reported


def passes(data: Path, folder: Path, script: Callable[[Sample], Detections]) -> int:
    """The exit status of `evaluate --gate`."""
    samples = read_samples(data, only=data / "all.txt")
    coming = iter(samples)
    detector = ScriptedDetector(lambda image: script(next(coming)))
    rule = DecisionRule.from_min_score(0.4)
    return evaluate.run(
        lambda min_score: detector,
        MeasuredData(data, Path("all.txt")),
        Outputs(plots=folder),
        rule=rule,
        gate=True,
    )


def test_the_gate_opens_for_who_reaches_every_figure(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def right(sample: Sample) -> Detections:
        return Detections(sample.boxes, np.full(len(sample.boxes), 0.9), sample.classes)

    assert passes(data, tmp_path, right) == 0
    assert "gate missed" not in capsys.readouterr().err


def test_the_gate_is_shut_for_who_misses_one(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is named with what it is and what was wanted; without the option nothing is shut."""

    def all_masked(sample: Sample) -> Detections:
        return Detections(sample.boxes, np.full(len(sample.boxes), 0.9), 0 * sample.classes)

    assert passes(data, tmp_path, all_masked) == 2
    reported = [line for line in capsys.readouterr().err.splitlines() if line.startswith("gate")]
    assert len(reported) == 3 and "taken for masked: 1.0, wanted ≤ 0.03" in reported[2]


def test_a_value_that_cannot_be_computed_does_not_pass(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A detector that finds nothing has called no state incorrectly."""
    assert passes(data, tmp_path, lambda sample: Detections.empty()) == 2
    assert "not measurable on these pictures" in capsys.readouterr().err


def test_a_detector_that_finds_nothing_has_its_report(data: Path, tmp_path: Path) -> None:
    metrics = run(data, ScriptedDetector(), tmp_path, rule=DecisionRule.from_min_score(0.4))
    assert metrics["metrics"]["mAP50"] == 0
    assert metrics["metrics"]["right_state"] is None
    assert metrics["best_thresholds"]["all"]["threshold"] is None
    assert (metrics["threshold"], metrics["threshold_chosen"]) == (0.4, "given")


def test_one_folder_is_not_listed_apart(data: Path, tmp_path: Path) -> None:
    detector = knowing(read_samples(data / "first"))
    assert run(data / "first", detector, tmp_path, images=None)["by_folder"] == {}


def test_pictures_in_the_data_folder_itself_are_of_one_folder() -> None:
    assert list(report.folders_of(["a.jpg", "b.jpg"])) == ["."]
    folders = report.folders_of(["a.jpg", "more/images/b.jpg", "c.jpg"])
    assert {name: weights.tolist() for name, weights in folders.items()} == {
        ".": [1, 0, 1],
        "more": [0, 1, 0],
    }


def test_pictures_of_one_scene_are_measured_up_to_a_limit(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenes = Scenes("(first|second)/", 3)
    samples = read_samples(data, only=data / "all.txt")
    kept = limit_scenes(samples, scene_names(samples, scenes.pattern), scenes.limit)
    metrics = run(data, knowing(kept), tmp_path, scenes=scenes)
    assert (metrics["images"], metrics["metrics"]["mAP50"]) == (5, 1)
    assert "1 picture left out, of scenes with more than 3" in capsys.readouterr().err
    with pytest.raises(DatasetError, match="--scene .third./: matches no picture's path, such as"):
        run(data, knowing(kept), tmp_path, scenes=Scenes("(third)/", 3))


@pytest.mark.parametrize("where", ["below the data", "as typed"])
def test_a_list_is_found(
    where: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "as typed":
        monkeypatch.chdir(data.parent)
    name = {"below the data": Path("all.txt"), "as typed": Path("data/all.txt")}[where]
    assert len(MeasuredData(data, name).read()) == 6


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda data: data / "none", "no such folder"),
        (lambda data: (data / "all.txt").write_text("\n") and data, "names no pictures"),
        (lambda data: (data / "all.txt").unlink() or data, "cannot be read: "),
        (lambda data: (data / "all.txt").write_text("first/images/9.png") and data, "no such pict"),
    ],
)
def test_wrong_data_is_reported_before_the_model_opens(
    break_it: Callable[[Path], Path], words: str, data: Path
) -> None:
    with pytest.raises(DatasetError, match=words) as error:
        measured = MeasuredData(break_it(data), Path("all.txt"))
        evaluate.run(lambda min_score: pytest.fail("opened"), measured, Outputs())
    assert "\n" not in str(error.value)


def test_where_nothing_can_be_written_no_model_opens(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    measured, inside = MeasuredData(data, Path("all.txt")), tmp_path / "file" / "out"
    for outputs in (Outputs(json=inside), Outputs(plots=inside)):
        with pytest.raises(SinkError, match="cannot write .*file/out"):
            evaluate.run(lambda min_score: pytest.fail("opened"), measured, outputs)


def test_results_that_cannot_be_written_are_one_line(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match="cannot write .*out.json") as error:
        report.write_json(tmp_path / "file" / "out.json", {})
    assert "\n" not in str(error.value)


def decoded(png: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


NOTHING = Reliability(np.zeros(10), np.full(10, np.nan), np.full(10, np.nan))


def bgr(color: str) -> list[int]:
    return [int(color[i : i + 2], 16) for i in (5, 3, 1)]


def shows(image: np.ndarray, color: str) -> int:
    """Pixels of a color given as #RRGGBB."""
    return int((np.abs(image.astype(int) - bgr(color)).max(axis=2) < 12).sum())


def test_plots_of_an_evaluation(data: Path, tmp_path: Path) -> None:
    run(data, knowing(read_samples(data, only=data / "all.txt")), tmp_path)
    assert decoded((tmp_path / "precision_recall.png").read_bytes()).shape[2] == 3
    confusion = decoded((tmp_path / "confusion.png").read_bytes())
    darkest = "#08306b"  # of the color map: three cells where all faces are right
    assert shows(confusion, darkest) > 0.1 * confusion.shape[0] * confusion.shape[1]
    assert decoded((tmp_path / "mistakes.png").read_bytes()).shape == (HEADER_PIXELS + 640, 1920, 3)


def test_precision_and_recall_have_a_curve_for_every_class() -> None:
    recall, scores = np.linspace(0.1, 1, 10), np.linspace(0.9, 0.1, 10)
    curves = {
        name: (scores, np.full(10, 0.9 - 0.2 * i), recall)
        for i, name in enumerate([*CLASS_NAMES, "face"])
    }
    half = dict.fromkeys(curves, 0.5)
    points = {name: (0.5, precision[4]) for name, (_, precision, _) in curves.items()}
    image = decoded(plots.precision_recall(curves, half, points))
    assert all(shows(image, plots.STYLES[name][0]) > 300 for name in CLASS_NAMES)
    curves["with_mask"] = (scores, np.full(10, 0.9), np.full(10, np.nan))  # no such face
    image = decoded(plots.precision_recall(curves, half, points))
    assert shows(image, plots.STYLES["with_mask"][0]) == 0


def test_a_sheet_shows_labels_left_and_findings_right(tmp_path: Path) -> None:
    sample = picture(tmp_path / "a.png", (100, 100), [[20, 20, 60, 60]], [0])
    found = Detections(np.array([[50.0, 50, 90, 90]]), [0.5], [1])
    image = decoded(sheet([Pair(sample, found)], "Two", tile=200))
    assert image.shape == (HEADER_PIXELS + 200, 400, 3)
    labeled, found_part = image[HEADER_PIXELS:, :198], image[HEADER_PIXELS:, 202:]
    mask, none = (plots.STYLES[name][0] for name in ("with_mask", "without_mask"))
    assert shows(labeled, mask) > 200 and shows(labeled, none) == 0
    assert shows(found_part, none) > 100 and shows(found_part, mask) == 0
    # the pictures lie the right way round, and the frame is where the face is: at twice its size
    assert image[HEADER_PIXELS + 80, 80].tolist() == COLORS[0].tolist()
    top = image[HEADER_PIXELS + 38 : HEADER_PIXELS + 43, 60:100]
    assert shows(top, mask) >= 40


def test_reliability_lies_on_the_diagonal_of_honest_scores() -> None:
    centers = np.linspace(0.05, 0.95, 10)
    honest = Reliability(np.full(10, 50), centers, centers)
    shy = Reliability(np.full(10, 50), centers, np.minimum(1, centers + 0.4))
    image = decoded(plots.reliability({"one": {"with_mask": honest}, "two": {"with_mask": shy}}))
    left, right = image[:, : image.shape[1] // 2], image[:, image.shape[1] // 2 :]
    color = plots.STYLES["with_mask"][0]
    assert shows(left, color) > 300 and shows(right, color) > 300
    rows = [np.argwhere(np.abs(half.astype(int) - bgr(color)).max(axis=2) < 12)[:, 0].mean()
            for half in (left, right)]  # fmt: skip
    assert rows[1] < rows[0] - 20  # more is right than the score says: above the diagonal
    assert decoded(plots.reliability({"none": {"with_mask": NOTHING}})).shape[2] == 3


def test_learning_curves_draw_every_class() -> None:
    steps = np.arange(10.0, 100, 10)
    validation = {f"AP50_{name}": np.linspace(0, 0.2 + 0.2 * i, 9) for i, name in
                  enumerate(CLASS_NAMES)}  # fmt: skip
    image = decoded(
        plots.learning_curves(
            {"step": steps, "loss": 1 / steps, "rate": steps},
            {"step": steps, "mAP50": steps / 200, **validation},
        )
    )
    assert all(shows(image, plots.STYLES[name][0]) > 100 for name in CLASS_NAMES)


def test_learning_curves_of_nothing_yet() -> None:
    assert decoded(plots.learning_curves({}, {})).shape[2] == 3
