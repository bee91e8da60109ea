"""Signs of life for a service manager."""

from __future__ import annotations

import socket
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from maskdet.live.meters import SourceStats
from maskdet.live.pipeline import Pipeline
from maskdet.live.status.heartbeat import Heartbeat, StatusFile
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
        write = StatusFile(folder / "status.json", pipeline.stats)
        write()
        before = (folder / "status.json").read_text()
        fill(small_disk, 0)
        write()
        write()
    assert list(folder.iterdir()) == [folder / "status.json"]
    assert (folder / "status.json").read_text() == before
    assert capsys.readouterr().err.count("status.json: No space left on device; check") == 1
