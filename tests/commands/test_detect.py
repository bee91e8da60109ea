"""Pictures in, annotated pictures and boxes out, whatever the pictures are."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.commands import detect
from maskdet.detections import Detections
from maskdet.errors import ConfigError, SinkError
from maskdet.testing import ScriptedDetector


def two_faces(image: np.ndarray) -> Detections:
    """Boxes in the picture's own pixels, one of them doubtful."""
    height, width = image.shape[:2]
    boxes = [[0, 0, width / 2, height / 2], [width / 2, height / 2, width, height]]
    return Detections(np.array(boxes), np.array([0.9, 0.4]), np.array([0, 2]))


def picture(path: Path, width: int = 64, height: int = 48) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imencode(path.suffix, np.full((height, width, 3), 128, np.uint8))[1].tofile(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures in folders below folders, of several sizes and kinds."""
    pictures = tmp_path / "in"
    picture(pictures / "a.jpg")
    picture(pictures / "door/a.jpg", 320, 240)
    picture(pictures / "door/früh/b.png", 33, 21)
    return pictures


def run(*paths: Path, **options: object) -> int:
    return detect.run(ScriptedDetector(two_faces), paths, **options)  # type: ignore[arg-type]


def images_in(file: Path) -> dict[str, dict[str, object]]:
    return {image["file"]: image for image in json.loads(file.read_text())["images"]}


def test_boxes_are_written_in_pixels_of_each_picture(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(folder, json_file=tmp_path / "out/boxes.json") == 0
    images = images_in(tmp_path / "out/boxes.json")
    names = ("a.jpg", "door/a.jpg", "door/früh/b.png")
    assert set(images) == {str(folder / name) for name in names}
    assert images[str(folder / "door/a.jpg")] == {
        "file": str(folder / "door/a.jpg"),
        "width": 320,
        "height": 240,
        "detections": [
            {"box": [0, 0, 160, 120], "score": 0.9, "state": "with_mask"},
            {"box": [160, 120, 320, 240], "score": 0.4, "state": "mask_weared_incorrect"},
        ],
    }
    out = capsys.readouterr().out.splitlines()
    assert f"{folder / 'a.jpg'}: 1 mask, 1 incorrect" in out and len(out) == 3


def test_an_unsure_face_comes_with_how_likely_each_state_is(folder: Path, tmp_path: Path):
    said = Detections([[0, 0, 9, 9]], [0.85], [3], None, [[0.45, 0.4, 0.0]])
    detector = ScriptedDetector(lambda image: said)
    detect.run(detector, [folder / "a.jpg"], json_file=tmp_path / "b.json")
    (face,) = images_in(tmp_path / "b.json")[str(folder / "a.jpg")]["detections"]  # type: ignore[misc]
    assert (face["state"], face["score"]) == ("unsure", 0.85)
    likely = {"with_mask": 0.45, "without_mask": 0.4, "mask_weared_incorrect": 0}
    assert face["states"] == pytest.approx(likely)


def test_doubtful_faces_are_left_out_below_min_score(folder: Path, tmp_path: Path):
    assert run(folder, json_file=tmp_path / "b.json", min_score=0.5) == 0
    assert all(len(i["detections"]) == 1 for i in images_in(tmp_path / "b.json").values())  # type: ignore[arg-type]


def test_who_asks_for_low_scores_gets_a_faces_other_states(folder: Path, tmp_path: Path, capsys):
    """In the JSON; the line and the picture tell of each face once."""
    said = Detections([[0, 0, 9, 9]], [0.6], [0], None, [[0.6, 0.01, 0.2]])
    detector = ScriptedDetector(lambda image: said)
    detect.run(detector, [folder / "a.jpg"], json_file=tmp_path / "b.json", min_score=0.05)
    faces = images_in(tmp_path / "b.json")[str(folder / "a.jpg")]["detections"]
    assert [(face["state"], face["score"]) for face in faces] == [  # type: ignore[attr-defined]
        ("with_mask", 0.6),
        ("mask_weared_incorrect", 0.2),
    ]
    assert capsys.readouterr().out.strip().endswith(": 1 mask")


def test_annotated_pictures_keep_folders_sizes_and_kinds(folder: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert run(folder, output=out) == 0
    sizes = {"a.jpg": (48, 64), "door/a.jpg": (240, 320), "door/früh/b.png": (21, 33)}
    for name, size in sizes.items():
        image = cv2.imdecode(np.fromfile(out / name, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape[:2] == size
        assert np.abs(image.astype(int) - 128).max() > 60  # something is drawn on it
    assert sum(len(files) for _, _, files in os.walk(out)) == 3


def test_no_original_and_no_other_picture_is_overwritten(folder: Path, tmp_path: Path):
    before = (folder / "a.jpg").read_bytes()
    assert run(folder / "a.jpg", folder / "door/a.jpg", output=folder) == 0
    assert (folder / "a.jpg").read_bytes() == before
    assert {p.name for p in folder.glob("*.jpg")} == {"a.jpg", "a-2.jpg", "a-3.jpg"}


def test_a_kind_that_cannot_be_written_becomes_png(tmp_path: Path):
    raw = picture(tmp_path / "x.png").rename(tmp_path / "x.raw")
    assert run(raw, output=tmp_path / "out") == 0
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["x.png"]


def test_a_broken_picture_is_named_and_the_others_go_on(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (folder / "b.jpg").write_bytes((folder / "a.jpg").read_bytes()[:100])
    (folder / "c.jpg").write_bytes(b"")
    missing = folder / "none.jpg"
    assert run(folder, missing, json_file=tmp_path / "b.json", output=tmp_path / "out") == 2
    assert len(images_in(tmp_path / "b.json")) == 3
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 3
    for name in ("b.jpg", "c.jpg", "none.jpg"):
        assert any(str(folder / name) in line for line in told)


def test_what_was_looked_at_is_written_when_the_run_breaks_off(folder: Path, tmp_path: Path):
    seen = []

    def interrupt() -> None:
        seen.append(1)
        if len(seen) == 3:
            raise KeyboardInterrupt

    detector = ScriptedDetector(two_faces, before=interrupt)
    with pytest.raises(KeyboardInterrupt):
        detect.run(detector, [folder], json_file=tmp_path / "b.json")
    assert len(images_in(tmp_path / "b.json")) == 2


def test_nothing_to_look_at_and_nowhere_to_write(folder: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no pictures there"):
        run(tmp_path / "empty")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SinkError, match="cannot write"):
        run(folder, output=tmp_path / "file")
