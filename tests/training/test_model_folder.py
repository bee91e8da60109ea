"""Weights in a model folder: half the size, the same answers."""

from __future__ import annotations

import io
from pathlib import Path

import h5py
import keras
import numpy as np

from maskdet.config import load_settings
from maskdet.model.network_plans import RetinaNetPlan
from maskdet.networks.retinanet import RetinaNet
from maskdet.training.model_folder import halved, provenance
from maskdet.training.settings import TrainingSettings


def test_halved_weights_answer_as_before(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    plan = RetinaNetPlan(backbone="tiny", channels=8, depth=1)
    network, again = RetinaNet(plan), RetinaNet(plan)
    full, half = tmp_path / "full.weights.h5", tmp_path / "half.weights.h5"
    network.save_weights(full)
    half.write_bytes(halved(full))
    again.load_weights(half)
    image = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    for first, second in zip(network(image), again(image), strict=True):
        first, second = (keras.ops.convert_to_numpy(each) for each in (first, second))
        np.testing.assert_allclose(first, second, atol=5e-3)


def test_no_float_is_left_in_single_precision(tmp_path: Path) -> None:
    RetinaNet(RetinaNetPlan(backbone="tiny", channels=8, depth=1)).save_weights(
        tmp_path / "full.weights.h5"
    )
    kinds = set()
    with h5py.File(io.BytesIO(halved(tmp_path / "full.weights.h5")), "r") as file:
        file.visititems(
            lambda name, item: kinds.add(item.dtype) if isinstance(item, h5py.Dataset) else None
        )
    assert np.dtype(np.float16) in kinds and np.dtype(np.float32) not in kinds


def test_what_is_too_large_for_half_precision_stays_whole(tmp_path: Path) -> None:
    """As variances of Caffe's ResNets are: as infinity they would silence the network."""
    with h5py.File(tmp_path / "full.weights.h5", "w") as file:
        file["variance"] = np.array([1.0, 70_000.0], np.float32)
        file["mean"] = np.array([1.0, 60_000.0], np.float32)
        file["none"] = np.zeros(0, np.float32)
    with h5py.File(io.BytesIO(halved(tmp_path / "full.weights.h5")), "r") as file:
        np.testing.assert_array_equal(file["variance"], [1, 70_000])
        assert [file[name].dtype for name in ("mean", "none")] == [np.float16] * 2


def test_a_card_says_what_each_data_set_was_good_for() -> None:
    sets = "[{finder: a/light, labeled: [with_mask]}, {source: things, without_faces: true}]"
    settings = load_settings(TrainingSettings, None, [f"train={sets}"])
    assert provenance(settings, "train")["data"] == [
        "all pictures of the data folder: with_mask, faces that nobody labeled by light",
        "things: no faces",
    ]
