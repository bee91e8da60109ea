"""The monitor as a service: what systemd and a container rely on is true of the real command."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest

from maskdet.live.meters import SourceStats
from maskdet.live.pipeline import Pipeline
from maskdet.live.status.heartbeat import Heartbeat
from tests.doubles import ScriptedDetector, SyntheticSource

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "deploy/maskdet.service"
CONTAINER = ROOT / "deploy/Containerfile"
NOTHING = SourceStats(*(0 for _ in fields(SourceStats)))
pytestmark = pytest.mark.timeout(180)


def command_of_the_unit() -> list[str]:
    """Its options, as systemd would pass them."""
    (line,) = re.findall(r"^ExecStart=(.*)$", UNIT.read_text(), re.MULTILINE)
    python, monitor, *options = line.split()
    assert python.endswith("/python") and monitor == "/opt/maskdet/monitor.py"
    return options


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_accepts_the_unit(tmp_path: Path):
    unit = tmp_path / "maskdet.service"
    unit.write_text(UNIT.read_text().replace("/opt/maskdet/.venv/bin/python", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and "maskdet.service" not in done.stderr, done.stderr


def drop_in_of_the_cluster() -> str:
    """The unit's drop-in, as docs/cluster.md has it."""
    (text,) = re.findall(r"```ini\n(.*?)```", (ROOT / "docs/cluster.md").read_text(), re.DOTALL)
    return str(text)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_accepts_the_unit_of_a_cluster(tmp_path: Path):
    unit, drop_in = tmp_path / "maskdet.service", tmp_path / "maskdet.service.d/override.conf"
    drop_in.parent.mkdir()
    unit.write_text(UNIT.read_text())
    program = "/opt/maskdet/.venv/bin/maskdet"
    drop_in.write_text(drop_in_of_the_cluster().replace(program, sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and "maskdet.service" not in done.stderr, done.stderr


def test_the_unit_of_a_cluster_waits_for_no_watchdog_and_writes_where_it_may():
    """Nothing in the command answers a watchdog; the unit leaves its state's folder writable."""
    lines = drop_in_of_the_cluster().splitlines()
    (state,) = re.findall(r"^StateDirectory=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert "WatchdogSec=0" in lines and "ExecReload=" in lines
    assert lines[:2] == ["[Service]", "ExecStart="]
    assert lines[2].endswith(f"cluster up --foreground --config /var/lib/{state}/cluster.yaml")


@pytest.mark.skipif(sys.platform != "linux", reason="systemd's socket")
def test_the_unit_s_command_reports_beats_logs_json_and_ends_on_sigterm(
    tmp_path: Path, tiny_model: Path
):
    settings = tmp_path / "monitor.yaml"
    alive, summary = tmp_path / "alive", tmp_path / "summary.json"
    settings.write_text(
        f"sources: [demo]\nmodel: {tiny_model}\nheartbeat: {alive}\nsummary: {summary}\n"
    )
    options = [o.replace("/etc/maskdet/monitor.yaml", str(settings)) for o in command_of_the_unit()]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        process = subprocess.Popen(
            [sys.executable, "monitor.py", *options],
            cwd=ROOT,
            env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "PATH": "/usr/bin:/bin"},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert systemd.recv(100) == b"READY=1"
            assert systemd.recv(100) == systemd.recv(100) == b"WATCHDOG=1"
            assert time.time() - alive.stat().st_mtime < 10
            asked = time.monotonic()
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=30)
            taken = time.monotonic() - asked
        finally:
            process.kill()
    assert process.returncode == 0
    assert taken < 5, f"{taken:.1f} s"  # strictly 1
    assert json.loads(summary.read_text())["frames"]["processed"] > 0
    lines = [json.loads(line) for line in errors.splitlines()]
    assert lines and all(set(line) == {"time", "level", "message"} for line in lines)
    assert "processed" in lines[-1]["message"] and lines[-1]["level"] == "info"


@pytest.mark.timeout(360)
def test_an_output_that_is_missing_at_boot_is_waited_for(tmp_path: Path, tiny_model: Path):
    """The command ends with a status after which systemd starts it again, until it works."""
    unit = dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.MULTILINE))
    assert unit["Restart"] == "on-failure" and unit["StartLimitIntervalSec"] == "0"
    assert "RestartPreventExitStatus" not in unit and "SuccessExitStatus" not in unit
    settings, disk = tmp_path / "monitor.yaml", tmp_path / "disk"
    settings.write_text(
        f"sources: [demo]\nmodel: {tiny_model}\nrecord: {disk}/door.mp4\nmax_frames: 3\n"
    )
    options = [o.replace("/etc/maskdet/monitor.yaml", str(settings)) for o in command_of_the_unit()]

    def status() -> int:
        command = [sys.executable, "monitor.py", *options]
        return subprocess.run(command, cwd=ROOT, timeout=150, capture_output=True).returncode

    disk.symlink_to(tmp_path / "mount")  # a folder that is not there and cannot be made
    assert status() == 2
    disk.resolve().mkdir()
    assert status() == 0 and (disk / "door.mp4").exists()


