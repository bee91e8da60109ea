"""The settings file while the monitor runs: what counts as changed, and what is printed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from maskdet.config import load_settings
from maskdet.errors import ConfigError
from maskdet.live.cameras.reloading import changed_keys
from maskdet.live.cameras.settings_file import SettingsFile
from maskdet.live.settings.monitor import MonitorSettings


class Watched:
    """A file that is checked by hand."""

    def __init__(self, path: Path) -> None:
        self.path, self.read = path, list[str]()
        path.write_text("a: 1\n")
        self.file = SettingsFile(path, self._apply)

    def _apply(self) -> None:
        text = self.path.read_text()
        if "wrong" in text:
            raise ConfigError(f"{self.path}:1: wrong")
        self.read.append(text)

    def write(self, text: str, later: int = 1) -> None:
        self.path.write_text(text)
        moment = self.path.stat().st_mtime + later
        os.utime(self.path, (moment, moment))

    def poll(self, times: int = 2) -> list[str]:
        for _ in range(times):
            self.file.poll()
        read, self.read = self.read, []
        return read


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "m.yaml")


def test_a_file_is_read_once_it_rests_and_only_where_its_content_differs(watched: Watched):
    assert watched.poll() == []
    watched.write("a: 2\n")
    assert watched.poll(1) == [], "it may still be written"
    assert watched.poll(1) == ["a: 2\n"] and watched.poll() == []
    watched.write("a: 2\n", 2)
    assert watched.poll(3) == [], "it was only touched"
    part = watched.path.with_suffix(".part")
    part.write_text("a: 3\n")
    part.replace(watched.path)
    assert watched.poll() == ["a: 3\n"]


def test_a_wrong_file_is_a_line_and_the_right_one_is_read_after_it(
    watched: Watched, capsys: pytest.CaptureFixture[str]
):
    watched.write("wrong\n")
    assert watched.poll(3) == []
    err = capsys.readouterr().err
    assert err.count("m.yaml:1: wrong; the settings stay as they were\n") == 1
    watched.write("a: 4\n", 2)
    assert watched.poll() == ["a: 4\n"]


def test_a_signal_has_it_read_in_any_case(watched: Watched):
    watched.file.hurry()
    assert watched.poll(1) == ["a: 1\n"] and watched.poll() == []


def test_a_file_that_is_gone_is_one_line(watched: Watched, capsys: pytest.CaptureFixture[str]):
    watched.path.unlink()
    assert watched.poll(4) == [] and capsys.readouterr().err == ""  # an editor at work
    assert watched.poll(5) == []
    assert capsys.readouterr().err.count("is gone; the settings stay as they were") == 1
    watched.write("a: 5\n")
    assert watched.poll() == ["a: 5\n"]


def test_changed_keys_are_named_as_they_stand_in_the_file():
    old = load_settings(MonitorSettings, None, ["serve.fps=10", "model=a"])
    new = load_settings(MonitorSettings, None, ["serve.fps=5", "model=b", "sources=[{source: x}]"])
    assert list(changed_keys(old, new)) == ["sources", "model", "serve.fps"]
    assert list(changed_keys(old, old)) == []
