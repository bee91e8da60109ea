"""A model folder with a network so small that tests can build, export and run it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from maskdet.detections import CLASS_NAMES
from maskdet.model.card import (
    Calibrations,
    InputSize,
    ModelCard,
    ModelFile,
    PlattScale,
    ScoreLimits,
    write_card,
)
from maskdet.system.atomic_files import sha256_of


def make_bare_card(folder: Path) -> Path:
    """A model folder with a card alone, for tests in which nobody opens its weights."""
    weights = ModelFile(file="weights", sha256="0" * 64)
    card = ModelCard(
        name="tiny",
        network="retinanet",
        input=InputSize(height=96, width=96),
        classes=CLASS_NAMES,
        files={"litert_int8": weights, "keras": weights},
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_card(folder, card)
    return folder


def make_tiny_model(folder: Path) -> Path:
    """Random weights, but outputs that depend on the picture: some faces score above .01."""
    import keras

    from maskdet.model.network_plans import RetinaNetPlan
    from maskdet.networks.plans import plan_to_options
    from maskdet.networks.retinanet import RetinaNet

    keras.utils.set_random_seed(1)
    plan = RetinaNetPlan(backbone="tiny", channels=8, depth=1)
    network = RetinaNet(plan)
    random = np.random.default_rng(1)
    for variable in network.trainable_variables:
        if "_output/" in variable.path and "kernel" in variable.path:
            variable.assign(random.normal(0, 1.5, variable.shape))
    folder.mkdir(parents=True, exist_ok=True)
    network.save_weights(folder / "model.weights.h5")
    card = ModelCard(
        name="tiny",
        network="retinanet",
        input=InputSize(height=96, width=96),
        classes=CLASS_NAMES,
        files={
            "keras": ModelFile(
                file="model.weights.h5", sha256=sha256_of(folder / "model.weights.h5")
            )
        },
        min_score=ScoreLimits(face=0.005),
        options=plan_to_options(plan),
    )
    write_card(folder, card)
    return folder


def make_lively_model(folder: Path, kind: str = "retinanet") -> Path:
    """Random weights, too, but of a smaller network that is sure of much: scores of all sizes."""
    import keras

    from maskdet.networks.plans import build_network, plan_from_options, plan_to_options

    keras.utils.set_random_seed(1)
    plan = plan_from_options({**LIVELY[kind], "backbone": "tiny", "channels": 16}, kind)
    network = build_network(plan)
    random = np.random.default_rng(1)
    for variable in network.trainable_variables:
        if any(name in variable.path for name in LOUD):
            variable.assign(random.normal(0, 0.5, variable.shape))
    folder.mkdir(parents=True, exist_ok=True)
    network.save_weights(folder / "model.weights.h5")
    digest = sha256_of(folder / "model.weights.h5")
    card = ModelCard(
        name=f"lively-{kind}",
        network=kind,
        input=InputSize(height=96, width=128),
        classes=CLASS_NAMES,
        files={"keras": ModelFile(file="model.weights.h5", sha256=digest)},
        calibration=Calibrations(with_mask=PlattScale(slope=0.9, shift=0.1)),
        options=plan_to_options(plan),
    )
    write_card(folder, card)
    return folder


LIVELY = {
    "retinanet": {"separable": False, "depth": 1},
    "faster_rcnn": {"separable": False, "units": 32, "before": 40, "after": 20},
}
LOUD = ("class_output", "box_output", "head_class", "head_dense", "rpn_objectness")


def pictures(folder: Path, count: int = 3) -> list[Path]:
    """Noise of several scales, as PNG files."""
    random = np.random.default_rng(0)
    files = []
    for number in range(count):
        coarse = random.integers(0, 256, (6 + number, 8, 3), np.uint8)
        image = cv2.resize(coarse, (128, 96), interpolation=cv2.INTER_CUBIC)
        files.append(folder / f"{number}.png")
        files[-1].write_bytes(cv2.imencode(".png", image)[1].tobytes())
    return files
