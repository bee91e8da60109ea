"""Cameras added from a browser: no file of this machine, and no option that reaches one."""

from __future__ import annotations

from typing import Any

import pytest

from maskdet.commands.live_page.cameras import PageControl
from maskdet.errors import ConfigError, MaskdetError
from maskdet.live.settings.sources import SourceSettings

STREAM = "rtsp://192.0.2.1/1"


class Recorded:
    """Stands for the control of a run that has a camera named door; keeps what it is asked."""

    def __init__(self) -> None:
        self.added: list[tuple[SourceSettings, str]] = []
        self.pause = self.resume = self.restart = self.remove = self.find

    def find(self, name: str) -> object | None:
        return name if name == "door" else None

    def add(self, one: SourceSettings, name: str) -> Any:
        self.added.append((one, name))
        return type("Camera", (), {"index": 1})


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (STREAM, STREAM),
        (f"  {STREAM} ", STREAM),
        ("http://192.0.2.1/video.mjpg", "http://192.0.2.1/video.mjpg"),
        ("0", "0"),
        ("/dev/video2", "/dev/video2"),
    ],
)
def test_cameras_and_streams_are_added(source: str, name: str) -> None:
    control = Recorded()
    page = PageControl(control)  # type: ignore[arg-type]
    assert page.check(source, None, {}) == name
    assert page.add(source, "yard", {"detect_source": f"{STREAM}2", "detect_fps": 5}) == 1
    ((settings, given),) = control.added
    assert given == "yard" and settings.source == source.strip()
    assert settings.detect_source == f"{STREAM}2" and settings.detect_fps == 5


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("/etc/passwd", {}, "only cameras and streams"),
        ("/dev/sda", {}, "only cameras and streams"),
        ("/dev/video0/../sda", {}, "only cameras and streams"),
        ("demo", {}, "only cameras and streams"),
        (STREAM, {"ffmpeg": {"protocol_whitelist": "file"}}, "'ffmpeg' cannot be set here"),
        (STREAM, {"source": "/etc/passwd"}, "'source' cannot be set here"),
        (STREAM, {"name": "yard"}, "'name' cannot be set here"),
        (STREAM, {"detect_source": "/etc/passwd"}, "must be the address of a stream"),
        (STREAM, {"detect_source": 0}, "must be the address of a stream"),
        (STREAM, {"no_such": 1}, "no_such"),
    ],
)
def test_what_reaches_further_is_refused(
    source: str, options: dict[str, object], message: str
) -> None:
    control = Recorded()
    page = PageControl(control)  # type: ignore[arg-type]
    with pytest.raises(MaskdetError, match=message):
        page.check(source, "yard", options)
    with pytest.raises(MaskdetError, match=message):
        page.add(source, "yard", options)
    assert not control.added


def test_a_name_is_given_once() -> None:
    with pytest.raises(ConfigError, match="a camera 'door' already"):
        PageControl(Recorded()).check(STREAM, "door", {})  # type: ignore[arg-type]
