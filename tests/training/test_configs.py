"""The settings that ship for training: they are read, and belong to the models that ship."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from maskdet.card import read_card
from maskdet.config import load_settings
from maskdet.networks.plans import plan_to_options
from maskdet.runtimes.loading import MODELS
from maskdet.training.settings import TrainingSettings
from maskdet.training.train import plan_of

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
FILES = sorted(file for file in CONFIGS.glob("*.yaml") if file.name != "monitor.yaml")
LEARNING = {"matcher", "box_loss", "box_weight", "class_loss"}
"""Options that change how weights are learnt and not which there are."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_settings_give_the_network_of_the_model_they_name(file: Path) -> None:
    settings = load_settings(TrainingSettings, file)
    plan = plan_to_options(plan_of(settings.network))
    assert settings.description and all(part.about for part in settings.train)
    if not (MODELS / settings.name).is_dir():
        assert settings.name == "retinanet-kaggle"
        return
    card = read_card(MODELS / settings.name)
    assert _weights(plan) == _weights(card.options)


def _weights(options: Mapping[str, Any]) -> dict[str, Any]:
    """What decides which weights there are."""
    return {name: value for name, value in options.items() if name not in LEARNING}
