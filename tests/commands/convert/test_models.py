"""Old models converted as a person types it: training → inference, and folders with a card."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from maskdet.__main__ import main
from maskdet.detections import Detections
from maskdet.model.card import read_card
from maskdet.runtimes import load_detector
from maskdet.runtimes.legacy.keras2_file import read_keras_file
from tests.helpers import old_models
from tests.helpers.old_models import assert_same, pictures, upstream_api, upstream_keras
from tests.whole_run import slow

pytestmark = pytest.mark.timeout(120)

ANCHORS = str(old_models.FOLDER / "make" / "anchors.ini")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("tensorflow")
    return old_models.unpack(tmp_path_factory.mktemp("old"))


@pytest.mark.parametrize(
    ("name", "version", "options"),
    [
        slow("resnet", "0.5.1", []),
        ("resnet", "1.0.0", []),
        slow("resnet101", "1.0.0", []),
        slow("mobilenet", "0.5.1", ["--anchors", ANCHORS]),
        slow("mobilenet", "1.0.0", ["--anchors", ANCHORS]),
        slow("densenet", "1.0.0", []),
    ],
)
def test_a_training_snapshot_becomes_what_upstream_makes_of_it(
    models: Path, tmp_path: Path, name: str, version: str, options: list[str]
) -> None:
    """The same layers in both files, and the same boxes."""
    made = tmp_path / "made.h5"
    assert (
        main(["convert", str(models / f"{name}_{version}_training.h5"), str(made), *options]) == 0
    )
    ours, theirs = (read_keras_file(path) for path in (made, models / f"{name}_{version}.h5"))
    assert layers_of(ours) == layers_of(theirs)
    assert ours.version == theirs.version
    assert_all_same(made, upstream_keras(f"{name}_{version}"), models / "classes.csv")


def assert_all_same(made: Path, upstream: list[Detections], labels: Path | None = None) -> None:
    """The converted model finds in every picture what upstream found there."""
    detector = load_detector(str(made), labels=labels, min_score=0.0)
    for ours, theirs in zip(detector.detect(pictures()), upstream, strict=True):
        assert_same(ours, theirs)


def layers_of(file) -> dict[str, str]:
    plans = [json.dumps(plan, sort_keys=True) for plan in file.config["config"]["layers"]]
    return {json.loads(plan)["name"]: plan for plan in plans}


def test_a_snapshot_becomes_a_model_folder(models: Path, tmp_path: Path) -> None:
    target = tmp_path / "models" / "old-resnet"
    snapshot = models / "resnet_1.0.0_training.h5"
    labels = ["--labels", str(models / "classes.csv")]
    assert main(["convert", str(snapshot), str(target), "--card", *labels]) == 0
    card = read_card(target)
    assert (card.name, card.network) == ("old-resnet", "keras_retinanet")
    assert card.classes == ("with_mask", "without_mask", "mask_weared_incorrect")
    assert load_detector(str(target)).name == "old-resnet"
    assert_all_same(target, upstream_keras("resnet_1.0.0"))


@pytest.mark.parametrize("path", ["ssd_mobilenet_v1", slow("ssd_mobilenet_v1/saved_model")])
def test_a_graph_becomes_a_model_folder(models: Path, tmp_path: Path, path: str) -> None:
    target = tmp_path / "old-ssd"
    labels = tmp_path / "map.pbtxt"
    labels.write_text(
        "item {id: 1 name: 'mask'} item {id: 2 name: 'x=y'} item {id: 3 name: 'under nose'}"
    )
    given = ["--labels", str(labels), "--state", "x=y=without_mask"]
    assert main(["convert", str(models / path), str(target), "--card", *given]) == 0
    shutil.move(target, tmp_path / "moved")  # no path outside is remembered
    assert_all_same(tmp_path / "moved", upstream_api("ssd_mobilenet_v1"))
    assert read_card(tmp_path / "moved").classes == ("mask", "x=y", "under nose")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_saved_models_with_variables_become_model_folders(models: Path, tmp_path: Path) -> None:
    target = tmp_path / "old"
    assert main(["convert", str(models / "ssd_mobilenet_v2_tf2"), str(target), "--card"]) == 0
    assert_all_same(target, upstream_api("ssd_mobilenet_v2_tf2"))
    data = target / "variables" / "variables.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-1] + b"x")
    assert main(["detect", str(old_models.FOLDER / "pictures"), "--model", str(target)]) == 2


# What is refused: the arguments after SRC and DST, and what the line says.
WRONG = {
    "own anchors untold": ("mobilenet_1.0.0_training.h5", "a.h5", [], "was trained with 6 anchors"),
    "other anchors": (
        "resnet_1.0.0_training.h5", "a.h5", ["--anchors", ANCHORS], "trained with 9 anchors"),
    "an inference model": ("resnet_1.0.0.h5", "a.h5", [], "an inference model already"),
    "anchors of one": (
        "resnet_1.0.0.h5", "a", ["--card", "--anchors", ANCHORS], "has its own anchors"),
    "a graph": ("ssd_mobilenet_v1", "a.h5", [], "runs as it is"),
    "another ending": ("resnet_1.0.0_training.h5", "a.pb", [], "ends in .h5"),
    "there already": ("resnet_1.0.0_training.h5", "classes.csv", [], "is there already"),
    "classes from 0": (
        "ssd_mobilenet_v1", "a", ["--card", "--labels", "classes.csv"], "count classes from 1"),
    "an odd state": ("ssd_mobilenet_v1", "a", ["--card", "--state", "x"], "expected NAME=STATE"),
    "no settings": (
        "resnet_1.0.0_training.h5", "a.h5", ["--anchors", "classes.csv"], "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "target", "options", "found_faces"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_converted_is_reported_and_nothing_is_left(
    models: Path, monkeypatch, capfd, source: str, target: str, options: list[str], found_faces: str
) -> None:
    monkeypatch.chdir(models)
    before = sorted(models.iterdir())
    assert main(["convert", source, target, *options]) == 2
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("maskdet:")]
    assert len(lines) == 1 and found_faces in lines[0]
    assert sorted(models.iterdir()) == before


def test_a_card_keeps_which_classes_show_no_face(models: Path, tmp_path: Path) -> None:
    target, source = tmp_path / "old-ssd", models / "ssd_mobilenet_v1"
    words = ["--card", "--state", "with_mask=not_a_face"]
    assert main(["convert", str(source), str(target), *words]) == 0
    states = read_card(target).options["states"]
    assert states == {"1": "not_a_face", "2": "without_mask", "3": "mask_weared_incorrect"}
    detector = load_detector(str(target), min_score=0.0)
    for ours, theirs in zip(detector.detect(pictures()), upstream_api(source.name), strict=True):
        assert_same(ours, theirs[theirs.states != 0])


def test_a_card_that_lies_is_refused(models: Path, tmp_path: Path, capfd) -> None:
    target = tmp_path / "old"
    labels = ["--labels", str(models / "label_map.pbtxt")]
    assert main(["convert", str(models / "ssd_mobilenet_v1"), str(target), "--card", *labels]) == 0
    card = target / "card.yaml"
    card.write_text(card.read_text().replace("without_mask", "without_a_mask"))
    assert main(["detect", str(old_models.FOLDER / "pictures"), "--model", str(target)]) == 2
    assert "options.states of the card is wrong" in capfd.readouterr().err


def test_a_card_from_0_is_refused(models: Path, tmp_path: Path, capfd) -> None:
    """As one was written of a label map from 0 before such maps were refused."""
    target = tmp_path / "old"
    labels = ["--labels", str(models / "label_map.pbtxt")]
    assert main(["convert", str(models / "ssd_mobilenet_v1"), str(target), "--card", *labels]) == 0
    card = target / "card.yaml"
    text = card.read_text()
    for number in "123":
        text = text.replace(f"'{number}':", f"'{int(number) - 1}':")
    card.write_text(text)
    assert main(["detect", str(old_models.FOLDER / "pictures"), "--model", str(target)]) == 2
    assert "counts classes from 0, its graph from 1" in capfd.readouterr().err
