"""`maskdet evaluate --card`: what comes into a model's card, and when it does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskdet.__main__ import main
from maskdet.commands import evaluate
from maskdet.commands.evaluate import Outputs
from maskdet.commands.measured_data import MeasuredData, Scenes
from maskdet.detections import Detections
from maskdet.evaluation.sweeps import SHARES
from maskdet.model.card import read_card, write_card
from maskdet.model.decision import DecisionRule
from tests.datasets.voc_folder import write_voc_folder
from tests.doubles import ScriptedDetector
from tests.helpers.tiny import make_bare_card


@pytest.fixture
def data(tmp_path: Path) -> Path:
    names = write_voc_folder(tmp_path / "set", 2)
    (tmp_path / "set/val.txt").write_text("\n".join(names) + "\n")
    return tmp_path / "set"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model whose card has metrics already, sweeps of an earlier time among them."""
    folder = make_bare_card(tmp_path / "tiny")
    metrics = {"validation": {"pictures": "all"}, "sweeps": {"command": "an earlier one"}}
    write_card(folder, read_card(folder).model_copy(update={"metrics": metrics}))
    return folder


def a_face_in_everything(image: np.ndarray) -> Detections:
    return Detections([[4, 4, 44, 54]], [0.9], [0])


def test_the_sweeps_replace_earlier_ones_and_all_else_stays(
    data: Path, model: Path, tmp_path: Path
) -> None:
    before = read_card(model)
    measured = MeasuredData(data, data / "val.txt", scenes=Scenes("([0-9]+)", 1))
    status = evaluate.run(
        lambda min_score: ScriptedDetector(a_face_in_everything),
        measured,
        Outputs(plots=tmp_path / "plots", card_folder=model),
        rule=DecisionRule.from_min_score(0.5),
        sweep_faces=1,
    )
    assert status == 0
    after = read_card(model)
    sweeps = after.metrics["sweeps"]
    assert sweeps["command"] == (
        "python -m maskdet evaluate --model tiny --data DIR --images val.txt "
        "--scene '([0-9]+)' --max-per-scene 1 --sweeps --sweep-faces 1 --card"
    )
    assert sweeps["empty"]["with_false_face"] == 1
    assert sweeps["size"]["share_of_width"] == list(SHARES) and sweeps["size"]["faces"][0] == 1
    assert {**after.metrics, "sweeps": None} == {**before.metrics, "sweeps": None}
    assert after.model_dump(exclude={"metrics"}) == before.model_dump(exclude={"metrics"})


@pytest.mark.parametrize(
    "options", [[], ["--sweeps", "--threshold", "0.5"], ["--sweeps", "--tiles", "2"]]
)
def test_a_card_has_the_sweeps_of_the_model_as_it_is(
    data: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    assert main(["evaluate", "--data", str(data), "--card", *options]) == 2
    assert "--card: writes the sweeps of a model" in capsys.readouterr().err
