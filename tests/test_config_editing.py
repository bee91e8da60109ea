"""Settings files that are changed with their comments kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from maskdet.config import read_yaml
from maskdet.config_editing import append_item, remove_items
from maskdet.errors import ConfigError

WRITTEN = """\
# the ward's door
blur: false   # not needed here
zones:
  - name: bench   # by the window
    points: [[0.1, 0.2], [0.4, 0.2], [0.4, 0.9]]
lines: []

log:
  format: "text"
"""
ITEM = {"name": "zone 1", "points": [[0.1, 0.25], [0.5, 0.25], [0.5, 0.75]]}


def test_an_item_is_added_and_all_else_stays(tmp_path: Path):
    file = tmp_path / "door.yaml"
    file.write_text(WRITTEN)
    append_item(file, "zones", ITEM)
    append_item(file, "lines", {"name": "line 1", "points": [[0.1, 0.5], [0.9, 0.5]]})
    text = file.read_text()
    for line in WRITTEN.splitlines():
        assert line in text or line == "lines: []"
    assert "points: [[0.1, 0.25], [0.5, 0.25], [0.5, 0.75]]" in text
    read = read_yaml(file)
    assert [zone["name"] for zone in read["zones"]] == ["bench", "zone 1"]
    assert read["lines"] == [{"name": "line 1", "points": [[0.1, 0.5], [0.9, 0.5]]}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_of_windows_is_changed_as_it_is_read(tmp_path: Path, encoding: str):
    file = tmp_path / "door.yaml"
    file.write_bytes(WRITTEN.replace("ward", "Wärter").replace("\n", "\r\n").encode(encoding))
    append_item(file, "zones", ITEM)
    assert remove_items(file, "zones", {"name": "zone 1"})
    assert file.read_text("utf-8") == WRITTEN.replace("ward", "Wärter")


def test_what_was_added_is_removed_again(tmp_path: Path):
    file = tmp_path / "door.yaml"
    file.write_text(WRITTEN)
    append_item(file, "zones", ITEM)
    assert remove_items(file, "zones", {"name": "zone 1"})
    assert file.read_text() == WRITTEN
    assert remove_items(file, "zones", {"name": "bench"}) and read_yaml(file)["zones"] == []
    assert not remove_items(file, "zones", {"name": "bench"})


def test_a_missing_file_is_made(tmp_path: Path):
    append_item(tmp_path / "new.yaml", "zones", ITEM)
    assert read_yaml(tmp_path / "new.yaml") == {"zones": [ITEM]}


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a: [1"])
def test_a_file_that_cannot_be_changed_is_one_line(tmp_path: Path, content: bytes):
    file = tmp_path / "door.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="door.yaml: cannot be changed: ") as error:
        append_item(file, "zones", ITEM)
    assert "\n" not in str(error.value) and file.read_bytes() == content


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_a_file_that_its_owner_alone_may_read_stays_so(tmp_path: Path):
    file = tmp_path / "door.yaml"
    file.write_text("sources: ['rtsp://admin:secret@10.0.0.4/1']\n")
    file.chmod(0o600)
    append_item(file, "zones", ITEM)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
