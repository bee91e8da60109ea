"""The commands of docs/training.md, read out of it and run one after the other."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from maskdet.__main__ import main
from maskdet.commands.monitor import main as monitor
from maskdet.model.card import read_card
from maskdet.training.own_data import adapted
from tests.training.portraits import write_portraits

pytest.importorskip("tensorflow")
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "training.md"
SMALL = {
    "imagenet": "none", "network.backbone": "tiny", "network.channels": "8", "network.depth": "1",
    "network.separable": "false", "evaluation_size": "128", "augmentation.size": "128",
    "augmentation.long_side": "128", "augmentation.paste": "0", "augmentation.mosaic": "0",
    "schedule.steps": "20", "schedule.batch": "4", "schedule.rate": "0.01",
    "schedule.warm_up": "3", "schedule.average": "0.5",
}  # fmt: skip
"""A network and a training that a test has time for."""
WATCHED = ["--source", "demo", "--headless", "--max-frames", "2"]


def commands() -> list[list[str]]:
    """The page's commands, as a shell would split them."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def run(words: list[str]) -> int:
    if words[:2] == ["python", "monitor.py"]:
        return monitor([*words[2:], *WATCHED])
    assert words[:3] == ["python", "-m", "maskdet"], words
    small = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    return main(words[3:] + (small if words[3] == "train" else []))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_command_of_the_guide_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A new user's folder: pictures, each with LabelImg's xml beside it, and nothing else."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    write_portraits(tmp_path / "made", 12)
    (tmp_path / "faces").mkdir()
    for part in ("images", "annotations"):
        for file in (tmp_path / "made" / part).iterdir():
            shutil.move(file, tmp_path / "faces")
    monkeypatch.chdir(tmp_path)
    assert [words[3] if "-m" in words else words[1] for words in commands()] == [
        "inspect", "train", "evaluate", "export", "calibrate", "monitor.py",
    ]  # fmt: skip
    for words in commands():
        assert run(words) == 0, shlex.join(words)
    model = Path("runs/mine/retinanet-mobilenet")
    card = read_card(model)
    assert {"keras", "litert_int8"} <= card.files.keys()
    assert card.provenance["data"] == [
        "all pictures of the data folder: with_mask, without_mask, mask_weared_incorrect"
    ]
    reported = capfd.readouterr().err
    assert "splits/train.txt is not in faces: all pictures there are taken" in reported
    assert "next:\n  maskdet evaluate --model runs/mine/retinanet-mobilenet" in reported
    assert len(Path("runs/mine/validation.txt").read_text().split()) == 1


def test_the_guide_s_settings_begin_from_the_model_that_ships(tmp_path: Path) -> None:
    """Parts that the other test must leave out, as its network is tiny."""
    from maskdet.commands import train
    from maskdet.config import load_settings
    from maskdet.training.settings import TrainingSettings

    words = next(words for words in commands() if "train" in words)
    config = ROOT / words[words.index("--config") + 1]
    overrides = [word for before, word in zip(words, words[1:], strict=False) if before == "--set"]
    settings = load_settings(TrainingSettings, config, overrides)
    changed, _ = adapted(settings, tmp_path, find_start=train._find_start)
    assert Path(changed.start).name == settings.name
