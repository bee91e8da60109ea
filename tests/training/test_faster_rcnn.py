"""Faster R-CNN goes the same way as RetinaNet: settings, training, model folder, export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from maskdet import export
from maskdet.config import load_settings
from maskdet.errors import ConfigError
from maskdet.model.card import read_card
from maskdet.model.network_plans import FasterRCNNPlan
from maskdet.networks.faster_rcnn import FasterRCNN
from maskdet.runtimes import load_detector
from maskdet.training import checkpoint
from maskdet.training import run as train
from maskdet.training.csv_log import read_metrics
from maskdet.training.model_folder import write_model
from maskdet.training.settings import FasterRCNNSettings, TrainingSettings
from tests.training.portraits import write_portraits
from tests.training.small import make_trainer

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
    train.run(settings, data, run, lambda step, metrics: None)
    write_model(model, run / "best.weights.h5", settings, metrics={}, command="…")
    export.run(model)
    return data, run, model


def test_it_learns_four_pictures(trained: tuple[Path, Path, Path]) -> None:
    metrics = read_metrics(trained[1] / "validation.csv")
    assert metrics["mAP50"][0] > 0.8


def test_keras_and_litert_find_the_same_faces(trained: tuple[Path, Path, Path]) -> None:
    data, _, model = trained
    images = [cv2.imread(str(data / f"images/{number}.png")) for number in range(4)]
    images.append(images[0][:100])
    reference = load_detector(str(model), runtime="keras", min_score=0.1)
    litert = load_detector(str(model), runtime="litert", min_score=0.1)
    for first, second in zip(reference.detect(images), litert.detect(images), strict=True):
        assert len(first) == len(second)
        np.testing.assert_allclose(first.boxes, second.boxes, atol=0.1)
        np.testing.assert_allclose(first.scores, second.scores, atol=1e-3)
        assert first.states.tolist() == second.states.tolist()
    assert sum(map(len, reference.detect(images))) >= 4


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


def two_stages() -> FasterRCNN:
    keras.utils.set_random_seed(1)
    plan = FasterRCNNPlan(
        backbone="tiny", channels=8, separable=False, units=16, before=20, after=16, regions=8
    )
    network = FasterRCNN(plan)
    # compiling it would take longer than all its steps
    network.compile(optimizer=keras.optimizers.AdamW(1e-2), run_eagerly=True)
    return network


@pytest.mark.slow
def test_a_resumed_run_draws_the_regions_of_one_that_was_not_interrupted(tmp_path: Path) -> None:
    """Which regions it learns from is drawn by a generator that weights tell nothing of."""
    for name, parts in (("whole", (6,)), ("resumed", (4, 6))):
        for until in parts:
            trainer = make_trainer(tmp_path, tmp_path / name, network=two_stages(), steps=6)
            assert trainer.resume() == (until != parts[0])
            trainer.run(until)
    whole, resumed = (
        checkpoint.load(tmp_path / name / "checkpoint.npz") for name in ("whole", "resumed")
    )
    assert whole.step == resumed.step == 6
    assert [seed.tolist() for seed in whole.seeds] == [seed.tolist() for seed in resumed.seeds]
    assert whole.seeds[0].any()
    for group in ("weights", "optimizer", "average"):
        for left, right in zip(getattr(whole, group), getattr(resumed, group), strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_checkpoint_of_before_there_were_seeds_in_it_goes_on(tmp_path: Path) -> None:
    make_trainer(tmp_path, tmp_path / "run", network=two_stages(), steps=2).run()
    file = tmp_path / "run" / "checkpoint.npz"
    state = checkpoint.load(file)
    checkpoint.save(file, replace(state, seeds=[]))
    assert not any("seeds" in name for name in np.load(file).files)
    trainer = make_trainer(tmp_path, tmp_path / "run", network=two_stages(), steps=3)
    assert trainer.resume()
    trainer.run()
    assert checkpoint.load(file).step == 3
