"""The benchmark of following rendered faces that the model itself has to find."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.__main__ import main
from maskdet.commands.benchmark.head_tracks import FALSE_BOX, read_tracks
from maskdet.commands.benchmark.rendered_faces import Face, Scene, matched, read_faces
from maskdet.commands.benchmark.rendered_people import follow
from maskdet.detections import CLASS_NAMES, Detections
from maskdet.sources import CLIP
from maskdet.sources.opening import read_frames
from tools.demo_clip.scene import truth

XML = """<annotation><filename>{name}.jpg</filename><size><width>640</width><height>480</height>
<depth>3</depth></size>{faces}</annotation>"""
FACE = """<object><name>{state}</name><bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax>
<ymax>{3}</ymax></bndbox></object>"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of the demo's large faces, one in each image."""
    folder = tmp_path_factory.mktemp("faces")
    for part in ("images", "annotations"):
        (folder / part).mkdir()
    images = [frame.image.copy() for frame in read_frames(str(CLIP))]
    for index, figure in ((60, 3), (120, 4), (200, 3), (300, 4)):
        faces = truth(index)
        (row,) = np.flatnonzero(faces.track_ids == figure)
        box = faces.boxes[row].round().astype(int).tolist()
        face = FACE.format(*box, state=CLASS_NAMES[int(faces.states[row])])
        cv2.imwrite(str(folder / f"images/{index}.jpg"), images[index])
        xml = XML.format(name=index, faces=face)
        (folder / f"annotations/{index}.xml").write_text(xml)
    return folder


def write_tracks(path: Path, frames: int = 15) -> Path:
    """Three people who walk side by side, with large heads."""
    lines = ["frame,person,x1,y1,x2,y2"]
    for frame in range(frames):
        for person in range(3):
            x, y = 200 + 12 * frame, 150 + 260 * person
            lines.append(f"{frame},{person},{x},{y},{x + 70},{y + 90}")
    path.write_text("\n".join(lines) + "\n")
    return path


def scene_of(tmp_path: Path) -> Scene:
    rng = np.random.default_rng(1)
    faces = [Face(rng.integers(0, 255, (90, 90, 3), np.uint8), state) for state in (0, 1)]
    return Scene(read_tracks(write_tracks(tmp_path / "heads.csv")), faces)


def test_the_model_finds_rendered_faces_and_keeps_what_it_found(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracks, kept = write_tracks(tmp_path / "heads.csv"), tmp_path / "kept.npz"
    out = tmp_path / "result.json"
    command = ["benchmark", "--people", str(tracks), "--faces", str(data), "--device", "cpu"]
    command += ["--detections", str(kept), "--json", str(out)]
    assert main(command) == 0
    table = capsys.readouterr().out
    rows = json.loads(out.read_text())["rendered"]
    assert [row["fps"] for row in rows] == [25, 5, 2.5, 1] and "| 25 | 3 | 3 ± " in table
    assert rows[0]["counted"] == rows[1]["counted"] == 3
    assert rows[0]["recall"] > 0.9 and rows[0]["right"] == 1.0
    assert (rows[0]["splits"], rows[0]["joins"], rows[0]["missed"]) == (0, 0, 0)

    assert main(command) == 0
    again = capsys.readouterr()
    assert "detecting faces" not in again.err + again.out
    assert [row["counted"] for row in json.loads(out.read_text())["rendered"]] == [
        row["counted"] for row in rows
    ]

    write_tracks(tracks, 16)
    assert main(command) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert str(kept) in line and "other tracks" in line


def test_faces_lie_on_the_heads_and_who_is_found_is_known(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)
    boxes, people = scene.heads(3)
    image = scene.render(3)
    assert image.shape == (1080, 1920, 3) and (scene.render(3) == image).all()
    x1, y1, x2, y2 = boxes[0].astype(int)
    assert image[y1:y2, x1:x2].std() > 2 * image[900:, 1200:].std()
    shifted = boxes[[2, 0]] + 8
    found = matched(scene, 3, Detections([*shifted, [0, 0, 50, 50]], [0.9] * 3, [0] * 3))
    assert found.people.tolist() == [people[2], people[0], FALSE_BOX]


@pytest.mark.parametrize("fps", [25, 5])
def test_scores_of_perfect_and_of_blind_detection(tmp_path: Path, fps: float) -> None:
    scene = scene_of(tmp_path)

    def faces(number: int) -> Detections:
        boxes, people = scene.heads(number)
        states = [scene.faces[person].state for person in people.tolist()]
        return Detections(boxes, [0.95] * len(boxes), states)

    perfect = follow(scene, {number: faces(number) for number in scene.frames}, fps)
    assert (perfect.counted, perfect.splits, perfect.joins, perfect.missed) == (3, 0, 0, 0)
    assert (perfect.recall, perfect.right, perfect.changes) == (1, 1, 0)
    blind = follow(scene, {number: Detections.empty() for number in scene.frames}, fps)
    assert (blind.counted, blind.missed, blind.recall, blind.margin) == (0, 1, 0, 0)


def test_faces_are_large_whole_and_in_random_order(data: Path) -> None:
    faces = read_faces(data, 3)
    assert len(faces) == 3 and len(read_faces(data, 99)) == 4
    assert all(min(face.image.shape[:2]) >= 70 for face in faces)
    orders = {tuple(face.image.shape for face in read_faces(data, 4, seed)) for seed in range(8)}
    assert len(orders) > 1


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--faces", "nowhere"], "--people"),
        (["--people", "heads.csv", "--faces", "nowhere"], "nowhere"),
        (["--people", "heads.csv", "--faces", "DATA", "--detections", "heads.csv"], "heads.csv"),
    ],
)
def test_wrong_use_is_one_line(
    tmp_path: Path,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    part: str,
) -> None:
    write_tracks(tmp_path / "heads.csv", 3)
    monkeypatch.chdir(tmp_path)
    options = [str(data) if option == "DATA" else option for option in options]
    assert main(["benchmark", *options]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert part in line
