"""``maskdet archive`` on folders as people have them: broken files, links, copies."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from maskdet.__main__ import main
from maskdet.runtimes.spec import MODELS
from tests.commands.archive.test_archive import (  # noqa: F401  (fixtures)
    CLIP,
    PYTHON,
    ROOT,
    cut,
    start,
    summary,
    wait_for,
)
from tests.helpers.processes import as_user


def outcomes(output: Path) -> dict[str, tuple[str, str]]:
    """Status and reason of each recording."""
    return {one["file"]: (one["status"], one.get("reason", "")) for one in summary(output)["files"]}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of video."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    cut(path, 0.0, 0.5)
    return path


def test_a_folder_of_strange_files_is_processed_and_each_of_them_named(clip: Path, tmp_path: Path):
    folder = tmp_path / "rec"
    for name in ("Tür 1/ü.mp4", "a\nb/c\nd.mp4", "closed/c.mp4", "secret.mkv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, folder / name)
        with (folder / name).open("ab") as file:  # a content of its own
            file.write(f"\0\0\0\x16free{name:>14.14}".encode("latin-1", "replace"))
    for name in ("bad1.mp4", "bad2.mp4"):
        (folder / name).write_bytes(random.Random(3).randbytes(5000))
    for name in ("empty.mp4", "none.avi"):
        (folder / name).touch()
    (folder / "short.mp4").write_bytes(clip.read_bytes()[:9000])
    (folder / "text.mp4").write_text("no video at all")
    (folder / "notes.txt").write_text("no recording")
    (folder / "Tür 1/loop").symlink_to("..")
    (folder / "self.mp4").symlink_to("self.mp4")
    (folder / "dead.mp4").symlink_to("nowhere.mp4")
    (tmp_path / "elsewhere").mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(folder / "pipe.mp4")
    for name in ("closed", "secret.mkv"):
        (folder / name).chmod(0)
    output = folder / "maskdet-archive"
    command = [*PYTHON, str(folder), "--output", str(output), "--workers", "1"]
    done = subprocess.run(as_user(command), cwd=ROOT, capture_output=True, text=True, timeout=100)
    (folder / "closed").chmod(0o700)
    reported = done.stderr.splitlines()
    assert done.returncode == 3 and "Traceback" not in done.stderr
    assert f"{folder}/closed cannot be searched: Permission denied; check its rights" in reported
    assert f"{folder}: 1 file is a link to a folder: linked; not followed" in done.stderr
    assert (
        f"{folder}: 2 files are links that lead nowhere: dead.mp4, self.mp4; left out" in reported
    )
    assert f"{folder}: 2 files are not recordings: notes.txt, pipe.mp4; left out" in reported
    assert any("a\\nb/c\\nd.mp4: " in line for line in reported)
    found = outcomes(output)
    assert {name for name, (status, _) in found.items() if status == "done"} == {
        *("Tür 1/ü.mp4", "a\nb/c\nd.mp4")
    }
    failed = {name: reason for name, (status, reason) in found.items() if status == "failed"}
    assert set(failed) == {
        *("bad1.mp4", "bad2.mp4", "empty.mp4", "none.avi"),
        *("secret.mkv", "short.mp4", "text.mp4"),
    }
    assert failed["bad2.mp4"] == "same content as bad1.mp4, which could not be processed"
    assert failed["none.avi"] == "same content as empty.mp4, which could not be processed"
    assert "Permission denied" in failed["secret.mkv"]
    assert summary(output)["totals"]["missing"] == 0
    assert reported[-2].startswith("processed 2 of 9 recordings; 7 could not be processed; ")


def test_folders_of_one_name_and_an_output_among_the_recordings(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The same content in two folders of the same name counts once."""
    for month in ("jan", "feb"):
        (tmp_path / month / "door").mkdir(parents=True)
        shutil.copy(clip, tmp_path / month / "door/1.mp4")
    folders = [str(tmp_path / month / "door") for month in ("jan", "feb")]
    for output in (tmp_path, tmp_path / "jan/door"):
        arguments = ["archive", *folders, "--output", str(output), "--workers", "1"]
        for _ in range(2):
            assert main(arguments) == 0
            totals = summary(output)["totals"]
            assert (totals["done"], totals["copies"], totals["frames"]) == (1, 1, 15)
    reported = capsys.readouterr().err
    assert reported.count("processed 0 of 2 recordings; 2 done already") == 2
    assert "left out" not in reported


