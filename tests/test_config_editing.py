"""Settings files that are changed with their comments kept."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from maskdet.config import read_yaml
from maskdet.config_editing import append_item, remove_items, set_in_item
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


COMMENTED = """\
# who comes in
sources: [demo]   # the door
zones:
- name: till   # paid here
  points:
  - [0.1, 0.2]
  - [0.4, 0.2]
  - [0.4, 0.9]

  # the queue before it
-
  name: queue
  points: [[0.5, 0.5], [0.9, 0.5], [0.9, 0.9]]  # drawn by Ann

# Lines: everybody counts once
lines: []   # none yet
min_score: null   # the model's own

# the end
"""


def test_only_the_lines_of_an_item_change(tmp_path: Path):
    """Comments of what follows stay with it, nulls, quotes, indents and blanks as they are."""
    file = tmp_path / "door.yaml"
    file.write_text(COMMENTED)
    append_item(file, "zones", ITEM)
    append_item(file, "lines", {"name": "line 1", "points": [[0.1, 0.5], [0.9, 0.5]]})
    zone = "- name: zone 1\n  points: [[0.1, 0.25], [0.5, 0.25], [0.5, 0.75]]\n"
    line = "lines:      # none yet\n  - name: line 1\n    points: [[0.1, 0.5], [0.9, 0.5]]\n"
    before, after = COMMENTED.split("\n# Lines")
    after = after.replace("lines: []   # none yet\n", line)
    assert file.read_text() == f"{before}{zone}\n# Lines{after}"
    assert remove_items(file, "zones", {"name": "zone 1"})
    assert remove_items(file, "lines", {"name": "line 1"})
    assert file.read_text() == COMMENTED
    assert remove_items(file, "zones", {"name": "queue"})
    assert remove_items(file, "zones", {"name": "till"})
    kept = [line for line in COMMENTED.splitlines() if "#" in line]
    kept = [line for line in kept if "# paid" not in line and "# drawn" not in line]
    assert [line for line in file.read_text().splitlines() if "#" in line] == kept
    assert read_yaml(file)["zones"] == []


@pytest.mark.parametrize(
    "text",
    [
        "# nothing but this\n",
        "zones:\n# none yet\n",
        "zones: null # none\nblur: true",
        "zones: [{name: a, points: [[0, 0], [1, 0], [1, 1]]},  # one\n  ]\n",
        "  blur: true\n  # indented\n",
        '{"sources": ["demo"], "zones": []}\n',
        '{"sources": ["demo"]}',
        "zones:\n- {name: a, points: [[0, 0],\n   [1, 0], # corner\n   [1, 1]]}",
    ],
)
def test_any_layout_is_added_to(tmp_path: Path, text: str):
    file = tmp_path / "door.yaml"
    file.write_text(text)
    names = [zone["name"] for zone in read_yaml(file).get("zones") or []] if ":" in text else []
    append_item(file, "zones", ITEM)
    read = read_yaml(file)
    assert [zone["name"] for zone in read["zones"]] == [*names, "zone 1"]
    assert read["zones"][-1] == ITEM
    comments = [line.split("#")[1] for line in text.splitlines() if "#" in line]
    assert all(f"#{comment}" in file.read_text() for comment in comments)
    if text.startswith("{"):
        assert json.loads(file.read_text())["zones"] == [ITEM]
    assert remove_items(file, "zones", {"name": "zone 1"})
    assert [zone["name"] for zone in read_yaml(file)["zones"]] == names


def test_lines_of_windows_stay_so(tmp_path: Path):
    file = tmp_path / "door.yaml"
    file.write_bytes(COMMENTED.replace("\n", "\r\n").encode())
    append_item(file, "zones", ITEM)
    assert file.read_bytes().count(b"\r\n") == file.read_bytes().count(b"\n")


def test_a_layout_that_cannot_be_edited_is_left_alone(tmp_path: Path):
    file = tmp_path / "door.yaml"
    text = "zones: till\n"
    file.write_text(text)
    with pytest.raises(ConfigError, match="change it by hand"):
        append_item(file, "zones", ITEM)
    assert file.read_text() == text


def test_a_value_is_set_in_an_item(tmp_path: Path):
    file = tmp_path / "cluster.yaml"
    file.write_text(
        "nodes:\n  - first  # plain\n  - name: second   # with a name\n\n"
        "  # the last\n  - {name: third, drained: false}  # in braces\ncameras: []\n"
    )
    for name in ("first", "second", "third"):
        set_in_item(file, "nodes", {"name": name}, {"drained": True})
    assert file.read_text() == (
        "nodes:\n  - {name: first, drained: true}  # plain\n"
        "  - name: second   # with a name\n    drained: true\n\n"
        "  # the last\n  - {name: third, drained: true}  # in braces\ncameras: []\n"
    )
