"""Training settings of other systems: named in one line, with the file to take in their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdet.__main__ import main
from maskdet.errors import ConfigError
from maskdet.training.other_systems import load_training_settings

ROOT = Path(__file__).resolve().parents[2]
PIPELINE = """# Faster R-CNN with ResNet-101
model {{
  {0} {{
    num_classes: 3
  }}
}}
train_config: {{
  batch_size: 1
}}
"""


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("pipeline.config", PIPELINE.format("faster_rcnn"),
         "pipeline.config of TensorFlow's Object Detection API (faster_rcnn); take "
         "configs/faster_rcnn_light.yaml or faster_rcnn_resnet50.yaml"),
        ("ssd.config", PIPELINE.format("ssd").replace("\n", "\r\n"),
         "(ssd); take configs/retinanet_light.yaml or retinanet_resnet50.yaml"),
        ("config.ini", "[anchor_parameters]\nsizes = 32 64 128 256 512\nratios = 0.5 1 2\n",
         "is keras-retinanet's; take configs/retinanet_light.yaml"),
        ("yolov4.cfg", "[net]\nbatch=64\n[convolutional]\nfilters=32\n", "plan of Darknet"),
        ("data.yaml", "train: images\nval: images\nnc: 2\nnames: [mask, no]\n",
         "is a data set of YOLO, and no settings; name it by --data"),
        ("args.yaml", "task: detect\nmode: train\nmodel: yolov8n.pt\n", "is of ultralytics"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["train", "inspect"])
def test_they_are_named_in_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    name: str,
    text: str,
    words: str,
) -> None:
    (tmp_path / name).write_bytes(text.encode())
    given = ["--config", str(tmp_path / name), "--data", str(tmp_path)]
    assert main([command, *given, "--output", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{name}: is " in line and words in line
    for file in [
        word.strip(",;") for word in line.split() if word.startswith(("configs/", "docs/"))
    ]:
        assert (ROOT / file).is_file()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "words"), [("nmae: x\n", "did you mean 'name'"), ("a: [", "not valid YAML")]
)
def test_mistakes_of_our_own_settings_stay(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(ConfigError, match=words):
        load_training_settings(tmp_path / "x.yaml")
    with pytest.raises(ConfigError, match="No such file"):
        load_training_settings(tmp_path / "none.yaml")
    assert load_training_settings(None, ["name=mine"]).name == "mine"
