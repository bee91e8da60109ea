"""Kaggle's face-mask-detection archive, as it is downloaded and unpacked, trains by one command."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.__main__ import main
from maskdet.datasets.loading import read_samples
from maskdet.detections import CLASS_NAMES
from maskdet.model.card import read_card

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs" / "retinanet_kaggle.yaml"
SMALL = {
    "imagenet": "none", "network.backbone": "tiny", "network.channels": "8", "network.depth": "1",
    "augmentation.size": "64", "augmentation.long_side": "96", "evaluation_size": "96",
    "schedule.steps": "2", "schedule.batch": "2", "schedule.evaluate_every": "2",
}  # fmt: skip
OBJECT = """    <object>
        <name>{}</name>
        <pose>Unspecified</pose>
        <truncated>0</truncated>
        <occluded>0</occluded>
        <difficult>0</difficult>
        <bndbox>
            <xmin>{}</xmin>
            <ymin>{}</ymin>
            <xmax>{}</xmax>
            <ymax>{}</ymax>
        </bndbox>
    </object>
"""
XML = """<annotation>
    <folder>images</folder>
    <filename>{}.png</filename>
    <size>
        <width>{}</width>
        <height>{}</height>
        <depth>3</depth>
    </size>
    <segmented>0</segmented>
{}</annotation>"""
COUNT = 20


def unpack_archive(folder: Path) -> Path:
    """Named and written as the 853 pictures are, four channels and all; a Mac's litter beside."""
    random = np.random.default_rng(0)
    archive = folder / "archive"
    for name in ("images", "annotations"):
        (archive / name).mkdir(parents=True)
    for number in range(COUNT):
        name, (width, height) = f"maksssksksss{number}", ((96, 72), (60, 90))[number % 2]
        image = random.integers(0, 256, (height, width, 4), np.uint8)
        cv2.imwrite(str(archive / "images" / f"{name}.png"), image)
        faces = [
            OBJECT.format(CLASS_NAMES[(number + i) % 3], 25 * i, 10, 25 * i + 20, 34)
            for i in range(2)
        ]
        xml = XML.format(name, width, height, "".join(faces))
        (archive / "annotations" / f"{name}.xml").write_text(xml)
    (archive / "images" / "._maksssksksss0.png").write_bytes(b"\0\5\x16\7")
    (folder / "__MACOSX" / "archive" / "images").mkdir(parents=True)
    (folder / "__MACOSX" / "._archive").write_bytes(b"\0\5\x16\7")
    return archive


@pytest.mark.slow
def test_the_archive_trains_with_one_command(tmp_path: Path) -> None:
    """The folder that it was unpacked in is enough."""
    unpack_archive(tmp_path / "download")
    small = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    command = ["train", "--config", str(CONFIG), "--data", str(tmp_path / "download")]
    assert main([*command, "--output", str(tmp_path / "run"), *small]) == 0
    card = read_card(tmp_path / "run" / "retinanet-kaggle")
    assert card.metrics["validation"]["images"] == COUNT // 10
    assert card.provenance["data"][0].endswith("CC0 1.0")


@pytest.mark.parametrize("inner", ["", "archive"])
def test_every_picture_and_face_is_there(tmp_path: Path, inner: str) -> None:
    unpack_archive(tmp_path / "download")
    samples = read_samples(tmp_path / "download" / inner)
    assert len(samples) == COUNT
    assert sorted({state for sample in samples for state in sample.classes.tolist()}) == [0, 1, 2]
    assert sum(len(sample.boxes) for sample in samples) == 2 * COUNT


def test_the_archive_itself_is_to_be_unpacked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "archive.zip").write_bytes(b"PK\3\4")
    command = ["train", "--config", str(CONFIG), "--data", str(tmp_path / "archive.zip")]
    assert main([*command, "--output", str(tmp_path / "run")]) == 2
    assert "is an archive; unpack it and give its folder" in capsys.readouterr().err
