"""Signs of life for a service manager."""

from __future__ import annotations

import socket
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from maskdet.live.heartbeat import Heartbeat
from maskdet.live.meters import SourceStats

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
