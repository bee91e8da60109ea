"""A plan survives its way through a model card; a wrong card is reported in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from maskdet.config import read_yaml, write_yaml
from maskdet.errors import ModelError
from maskdet.model.anchors import AnchorGrid
from maskdet.model.network_plans import RetinaNetPlan
from maskdet.networks.plans import plan_from_options, plan_to_options

PLAN = RetinaNetPlan("mobilenet_v2", anchors=AnchorGrid(ratios=(0.8, 1.2)), box_loss="smooth_l1")


def test_a_plan_comes_back_from_yaml(tmp_path: Path) -> None:
    file = tmp_path / "card.yaml"
    file.write_text(write_yaml(plan_to_options(PLAN)))
    assert plan_from_options(read_yaml(file)) == PLAN


def test_what_is_not_given_has_its_default() -> None:
    assert plan_from_options({"depth": 2}) == replace(RetinaNetPlan(), depth=2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"chanels": 64}, "unknown network option chanels"),
        ({"anchors": {"sizs": [1]}}, "unknown network option anchors.sizs"),
        ({"anchors": 3}, "option anchors:"),
        ({"channels": "many"}, "option channels:"),
        ({"channels": 10**9}, "from 1 to 2048"),  # would fill the memory
        ({"depth": 0}, "from 1 to 32"),
        ({"backbone": "vgg"}, "there are efficientnet_lite0"),
        ({"anchors": {"sizes": [1, 2]}}, "one for each of 5 levels"),
        ({"anchors": {"strides": [4, 8, 16, 32, 64]}}, "the pyramid has"),
        ({"anchors": {"scales": []}}, "ratios × scales, not 0"),
        ({"anchors": {"ratios": [-1.0]}}, "ratios: must be above 0"),
        ({"matcher": "best"}, "option matcher:"),
        ({"deviations": [1, 2]}, "option deviations"),
        ({"box_weight": float("nan")}, "must be above 0"),
    ],
)
def test_a_wrong_option_is_one_line(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelError) as error:
        plan_from_options(options)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
