"""Rules of Windows, as far as another system can hold the program to them."""

from __future__ import annotations

import ntpath
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path, PureWindowsPath

import numpy as np
import pytest

from maskdet.datasets.formats.yolo import yolo_data_yaml
from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.observation import Observation
from maskdet.sinks.event_log import EventLog
from maskdet.sinks.log_rotation import Rotation
from maskdet.sinks.store.schema import database_address
from maskdet.system import extras
from maskdet.system.file_names import in_shell
from maskdet.system.redaction import mask_password


@pytest.fixture
def on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows is the system's name for all that ask for it."""
    monkeypatch.setattr(sys, "platform", "win32")


@pytest.mark.skipif(sys.platform != "linux", reason="sees in /proc which files are open")
def test_a_log_is_rotated_where_open_files_cannot_be_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_windows: None
):
    rename, refused = os.rename, []

    def windows_rename(old: Path, new: Path) -> None:
        held = [os.path.realpath(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")]
        if os.path.realpath(old) in held or refused == ["once"]:
            refused.append("open" if os.path.realpath(old) in held else "again")
            raise PermissionError(13, "The process cannot access the file", str(old))
        rename(old, new)

    monkeypatch.setattr(os, "rename", windows_rename)
    log = EventLog(tmp_path / "e.jsonl", rotation=Rotation(max_bytes=1000), retry_seconds=0.0)
    image = np.zeros((8, 8, 3), np.uint8)
    for index in range(20):
        refused += ["once"] if index == 12 else []  # a virus scanner has it for a moment
        frame = Frame(image, index, float(index), "door")
        log.write(Observation(frame, Detections.empty()))
    log.close()
    written = sorted(tmp_path.glob("e*.jsonl"))
    lines = sum(len(path.read_text().splitlines()) for path in written)
    assert "open" not in refused and "again" in refused
    assert len(written) > 3 and all(path.stat().st_size <= 1000 for path in written)
    assert lines == 19  # all but that of the moment, which is reported


def test_words_are_quoted_as_the_command_prompt_reads_them(on_windows: None):
    assert in_shell(r"C:\videos\door.mp4") == r"C:\videos\door.mp4"
    assert in_shell(r"C:\my videos\door.mp4") == r'"C:\my videos\door.mp4"'
    assert "'" not in extras.install_command("serve")
    assert extras.install_command("serve").endswith('[serve]"')


@pytest.mark.parametrize("typed", ["rtsp://anna:geheim@cam/1", "https://anna:ge/heim@cam/1"])
def test_an_address_that_was_taken_for_a_windows_path_shows_no_password(typed: str):
    shown = mask_password(f"{PureWindowsPath(typed)}: no such file")
    assert "heim" not in shown and "anna:***@cam" in shown
    assert mask_password(r"C:\me@home\x") == r"C:\me@home\x"


def test_the_store_on_a_windows_share_has_an_address_without_host(tmp_path: Path):
    share = PureWindowsPath(r"\\server\share\all people.db")
    assert database_address(share) == "file:////server/share/all%20people.db"
    drive = PureWindowsPath(r"C:\people.db")
    assert database_address(drive) == "file:///C:/people.db"
    four_strokes = f"file:///{tmp_path / 'people.db'}"  # as that of a share has
    with closing(sqlite3.connect(four_strokes, uri=True)) as store:
        store.execute("CREATE TABLE people (id)")
    assert (tmp_path / "people.db").exists()
    with pytest.raises(sqlite3.OperationalError, match="authority"):
        sqlite3.connect(share.as_uri(), uri=True)


def test_images_on_another_drive_are_not_in_the_folder(monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patched:
        patched.setattr(yolo_data_yaml.os, "path", ntpath)
        found = yolo_data_yaml._inside(Path("C:/data"), r"D:\data\images")
    assert found is None
