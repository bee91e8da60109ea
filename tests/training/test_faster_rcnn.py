"""Faster R-CNN goes the same way as RetinaNet: settings, and runs that are resumed.

`test_old_route.py` trains one, and has its model folder and exports.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from maskdet.config import load_settings
from maskdet.errors import ConfigError
from maskdet.model.network_plans import FasterRCNNPlan
from maskdet.networks.faster_rcnn.faster_rcnn import FasterRCNN
from maskdet.training import checkpoint
from maskdet.training.settings import FasterRCNNSettings, TrainingSettings
from tests.training.small import make_trainer


def test_settings_of_the_other_network_are_reported() -> None:
    """A RetinaNet's key is unknown to a Faster R-CNN; the place has no trace of the union."""
    settings = load_settings(TrainingSettings, None, ["network.kind=faster_rcnn"])
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
    """Which regions it learns from is drawn by a generator that does not depend on weights."""
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
