"""A browser, and a folder with a clip and a picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from maskdet.sinks.recording.video_encoder import Video
from tests.web.chromium import Browser
from tests.web.live.pages import scene
from tests.web.servers import encoded


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("browser"), "", None)
    yield browser
    browser.driver.quit()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clips").mkdir()
    path = tmp_path / "clips" / "door-20260131-120000.mp4"
    video = Video(open(path, "xb", buffering=0), ".mp4", (360, 640, 3))  # noqa: SIM115
    for index in range(20):
        video.add(scene(index), index / 10)
    video.close()
    (tmp_path / "alarm.jpg").write_bytes(encoded(".jpg", 160, 90))
    return tmp_path
