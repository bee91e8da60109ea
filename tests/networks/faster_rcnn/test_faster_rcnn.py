"""Faster R-CNN: its targets, its shapes, and that it learns."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import ops

from maskdet import boxes as box_ops
from maskdet.model.anchors import AnchorGrid
from maskdet.model.network_plans import FasterRCNNPlan
from maskdet.networks.backbones import BACKBONES
from maskdet.networks.faster_rcnn.faster_rcnn import FasterRCNN
from maskdet.networks.faster_rcnn.roi_head import match_regions, sample_regions
from maskdet.networks.faster_rcnn.rpn import Proposer, level_anchors
from maskdet.networks.targets import CROWD, MAX_FACES
from tests.whole_run import slow

SIDE = 96
PLAN = FasterRCNNPlan(
    backbone="tiny", channels=16, separable=False, units=32, before=40, after=20, regions=16
)
COLORS = ((230, 40, 40), (40, 230, 40), (40, 40, 230))


def scene() -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Two pictures with a square of each class's color."""
    images = np.full((2, SIDE, SIDE, 3), 60, np.float32)
    boxes = np.array([[8, 8, 36, 40], [50, 12, 90, 50], [20, 56, 50, 90]], np.float32)
    for picture in range(2):
        for number, (x1, y1, x2, y2) in enumerate(boxes.astype(int)):
            images[picture, y1:y2, x1:x2] = COLORS[(number + picture) % 3]
    classes = [np.array([0, 1, 2]), np.array([1, 2, 0])]
    return images, [boxes, boxes], classes


def stacked(network: FasterRCNN, boxes: list, classes: list) -> dict[str, np.ndarray]:
    targets = network.target_maker.targets
    parts = [targets(b, c, SIDE, SIDE) for b, c in zip(boxes, classes, strict=True)]
    batch = {key: np.stack([part[key] for part in parts]) for key in parts[0]}
    return {**batch, "known": np.ones((len(parts), 3), np.float32)}


@pytest.fixture(scope="module")
def network() -> FasterRCNN:
    keras.utils.set_random_seed(0)
    return FasterRCNN(PLAN)


