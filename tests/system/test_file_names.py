"""Names of files that are not UTF-8 go through every command, into every output."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from maskdet.config import Override, load_settings
from maskdet.datasets.loading import open_data
from maskdet.datasets.writing import write
from maskdet.drawing.text_renderer import TextRenderer
from maskdet.errors import ConfigError
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.runtimes.litert import LiteRtNetwork
from maskdet.system.file_names import is_readable, readable_name
from maskdet.training.settings import TrainingSettings
from tests.images.pictures import write_image

ROOT = Path(__file__).resolve().parents[2]
NAME = "pr\udcfcfung"


def run(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
    )  # fmt: skip


def test_what_libraries_in_c_are_given():
    assert readable_name(NAME) == "pr?fung" and not is_readable(NAME)
    assert readable_name("prüfung ☺") == "prüfung ☺" and is_readable("prüfung ☺")


def test_settings_take_them():
    overrides = [
        Override("--source", ("sources",), [{"source": NAME, "name": NAME}]),
        Override("--model", ("model",), NAME),
        Override("--record", ("record",), f"{NAME}.mp4"),
    ]
    settings = load_settings(MonitorSettings, None, overrides)
    assert settings.sources[0].source == settings.sources[0].name == settings.model == NAME
    assert settings.record == Path(f"{NAME}.mp4")
    training = load_settings(TrainingSettings, None, [Override("--start", ("start",), NAME)])
    assert training.start == NAME


def test_settings_check_them_as_any_text():
    wrong = Override("--set", ("sources",), [{"source": "0", "format": "\udcfc" * 5}])
    with pytest.raises(ConfigError, match="format"):
        load_settings(MonitorSettings, None, [wrong])


def test_a_picture_shows_a_box_for_such_a_byte():
    canvases = np.zeros((2, 60, 400, 3), np.uint8)
    for canvas, text in zip(canvases, (NAME, "pr□fung"), strict=True):
        TextRenderer().write(canvas, text, 5, 40, (255, 255, 255))
    assert canvases[0].any() and (canvases[0] == canvases[1]).all()


def test_a_model_is_loaded(tmp_path: Path):
    file = tmp_path / f"{NAME}.tflite"
    shutil.copy(ROOT / "models/retinanet-mobilenet/model_int8.tflite", file)
    assert LiteRtNetwork(file).details


@pytest.mark.parametrize(
    ("target", "kind"),
    [(f"{NAME}.json", "coco"), (f"{NAME}.csv", "csv"), (f"{NAME}.record", "tfrecord"),
     (NAME, "voc")],
)  # fmt: skip
def test_a_data_set_is_converted_and_read_again(tmp_path: Path, target: str, kind: str):
    labels = tmp_path / "in" / f"{NAME}.txt"
    labels.parent.mkdir()
    write_image(labels.with_suffix(".jpg"))
    labels.write_text("0 0.5 0.5 0.25 0.5\n")
    (labels.parent / "classes.txt").write_text("with_mask\n")
    data, _ = open_data(labels.parent)
    write(data, tmp_path / target, kind)
    back, _ = open_data(tmp_path / target)
    assert np.allclose(back.samples[0].boxes, [[24, 12, 40, 36]], atol=0.1)
    assert back.samples[0].read().shape == (48, 64, 3)


def test_inspect_reads_them_and_draws_its_sheet(tmp_path: Path):
    write_image(tmp_path / f"{NAME}.jpg")
    (tmp_path / f"{NAME}.txt").write_text("0 0.5 0.5 0.25 0.5\n")
    (tmp_path / "classes.txt").write_text("with_mask\n")
    folder = tmp_path.rename(tmp_path.parent / f"{tmp_path.name}\udcfc")
    ran = run("-m", "maskdet", "inspect", "--data", folder, "--output", folder / NAME, folder=ROOT)
    assert ran.returncode == 0, ran.stderr
    assert json.loads((folder / NAME / "inspection.json").read_text())["pictures"] == 1
    assert (folder / NAME / "contact_sheet.png").stat().st_size > 1000


def test_the_monitor_writes_every_output(tmp_path: Path):
    pictures = tmp_path / NAME
    pictures.mkdir()
    write_image(pictures / f"{NAME}.jpg")
    outputs = [f"{NAME}.mp4", f"{NAME}.jsonl", f"{NAME}-summary.json"]
    options = zip(("--record", "--events", "--summary"), outputs, strict=True)
    ran = run(
        ROOT / "monitor.py", "--headless", "--source", NAME,
        *(word for pair in options for word in pair), folder=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    event = json.loads((tmp_path / outputs[1]).read_text())
    assert (event["source"], event["file"]) == (readable_name(NAME), f"{NAME}/{NAME}.jpg")
    assert all((tmp_path / name).stat().st_size for name in outputs)
