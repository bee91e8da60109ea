"""`maskdet train` and `maskdet evaluate` as a person runs them, on a tiny network and data set."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from maskdet.__main__ import main
from maskdet.commands.train import command_of, last_words
from maskdet.config import load_settings
from maskdet.model.card import model_file, read_card
from maskdet.training import checkpoint
from maskdet.training.csv_log import read_metrics
from maskdet.training.settings import TrainingSettings
from tests.datasets.voc_folder import write_voc_folder

ROOT = Path(__file__).resolve().parents[2]
SMALL = {
    "name": "small",
    "imagenet": "none",
    "network.backbone": "tiny",
    "network.channels": "8",
    "network.depth": "1",
    "augmentation.size": "64",
    "augmentation.long_side": "120",
    "evaluation_size": "128",
    "schedule.batch": "2",
    "schedule.warm_up": "2",
    "schedule.evaluate_every": "10",
}
WITHOUT_TENSORFLOW = """
import sys
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Gone())
from maskdet.__main__ import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set") / "archive"
    write_voc_folder(folder, 12)
    write_voc_folder(folder / "bare", 1, faces=0)
    (folder / "bare.txt").write_text("bare/images/0.png\n")
    return folder


def train(data: Path, output: Path, *more: str, **settings: object) -> list[str]:
    """The arguments of a training."""
    values = {**SMALL, **{key.replace("__", "."): value for key, value in settings.items()}}
    overrides = [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
    return ["train", "--data", str(data), "--output", str(output), *more, *overrides]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "maskdet", *arguments]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", **more}


@pytest.fixture(scope="module")
def interrupted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A run that met Ctrl-C after its first evaluation: its folder, exit status, last words."""
    output = tmp_path_factory.mktemp("run") / "out"
    with subprocess.Popen(
        command(*train(data, output, schedule__steps=100_000)),
        stderr=subprocess.PIPE, text=True, env=environment(), cwd=ROOT,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("step 10: mAP50"):
                process.send_signal(signal.SIGINT)
                break
        words = process.stderr.read()
    return output, process.returncode, words


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(interrupted: tuple[Path, int, str]) -> None:
    output, status, words = interrupted
    assert status == 130
    step = checkpoint.load(output / "checkpoint.npz").step
    assert step >= 10
    assert words.splitlines()[-1] == (
        f"stopped after step {step}; the same command with --resume goes on"
    )
    assert "stopping after this step or evaluation; a second Ctrl-C ends at once" in words
    assert "Traceback" not in words


@pytest.mark.slow
def test_an_interrupted_run_has_its_pictures_and_model(
    interrupted: tuple[Path, int, str],
) -> None:
    output, _, _ = interrupted
    for name in ("curves.png", "validation/step_000010.png"):
        assert cv2.imread(str(output / name)) is not None
    card = read_card(output / "small")
    assert model_file(output / "small", card, "keras").is_file()  # its checksum is right
    assert card.network == "retinanet"
    assert (card.input.height, card.input.width) == (128, 128)
    assert card.options["backbone"] == "tiny"
    measured = card.metrics["validation"]
    assert (measured["images"], measured["faces"], measured["step"]) == (1, 2, 10)
    assert 0 <= measured["mAP50"] <= 1
    assert card.provenance["command"].startswith("python -m maskdet train --set name=small")
    assert card.provenance["settings"]["schedule"]["batch"] == 2
    assert {"data", "keras", "maskdet", "date"} <= card.provenance.keys()


@pytest.mark.slow
def test_a_second_run_does_not_spoil_the_first(
    interrupted: tuple[Path, int, str], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, _, _ = interrupted
    before = (output / "settings.yaml").read_bytes()
    assert main(train(data, output, schedule__steps=1)) == 2
    assert "add --resume" in capsys.readouterr().err
    assert (output / "settings.yaml").read_bytes() == before


@pytest.mark.slow
def test_resume_goes_on_to_the_end(
    interrupted: tuple[Path, int, str], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, _, _ = interrupted
    step = checkpoint.load(output / "checkpoint.npz").step
    end = (step // 10 + 1) * 10
    assert main(train(data, output, "--resume", schedule__steps=end)) == 0
    shown = capsys.readouterr().err
    assert f"going on after step {step}" in shown
    *_, reported, words, evaluating, exporting, watching = shown.splitlines()
    assert (reported, words) == (f"done; the model is in {output / 'small'}", "next:")
    model = f"--model {output / 'small'}"
    assert evaluating == (
        f"  maskdet evaluate {model} --data {data} --images {output}/validation.txt"
    )
    assert exporting == (f"  maskdet export {model} --to litert --int8 --calibrate {data}")
    assert watching == f"  maskdet monitor {model}"
    assert checkpoint.load(output / "checkpoint.npz").step == end
    assert read_metrics(output / "validation.csv")["step"].tolist()[-1] == end
    assert read_metrics(output / "training.csv")["step"][-1] == end
    assert scalar_steps(output / "tensorboard", "validation/mAP50")[-1] == end


@pytest.mark.parametrize("name", ["retinanet_light", "faster_rcnn_light"])
@pytest.mark.parametrize("holds_images", [True, False])
def test_the_export_that_is_named_at_the_end_can_be_made(
    tmp_path: Path, name: str, holds_images: bool
) -> None:
    """Faster R-CNN has no full-integer file; the images of records are not files."""
    settings = load_settings(TrainingSettings, ROOT / f"configs/{name}.yaml", ["train=[{}]"])
    records = tmp_path / "train.record"
    records.touch()
    if holds_images:
        (tmp_path / "a.png").touch()
    (line,) = [x for x in last_words(settings, records, tmp_path / "run") if " export " in x]
    is_int8 = holds_images and name == "retinanet_light"
    assert line.endswith(f"--to litert --int8 --calibrate {tmp_path}" if is_int8 else "--to litert")


def test_a_folder_without_pictures_sets_no_ranges(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", "--to", "litert", "--int8", "--calibrate", str(tmp_path)]
    assert main(words) == 2
    assert capsys.readouterr().err == (
        f"maskdet: --calibrate {tmp_path}: no pictures in that folder\n"
    )


def scalar_steps(folder: Path, tag: str) -> list[int]:
    """Steps of a scalar in event files, read by TensorFlow's own reader."""
    reader = pytest.importorskip("tensorflow.python.summary.summary_iterator")
    steps = []
    for file in sorted(folder.iterdir()):
        for event in reader.summary_iterator(str(file)):
            steps += [event.step for value in event.summary.value if value.tag == tag]
    return steps


