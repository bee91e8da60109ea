"""RetinaNet on TensorFlow: shapes, prior, targets, and what counts in its loss."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from maskdet.model.anchors import AnchorGrid
from maskdet.model.network_plans import RetinaNetPlan
from maskdet.networks.backbones import BACKBONES, freeze
from maskdet.networks.matching import BACKGROUND, IGNORED
from maskdet.networks.retinanet import RetinaNet
from tests.whole_run import slow

SIZE = 64
GRID = AnchorGrid(ratios=(1.0, 1.5), scales=(1.0, 1.3))


def build(**options: object) -> RetinaNet:
    options = {"backbone": "tiny", "channels": 16, "depth": 1, **options}
    return RetinaNet(RetinaNetPlan(**options))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def network() -> RetinaNet:
    return build()


def noise(batch: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (batch, height, width, 3)).astype(np.float32)


@pytest.mark.parametrize(
    "name", [slow(name) if name.startswith("resnet") else name for name in BACKBONES]
)
def test_outputs_fit_the_anchors(name: str) -> None:
    """For sides that are multiples of 32, and for those that are odd at every level."""
    network = build(backbone=name, anchors=GRID)
    for height, width in ((64, 96), (97, 131), (33, 200)):
        logits, deltas = network(noise(2, height, width), training=False)
        anchors = len(GRID.anchors(height, width))
        assert logits.shape == (2, anchors, 3)
        assert deltas.shape == (2, anchors, 4)
        assert np.isfinite(logits.numpy()).all() and np.isfinite(deltas.numpy()).all()


@pytest.mark.parametrize(
    "options",
    [
        {"separable": False, "norm": False},  # as in the paper
        {"separable": True, "norm": False},
        {"separable": False, "norm": True},
        {"depth": 4, "channels": 24, "classes": 5},
    ],
)
def test_every_plan_builds(options: dict[str, object]) -> None:
    network = build(**options)
    logits, deltas = network(noise(1, 32, 32), training=False)
    assert logits.shape[1:] == (len(network.plan.anchors.anchors(32, 32)), network.plan.classes)
    assert deltas.shape[1:] == (logits.shape[1], 4)


def test_a_fixed_size_has_the_same_weights() -> None:
    """An export for one input size loads what was trained at any."""
    free, fixed = build(), RetinaNet(build().plan, 64, 96)
    fixed.set_weights(free.get_weights())
    assert [w.path for w in free.weights] == [w.path for w in fixed.weights]
    image = noise(1, 64, 96)
    np.testing.assert_allclose(free(image)[0], fixed(image)[0], atol=1e-6)


def test_levels_share_the_subnets_but_not_their_norms() -> None:
    names = [layer.name for layer in build().layers]
    assert len([name for name in names if name.startswith("class_conv")]) == 1
    assert len([name for name in names if name.startswith("class_bn0_p")]) == 5


def test_every_anchor_starts_at_one_percent(network: RetinaNet) -> None:
    """A hundred thousand anchors of background must not outweigh the few faces (section 3.3)."""
    logits, _ = network(noise(2, 64, 96), training=False)
    scores = 1 / (1 + np.exp(-logits.numpy()))
    np.testing.assert_allclose(scores, 0.01, atol=0.002)


@pytest.mark.parametrize("matcher", ["iou", "atss"])
def test_targets(matcher: str) -> None:
    """An anchor that is a box answers for it; a box of class −1 is neither face nor background."""
    network = build(matcher=matcher)
    anchors = network.plan.anchors.anchors(SIZE, SIZE)
    boxes = anchors[[9, 36, 70]]
    targets = network.target_maker.targets(boxes, np.array([2, -1, 0]), SIZE, SIZE)
    assert targets["classes"][[9, 36, 70]].tolist() == [2, IGNORED, 0]
    np.testing.assert_array_equal(targets["boxes"][[9, 70]], boxes[[0, 2]])
    assert targets["classes"].dtype == np.int32
    assert targets["boxes"].dtype == np.float32
    assert (targets["classes"] == BACKGROUND).any()
    for value, box in ((2, boxes[0]), (0, boxes[2])):
        assert (targets["boxes"][targets["classes"] == value] == box).all()


def test_targets_of_no_boxes(network: RetinaNet) -> None:
    targets = network.target_maker.targets(
        np.zeros((0, 4), np.float32), np.zeros(0, np.int64), SIZE, SIZE
    )
    assert (targets["classes"] == BACKGROUND).all()
    assert not targets["boxes"].any()


class Case:
    """Outputs of a network, of one picture, and what they should have been."""

    def __init__(self, network: RetinaNet) -> None:
        self.network = network
        self.anchors = network.plan.anchors.anchors(SIZE, SIZE)
        count = len(self.anchors)
        random = np.random.default_rng(0)
        self.logits = tf.Variable(random.normal(0, 2, (1, count, 3)), dtype=tf.float32)
        self.deltas = tf.Variable(random.normal(0, 0.3, (1, count, 4)), dtype=tf.float32)
        self.classes = np.full((1, count), BACKGROUND, np.int32)
        self.boxes = np.zeros((1, count, 4), np.float32)
        self.known = np.ones((1, 3), np.float32)

    def face(self, anchor: int, index: int) -> None:
        """A face a little beside its anchor."""
        self.classes[0, anchor] = index
        self.boxes[0, anchor] = self.anchors[anchor] + [1, 2, 3, 4]

    def gradients(self) -> tuple[float, np.ndarray, np.ndarray]:
        """The loss, and its gradients by logits (N, 3) and deltas (N, 4)."""
        targets = {
            "classes": tf.constant(self.classes),
            "boxes": tf.constant(self.boxes),
            "known": tf.constant(self.known),
        }
        with tf.GradientTape() as tape:
            loss = self.network.compute_loss(
                tf.zeros((1, SIZE, SIZE, 3)), targets, [self.logits, self.deltas]
            )
        gradients = tape.gradient(loss, [self.logits, self.deltas])
        return float(loss), *(gradient.numpy()[0] for gradient in gradients)


@pytest.mark.parametrize("box_loss", ["giou", "smooth_l1"])
def test_boxes_are_learned_of_faces_only(box_loss: str) -> None:
    case = Case(build(box_loss=box_loss))
    case.face(5, 1)
    case.face(80, 0)
    _, logits, deltas = case.gradients()
    learned = np.flatnonzero(np.abs(deltas).sum(axis=1))
    assert learned.tolist() == [5, 80]
    assert (np.abs(logits) > 0).all()  # classes of all


def test_a_picture_without_faces_has_no_box_loss(network: RetinaNet) -> None:
    loss, logits, deltas = Case(network).gradients()
    assert loss > 0
    assert (logits > 0).all()  # every score is to fall
    assert not deltas.any()


def test_an_unknown_class_is_out_of_the_loss(network: RetinaNet) -> None:
    """Where a data set does not label a class, no loss counts for or against it."""
    case = Case(network)
    case.face(5, 1)
    case.known[0, 2] = 0
    loss, logits, deltas = case.gradients()
    assert not logits[:, 2].any()
    assert logits[:, :2].all()
    assert deltas[5].any()
    case.logits[0, :, 2].assign(tf.random.normal((case.logits.shape[1],)))
    assert case.gradients()[0] == pytest.approx(loss, rel=1e-6)


def test_ignored_anchors_are_out_of_the_loss(network: RetinaNet) -> None:
    case = Case(network)
    case.face(5, 1)
    case.classes[0, 7:20] = IGNORED
    _, logits, deltas = case.gradients()
    assert not logits[7:20].any()
    assert logits[:7].all() and logits[20:].all()
    assert not deltas[7:20].any()


def test_the_loss_is_per_face(network: RetinaNet) -> None:
    """Focal loss of all anchors plus weighted GIoU loss of the faces, over their number."""
    case = Case(network)
    case.deltas.assign(tf.zeros_like(case.deltas))
    for anchor in (5, 40, 80):
        case.classes[0, anchor] = 1
        case.boxes[0, anchor] = case.anchors[anchor]
    loss, _, _ = case.gradients()
    p = 1 / (1 + np.exp(-case.logits.numpy()[0].astype(np.float64)))
    label = np.zeros_like(p)
    label[[5, 40, 80], 1] = 1
    focal = np.where(label, -0.25 * (1 - p) ** 2 * np.log(p), -0.75 * p**2 * np.log(1 - p))
    assert loss == pytest.approx(focal.sum() / 3, rel=1e-4)  # the boxes are right: no loss
    case.boxes[0, 5, 2:] += case.boxes[0, 5, 2:] - case.boxes[0, 5, :2]  # twice as wide and high
    assert case.gradients()[0] == pytest.approx(focal.sum() / 3 + 2.0 * 0.75 / 3, rel=1e-4)


def test_varifocal_scores_learn_how_well_the_box_lies() -> None:
    """With the box right, the score is to rise to 1; with half of it, to the IoU of one half."""
    case = Case(build(class_loss="varifocal"))
    case.deltas.assign(tf.zeros_like(case.deltas))
    case.logits.assign(tf.zeros_like(case.logits))
    case.classes[0, [5, 40]] = 1
    case.boxes[0, [5, 40]] = case.anchors[[5, 40]]
    case.boxes[0, 40, 2] += case.boxes[0, 40, 2] - case.boxes[0, 40, 0]  # twice as wide
    _, logits, deltas = case.gradients()
    assert logits[5, 1] < 0
    assert logits[40, 1] == pytest.approx(0, abs=1e-6)  # its score is one half already
    assert (logits[:, [0, 2]] > 0).all()
    giou = Case(build())
    giou.deltas, giou.classes, giou.boxes = case.deltas, case.classes, case.boxes
    np.testing.assert_allclose(deltas, giou.gradients()[2])  # boxes learn by their own loss alone


@pytest.mark.parametrize("box_loss", ["giou", "smooth_l1"])
@pytest.mark.parametrize("class_loss", ["focal", "varifocal"])
def test_extreme_outputs_have_finite_gradients(box_loss: str, class_loss: str) -> None:
    """Outputs that an untrained network may give in its first steps."""
    case = Case(build(box_loss=box_loss, class_loss=class_loss))
    for anchor in range(10):
        case.face(anchor, anchor % 3)
    case.logits.assign(case.logits * 1e6)
    case.deltas.assign(case.deltas * 1e6)
    loss, logits, deltas = case.gradients()
    assert np.isfinite(loss)
    assert np.isfinite(logits).all() and np.isfinite(deltas).all()


def test_every_weight_learns() -> None:
    """A face on each level: no part of the network is left out of the gradient."""
    network = build()
    anchors = network.plan.anchors.anchors(SIZE, SIZE)
    faces = anchors[[20, 70, 81, 84, 85]]
    targets = network.target_maker.targets(faces, np.array([0, 2, 1, 0, 1]), SIZE, SIZE)
    batch = {key: tf.constant(np.stack([value] * 3)) for key, value in targets.items()}
    batch["known"] = tf.ones((3, 3))
    images = tf.constant(noise(3, SIZE, SIZE))
    with tf.GradientTape() as tape:
        loss = network.compute_loss(images, batch, network(images, training=True))
    variables = [weight.value for weight in network.trainable_weights]
    for weight, gradient in zip(
        network.trainable_weights, tape.gradient(loss, variables), strict=True
    ):
        assert np.isfinite(gradient).all() and np.any(gradient), weight.path


def test_freezing_keeps_the_backbones_first_stages() -> None:
    network = build()
    freeze(network, "tiny", stem=True, batch_norm=True)
    frozen = {layer.name for layer in network.layers if layer.weights and not layer.trainable}
    norms = {f"tiny{i}_bn" for i in range(5)}
    assert frozen == {"tiny0_conv", "tiny1_conv", *norms}


def test_freezing_keeps_the_heads_batch_norms() -> None:
    network = build()
    freeze(network, "tiny", stem=False, batch_norm=False, head_norm=True)
    frozen = {layer.name for layer in network.layers if layer.weights and not layer.trainable}
    assert {"p3_bn", "lateral4_bn", "class_bn0_p3", "box_bn0_p7"} <= frozen
    assert all("bn" in name and not name.startswith("tiny") for name in frozen)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backbone", "first", "free"),
    [
        # what sees strides 2 and 4 is kept, what sees stride 8 learns
        ("efficientnet_lite0", "block2_project_conv", "block3_expand_conv"),
        ("mobilenet_v2", "block_2_project", "block_3_expand"),
    ],
)
def test_the_stem_ends_at_stride_four(backbone: str, first: str, free: str) -> None:
    network = build(backbone=backbone)
    freeze(network, backbone, stem=True, batch_norm=False)
    assert not network.get_layer(first).trainable
    assert network.get_layer(free).trainable
    assert network.get_layer("class_conv0").trainable
