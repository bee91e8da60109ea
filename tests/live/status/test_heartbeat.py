"""Signs of life for a service manager."""

from __future__ import annotations

import json
import os
import socket
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from maskdet.errors import SinkError
from maskdet.live.meters import SourceStats
from maskdet.live.pipeline import Pipeline
from maskdet.live.session import run
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.settings.sources import SourceSettings
from maskdet.live.shutdown import Stop
from maskdet.live.status.heartbeat import Heartbeat, StatusFile
from maskdet.sinks.output_files import ReservedName
from tests.doubles import ScriptedDetector, SyntheticSource
from tests.helpers.monitors import fill

NOTHING = SourceStats(*(0 for _ in fields(SourceStats)))


@pytest.mark.skipif(sys.platform != "linux", reason="systemd's socket")
@pytest.mark.parametrize("name", ["notify", "user@1000", "@maskdet-{}"])
def test_systemd_is_reached_by_a_path_and_by_an_abstract_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    is_abstract = name.startswith("@")
    address = name.format(tmp_path.name) if is_abstract else str(tmp_path / name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + address[1:] if is_abstract else address)
        systemd.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        Heartbeat().beat(NOTHING)
        assert systemd.recv(100) == b"READY=1"


def test_a_status_file_on_a_full_disk_leaves_nothing_half_written(
    small_disk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("maskdet.live.status.heartbeat._CHECK_INTERVAL_S", 0.0)
    monkeypatch.setattr("maskdet.live.status.heartbeat._INTERVAL_S", 0.0)
    folder = small_disk / "run"
    folder.mkdir()
    with Pipeline([SyntheticSource(1)], ScriptedDetector()) as pipeline:
        write = StatusFile(folder / "status.json", pipeline.stats, list)
        write()
        before = (folder / "status.json").read_text()
        fill(small_disk, 0)
        write()
        write()
    assert list(folder.iterdir()) == [folder / "status.json"]
    assert (folder / "status.json").read_text() == before
    assert capsys.readouterr().err.count("status.json: No space left on device; check") == 1


def _settings(**files: Path) -> MonitorSettings:
    source = SourceSettings(source="demo")
    return MonitorSettings(sources=[source], headless=True, max_frames=2, **files)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
@pytest.mark.parametrize("setting", ["status", "heartbeat"])
def test_two_monitors_never_write_one_sign_of_life(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str
):
    path = tmp_path / "sign"
    path.write_text("of the first")
    other = ReservedName(path)  # as a monitor that runs has it
    os.utime(path, (1, 1))
    assert run(_settings(**{setting: path}), Stop(None), ScriptedDetector()) == 0
    second = tmp_path / "sign-2"
    assert (path.read_text(), path.stat().st_mtime) == ("of the first", 1)
    assert second.exists()
    line = f"{path} is being written by another monitor that runs; the {setting} goes to {second}\n"
    assert line in capsys.readouterr().err
    other.release()
    assert run(_settings(**{setting: path}), Stop(None), ScriptedDetector()) == 0
    assert path.stat().st_mtime > 1 and "another" not in capsys.readouterr().err
    if setting == "status":
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert sorted(tmp_path.iterdir()) == [path, second]  # and no hidden one


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes are POSIX")
def test_a_status_file_that_is_a_pipe_is_refused(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SinkError, match="status: .*pipe is a pipe; name a file"):
        run(_settings(status=tmp_path / "pipe"), Stop(None), ScriptedDetector())
