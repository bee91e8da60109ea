"""``maskdet archive`` on real recordings, with processes that are killed."""

from __future__ import annotations

import csv
import fractions
import gzip
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from maskdet.__main__ import main
from maskdet.commands.archive.archive_store import ArchiveStore
from maskdet.commands.archive.result_file import ResultFile
from maskdet.commands.archive.workers import processing
from maskdet.live.settings.monitor import MonitorSettings
from tests.doubles import ScriptedDetector
from tests.whole_run import made_once

ROOT = Path(__file__).resolve().parents[3]
CLIP = ROOT / "maskdet/sources/clip.mp4"
PYTHON = [sys.executable, "-m", "maskdet", "archive"]


def cut(path: Path, start: float, seconds: float) -> None:
    """A part of the demo clip, encoded again."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(CLIP)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        number = 0
        for frame in source.decode(video=0):
            if frame.time is None or frame.time < start:
                continue
            if frame.time >= start + seconds:
                break
            frame.pts, frame.time_base = number, fractions.Fraction(1, 30)
            target.mux(stream.encode(frame))
            number += 1
        target.mux(stream.encode())


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four recordings of a second each; not to be changed."""

    def make(folder: Path) -> None:
        for number in range(4):
            cut(folder / f"door/{number}.mp4", 2.5 * number, 1.0)

    return made_once(tmp_path_factory, "recordings", make)


