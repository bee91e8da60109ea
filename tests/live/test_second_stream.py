"""The whole monitor on a real camera with two streams: detection in one, recording of the other."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from maskdet.config import load_settings
from maskdet.errors import ConfigError
from maskdet.live.settings.monitor import MonitorSettings
from tests.commands.test_live_page import command
from tests.commands.test_monitor import lines_of, wait_for
from tests.sinks.recording.copy.test_packet_recorder import clocks_in
from tests.sources.rtsp import RtspCamera, needs_rtsp, rtsp_camera
from tests.sources.test_rtsp import until

pytestmark = pytest.mark.timeout(180)
StartMonitor = Callable[..., Any]
LOGIN = ("--user", "ann", "--password", "geheim")


def start(
    start_monitor: StartMonitor, main: RtspCamera, sub: RtspCamera, folder: Path, *further: str
) -> Any:
    source = f"source: '{main.url('ann:geheim@')}', detect_source: '{sub.url('ann:geheim@')}'"
    outputs = {"events": "e.jsonl", "summary": "s.json", "record": "r.mp4"}
    return start_monitor(
        f"sources=[{{{source}, name: door}}]",
        "zones=[{name: left, points: [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}]",
        "headless=true",
        *(f"{key}={folder / name}" for key, name in outputs.items()),
        *further,
    )


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def grows(path: Path) -> None:
    size = size_of(path)
    until(f"{path.name} grows", lambda: size_of(path) > size)


@needs_rtsp
def test_one_stream_away_does_not_end_the_other(tmp_path: Path, start_monitor: StartMonitor):
    """Each is named when it is lost and back; the password of neither is anywhere."""
    with (
        rtsp_camera(*LOGIN, "--size", "960x540", "--codec", "h264-b", "--fps", "15") as main,
        rtsp_camera(*LOGIN, "--size", "320x180", "--fps", "15") as sub,
    ):
        process = start(start_monitor, main, sub, tmp_path)
        wait_for(tmp_path / "e.jsonl", 5)
        grows(tmp_path / "r.mp4")
        sub.kill()
        time.sleep(2.5)
        grows(tmp_path / "r.mp4")
        sub.start()
        wait_for(tmp_path / "e.jsonl", len(lines_of(tmp_path / "e.jsonl")) + 5)
        main.kill()
        time.sleep(2.5)
        wait_for(tmp_path / "e.jsonl", len(lines_of(tmp_path / "e.jsonl")) + 5)
        main.start()
        until("another file", (tmp_path / "r-2.mp4").exists)
        grows(tmp_path / "r-2.mp4")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    for stream in ("door:", "door: recorded stream:"):
        assert re.search(rf"monitor.py: {stream} no signal( \(.+\))?; waiting for it\n", err), err
        assert re.search(rf"monitor.py: {stream} signal again after \d", err), err
    assert "; no signal of the recorded stream " in err
    (source,) = json.loads((tmp_path / "s.json").read_text())["sources"]
    recorded = source["recorded_stream"]
    for one in (source, recorded):
        assert one["reconnects"] == 1 and one["no_signal"]["times"] >= 1
    assert recorded["packets"] > 30
    for name in ("r.mp4", "r-2.mp4"):
        with av.open(str(tmp_path / name)) as video:
            assert video.streams.video[0].codec_context.width == 960
        assert clocks_in(tmp_path / name)
    lines = lines_of(tmp_path / "e.jsonl")
    assert {(line["width"], line["height"]) for line in lines} == {(320, 180)}
    assert "geheim" not in err + "".join((tmp_path / n).read_text() for n in ("e.jsonl", "s.json"))


@pytest.mark.slow
@needs_rtsp
def test_a_second_stream_that_was_never_there_ends_nothing(
    tmp_path: Path, start_monitor: StartMonitor
):
    with rtsp_camera(*LOGIN, "--fps", "15") as main, rtsp_camera(*LOGIN) as sub:
        sub.kill()
        process = start(start_monitor, main, sub, tmp_path)
        until("the recording", (tmp_path / "r.mp4").exists)
        grows(tmp_path / "r.mp4")
        sub.start()
        wait_for(tmp_path / "e.jsonl", 5)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert clocks_in(tmp_path / "r.mp4")


@needs_rtsp
def test_a_killed_run_leaves_a_recording_that_plays(tmp_path: Path, start_monitor: StartMonitor):
    with rtsp_camera(*LOGIN, "--fps", "15") as main, rtsp_camera(*LOGIN, "--fps", "15") as sub:
        process = start(start_monitor, main, sub, tmp_path, "recording.segment_seconds=600")
        wait_for(tmp_path / "e.jsonl", 5)
        (part,) = until("a segment", lambda: list(tmp_path.glob("r-*.mp4.part")))
        until("its content", lambda: size_of(part) > 15_000)
        process.kill()
        process.communicate()
        process = start(start_monitor, main, sub, tmp_path, "recording.segment_seconds=600")
        until("recovery", lambda: list(tmp_path.glob("r-*.mp4")))
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert "recovered" in err
    recovered = sorted(tmp_path.glob("r-*.mp4"))[0]
    seen = clocks_in(recovered)
    assert len(seen) > 15 and seen == sorted(seen)


SECOND = "detect_source: 'rtsp://192.0.2.1/2'"
SOURCE = f"sources=[{{source: 'rtsp://ann:geheim@192.0.2.1/1', {SECOND}}}]"
DEMO = f"sources=[{{source: demo, {SECOND}}}]"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([SOURCE, "record=r.mp4", "blur=true"], "cannot be covered as blur demands"),
        (
            [SOURCE, "record=r.mp4", "privacy=strict"],
            "covered as privacy: strict demands",
        ),
        (["sources=[demo]", "recording.encode=never"], "'demo' is not a network camera"),
        (
            ["sources=['udp://@:5000']", "recording.encode=never"],
            "cannot be opened twice; give a detect_source",
        ),
        (
            [DEMO],
            "'demo' is not a network camera",
        ),
        (
            ["sources=[{source: 'rtsp://192.0.2.1/1', detect_source: 'second'}]"],
            "detect_source",
        ),
    ],
)
def test_what_cannot_be_recorded_so_is_refused_in_one_line(settings: list[str], message: str):
    with pytest.raises(ConfigError) as caught:
        load_settings(MonitorSettings, None, settings)
    text = str(caught.value)
    assert message in text and "\n" not in text.strip() and "geheim" not in text


@pytest.mark.parametrize(
    "settings",
    [
        [SOURCE, "blur=true"],  # nothing is recorded
        [SOURCE, "record=r.mp4", "blur=true", "recording.encode=always"],
        ["sources=['rtsp://192.0.2.1/1']", "record=r.mp4", "privacy=strict"],
        [
            "sources=[{source: demo, detect_source: 'rtsp://192.0.2.1/2'}]",
            "recording.encode=always",
        ],
    ],
)
def test_what_can_be_recorded_is_not_refused(settings: list[str]):
    load_settings(MonitorSettings, None, settings)


@needs_rtsp
def test_the_live_page_names_a_recorded_stream_that_is_away(tmp_path: Path):
    with rtsp_camera(*LOGIN, "--fps", "15") as main, rtsp_camera(*LOGIN, "--fps", "15") as sub:
        source = f"source: '{main.url('ann:geheim@')}', detect_source: '{sub.url('ann:geheim@')}'"
        words = ("monitor.py", "--headless", "--serve", "127.0.0.1:0", "--set", "detect.fps=5")
        words += ("--set", f"sources=[{{{source}, name: door}}]", "--record", f"{tmp_path}/r.mp4")

        with command(*words) as (url, _):

            def camera() -> dict[str, Any]:
                return dict(httpx.get(f"{url}/api/cameras/0", trust_env=False).json())

            until("the recording", lambda: camera()["recording"])
            until("its stream", lambda: camera()["recorded_stream"] == "ok")
            gauge = 'maskdet_camera_recorded_stream_up{camera="door"}'
            assert f"{gauge} 1.0" in httpx.get(f"{url}/metrics", trust_env=False).text
            main.kill()
            until("it is away", lambda: camera()["recorded_stream"] == "no signal")
            until("its reason", lambda: "refuses port" in camera()["recorded_stream_reason"])
            assert not camera()["recording"] and camera()["signal"] == "ok"
            assert f"{gauge} 0.0" in httpx.get(f"{url}/metrics", trust_env=False).text
            settings = httpx.get(f"{url}/api/settings", trust_env=False).text
            assert "geheim" not in settings and "ann:***@" in settings
