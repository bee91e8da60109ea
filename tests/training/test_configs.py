"""The settings that ship for training: they are read, and belong to the models that ship."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from maskdet.config import load_settings, read_yaml
from maskdet.model.card import read_card
from maskdet.networks.plans import plan_to_options
from maskdet.runtimes.spec import MODELS
from maskdet.training.run import plan_of
from maskdet.training.settings import TrainingSettings

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
LISTING = CONFIGS / "training_settings.yaml"
NO_RUNS = {"monitor.yaml", "cluster.yaml", LISTING.name}
FILES = sorted(file for file in CONFIGS.rglob("*.yaml") if file.name not in NO_RUNS)
LEARNING = {"matcher", "box_loss", "box_weight", "class_loss"}
"""Options that change how weights are learned and not which there are."""


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


def test_names_of_earlier_versions_are_read_with_a_note() -> None:
    sets = ["train=[{list: a.txt, 'labelled': [with_mask]}]", 'augmentation={"colour": 0.3}']
    notes: list[str] = []
    settings = load_settings(TrainingSettings, None, ["network.kind=retinanet", *sets], notes)
    assert settings.train[0].labeled == ("with_mask",) and settings.augmentation.color == 0.3
    assert "is called 'labeled' now" in notes[0] and len(notes) == 2


def keys_of(value: Any) -> Any:
    """The keys of nested mappings."""
    if isinstance(value, dict):
        return {key: keys_of(each) for key, each in value.items()}
    return [keys_of(each) for each in value] if isinstance(value, list) else None


@pytest.mark.parametrize("kind", ["retinanet", "faster_rcnn"])
def test_the_listing_has_every_setting_with_its_default(kind: str, tmp_path: Path) -> None:
    """Also of the network that stands there as a comment."""
    text = LISTING.read_text("utf-8")
    if kind == "faster_rcnn":
        start, end = text.index("network:\n"), text.index("augmentation:\n")
        block = text[start:end].partition("#\n")[2]
        lines = [line.removeprefix("#") for line in block.splitlines()]
        text = f"{text[:start]}network:\n" + "\n".join(lines) + f"\n{text[end:]}"
    file = tmp_path / "settings.yaml"
    file.write_text(text, "utf-8")
    default = load_settings(TrainingSettings, None, [f"network.kind={kind}"])
    assert load_settings(TrainingSettings, file) == default
    listed = keys_of(read_yaml(file))
    for part in listed["train"]:
        part["classes"] = {}
    assert listed == keys_of(default.model_dump(mode="json"))


def _weights(options: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that decide which weights there are."""
    return {name: value for name, value in options.items() if name not in LEARNING}