@pytest.fixture(scope="session")
def undisturbed(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of the recordings, made in one go; not to be changed."""

    def make(folder: Path) -> None:
        words = ["archive", str(recordings), "--output", str(folder), "--workers", "1"]
        assert main(words) == 0

    return made_once(tmp_path_factory, "undisturbed", make)


def summary(output: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((output / "summary.json").read_text())
    return found


def start(recordings: Path, output: Path, *more: str) -> subprocess.Popen[str]:
    command = [*PYTHON, str(recordings), "--output", str(output), *more]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for state in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = state.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(state.parent.name))
    return found


def wait_for(condition: Any, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def assert_whole(output: Path) -> None:
    """Every file under its own name is whole, and every row has its file."""
    for path in (output / "results").glob("*.jsonl.gz"):
        lines = gzip.decompress(path.read_bytes()).splitlines()
        assert [json.loads(line)["frame"] for line in lines] == list(range(30))
    if (output / "archive.db").exists():
        with sqlite3.connect(output / "archive.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            rows = connection.execute("SELECT key FROM results").fetchall() if tables else []
        assert all((output / f"results/{key}.jsonl.gz").is_file() for (key,) in rows)


def test_what_is_found_is_what_the_monitor_finds(
    recordings: Path, undisturbed: Path, tmp_path: Path
):
    events, found = tmp_path / "events.jsonl", tmp_path / "summary.json"
    source = recordings / "door/1.mp4"
    command = [sys.executable, "monitor.py", "--source", str(source), "--headless"]
    command += ["--events", str(events), "--summary", str(found), "--device", "cpu"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (record,) = (one for one in summary(undisturbed)["files"] if one["file"] == "door/1.mp4")
    monitor = json.loads(found.read_text())
    assert record["people"] == {
        k: v for k, v in monitor["people"].items() if k not in ("unique", "margin")
    }
    assert record["face_frames"] == monitor["counts"] and sum(monitor["counts"].values()) > 30
    lines = gzip.decompress((undisturbed / record["events"]).read_bytes()).splitlines()

    def without_clock(line: bytes | str) -> dict[str, Any]:
        event = json.loads(line)
        return {key: event[key] for key in ("frame", "position", "detections", "counts", "people")}

    assert [*map(without_clock, lines)] == [*map(without_clock, events.read_text().splitlines())]


def test_a_summary_has_each_file_and_the_totals(undisturbed: Path):
    found = summary(undisturbed)
    rows = list(csv.DictReader((undisturbed / "summary.csv").read_text().splitlines()))
    assert [row["file"] for row in rows] == [f"door/{number}.mp4" for number in range(4)]
    faces = sum(int(row["face_frames"]) for row in rows)
    assert faces == sum(found["totals"]["face_frames"].values()) > 100
    assert sum(int(row["people"]) for row in rows) == sum(found["totals"]["people"].values()) > 0
    assert found["totals"]["done"] == 4 and found["totals"]["frames"] == 120


def test_what_is_done_is_skipped_until_something_changes(
    recordings: Path, undisturbed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    output = tmp_path / "archive"
    shutil.copytree(undisturbed, output)
    arguments = ["archive", str(recordings), "--output", str(output), "--workers", "1"]
    assert main(arguments) == 0
    reported = capsys.readouterr().err
    assert "4 of 4 recordings are done already; 0 to process" in reported
    assert "processed 0 of 4 recordings; 4 done already" in reported
    assert summary(output) == summary(undisturbed)
    next((output / "results").glob("*.gz")).unlink()
    assert main(arguments) == 0
    assert "processed 1 of 4 recordings; 3 done already" in capsys.readouterr().err
    assert summary(output) == summary(undisturbed)
    assert main([*arguments, "--min-score", "0.99", "--set", "detect.fps=2"]) == 0
    assert "processed 4 of 4 recordings" in capsys.readouterr().err
    assert summary(output)["totals"]["frames"] == 8
    assert main([*arguments, "--set", "window.width=800"]) == 0  # counts for nothing here
    assert "processed 0 of 4 recordings" in capsys.readouterr().err


def test_files_that_cannot_be_read_are_named_and_the_rest_goes_on(
    recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder, output = tmp_path / "more", tmp_path / "archive"
    folder.mkdir()
    (folder / "broken.mp4").write_bytes(random.Random(3).randbytes(5000))
    (folder / "empty.mkv").touch()
    (folder / "notes.txt").write_text("no recording")
    (folder / "gone.mp4").symlink_to("nowhere.mp4")
    shutil.copy(recordings / "door/0.mp4", folder / "a.mp4")
    shutil.copy(recordings / "door/0.mp4", folder / "b.mp4")
    arguments = ["archive", str(folder), "--output", str(output), "--workers", "1"]
    assert main(arguments) == 3
    reported = capsys.readouterr().err
    for name in ("broken.mp4", "empty.mkv"):
        assert len([line for line in reported.splitlines() if f"{folder / name} " in line]) == 1
    assert (
        "1 file is not a recording: notes.txt; left out" in reported and "Traceback" not in reported
    )
    found = summary(output)
    statuses = {one["file"]: one["status"] for one in found["files"]}
    assert statuses == {"a.mp4": "done", "b.mp4": "copy", "broken.mp4": "failed",
                        "empty.mkv": "failed"}  # fmt: skip
    assert found["totals"]["failed"] == 2 and found["totals"]["frames"] == 30
    assert main(arguments) == 3  # they are tried again
    assert "2 could not be processed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["/nowhere"], "/nowhere: no such folder"),
        (["."], "no recording (.mp4"),
        (["rtsp://user:secret@192.0.2.1/1"], "is an address; archive processes files"),
        ([str(CLIP), "--set", "detect.fsp=2"], "detect.fps"),
        ([str(CLIP), "--model", "nope"], "no model 'nope'"),
        ([str(CLIP), "--output", str(CLIP)], "cannot make the folder"),
        ([str(CLIP), "--workers", "0"], "must be greater than or equal to 1"),
    ],
)
def test_wrong_use_is_one_line(
    arguments: list[str],
    reported: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    assert main(["archive", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert reported in line and "secret" not in line


def test_another_database_and_a_second_run_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with sqlite3.connect(tmp_path / "archive.db") as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()
    arguments = ["archive", str(CLIP), "--output", str(tmp_path)]
    assert main(arguments) == 2
    assert "database of another program" in capsys.readouterr().err
    (tmp_path / "archive.db").write_bytes(b"x" * 5000)
    assert main(arguments) == 2
    assert "damaged or no archive store" in capsys.readouterr().err
    (tmp_path / "archive.db").unlink()
    store = ArchiveStore(tmp_path)
    assert main(arguments) == 2
    assert "another run writes to" in capsys.readouterr().err
    store.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_killed_workers_and_a_killed_run_lose_nothing(
    recordings: Path, undisturbed: Path, tmp_path: Path
):
    output = tmp_path / "archive"
    run = start(recordings, output, "--workers", "2")
    assert run.stderr is not None
    wait_for(lambda: list(output.glob("results/.*.part")))
    part = next(output.glob("results/.*.part"))
    os.kill(int(part.name.split(".")[-2]), signal.SIGKILL)
    assert any("(status -9); it is begun again" in line for line in run.stderr)
    wait_for(lambda: list(output.glob("results/*.gz")))
    workers = children_of(run.pid)
    run.kill()  # SIGKILL
    run.communicate()
    assert_whole(output)
    wait_for(lambda: all(map(is_gone, workers)))  # they notice it and end
    assert_whole(output)
    run = start(recordings, output)
    reported = run.communicate()[1]
    assert run.returncode == 0 and "done already" in reported
    assert_whole(output)
    assert summary(output) == summary(undisturbed)
    assert not list(output.glob("results/.*"))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_recording_that_ends_every_process_is_left_out(tmp_path: Path):
    output = tmp_path / "archive"
    run = start(CLIP, output)  # long enough to be killed in time
    for _ in range(3):
        wait_for(lambda: list(output.glob("results/.*.part")))
        (worker,) = children_of(run.pid)
        (part,) = output.glob(f"results/.*.{worker}.part")
        os.kill(worker, signal.SIGKILL)
        part.unlink()
    reported = run.communicate()[1]
    assert run.returncode == 3 and re.search(r"ended \(status -9\) 3 times; convert or", reported)
    assert summary(output)["totals"]["failed"] == 1


def test_ctrl_c_ends_it_with_a_summary(recordings: Path, tmp_path: Path):
    output = tmp_path / "archive"
    run = start(recordings, output, "--workers", "1")
    wait_for(lambda: list(output.glob("results/*.gz")))
    wait_for(lambda: list(output.glob("results/.*.part")))
    run.send_signal(signal.SIGINT)
    reported = run.communicate()[1]
    assert not list(output.glob("results/.*"))
    assert run.returncode == 130 and "not reached" in reported and "Traceback" not in reported
    assert summary(output)["totals"]["done"] >= 1
    assert_whole(output)


@pytest.mark.slow
def test_a_run_that_is_ended_many_times_ends_with_the_same_totals(
    recordings: Path, undisturbed: Path, tmp_path: Path
):
    output, chance = tmp_path / "archive", random.Random(18)
    for number_of_run in range(11):  # a busy machine may not get to the end in eight seconds
        run = start(recordings, output, "--workers", "2")
        try:
            run.communicate(timeout=chance.uniform(0.5, 8) if number_of_run < 10 else None)
            break
        except subprocess.TimeoutExpired:
            number = chance.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
            run.send_signal(number)
            reported = run.communicate()[1]
            assert "Traceback" not in reported and "internal error" not in reported
            assert_whole(output)
    assert run.returncode == 0
    assert summary(output) == summary(undisturbed)


def test_the_share_that_is_done_never_falls(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Where a frame took longer than a report, nothing had been done any more."""
    monkeypatch.setattr(processing, "_REPORT_INTERVAL_S", 0.02)
    shares: list[float] = []
    file, detector = recordings / "door/0.mp4", ScriptedDetector(delay=0.06)
    result = ResultFile(tmp_path, "key")
    processing.process(str(file), "door", MonitorSettings(), detector, result, shares.append)
    assert len(shares) > 10 and shares == sorted(shares) and shares[-1] > 0.8
