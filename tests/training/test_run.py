"""A run from settings to weights: data, network, and that it learns, on TensorFlow as on JAX."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from maskdet.config import load_settings
from maskdet.errors import ConfigError, DatasetError
from maskdet.evaluation import coco
from maskdet.networks.retinanet import RetinaNet
from maskdet.training import data
from maskdet.training import run as train
from maskdet.training.csv_log import read_metrics
from maskdet.training.settings import TrainingSettings
from tests.datasets.voc_folder import write_voc_folder
from tests.training.portraits import write_portraits

ROOT = Path(__file__).resolve().parents[2]
TINY = ("network.backbone=tiny", "network.channels=16", "network.depth=1", "imagenet=none")
PLAIN = (
    "augmentation.size=128",
    "augmentation.long_side=128",
    "augmentation.scale=[1,1]",
    *(f"augmentation.{name}=0" for name in ("mosaic", "rotation", "color", "degrade")),
)


def settings(*overrides: str) -> TrainingSettings:
    return load_settings(TrainingSettings, None, [*TINY, *overrides])


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("portraits") / "data"
    write_portraits(folder)
    return folder


@pytest.fixture(scope="module")
def overfitted(portraits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that has learned four pictures by heart."""
    folder = tmp_path_factory.mktemp("overfitted")
    run = settings(
        *PLAIN,
        "train=[{list: all.txt}]",
        "validation=all.txt",
        "evaluation_size=128",
        *(f"schedule.{setting}" for setting in (
            "steps=180", "batch=4", "rate=0.01", "warm_up=20", "average=0.9",
            "evaluate_every=180", "save_every=180",
        )),
    )  # fmt: skip
    train.run(run, portraits, folder)
    return folder


def test_four_pictures_are_learned_by_heart(overfitted: Path) -> None:
    metrics = read_metrics(overfitted / "validation.csv")
    assert metrics["step"].tolist() == [180]
    assert metrics["mAP50"][0] > 0.9
    for name in ("with_mask", "without_mask", "mask_weared_incorrect"):
        assert metrics[f"AP50_{name}"][0] > 0.8


def test_the_kept_weights_do_what_was_measured(overfitted: Path, portraits: Path) -> None:
    """A new network, other batches, even one that is not full: the same detections."""
    network = train.build(settings(f"start={overfitted / 'best.weights.h5'}"))
    _, _, samples = data.read_data(settings("validation=all.txt"), portraits)
    found = train.predict(network, 128, samples, 3, min_score=0.3)
    assert len(found) == 4
    for sample, each in zip(samples, found, strict=True):
        owners = coco.pair(sample, each)
        assert (owners >= 0).all()
        assert each.states[owners].tolist() == sample.classes.tolist()


def test_a_folder_is_trained_in_once(overfitted: Path, portraits: Path) -> None:
    with pytest.raises(ConfigError, match="a run has begun here; add --resume"):
        train.run(settings(), portraits, overfitted)


def test_a_tenth_is_kept_for_validation(tmp_path: Path) -> None:
    """Without a list of validation pictures: the same tenth every time, never trained on."""
    write_voc_folder(tmp_path / "data", 20)
    samples, weights, validation = data.read_data(settings(), tmp_path / "data")
    names = [sample.file.name for sample in samples], [sample.file.name for sample in validation]
    assert [len(each) for each in names] == [18, 2]
    assert not set(names[0]) & set(names[1])
    assert len(weights) == 18
    again = data.read_data(settings("schedule.seed=5"), tmp_path / "data")[2]
    assert [sample.file.name for sample in again] == names[1]


def test_several_data_sets(tmp_path: Path) -> None:
    """Each by its own list, its own classes and its share of the draws."""
    for name, count in (("one", 4), ("two", 3)):
        names = write_voc_folder(tmp_path / name, count)
        lines = "".join(f"{name}/{each}\n" for each in names)
        (tmp_path / f"{name}.txt").write_text(lines)
    samples, weights, validation = data.read_data(
        settings(
            "train=[{list: one.txt}, {list: two.txt, labeled: [with_mask, without_mask], "
            "share: 0.25}]",
            "validation=one.txt",
            "schedule.rare=1",
        ),
        tmp_path,
    )
    assert [sample.labeled for sample in samples] == [(0, 1, 2)] * 4 + [(0, 1)] * 3
    assert weights.tolist() == [1] * 4 + [0.25] * 3
    assert len(validation) == 4


