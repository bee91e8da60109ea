"""Pictures in, annotated pictures and boxes out, whatever the pictures are."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shlex
import socket
import subprocess
import sys
import unicodedata
from pathlib import Path, PureWindowsPath

import cv2
import numpy as np
import pytest
from PIL import Image

from maskdet.commands.detect import inputs
from maskdet.commands.detect import run as detect
from maskdet.commands.detect.outputs import annotated_paths
from maskdet.detections import Detections
from maskdet.errors import ConfigError, ModelError, SinkError
from maskdet.sources import CLIP
from tests.doubles import ScriptedDetector
from tests.images.pictures import damaged, write_image

ROOT = Path(__file__).resolve().parents[2]


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
        "counts": {
            "with_mask": 1,
            "without_mask": 0,
            "mask_weared_incorrect": 1,
            "unsure": 0,
        },
        "detections": [
            {"box": [0, 0, 160, 120], "score": 0.9, "state": "with_mask"},
            {"box": [160, 120, 320, 240], "score": 0.4, "state": "mask_weared_incorrect"},
        ],
    }
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"1/3 {folder / 'a.jpg'}: 1 mask, 1 incorrect"
    assert out[3:] == ["processed 3 of 3 images: 6 faces (3 mask, 3 incorrect)"]
    document = json.loads((tmp_path / "out/boxes.json").read_text())
    assert (document["counts"]["with_mask"], document["counts"]["unsure"]) == (3, 0)
    assert (document["total"], document["processed"], document["failed"]) == (3, 3, [])


def test_an_unsure_face_comes_with_how_likely_each_state_is(folder: Path, tmp_path: Path):
    scripted = Detections([[0, 0, 9, 9]], [0.85], [3], None, [[0.45, 0.4, 0.0]])
    detector = ScriptedDetector(lambda image: scripted)
    detect.run(detector, [folder / "a.jpg"], json_file=tmp_path / "b.json")
    (face,) = images_in(tmp_path / "b.json")[str(folder / "a.jpg")]["detections"]  # type: ignore[misc]
    assert (face["state"], face["score"]) == ("unsure", 0.85)
    likely = {"with_mask": 0.45, "without_mask": 0.4, "mask_weared_incorrect": 0}
    assert face["states"] == pytest.approx(likely)


def test_doubtful_faces_are_left_out_below_min_score(folder: Path, tmp_path: Path):
    assert run(folder, json_file=tmp_path / "b.json", min_score=0.5) == 0
    assert all(len(i["detections"]) == 1 for i in images_in(tmp_path / "b.json").values())  # type: ignore[arg-type]


def test_who_asks_for_low_scores_gets_a_faces_other_states(folder: Path, tmp_path: Path, capsys):
    """In the JSON; the line and the picture have each face once."""
    scripted = Detections([[0, 0, 9, 9]], [0.6], [0], None, [[0.6, 0.01, 0.2]])
    detector = ScriptedDetector(lambda image: scripted)
    detect.run(detector, [folder / "a.jpg"], json_file=tmp_path / "b.json", min_score=0.05)
    faces = images_in(tmp_path / "b.json")[str(folder / "a.jpg")]["detections"]
    assert [(face["state"], face["score"]) for face in faces] == [  # type: ignore[attr-defined]
        ("with_mask", 0.6),
        ("mask_weared_incorrect", 0.2),
    ]
    line, total = capsys.readouterr().out.splitlines()
    assert line.endswith(": 1 mask") and total == "processed 1 of 1 image: 1 face (1 mask)"


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


def test_names_that_differ_in_case_alone_are_two_files_on_any_system(tmp_path: Path):
    for name in ("a.JPG", "A.jpg", "e\u0301.png", "\u00e9.png"):
        (tmp_path / name).write_bytes(b"")
    images = [(path, Path(path.name)) for path in sorted(tmp_path.iterdir())]
    targets = annotated_paths(images, tmp_path / "out")
    names = [unicodedata.normalize("NFC", path.name).casefold() for path in targets.values()]
    assert len(set(names)) == len(images) == 4


@pytest.mark.parametrize(
    ("name", "size", "written"),
    [
        ("gray.pgm", (30, 50), "gray.png"),
        ("bits.PBM", (30, 50), "bits.png"),
        ("small.jp2", (9, 9), "small.jp2.png"),
        ("long.jpg", (2, 65_501), "long.jpg.png"),
        ("long.webp", (2, 16_384), "long.webp.png"),
        ("long.gif", (2, 65_536), "long.gif.png"),
    ],
)
def test_what_a_kind_of_file_cannot_hold_becomes_png(
    tmp_path: Path, name: str, size: tuple[int, int], written: str
):
    source = tmp_path / name
    source.write_bytes(cv2.imencode(".png", np.full((*size, 3), 128, np.uint8))[1].tobytes())
    out = tmp_path / "out"
    assert run(source, output=out, json_file=tmp_path / "b.json") == 0
    assert [path.name for path in out.iterdir()] == [written]
    image = cv2.imdecode(np.fromfile(out / written, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[:2] == size
    record = images_in(tmp_path / "b.json")[str(source)]
    assert record["annotated"] == str(out / written)


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
    output = capsys.readouterr()
    reported = output.err.splitlines()
    assert len(reported) == 3 and output.out.endswith("; 3 could not be read\n")
    failed = json.loads((tmp_path / "b.json").read_text())["failed"]
    for name, failure in zip(("b.jpg", "c.jpg", "none.jpg"), failed, strict=True):
        assert any(str(folder / name) in line for line in reported)
        assert failure["file"] == str(folder / name) and name in failure["reason"]


def test_a_damaged_picture_is_processed_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    pixels = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    whole = cv2.imencode(".jpg", pixels)[1].tobytes()
    (tmp_path / "a.jpg").write_bytes(whole)
    (tmp_path / "b.jpg").write_bytes(damaged(whole))
    assert run(tmp_path / "a.jpg", tmp_path / "b.jpg", json_file=tmp_path / "x.json") == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path / 'b.jpg'} is damaged") and line.endswith("copy it again")
    good, bad = images_in(tmp_path / "x.json").values()
    assert "damage" not in good and bad["damage"] in line  # type: ignore[operator]


def test_of_a_path_that_is_not_there_nothing_is_written(tmp_path: Path):
    files = {"json_file": tmp_path / "new/a.json", "csv_file": tmp_path / "new/a.csv"}
    with pytest.raises(ConfigError, match="gone: no such file or folder"):
        run(tmp_path / "gone", tmp_path / "lost.jpg", output=tmp_path / "out", **files)
    assert not list(tmp_path.iterdir())


def test_a_run_that_processed_nothing_leaves_no_empty_table(folder: Path, tmp_path: Path):
    """The JSON names what failed; where the detector fails, there is nothing to write at all."""
    (folder / "a.jpg").write_bytes(b"")
    files = {"json_file": tmp_path / "a.json", "csv_file": tmp_path / "a.csv"}
    assert run(folder / "a.jpg", **files) == 2
    assert len(json.loads((tmp_path / "a.json").read_text())["failed"]) == 1
    assert not (tmp_path / "a.csv").exists()

    def fail() -> None:
        raise ModelError("no such model")

    files["json_file"] = tmp_path / "b.json"
    with pytest.raises(ModelError):
        detect.run(ScriptedDetector(two_faces, before=fail), [folder / "door"], **files)  # type: ignore[arg-type]
    assert not (tmp_path / "b.json").exists() and not (tmp_path / "a.csv").exists()


def test_what_was_processed_is_written_when_the_run_breaks_off(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    seen = []

    def interrupt() -> None:
        seen.append(1)
        if len(seen) == 3:
            raise KeyboardInterrupt

    detector = ScriptedDetector(two_faces, before=interrupt)
    with pytest.raises(KeyboardInterrupt):
        detect.run(detector, [folder], json_file=tmp_path / "b.json")
    assert len(images_in(tmp_path / "b.json")) == 2
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "processed 2 of 3 images: 4 faces (2 mask, 2 incorrect); 1 not reached"


def test_nothing_to_look_at_and_nowhere_to_write(folder: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=f"no pictures in {tmp_path / 'empty'}; name files or"):
        run(tmp_path / "empty")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SinkError, match="cannot write"):
        run(folder, output=tmp_path / "file")


def test_csv_has_a_line_for_each_face_and_for_each_image_without_one(folder: Path, tmp_path: Path):
    scripted = Detections([[1, 2, 9, 9.5]], [0.6], [0], None, [[0.6, 0.25, 0.125]])
    detector = ScriptedDetector(
        lambda image: scripted if image.shape[1] == 320 else Detections.empty()
    )
    file = tmp_path / "new/faces.csv"
    assert detect.run(detector, [folder], csv_file=file, output=tmp_path / "out") == 0
    with open(file, newline="", encoding="utf-8") as opened:
        lines = list(csv.DictReader(opened))
    assert [line["file"] for line in lines] == [
        str(folder / name) for name in ("a.jpg", "door/a.jpg", "door/früh/b.png")
    ]
    assert list(lines[1].values()) == [
        *(str(folder / "door/a.jpg"), "320", "240", "1", "1.0", "2.0", "9.0", "9.5", "0.6"),
        *("with_mask", "0.6", "0.25", "0.125", str(tmp_path / "out/door/a.jpg")),
    ]
    assert lines[0]["face"] == lines[0]["state"] == "" and lines[0]["width"] == "64"


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_data_on_standard_output_is_alone_there(
    folder: Path, kind: str, capfdbinary: pytest.CaptureFixture[bytes]
):
    (folder / "b.jpg").write_bytes(b"")
    assert run(folder, **{f"{kind}_file": Path("-")}) == 2
    out, err = capfdbinary.readouterr()
    if kind == "json":
        assert len(json.loads(out)["images"]) == 3
    else:
        assert len(list(csv.DictReader(out.decode().splitlines()))) == 6
    lines = err.decode().splitlines()
    assert len(lines) == 5 and lines[-1].startswith("processed 3 of 4 images")


def test_annotated_files_are_named_in_the_json(folder: Path, tmp_path: Path):
    raw = picture(tmp_path / "x.png").rename(tmp_path / "x.raw")
    run(folder, raw, json_file=tmp_path / "b.json", output=tmp_path / "out")
    for image in images_in(tmp_path / "b.json").values():
        written = cv2.imdecode(np.fromfile(str(image["annotated"]), np.uint8), cv2.IMREAD_COLOR)
        assert written.shape[:2] == (image["height"], image["width"])


def test_blur_leaves_nothing_of_a_face_even_of_one_too_doubtful_to_show(tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    source = tmp_path / "a.png"
    source.write_bytes(cv2.imencode(".png", noise)[1].tobytes())
    assert run(source, output=tmp_path / "out", blur=True, min_score=0.5) == 0
    drawn = cv2.imread(str(tmp_path / "out/a.png")).astype(int)
    for face in (drawn[20:100, 20:140], drawn[140:220, 180:300]):  # the second scores 0.4
        assert np.abs(np.diff(face, axis=1)).mean() < 12
    with pytest.raises(ConfigError, match="--blur .* --output"):
        run(source, blur=True)


@pytest.mark.parametrize("name", ["door.mp4", "no ending", "door.png"])
def test_a_video_is_pointed_to_the_monitor(
    folder: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
):
    video = tmp_path / name
    video.write_bytes(CLIP.read_bytes())
    assert run(video, folder / "a.jpg", json_file=tmp_path / "b.json") == 2
    (line,) = capsys.readouterr().err.splitlines()
    command = line.split("process it with: ")[1]
    assert f"{video} is a video" in line and len(images_in(tmp_path / "b.json")) == 1
    start = ["maskdet", "monitor", "--source", str(video)]
    assert shlex.split(command)[:4] == start


def test_a_line_break_in_a_name_breaks_no_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    odd = (folder / "a.jpg").rename(folder / "a\nb.jpg")
    (folder / "c\nd.jpg").write_bytes(b"no picture")
    run(odd, folder / "c\nd.jpg", json_file=tmp_path / "b.json")
    output = capsys.readouterr()
    assert output.out.startswith("1/2 ") and len(output.out.splitlines()) == 2
    assert "c\\nd.jpg" in output.err and len(output.err.splitlines()) == 1


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tiff"])
def test_a_line_says_that_of_a_moving_image_the_first_frame_alone_was_processed(
    tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
):
    moving = tmp_path / f"a.{suffix}"
    frames = [Image.new("RGB", (64, 48), (shade, 0, 0)) for shade in (0, 90, 180)]
    frames[0].save(moving, save_all=True, append_images=frames[1:])
    assert run(moving, json_file=tmp_path / "b.json") == 0
    (line,) = capsys.readouterr().err.splitlines()
    what = "pages" if suffix == "tiff" else "frames"
    assert f"{moving} has 3 {what}, of which the first was processed" in line
    assert "with: maskdet monitor" in line
    assert images_in(tmp_path / "b.json")[str(moving)]["frames"] == 3


def test_the_videos_of_a_folder_are_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    video = folder / "door/b.MP4"
    video.write_bytes(CLIP.read_bytes())
    assert run(folder, json_file=tmp_path / "b.json") == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert f"left out: {video} is a video; process it with: maskdet monitor" in line
    assert json.loads((tmp_path / "b.json").read_text())["videos_left_out"] == [str(video)]


@pytest.mark.parametrize("given", ["rtsp://admin:geheim@cam/1", "0", "/dev/video7"])
def test_a_camera_is_pointed_to_the_monitor_without_its_password(given: str):
    with pytest.raises(ConfigError, match="with: maskdet monitor --source") as refused:
        detect.run(ScriptedDetector(), [given])
    assert "geheim" not in str(refused.value)
    assert given.replace("geheim", "***") in str(refused.value)


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes and such sockets are POSIX")
@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_nobody_writes_is_refused_and_not_waited_for(tmp_path: Path, kind: str):
    path = tmp_path / "door.jpg"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path)) if kind == "socket" else os.mkfifo(path)
        with pytest.raises(ConfigError, match=f"door.jpg is a {kind}, and no image; write"):
            detect.run(ScriptedDetector(), [path])


def test_an_address_that_windows_takes_for_a_path_is_pointed_to_the_monitor():
    given = PureWindowsPath("rtsp://admin:geheim@cam/1")
    assert inputs._address(given) == "rtsp://admin:***@cam/1"
    assert not inputs._address(PureWindowsPath(r"C:\pictures\a.jpg"))


def test_phone_pictures_are_processed_and_what_is_no_picture_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.heic", "b.avif", "c.jfif", "d.jpe", "e.dat"):
        write_image(folder / name, "JPEG" if name == "e.dat" else None)
    (folder / "notes.txt").write_text("notes")
    assert run(folder, json_file=tmp_path / "b.json", output=tmp_path / "out") == 0
    assert len(images_in(tmp_path / "b.json")) == 5
    assert len(list((tmp_path / "out").iterdir())) == 5
    assert "1 file is not a picture: notes.txt; left out" in capsys.readouterr().err
    content = json.loads((tmp_path / "b.json").read_text())
    assert content["others_left_out"] == [str(folder / "notes.txt")]


@pytest.mark.parametrize("option", ["output", "json_file", "csv_file"])
def test_an_address_is_no_folder_for_outputs(folder: Path, tmp_path: Path, monkeypatch, option):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    with pytest.raises(SinkError, match="is an address, not a folder"):
        run(folder, **{option: Path("rtsp://user:secret@camera/1")})
    assert set(tmp_path.iterdir()) == before


def test_outputs_are_tried_before_the_work(folder: Path, tmp_path: Path):
    detector = ScriptedDetector(two_faces)
    (tmp_path / "file").write_text("in the way")
    for wrong in (tmp_path / "file/b.json", folder, Path("/dev/fd/b.json")):
        with pytest.raises(SinkError, match="cannot write"):
            detect.run(detector, [folder], json_file=wrong)
    with pytest.raises(ConfigError, match="standard output"):
        detect.run(detector, [folder], json_file=Path("-"), csv_file=Path("-"))
    assert not detector.batches


def test_names_of_any_bytes_are_printed_and_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    try:
        odd = (folder / "a.jpg").rename(os.fsdecode(os.fsencode(tmp_path) + b"/pr\xfc\x1bf.jpg"))
    except OSError:
        pytest.skip("this file system wants names in UTF-8")
    assert run(odd, json_file=tmp_path / "b.json", csv_file=tmp_path / "b.csv") == 0
    assert "pr\\udcfc\\x1bf.jpg: 1 mask" in capsys.readouterr().out
    assert list(images_in(tmp_path / "b.json")) == [str(odd)]
    assert "pr\\udcfc" in (tmp_path / "b.csv").read_text(encoding="utf-8")


def test_a_terminal_has_a_bar_and_the_lines(folder: Path, tmp_path: Path):
    """The real command on a pseudo-terminal."""
    command = [sys.executable, "-m", "maskdet", "detect", str(folder), "--json", "b.json"]
    controller, terminal = os.openpty()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "200"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=terminal, stderr=terminal):
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # what Linux says once the other end is closed
            while chunk := os.read(controller, 65536):
                shown += chunk
    os.close(controller)
    text = shown.decode()
    assert "━" in text and "2/3" in text and "processed 3 of 3 images" in text
    assert text.count("a.jpg: no face") == 2 and len(images_in(tmp_path / "b.json")) == 3
