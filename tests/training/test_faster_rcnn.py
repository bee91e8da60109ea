"""Faster R-CNN goes the same way as RetinaNet: settings, training, model folder, export."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.card import read_card
from maskdet.config import load_settings
from maskdet.errors import ConfigError
from maskdet.runtimes import load_detector
from maskdet.training import export, train
from maskdet.training.figures import read_figures
from maskdet.training.model_folder import write_model
from maskdet.training.settings import FasterRCNNSettings, TrainingSettings
from tests.training.portraits import write_portraits

SETTINGS = (
    "network.kind=faster_rcnn", "network.backbone=tiny", "network.channels=16",
    "network.separable=false", "network.units=32", "network.before=40", "network.after=20",
    "network.regions=16", "imagenet=none", "train=[{list: all.txt}]", "validation=all.txt",
    "evaluation_size=128", "augmentation.size=128", "augmentation.long_side=128",
    "augmentation.scale=[1,1]", "augmentation.mosaic=0", "augmentation.rotation=0",
    "augmentation.colour=0", "augmentation.degrade=0", "schedule.steps=150", "schedule.batch=4",
    "schedule.rate=0.005", "schedule.warm_up=20", "schedule.average=0.9",
    "schedule.evaluate_every=150", "schedule.save_every=150",
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Data, run and model folder of a network that has learnt four pictures."""
    folder = tmp_path_factory.mktemp("rcnn")
    data, run, model = folder / "data", folder / "run", folder / "model"
    write_portraits(data)
    settings = load_settings(TrainingSettings, None, list(SETTINGS))
    train.run(settings, data, run, lambda step, figures: None)
    write_model(model, run / "best.weights.h5", settings, metrics={}, command="…")
    export.run(model)
    return data, run, model


def test_it_learns_four_pictures(trained: tuple[Path, Path, Path]) -> None:
    figures = read_figures(trained[1] / "validation.csv")
    assert figures["mAP50"][0] > 0.8


def test_keras_and_litert_find_the_same_faces(trained: tuple[Path, Path, Path]) -> None:
    data, _, model = trained
    images = [cv2.imread(str(data / f"images/{number}.png")) for number in range(4)]
    images.append(images[0][:100])
    keras = load_detector(str(model), runtime="keras", min_score=0.1)
    litert = load_detector(str(model), runtime="litert", min_score=0.1)
    for first, second in zip(keras.detect(images), litert.detect(images), strict=True):
        assert len(first) == len(second)
        np.testing.assert_allclose(first.boxes, second.boxes, atol=0.1)
        np.testing.assert_allclose(first.scores, second.scores, atol=1e-3)
        assert first.states.tolist() == second.states.tolist()
    assert sum(map(len, keras.detect(images))) >= 4


def test_the_card_says_what_it_is(trained: tuple[Path, Path, Path]) -> None:
    card = read_card(trained[2])
    assert card.network == "faster_rcnn" and card.options["regions"] == 16


def test_int8_is_refused_with_the_reason(trained: tuple[Path, Path, Path]) -> None:
    with pytest.raises(ConfigError, match="faster_rcnn.*without --int8"):
        export.run(trained[2], int8=True, calibrate=[trained[0] / "images" / "0.png"])


def test_settings_of_the_other_network_are_told() -> None:
    """A RetinaNet's key is unknown to a Faster R-CNN; the place has no trace of the union."""
    settings = load_settings(TrainingSettings, None, SETTINGS[:1])
    assert isinstance(settings.network, FasterRCNNSettings)
    with pytest.raises(ConfigError, match="unknown key 'network.box_loss'"):
        load_settings(TrainingSettings, None, ["network.kind=faster_rcnn", "network.box_loss=giou"])
    with pytest.raises(ConfigError, match="retinanet or faster_rcnn"):
        load_settings(TrainingSettings, None, ["network.kind=yolo"])
