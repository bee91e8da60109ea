"""A model folder with a network so small that tests can build, export and run it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from maskdet.card import InputSize, ModelCard, ModelFile, ScoreLimits, write_card
from maskdet.detections import CLASS_NAMES
from maskdet.files import sha256_of


def make_tiny_model(folder: Path) -> Path:
    """Random weights, but outputs that depend on the picture: some faces score above .01."""
    import keras

    from maskdet.networks.plans import plan_to_options
    from maskdet.networks.retinanet import RetinaNet, RetinaNetPlan

    keras.utils.set_random_seed(1)
    plan = RetinaNetPlan(backbone="mobilenet_v2", channels=8, depth=1)
    network = RetinaNet(plan)
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
        min_score=ScoreLimits.alike(0.005),
        options=plan_to_options(plan),
    )
    write_card(folder, card)
    return folder


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