def test_one_picture_is_too_few(tmp_path: Path) -> None:
    write_voc_folder(tmp_path / "data", 1)
    with pytest.raises(DatasetError, match="too few pictures to train on"):
        data.read_data(settings(), tmp_path / "data")


def test_a_seed_gives_the_same_weights() -> None:
    """Initial weights follow Python's generator, which a run seeds."""
    networks = []
    for seed in (1, 1, 2):
        random.seed(seed)
        networks.append(train.build(settings()).get_weights())
    for one, again in zip(networks[0], networks[1], strict=True):
        np.testing.assert_array_equal(one, again)
    assert not np.array_equal(networks[0][0], networks[2][0])


@pytest.mark.slow
def test_start_weights_of_another_network(tmp_path: Path) -> None:
    other = RetinaNet(train.plan_of(settings("network.channels=8").network))
    other.save_weights(tmp_path / "other.weights.h5")
    (tmp_path / "broken.weights.h5").write_bytes(b"no weights")
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 no archive")
    lite = "network.backbone=efficientnet_lite0"
    for wrong in (
        [f"start={tmp_path / 'other.weights.h5'}"],
        [f"start={tmp_path / 'broken.weights.h5'}"],
        [lite, f"imagenet={tmp_path / 'broken.npz'}"],
        ["network.backbone=mobilenet_v2", f"imagenet={tmp_path / 'broken.weights.h5'}"],
    ):
        with pytest.raises(ConfigError, match="starting weights cannot be used") as error:
            train.build(settings(*wrong))
        assert wrong[-1].partition("=")[2] in str(error.value)
        assert "\n" not in str(error.value)


def test_a_share_of_the_first_weights_needs_such() -> None:
    with pytest.raises(ConfigError, match="start_share: needs the weights of a run as 'start'"):
        train.build(settings("schedule.start_share=0.5"))


JAX = """
import importlib.abc, json, sys

class Gone(importlib.abc.MetaPathFinder):
    asked = []
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "tensorflow":
            self.asked.append(name)
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Gone())
import keras
import numpy as np
from maskdet.training import run
from tests.training.test_run import learn, settings

assert keras.backend.backend() == "jax"
losses = learn(sys.argv[1], dict(np.load(sys.argv[2])))
there = [name for name in sys.modules if name.split(".")[0] == "tensorflow"]
print(json.dumps({"losses": losses, "tensorflow": Gone.asked + there}))
"""


def learn(weights: str, batch: dict[str, np.ndarray]) -> list[float]:
    """Losses of three steps on one batch."""
    network = train.build(settings(f"start={weights}", "schedule.freeze_stem=false"))
    images = batch.pop("images")
    return [float(network.train_on_batch(images, batch)) for _ in range(3)]


@pytest.mark.slow
def test_jax_learns_as_tensorflow_does(tmp_path: Path) -> None:
    """The same weights give the same losses; and TensorFlow is not even imported."""
    pytest.importorskip("jax", reason="the test extra JAX is not installed")
    network = RetinaNet(train.plan_of(settings().network))
    weights, file = str(tmp_path / "start.weights.h5"), str(tmp_path / "batch.npz")
    network.save_weights(weights)
    targets = network.target_maker.targets(
        np.array([[5, 5, 30, 35], [20, 30, 60, 64]], np.float32), np.array([0, 2]), 64, 64
    )
    batch = {key: np.stack([value] * 4) for key, value in targets.items()}
    images = np.random.default_rng(0).uniform(0, 255, (4, 64, 64, 3)).astype(np.float32)
    batch |= {"images": images, "known": np.array([[1, 1, 1], [1, 1, 0]] * 2, np.float32)}
    np.savez(file, **batch)
    done = subprocess.run(
        [sys.executable, "-c", JAX, weights, file],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "KERAS_BACKEND": "jax",
            # compiled code runs thrice: making it fast is time lost
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["tensorflow"] == []
    assert keras.backend.backend() == "tensorflow"
    losses = learn(weights, batch)
    np.testing.assert_allclose(answer["losses"], losses, rtol=0.01)
    assert losses[2] < losses[0]