def test_anchors_in_the_graph_are_those_of_the_grid() -> None:
    grid = AnchorGrid(ratios=(0.8, 1.2), scales=(1.0, 1.5))
    for stride, size, wanted in zip(grid.strides, grid.sizes, grid.levels(100, 70), strict=True):
        rows, columns = -(-100 // stride), -(-70 // stride)
        made = ops.convert_to_numpy(level_anchors(rows, columns, stride, grid.shapes(size)))
        np.testing.assert_allclose(made, wanted, rtol=1e-5)


def test_targets_leave_out_what_is_neither_face_nor_background(network: FasterRCNN) -> None:
    boxes = np.array([[10, 10, 40, 46], [50, 50, 90, 90]], np.float32)
    targets = network.target_maker.targets(boxes, np.array([2, -1]), SIDE, SIDE)
    anchors = PLAN.anchors.anchors(SIDE, SIDE)
    faces = anchors[targets["anchors"] > 0]
    assert len(faces) and box_ops.iou(faces, boxes[:1]).min() > 0.3
    best_of_second = box_ops.iou(anchors, boxes[1:])[:, 0].argmax()
    assert targets["anchors"][best_of_second] == -1
    assert targets["classes"][:3].tolist() == [2, -2, -1]
    assert targets["boxes"].shape == (MAX_FACES, 4)


def test_a_picture_without_faces_has_targets(network: FasterRCNN) -> None:
    targets = network.target_maker.targets(
        np.zeros((0, 4), np.float32), np.zeros(0, int), SIDE, SIDE
    )
    assert not targets["anchors"].any() and (targets["classes"] == -1).all()


def test_regions_take_the_truth_they_overlap_most() -> None:
    """Face, worse than half, left out, padding."""
    truth = np.array([[[0, 0, 10, 10], [50, 50, 60, 60], [0, 0, 0, 0]]], np.float32)
    regions = np.array(
        [[[0, 0, 10, 8], [0, 0, 10, 30], [50, 50, 60, 61], [0, 0, 10, 10]]], np.float32
    )
    real = np.array([[True, True, True, False]])
    match = match_regions(
        *(ops.convert_to_tensor(each) for each in (regions, real, truth)),
        ops.convert_to_tensor(np.array([[1, -2, -1]], np.int32)),
    )
    assert ops.convert_to_numpy(match).tolist() == [[0, -1, -2, -2]]


def test_nothing_is_background_where_faces_are_too_many_to_be_given(network: FasterRCNN) -> None:
    """The largest are given one by one; what lies among the others is left out."""
    small = [[8 * (i % 12), 8 * (i // 12), 8 * (i % 12) + 5, 8 * (i // 12) + 5] for i in range(60)]
    large = [[2 * i, 50, 2 * i + 9, 62 + 0.1 * i] for i in range(MAX_FACES - 20)]
    boxes = np.array([*small, *large], np.float32)
    targets = network.target_maker.targets(boxes, np.zeros(len(boxes), int), 96, 256)
    assert (targets["classes"][:-1] == 0).all() and targets["classes"][-1] == CROWD
    known = targets["boxes"][:-1]
    assert all((known == box).all(axis=1).any() for box in boxes[60:])
    missing = [box for box in boxes if not (known == box).all(axis=1).any()]
    assert len(missing) == len(boxes) - MAX_FACES + 1
    # on each face, given or not; among those left out; far from all
    regions = np.array([*boxes, missing[0] + [4, 0, 4, 0], [100, 70, 140, 95]], np.float32)[None]
    match = match_regions(
        ops.convert_to_tensor(regions),
        ops.convert_to_tensor(np.ones(regions.shape[:2], bool)),
        *(ops.convert_to_tensor(targets[name][None]) for name in ("boxes", "classes")),
    )
    *on_faces, among, far = ops.convert_to_numpy(match)[0].tolist()
    assert -1 not in on_faces and on_faces.count(-2) == len(missing)
    assert (among, far) == (-2, -1)


def test_as_many_faces_as_can_be_given_are_no_crowd(network: FasterRCNN) -> None:
    boxes = np.array([[i, i, i + 9, i + 9] for i in range(MAX_FACES)], np.float32)
    targets = network.target_maker.targets(boxes, np.arange(MAX_FACES) % 3, 256, 256)
    np.testing.assert_array_equal(targets["boxes"], boxes)
    assert targets["classes"].tolist() == [i % 3 for i in range(MAX_FACES)]


def test_no_more_than_the_share_of_sampled_regions_are_faces() -> None:
    match = ops.convert_to_tensor(np.array([[0] * 30 + [-1] * 60 + [-2] * 10, [-1] * 100]))
    index, counts = sample_regions(match, 16, 0.25, keras.random.SeedGenerator(0))
    drawn = ops.convert_to_numpy(ops.take_along_axis(match, index, axis=1))
    counts = ops.convert_to_numpy(counts)
    assert (drawn[0][counts[0]] >= 0).sum() == 4 and counts[0].sum() == 16
    assert (drawn[1][counts[1]] == -1).all() and counts[1].sum() == 12
    assert not (drawn == -2).any()


@pytest.mark.parametrize(("height", "width"), [(96, 96), (64, 160), (70, 45)])
def test_outputs_lie_in_the_picture_whatever_its_size(
    network: FasterRCNN, height: int, width: int
) -> None:
    images = np.random.default_rng(0).uniform(0, 255, (2, height, width, 3)).astype(np.float32)
    scores, boxes = (ops.convert_to_numpy(each) for each in network(images))
    assert scores.shape == (2, PLAN.after, 3) and boxes.shape == (2, PLAN.after, 4)
    assert (scores >= 0).all() and (scores.sum(axis=2) <= 1 + 1e-5).all()
    assert (boxes >= 0).all() and (boxes <= [width, height, width, height]).all()


def test_a_class_that_is_not_labeled_gets_no_gradient(network: FasterRCNN) -> None:
    """With two classes known, the third one's logit may say what it likes."""
    images, boxes, classes = scene()
    batch = stacked(network, boxes, [np.array([0, 1, 1]), np.array([1, 0, 0])])
    batch["known"][:, 2] = 0
    outputs = network(images, training=True)
    bias = network.head.get_layer("head_class").bias
    before = float(network.compute_loss(images, batch, outputs))
    bias.assign_add([0.0, 0.0, 5.0, 0.0])
    network._seed.state.assign([0, 0])
    shifted = float(network.compute_loss(images, batch, network(images, training=True)))
    bias.assign_add([0.0, 0.0, -5.0, 0.0])
    assert shifted == pytest.approx(before, rel=0.2)
    batch["known"][:, 2] = 1
    bias.assign_add([0.0, 0.0, 5.0, 0.0])
    noticed = float(network.compute_loss(images, batch, network(images, training=True)))
    bias.assign_add([0.0, 0.0, -5.0, 0.0])
    assert noticed > before + 1


def test_the_proposal_loss_is_the_sum_that_a_person_writes(network: FasterRCNN) -> None:
    """Two faces, two places of background; the others are left out, whatever they say."""
    anchors = PLAN.anchors.anchors(SIDE, SIDE)
    logits, deltas = np.full((1, len(anchors)), 40.0), np.full((1, len(anchors), 4), 9.0)
    wanted, boxes = np.full((1, len(anchors)), -1.0), np.zeros((1, len(anchors), 4))
    wanted[0, [3, 7]], wanted[0, [10, 11]] = 1, 0
    logits[0, [3, 7, 10, 11]] = (0.0, np.log(3), 0.0, -np.log(3))  # ½, ¾; ½, ¼
    widths = anchors[:, 2] - anchors[:, 0]
    boxes[0, 3] = anchors[3] + [widths[3] / 2, 0, widths[3] / 2, 0]  # half its width to the right
    boxes[0, 7] = anchors[7]
    deltas[0, 3], deltas[0, 7] = (0, 0, 0, 0), (0.1, 0, 0, 0)
    loss = network._proposal_loss(
        np.zeros((1, SIDE, SIDE, 3), np.float32),
        {"anchors": tensor(wanted), "anchor_boxes": tensor(boxes)},
        tensor(logits),
        tensor(deltas),
    )
    faces = 0.25 * (0.5**2 * np.log(2) + 0.25**2 * np.log(4 / 3))
    background = 0.75 * (0.5**2 * np.log(2) + 0.25**2 * np.log(4 / 3))
    distances = (0.5 - 0.5 / 9) + 0.5 * 9 * 0.1**2  # the parabola ends at a ninth
    assert float(loss) == pytest.approx((faces + background + distances) / 2, rel=1e-4)


def tensor(values: np.ndarray) -> object:
    return ops.convert_to_tensor(np.asarray(values, np.float32))


@pytest.mark.parametrize("hidden", [False, True])
def test_the_region_loss_is_the_sum_that_a_person_writes(
    network: FasterRCNN, monkeypatch: pytest.MonkeyPatch, hidden: bool
) -> None:
    """A face's region a tenth of its width beside it, the truth itself, one of background.

    All three say the same of themselves, and want to stay where they are.
    """
    given = np.array([2.0, 0.0, 7.0 if hidden else 0.0, 1.0], np.float32)

    def second_stage(self: FasterRCNN, features: object, regions: np.ndarray) -> tuple[object, ...]:
        shape = (1, regions.shape[1])
        return tensor(np.broadcast_to(given, (*shape, 4))), tensor(np.zeros((*shape, 4)))

    monkeypatch.setattr(FasterRCNN, "_second_stage", second_stage)
    truth, classes = np.zeros((1, MAX_FACES, 4)), np.full((1, MAX_FACES), -1, np.int32)
    truth[0, 0], classes[0, 0] = (10, 10, 30, 30), 0
    regions = np.array([[[12, 10, 32, 30], [60, 60, 90, 90], [10, 10, 30, 30]]])
    loss = network._region_loss(
        [],
        tensor(regions),
        ops.convert_to_tensor(np.array([[True, True, False]])),  # the last is padding
        {
            "boxes": tensor(truth),
            "classes": ops.convert_to_tensor(classes),
            "known": tensor(np.array([[1, 1, 0 if hidden else 1]])),
        },
    )
    # a class that is not labeled has no part in the sum of probabilities
    total = np.log(np.exp([2.0, 0.0, 1.0] if hidden else [2.0, 0.0, 0.0, 1.0]).sum())
    entropy = (total - 2) + (total - 2) + (total - 1)
    distance = 0.5  # of −.1 in tenths, where the parabola ends
    assert float(loss) == pytest.approx((entropy + distance) / 3, rel=1e-4)


def test_a_box_of_another_level_suppresses_none_and_the_best_come_first() -> None:
    """Three boxes on one place: the second of the same level goes, that of the other stays."""
    grid = AnchorGrid(strides=(8, 16), sizes=(16.0, 32.0), ratios=(1.0,), scales=(1.0,))
    logits = [np.linspace(-6, -7, 16)[None], np.linspace(-5, -5.5, 4)[None]]
    deltas = [np.zeros((1, 16, 4)), np.zeros((1, 4, 4))]
    logits[0][0, [5, 6]], logits[1][0, 0] = (3.0, 2.0), 2.5
    deltas[0][0, 6] = (-0.5, 0, 0, 0)  # a cell to the right: back onto the first
    deltas[1][0, 0] = (0.125, 0.125, np.log(0.5), np.log(0.5))
    proposer = Proposer(grid, (1.0, 1.0, 1.0, 1.0), before=4, after=8)
    found, real = proposer.propose(
        [tensor(each) for each in logits], [tensor(each) for each in deltas], 32, 32
    )
    boxes = ops.convert_to_numpy(found)[0]
    np.testing.assert_allclose(boxes[:2], [[4, 4, 20, 20]] * 2, atol=1e-4)
    # then those of the coarser level, which are surer than the rest of the finer one
    np.testing.assert_allclose(
        boxes[2:5], [[8, 0, 32, 24], [0, 8, 24, 32], [8, 8, 32, 32]], atol=1e-4
    )
    # the best two of the finer level's rest: the corner and the cell beside it
    np.testing.assert_allclose(boxes[5:7], [[0, 0, 12, 12], [4, 0, 20, 12]], atol=1e-4)
    assert ops.convert_to_numpy(real)[0].tolist() == [True] * 7 + [False]


@pytest.mark.parametrize(
    "backbone", [name if name in ("tiny", "resnet50") else slow(name) for name in BACKBONES]
)
def test_it_stands_on_every_backbone(backbone: str) -> None:
    plan = replace(PLAN, backbone=backbone, channels=8, before=10, after=6)
    scores, boxes = FasterRCNN(plan)(np.full((1, 64, 96, 3), 99, np.float32))
    assert scores.shape == (1, 6, 3) and boxes.shape == (1, 6, 4)
    assert np.isfinite(scores).all() and np.isfinite(boxes).all()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_training_step_runs_on_jax() -> None:
    """In a process of its own; with boxes of a class's own, to run these too."""
    pytest.importorskip("jax")
    script = (
        "import sys, numpy as np, keras\n"
        "from maskdet.model.network_plans import FasterRCNNPlan\n"
        "from maskdet.networks.faster_rcnn.faster_rcnn import FasterRCNN\n"
        "net = FasterRCNN(FasterRCNNPlan(backbone='tiny', channels=8, separable=False, units=16,"
        " before=10, after=8, regions=8, class_boxes=True))\n"
        "net.compile(optimizer='sgd')\n"
        "targets = net.target_maker.targets\n"
        "part = targets(np.array([[8, 8, 36, 40]], np.float32), np.array([1]), 64, 64)\n"
        "batch = {k: v[None] for k, v in part.items()}\n"
        "batch['known'] = np.ones((1, 3), np.float32)\n"
        "loss = net.train_on_batch(np.full((1, 64, 64, 3), 99, np.float32), batch)\n"
        "assert np.isfinite(loss), loss\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # what is compiled runs once
    subprocess.run([sys.executable, "-c", script], check=True, timeout=550, env=environment)