def test_an_error_is_a_json_line_too():
    done = subprocess.run(
        [sys.executable, "monitor.py", "--source", "rtsp://u:secret@/1", "--headless"]
        + ["--set", "log.format=json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    (line,) = (json.loads(line) for line in done.stderr.splitlines())
    assert done.returncode == 3 and line["level"] == "error"
    assert "names no host" in line["message"] and "secret" not in done.stderr


def test_a_hung_detector_stops_the_heart_and_a_lost_camera_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("maskdet.live.status.heartbeat._INTERVAL_S", 0.0)
    alive = tmp_path / "alive"
    heart = Heartbeat(alive)

    def beats(captured: int, processed: int, pending: int) -> bool:
        alive.unlink(missing_ok=True)
        heart.beat(replace(NOTHING, captured=captured, processed=processed, pending=pending))
        return alive.exists()

    assert beats(5, 4, 1)  # all is well
    assert beats(5, 5, 0)
    assert beats(5, 5, 0)  # no frame came, none was due
    assert not beats(9, 5, 2)  # frames come, none is answered
    assert not beats(9, 5, 2)  # no more come, as from a file that waits
    assert beats(12, 6, 2)


@pytest.mark.parametrize("is_live", [False, True])
def test_a_real_detector_that_hangs_stops_the_heart_and_a_pause_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_live: bool
):
    monkeypatch.setattr("maskdet.live.status.heartbeat._INTERVAL_S", 0.0)
    alive, hung, go = tmp_path / "alive", threading.Event(), threading.Event()
    heart = Heartbeat(alive)

    def hang() -> None:
        if hung.is_set():
            go.wait(30)

    def beats(pipeline: Pipeline) -> bool:
        alive.unlink(missing_ok=True)
        heart.beat(pipeline.stats.total())
        return alive.exists()

    # no end, so that frames wait for the detector at any time
    source = SyntheticSource(None, is_live=is_live, rate=100 if is_live else None)
    with Pipeline([source], ScriptedDetector(before=hang)) as pipeline:
        assert pipeline.next(10) is not None
        time.sleep(0.5)  # a pause: nobody fetches, a file waits and a camera goes on
        assert beats(pipeline)
        time.sleep(0.2)
        assert beats(pipeline)
        hung.set()
        for _ in range(3):
            pipeline.next(0.5)
        beats(pipeline)  # reports what was answered until then
        time.sleep(0.2)
        assert not beats(pipeline)
        go.set()
        assert pipeline.next(10) is not None
        time.sleep(0.2)
        assert beats(pipeline)


def test_a_heartbeat_that_cannot_be_written_is_reported_once(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("maskdet.live.status.heartbeat._INTERVAL_S", 0.0)
    heart = Heartbeat(tmp_path / "none/alive")
    for _ in range(3):
        heart.beat(NOTHING)
    assert capsys.readouterr().err.count("check folder, rights and disk space") == 1


def instructions(name: str) -> list[str]:
    text = CONTAINER.read_text().replace("\\\n", " ")
    return re.findall(rf"^(?:{name}) +(.*)$", text, re.MULTILINE)


def test_the_container_holds_what_there_is_and_runs_without_rights():
    for copied in instructions("COPY"):
        *sources, _ = copied.split()
        assert all((ROOT / source).exists() for source in sources), copied
    assert instructions("USER") == ["10001"] and instructions("STOPSIGNAL") == ["SIGTERM"]
    (entry,) = instructions("ENTRYPOINT")
    options = ast.literal_eval(entry)[2:]
    assert "--headless" in options and "log.format=json" in options
    subprocess.run(
        [sys.executable, "monitor.py", *options, "--source", "demo", "--max-frames", "1"],
        cwd=ROOT,
        check=True,
        timeout=120,
        capture_output=True,
    )


def requirements_of_the_container(tmp_path: Path, extras: str) -> list[str]:
    (run,) = (line for line in instructions("RUN") if "requirements.txt" in line)
    listed = tmp_path / "requirements.txt"
    command = run.partition("&& pip")[0].replace("/tmp/requirements.txt", str(listed))
    environment = os.environ | {"EXTRAS": extras}
    subprocess.run(
        ["sh", "-c", command.replace("python -c", f"{sys.executable} -c")],
        cwd=ROOT, env=environment, check=True,
    )  # fmt: skip
    return listed.read_text().split("\n")[:-1]


@pytest.mark.parametrize("extras", ["", "serve"])
def test_the_container_installs_what_the_monitor_needs_and_the_extras_asked_for(
    tmp_path: Path, extras: str
):
    listed = requirements_of_the_container(tmp_path, extras)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + (project["optional-dependencies"][extras] if extras else [])
    assert listed == [line.replace("opencv-python", "opencv-python-headless") for line in wanted]
    assert not any(line.startswith("tensorflow") for line in listed)


def test_the_container_installs_an_extra_of_extras_from_this_project_alone(tmp_path: Path):
    """PyPI's package of the name ``maskdet`` would be somebody else's."""
    listed = requirements_of_the_container(tmp_path, "all")
    assert not any(line.startswith("maskdet") for line in listed)
    assert any(line.startswith("nats-py") for line in listed)


def test_the_unit_keeps_no_webcam_away():
    """Each of these settings implies or sets a list of the devices that may be opened."""
    keys = re.findall(r"^(\w+)=", UNIT.read_text(), re.MULTILINE)
    assert not {"ProtectClock", "PrivateDevices", "DeviceAllow", "DevicePolicy"} & {*keys}


def test_the_container_s_health_check_distinguishes_fresh_from_stale(tmp_path: Path):
    (check,) = (line[line.index("[") :] for line in instructions("HEALTHCHECK"))
    alive = tmp_path / "alive"
    command = [part.replace("/tmp/maskdet-alive", str(alive)) for part in ast.literal_eval(check)]

    def healthy() -> bool:
        run: Callable[..., subprocess.CompletedProcess[bytes]] = subprocess.run
        return run([sys.executable, *command[1:]], capture_output=True).returncode == 0

    assert not healthy()
    alive.touch()
    assert healthy()
    os.utime(alive, (time.time() - 60,) * 2)
    assert not healthy()
