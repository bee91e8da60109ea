"""A light network that learns a heavier one's answers."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from maskdet.config import load_settings
from maskdet.errors import ConfigError, MaskdetError
from maskdet.networks.plans import build_network, plan_from_options
from maskdet.networks.retinanet import RetinaNet
from maskdet.training import data
from maskdet.training import run as train
from maskdet.training.augmentation.views import Augmentation
from maskdet.training.batches.distillation import ANSWERS, DistillationLoader, load_teacher
from maskdet.training.batches.loader import Loader
from maskdet.training.batches.maker import Batch, BatchMaker
from maskdet.training.settings import TrainingSettings
from tests.helpers.tiny import make_lively_model
from tests.training.portraits import write_portraits
from tests.whole_run import slow

SIDE = 64
LIVELY = ("network.backbone=tiny", "network.channels=16", "network.depth=1", "imagenet=none")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_lively_model(tmp_path_factory.mktemp("models") / "lively")


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("portraits") / "data"
    write_portraits(folder)
    return folder


def build(**options: object) -> RetinaNet:
    network = build_network(plan_from_options({"backbone": "tiny", "channels": 16, **options}))
    assert isinstance(network, RetinaNet)
    return network


@pytest.fixture(scope="module")
def teacher(model: Path) -> RetinaNet:
    return load_teacher(str(model), build())


def distilled(
    portraits: Path, teacher: RetinaNet, folder: Path, reuse: int = 3
) -> DistillationLoader:
    """Seven batches of two pictures: three are made."""
    settings = TrainingSettings()
    samples, weights, _ = data.read_data(settings, portraits)
    view = settings.augmentation.model_copy(update={"size": SIDE, "long_side": SIDE})
    augmentation = Augmentation(**view.model_dump(exclude={"paste", "scatter", "sizes"}))
    maker = BatchMaker(samples, weights, augmentation, build().target_maker, batch=2)
    return DistillationLoader(
        Loader(maker, threads=1), teacher, steps=7, reuse=reuse, folder=folder
    )


def same(first: Batch, second: Batch) -> bool:
    """But for the half precision of what is kept."""
    if not np.array_equal(first[0], second[0]) or first[1].keys() != second[1].keys():
        return False
    pairs = [(first[1][name], second[1][name]) for name in first[1]]
    return all(np.allclose(a, b, rtol=1e-3, atol=1e-3) for a, b in pairs)


def test_targets_hold_the_teachers_answers(
    portraits: Path, teacher: RetinaNet, tmp_path: Path
) -> None:
    images, targets = next(distilled(portraits, teacher, tmp_path).batches(0, 7))
    logits, deltas = teacher(images.astype(np.float32), training=False)
    np.testing.assert_allclose(targets["teacher_classes"], keras.ops.sigmoid(logits), atol=1e-5)
    np.testing.assert_allclose(targets["teacher_deltas"], deltas, atol=1e-4)
    assert targets["teacher_classes"].max() > 0.5  # this teacher is sure of something
    assert {"classes", "boxes", "known"} < targets.keys()


def test_answers_are_used_again_in_another_order(
    portraits: Path, teacher: RetinaNet, tmp_path: Path
) -> None:
    batches = list(distilled(portraits, teacher, tmp_path).batches(0, 7))
    made, again, third = batches[:3], batches[3:6], batches[6:]
    drawn = [[same(one, other) for other in made].index(True) for one in again]
    assert sorted(drawn) == [0, 1, 2]
    assert any(same(third[0], other) for other in made)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["0.npz", "1.npz", "2.npz"]


@pytest.mark.parametrize("first", [1, slow(3), slow(5)])
def test_a_run_goes_on_with_the_very_batches(
    portraits: Path, teacher: RetinaNet, tmp_path: Path, first: int
) -> None:
    """Even where some of the answers are gone."""
    whole = list(distilled(portraits, teacher, tmp_path / "whole").batches(0, 7))
    before = list(distilled(portraits, teacher, tmp_path / "cut").batches(0, first))
    assert len(before) == first
    (tmp_path / "cut" / "0.npz").unlink()
    rest = list(distilled(portraits, teacher, tmp_path / "cut").batches(first, 7))
    assert all(same(*pair) for pair in zip(whole[first:], rest, strict=True))


def test_what_is_used_once_is_not_kept(portraits: Path, teacher: RetinaNet, tmp_path: Path) -> None:
    loader = distilled(portraits, teacher, tmp_path / "answers", reuse=1)
    assert len(list(loader.batches(0, 7))) == 7
    assert not (tmp_path / "answers").exists()


def test_who_answers_as_the_teacher_loses_nothing_by_it(
    portraits: Path, teacher: RetinaNet, tmp_path: Path
) -> None:
    images, targets = next(distilled(portraits, teacher, tmp_path).batches(0, 1))
    x = images.astype(np.float32)

    def loss(network: RetinaNet, reported: bool) -> float:
        y = {k: v for k, v in targets.items() if reported or not k.startswith("teacher")}
        outputs = network(x, training=False)
        return float(network.compute_loss(keras.ops.convert_to_tensor(x), y, outputs))

    assert loss(teacher, reported=True) == pytest.approx(loss(teacher, reported=False), rel=1e-4)
    stranger = build()
    assert loss(stranger, reported=True) > loss(stranger, reported=False) + 0.1


@pytest.mark.slow
def test_a_student_comes_nearer_to_its_teacher(
    model: Path, portraits: Path, tmp_path: Path
) -> None:
    """A whole run; its answers are cleared away at its end."""
    run = load_settings(
        TrainingSettings,
        None,
        [
            *LIVELY,
            f"distillation.teacher={model}",
            "distillation.reuse=6",
            "train=[{list: all.txt}]",
            "validation=all.txt",
            f"evaluation_size={SIDE}",
            f"augmentation.size={SIDE}",
            f"augmentation.long_side={SIDE}",
            *(f"schedule.{s}" for s in ("steps=120", "batch=2", "rate=0.01", "warm_up=5")),
            "schedule.average=0.9",
        ],
    )
    trainer = train.run(run, portraits, tmp_path)
    assert not (tmp_path / ANSWERS).exists()
    teacher = load_teacher(str(model), build())
    images = next(distilled(portraits, teacher, tmp_path / "look").batches(0, 1))[0]

    reported = keras.ops.sigmoid(teacher(images, training=False)[0])

    def distance(student: RetinaNet) -> float:
        answer = keras.ops.sigmoid(student(images, training=False)[0])
        return float(keras.ops.mean(keras.ops.abs(answer - reported)))

    student = build(depth=1)
    before = distance(student)
    student.load_weights(trainer.best_weights)
    assert distance(student) < 0.7 * before


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"anchors": {"ratios": [1.0]}}, "other anchors"),
        ({"deviations": [1, 1, 1, 1]}, "deviations"),
    ],
)
def test_teachers_of_other_anchors(model: Path, options: dict[str, object], wrong: str) -> None:
    with pytest.raises(ConfigError, match=f"lively-retinanet.*{wrong}"):
        load_teacher(str(model), build(**options))


def test_a_faster_rcnn_neither_teaches_nor_learns(model: Path, tmp_path: Path) -> None:
    regions = make_lively_model(tmp_path / "regions", "faster_rcnn")
    with pytest.raises(ConfigError, match="RetinaNet"):
        load_teacher(str(regions), build())
    student = build_network(plan_from_options({"backbone": "tiny", "channels": 16}, "faster_rcnn"))
    with pytest.raises(ConfigError, match="RetinaNet"):
        load_teacher(str(model), student)


def test_no_such_teacher() -> None:
    with pytest.raises(MaskdetError, match="nobody"):
        load_teacher("nobody", build())
