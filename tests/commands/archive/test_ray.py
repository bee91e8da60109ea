"""``maskdet archive --ray``: the same results from a Ray cluster, whatever is killed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from maskdet import __version__
from maskdet.__main__ import main
from maskdet.commands.archive.keys import checksum_of_model, resolve_model
from maskdet.commands.archive.workers import ray_worker
from maskdet.commands.archive.workers.ray_worker import ArchiveWorker, hash_recording
from maskdet.live.settings.monitor import MonitorSettings
from tests.commands.archive.ray_runs import ACTOR, DECODER, run_with_kills
from tests.commands.archive.test_archive import (  # noqa: F401  (fixtures)
    CLIP,
    assert_whole,
    children_of,
    recordings,
    start,
    summary,
    undisturbed,
    wait_for,
)

pytest.importorskip("ray", reason="the extra cluster is not installed")
pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(sys.platform == "win32", reason="processes are found as on POSIX"),
]


def actors() -> set[int]:
    """Ray's workers of any run, also of one that has ended."""
    lines = (
        (one.info["pid"], one.info["cmdline"]) for one in psutil.process_iter(["pid", "cmdline"])
    )
    return {pid for pid, line in lines if line and "ArchiveWorker" in line[0]}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray gives its workers a processor last; beside other tests they would take minutes."""
    monkeypatch.setenv("RAY_worker_niceness", "0")


@pytest.mark.slow
@pytest.mark.usefixtures("at_once")
def test_killed_workers_change_nothing(recordings, undisturbed, tmp_path, capfd):  # noqa: F811
    """One of Ray's workers and one of the processes that they keep are killed on the way.

    `tests.soak.archive` kills many, on the way through many recordings.
    """
    folder, output = tmp_path / "all", tmp_path / "archive"
    before = actors()
    shutil.copytree(recordings, folder)
    shutil.copy(folder / "door/0.mp4", folder / "door/copy.mp4")
    (folder / "door/broken.mp4").write_bytes(random.Random(3).randbytes(5000))
    run = start(folder, output, "--ray", "local", "--workers", "2")
    killer, shown = run_with_kills(run, 2, (0.0, 0.5), random.Random(1))
    assert run.returncode == 3 and set(killer.kills) == {ACTOR, DECODER}, shown
    assert_whole(output)
    found = {one["file"]: one for one in summary(output)["files"]}
    assert found.pop("door/broken.mp4")["status"] == "failed"
    assert found.pop("door/copy.mp4")["status"] == "copy"
    assert [*found.values()] == summary(undisturbed)["files"]
    assert "broken.mp4 " in shown and "Traceback" not in shown and "WARNING" not in shown
    assert capfd.readouterr().out == ""  # where Ray prints that a worker has died
    wait_for(lambda: not actors() - before, 30)
    again = start(folder, output, "--workers", "1")  # what Ray has done counts for a run without
    assert "processed 0 of 6 recordings; 5 done already" in again.communicate()[1]


@pytest.mark.slow
@pytest.mark.usefixtures("at_once")
def test_a_signal_ends_it_with_a_summary_and_no_process_is_left(recordings, undisturbed, tmp_path):  # noqa: F811
    output = tmp_path / "archive"
    run = start(recordings, output, "--ray", "local", "--workers", "1")
    wait_for(lambda: list(output.glob("results/*.gz")), seconds=200)
    run.send_signal(signal.SIGTERM)
    shown = run.communicate()[1]
    assert run.returncode == 143 and "Traceback" not in shown, shown
    assert not children_of(run.pid)
    assert_whole(output)
    again = start(recordings, output, "--workers", "1")
    assert again.communicate()[0] is None and again.returncode == 0
    assert summary(output) == summary(undisturbed)


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("auto", "this machine is part of no Ray cluster; start one (ray start --head)"),
        ("nowhere", "expected auto, local, or HOST:PORT of a Ray cluster"),
        ("127.0.0.1:1", "Connection refused; check the address"),
        ("no-such-host.invalid:6379", "check the address of the cluster's first machine"),
    ],
)
def test_a_cluster_that_is_not_there_is_one_line(address, line, tmp_path, capsys):
    (tmp_path / "archive").mkdir()
    assert main(["archive", str(CLIP), "--output", f"{tmp_path}/archive", "--ray", address]) == 2
    shown = capsys.readouterr().err.splitlines()
    assert [one for one in shown if line in one and f"--ray {address}: " in one] == [shown[0]]


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Path]:
    """First line of a worker's process, the model's checksum, the folder of results."""
    results = tmp_path_factory.mktemp("results")
    settings = MonitorSettings()
    text = json.dumps({"settings": settings.model_dump(mode="json"), "results": str(results)})
    return text, checksum_of_model(resolve_model(settings)), results


def a_row(path: Path, key: str) -> dict[str, object]:
    return {"number": 7, "path": str(path), "name": path.name, "key": key}


def end(worker: ArchiveWorker) -> None:
    if worker._process is not None:
        worker._process.kill()


def test_a_worker_gives_totals_and_reasons(setup, recordings, tmp_path):  # noqa: F811
    text, model, results = setup
    worker = ArchiveWorker(text, model, __version__)
    try:
        done = worker(a_row(recordings / "door/0.mp4", "a" * 64))
        assert (done["number"], done["text"]) == (7, "") and not done["is_fatal"]
        assert json.loads(done["totals"])["frames"] == 30
        assert (results / f"{'a' * 64}.jsonl.gz").is_file()
        failed = worker(a_row(tmp_path / "gone.mp4", "b" * 64))
        assert "gone.mp4" in failed["text"] and not failed["is_fatal"] and not failed["totals"]
    finally:
        end(worker)


def test_a_recording_that_ends_every_process_is_left_out(setup):
    text, model, results = setup
    worker = ArchiveWorker(text, model, __version__)
    found: list[dict[str, object]] = []
    reading = threading.Thread(target=lambda: found.append(worker(a_row(CLIP, "c" * 64))))
    reading.start()
    for _ in range(3):
        wait_for(lambda: list(results.glob(f".{'c' * 64}.*.part")))
        (part,) = results.glob(f".{'c' * 64}.*.part")
        os.kill(int(part.name.split(".")[-2]), signal.SIGKILL)
        part.unlink()
    reading.join()
    assert "ended or hung 3 times; convert or remove the file" in str(found[0]["text"])
    assert socket.gethostname() in str(found[0]["text"]) and not found[0]["is_fatal"]


def test_a_process_that_hangs_counts_as_ended(setup, monkeypatch):
    text, model, results = setup
    worker = ArchiveWorker(text, model, __version__)
    monkeypatch.setattr(ray_worker, "MAX_ATTEMPTS", 1)
    found: list[dict[str, object]] = []
    reading = threading.Thread(target=lambda: found.append(worker(a_row(CLIP, "d" * 64))))
    reading.start()
    wait_for(lambda: list(results.glob(f".{'d' * 64}.*.part")))
    monkeypatch.setattr(ray_worker, "SILENCE_TIMEOUT_S", 5.0)
    time.sleep(1.0)  # the process reports its progress twice a second
    (part,) = results.glob(f".{'d' * 64}.*.part")
    os.kill(int(part.name.split(".")[-2]), signal.SIGSTOP)
    reading.join(330)
    assert not reading.is_alive() and "ended or hung 1 times" in str(found[0]["text"])


@pytest.mark.parametrize(
    ("model", "version", "line"),
    [
        ("another", __version__, "the model's files on"),
        (None, "0.0.1", f"has maskdet {__version__}"),
    ],
)
def test_a_node_with_another_model_or_version_ends_the_run(setup, model, version, line):
    text, right, _ = setup
    worker = ArchiveWorker(text, model or right, version)
    try:
        outcome = worker(a_row(CLIP, "e" * 64))
    finally:
        end(worker)
    assert outcome["is_fatal"] and line in outcome["text"]


def test_a_recording_that_a_node_cannot_read_is_named_with_the_node(tmp_path):
    row = hash_recording({"number": 3, "path": str(tmp_path / "unmounted.mp4")})
    assert row["sha256"] == "" and f"cannot be read on {socket.gethostname()}: " in row["text"]