@pytest.mark.slow
def test_training_needs_no_tensorflow(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("jax")
    words = train(data, tmp_path / "out", schedule__steps=1, network__norm="false")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, *words],
        capture_output=True, text=True, cwd=ROOT, check=False,
        # compiled code runs once here: making it fast is time lost
        env=environment(KERAS_BACKEND="jax", JAX_DISABLE_MOST_OPTIMIZATIONS="1"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert read_card(tmp_path / "out/small").provenance["keras"].endswith("(jax)")
    assert any((tmp_path / "out/tensorboard").iterdir())


def test_a_missing_back_end_is_one_line(data: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, *train(data, tmp_path / "out")],
        capture_output=True, text=True, env=environment(KERAS_BACKEND="tensorflow"), cwd=ROOT,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "tensorflow is not installed" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_evaluate_measures_a_trained_model(
    interrupted: tuple[Path, int, str], data: Path, tmp_path: Path
) -> None:
    output, _, _ = interrupted
    arguments = ["evaluate", "--model", str(output / "small"), "--data", str(data)]
    arguments += ["--json", str(tmp_path / "out.json"), "--output", str(tmp_path / "plots")]
    assert main([*arguments, "--device", "cpu", "--threshold", "0.2"]) == 0
    metrics = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert (metrics["model"], metrics["images"], metrics["faces"]) == ("small", 12, 24)
    assert "CPU" in metrics["device"]
    assert 0 <= metrics["metrics"]["mAP50"] <= 1
    assert {file.name for file in (tmp_path / "plots").iterdir()} == {
        "precision_recall.png", "confusion.png", "reliability.png", "mistakes.png",
    }  # fmt: skip


def test_a_scene_that_cannot_be_named_is_one_line(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--data", str(data), "--scene", "[a-z]+"]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "--scene [a-z]+" in line]
    assert len(lines) == 1 and "must have one group" in lines[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network__chanels": 8}, "did you mean 'network.channels'?"),
        ({"network__backbone": "vgg"}, "there are efficientnet_lite0"),
        ({"network__anchors": "{sizes: [1, 2]}"}, "one for each of 5 levels"),
        ({"name": "../elsewhere"}, "name"),
        ({"imagenet": "nowhere.npz"}, "nowhere.npz"),
        ({"start": "nowhere.weights.h5"}, "nowhere.weights.h5"),
        ({"imagenet": '""'}, "no download"),
        ({"validation": "list.txt"}, "cannot be read: "),
        ({"train": "[{list: ../list.txt}]"}, "leads out of the data folder"),
        ({"validation": "bare.txt"}, "no faces"),
    ],
)
def test_wrong_settings_are_reported(
    change: dict[str, object],
    words: str,
    data: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(train(data, tmp_path / "out", **change)) == 2
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("maskdet: ")]
    assert len(lines) == 1
    assert words in lines[0]


def test_a_download_that_fails_names_the_ways_round(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def unreachable(*arguments: object) -> None:
        raise Exception("URL fetch failure on https://…: None -- unreachable")  # as Keras does

    monkeypatch.setattr("maskdet.networks.backbones.load_imagenet", unreachable)
    assert main(train(data, tmp_path / "out", imagenet='""')) == 2
    reported = capsys.readouterr().err
    assert "cannot be downloaded (URL fetch failure" in reported
    assert "'none' to start from random weights" in reported


@pytest.mark.parametrize("words", [["train"], ["evaluate", "--images", "list.txt"]])
def test_missing_data_is_one_line(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--data", str(tmp_path / "none")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "none: no such" in lines[0]


def test_a_training_is_no_model_s_neighbor(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small/card.yaml").write_text("name: small\n")
    assert main(train(data, tmp_path)) == 2
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "small/card.yaml").read_text() == "name: small\n"


@pytest.mark.parametrize(
    ("config", "overrides", "expected"),
    [
        (None, [], "python -m maskdet train --data DIR"),
        (
            Path("configs/a.yaml"),
            ["schedule.steps=5"],
            "python -m maskdet train --config configs/a.yaml --set schedule.steps=5 --data DIR",
        ),
        # folders of the machine it was trained on are nobody's business
        (
            Path("/home/me/a.yaml"),
            ["imagenet=/home/me/lite0.npz"],
            "python -m maskdet train --config a.yaml --set imagenet=lite0.npz --data DIR",
        ),
    ],
)
def test_a_card_s_command_names_no_folders(
    config: Path | None, overrides: list[str], expected: str
) -> None:
    assert command_of(config, overrides) == expected