def test_a_recording_that_grows_is_named_and_processed_by_the_next_run(tmp_path: Path):
    folder, output = tmp_path / "rec", tmp_path / "archive"
    folder.mkdir()
    shutil.copy(CLIP, folder / "now.mp4")
    shutil.copy(CLIP, folder / "then.mp4")  # the same content
    run = start(folder, output, "--workers", "1", "--set", "detect.fps=2")
    wait_for(lambda: list(output.glob("results/.*.part")))
    with (folder / "now.mp4").open("ab") as file:
        file.write(b"\0\0\0\x08free")
    reported = run.communicate()[1]
    assert run.returncode == 3
    assert f"{folder}/now.mp4 changed while it was read; run again when it is whole" in reported
    assert [status for status, _ in outcomes(output).values()] == ["failed", "failed"]
    run = start(folder, output, "--workers", "1", "--set", "detect.fps=2")
    reported = run.communicate()[1]
    assert run.returncode == 0, reported
    assert [status for status, _ in outcomes(output).values()] == ["done", "done"]


def test_another_model_processes_everything_again(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    model, output = tmp_path / "model", tmp_path / "archive"
    shutil.copytree(MODELS / "retinanet-mobilenet", model)
    arguments = ["archive", str(clip), "--output", str(output), "--workers", "1"]
    arguments += ["--model", str(model), "--device", "cpu"]
    for change, processed in ((False, 1), (False, 0), (True, 1), (False, 0)):
        if change:
            card = model / "card.yaml"
            card.write_text(card.read_text() + "# another one\n")
        assert main(arguments) == 0
        assert f"processed {processed} of 1 recording" in capsys.readouterr().err


def test_two_runs_at_once_do_not_mix(clip: Path, tmp_path: Path):
    runs = [start(clip, tmp_path / "archive") for _ in range(2)]
    reported = [run.communicate()[1] for run in runs]
    assert sorted(run.returncode for run in runs) == [0, 2]
    (refused,) = (text for text, run in zip(reported, runs, strict=True) if run.returncode)
    assert "another run writes to" in refused and len(refused.splitlines()) <= 2
    assert summary(tmp_path / "archive")["totals"]["done"] == 1


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_gives_no_end_is_refused(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "pipe.mp4" if kind == "pipe" else Path("/dev/zero")
    if kind == "pipe":
        os.mkfifo(path)
    assert main(["archive", str(path), "--output", str(tmp_path / "archive")]) == 2
    assert f"{path} is a device or pipe; archive processes files" in capsys.readouterr().err


def write_text(path: Path) -> None:
    path.write_text("no database, but a text of some length")


@pytest.mark.parametrize(
    ("make", "reported"),
    [(write_text, "is not a lock of an archive; remove it"), (Path.mkdir, "cannot write to")],
)
def test_a_lock_that_is_none_is_named(
    make: Any, reported: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    make(tmp_path / "archive.lock")
    assert main(["archive", str(CLIP), "--output", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert reported in line


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk")
@pytest.mark.parametrize("size", ["40k", "60k"])
def test_a_full_disk_is_one_line_and_the_next_run_goes_on(size: str, clip: Path, tmp_path: Path):
    output = tmp_path / "small"
    output.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(output)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine allows no mount")
    try:
        run = start(clip, output, "--workers", "1")
        reported = run.communicate()[1].splitlines()
        assert run.returncode == 2 and sum("check folder, rights and disk space" in line
                                           for line in reported) == 1  # fmt: skip
        assert not list(output.glob("results/.*")) and "Traceback" not in "".join(reported)
        subprocess.run(["mount", "-o", "remount,size=1m", str(output)], check=True)
        run = start(clip, output, "--workers", "1")
        assert "processed 1 of 1 recording" in run.communicate()[1]
        assert json.loads((output / "summary.json").read_text())["totals"]["done"] == 1
    finally:
        subprocess.run(["umount", str(output)], check=True)
