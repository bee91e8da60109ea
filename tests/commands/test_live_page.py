"""The monitor with a live page, and users of the page, as their commands run them."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from websockets.sync.client import connect

from maskdet.__main__ import main
from maskdet.commands.live_page.clip_folder import ClipFolder
from maskdet.commands.live_page.masked_settings import masked
from maskdet.commands.live_page.page import _new_draw, open_page
from maskdet.commands.monitor import _with_address, live_page_words
from maskdet.config import load_settings
from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.settings.serve import split_address
from maskdet.observation import Observation
from maskdet.web.live.server import LiveServer
from tests.helpers.monitors import fill

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"


@contextmanager
def command(*words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A command that serves a page: its address, and its process."""
    with subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr
            for line in process.stderr:
                if found := re.match(r"live page: (\S+)/", line):
                    yield found[1], process
                    return
            pytest.fail("it ended without a page")
        finally:
            process.kill()


def until_seen(url: str, **options: object) -> dict[str, object]:
    deadline = time.monotonic() + 60
    while True:
        state = httpx.get(f"{url}/api/state", trust_env=False, **options).json()  # type: ignore[arg-type]
        if state["cameras"][0]["width"] and sum(state["people"].values()):
            return state
        assert time.monotonic() < deadline, state
        time.sleep(0.1)


@pytest.mark.timeout(180)
def test_the_monitor_serves_its_demo_and_ends_at_once(tmp_path: Path):
    store = tmp_path / "people.db"
    words = ("monitor.py", "--headless", "--source", "demo", "--serve", "127.0.0.1:0")
    with command(*words, "--store", str(store)) as (url, process):
        state = until_seen(url)
        assert state["cameras"][0]["name"] == "demo" and state["can_report"]
        kinds = {e["kind"] for e in httpx.get(f"{url}/api/events", trust_env=False).json()}
        assert "appeared" in kinds
        report = httpx.get(f"{url}/api/report?from=today", trust_env=False)
        assert report.status_code == 200 and "People and masks" in report.text
        wrong = httpx.get(f"{url}/api/report?from=never", trust_env=False)
        assert wrong.status_code == 422 and "never" in wrong.json()["detail"]
        metrics = httpx.get(f"{url}/metrics", trust_env=False).text
        assert 'maskdet_camera_up{camera="demo"} 1.0' in metrics
        assert "maskdet_camera_recording_failed{" not in metrics  # nothing is to be recorded
        with connect(url.replace("http", "ws") + "/api/cameras/0/video", proxy=None) as viewer:
            assert "codec" in json.loads(viewer.recv(20))
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert process.wait(20) == 0
            assert time.monotonic() - began < 5  # less than a second where nothing else runs


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_page_names_a_recording_that_a_full_disk_stops(small_disk: Path):
    record = small_disk / "rec.mp4"
    words = ("monitor.py", "--headless", "--source", "demo", "--serve", "127.0.0.1:0")
    with command(*words, "--record", str(record), "--set", "detect.fps=5") as (url, _):

        def until(key: str) -> dict[str, object]:
            deadline = time.monotonic() + 60
            while True:
                (camera,) = httpx.get(f"{url}/api/cameras", trust_env=False).json()
                if camera[key]:
                    return camera
                assert time.monotonic() < deadline, camera
                time.sleep(0.1)

        assert not until("recording")["recording_failed"]
        filler = fill(small_disk, 0)
        assert not until("recording_failed")["recording"]
        metrics = httpx.get(f"{url}/metrics", trust_env=False).text
        assert 'maskdet_camera_recording_failed{camera="demo"} 1.0' in metrics
        filler.unlink()
        assert not until("recording")["recording_failed"]


@pytest.mark.timeout(180)
def test_beyond_this_machine_everybody_logs_in(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    users = tmp_path / "users.json"
    words = ("-m", "maskdet", "serve", "--live", "--source", "demo", "--host=0.0.0.0", "--port=0")
    options = ("--set", f"serve.users={users}")
    done = subprocess.run(
        [sys.executable, *words, *options], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"no file of users {users}, and everybody has to log in here; make it" in done.stderr
    assert f"maskdet users add NAME --role operator --file {users}\n" in done.stderr
    assert main(["users", "list", "--file", str(users)]) == 2
    assert f"there are no users yet: {users} is not there; add one: " in capfd.readouterr().err
    added = subprocess.run(
        [sys.executable, "-m", "maskdet", "users", "add", "anna", "--role=operator"]
        + ["--file", str(users)],
        cwd=ROOT,
        input=PASSWORD + "\n",
        capture_output=True,
        text=True,
    )
    assert added.returncode == 0 and PASSWORD not in added.stderr
    with command(*words, *options) as (url, _):
        assert httpx.get(f"{url}/api/state", trust_env=False).status_code == 401
        until_seen(url, auth=("anna", PASSWORD))
        log = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
        httpx.get(f"{url}/api/settings", trust_env=False, auth=("anna", PASSWORD))
        lines = (tmp_path / "audit.jsonl").read_text().splitlines()[len(log) :]
        assert [json.loads(line)["action"] for line in lines] == ["settings"]
    assert main(["users", "list", "--file", str(users)]) == 0
    assert capfd.readouterr().out == "anna\toperator\n"
    assert main(["users", "remove", "bob", "--file", str(users)]) == 2
    assert main(["users", "remove", "anna", "--file", str(users)]) == 0
    assert "there is anna" in capfd.readouterr().err


def run(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "monitor.py", "--headless", "--source", "demo", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


def test_a_wrong_address_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for words, given in (
            (("--serve", "nonsense"), "must be HOST:PORT"),
            (("--serve", f"127.0.0.1:{port}"), "choose another with --serve HOST:PORT"),
            (("--serve", "--set", "serve.key=/k"), "TLS needs both"),
            (("--serve", "--set", "serve.audit=/proc/x/log"), "audit log /proc/x/log cannot be"),
        ):
            status, reported = run(*words)
            assert status == 2 and reported.count("\n") == 1 and given in reported, reported


def test_serve_may_stand_alone():
    assert _with_address(["--serve"]) == ["--serve=127.0.0.1:8001"]
    assert _with_address(["--serve", "--source", "0"])[0] == "--serve=127.0.0.1:8001"
    assert _with_address(["--serve", "[::]:1", "-x"]) == ["--serve", "[::]:1", "-x"]
    assert live_page_words(["--live", "--source", "0", "--port", "9"]) == (
        ["--headless", "--serve", "127.0.0.1:9", "--source", "0"]
    )
    assert live_page_words(["--host=::", "--live"])[2] == "[::]:8001"
    assert split_address("[::1]:80") == ("::1", 80) and split_address(":80") == ("0.0.0.0", 80)
    assert split_address("a:99999") is None and split_address("a:b:1") is None


def test_settings_are_shown_without_secrets(tmp_path: Path):
    file = tmp_path / "m.yaml"
    file.write_text(
        "sources: [{source: 'rtsp://u:s3cret@cam/1', ffmpeg: {headers: 'Authorization: s3cret'}},"
        " 'http://h/x?password=s3cret']\nserve: {address: '127.0.0.1:1'}\n"
        "alarms: {channels: [{name: hook, kind: web_hook, url: 'https://chat.example/T0/s3cret',"
        " headers: {X-Own: s3cret}, secret: '${HOOK}', template: '{\"key\": \"s3cret\"}'},"
        " {name: run, kind: command, command: [/usr/bin/curl, -H, 'X-Key: s3cret']}]}\n"
    )
    shown = json.dumps(masked(load_settings(MonitorSettings, file)))
    assert "s3cret" not in shown
    assert "https://chat.example/***" in shown and "${HOOK}" in shown
    assert "/usr/bin/curl" in shown
    assert "rtsp://u:***@cam/1" in shown and "127.0.0.1:1" in shown


def test_only_listed_clips_are_found(tmp_path: Path):
    (tmp_path / "secret.txt").write_text("x")
    inside = tmp_path / "clips"
    inside.mkdir()
    ours = {"door.mp4", "door-2.MKV", "door-1-20260131-235959-2.mp4", "door-20260131-235959.mp4"}
    others = ("other.mp4", ".door.mp4", "door.mp4.part", "door.txt", "doorbell.mp4", "door-mom.mp4")
    for name in (*ours, *others):
        (inside / name).write_bytes(b"x")
    clips = ClipFolder([(inside, "door"), (tmp_path / "missing", "")])
    assert {clip.name for clip in clips.clips()} == ours
    for name in ("../secret.txt", *others, "", "/etc/passwd", "\0"):
        assert clips.path(name) is None and not clips.delete(name)
    assert clips.delete("door.mp4") and not (inside / "door.mp4").exists()


@pytest.mark.parametrize("blur", [True, False])
def test_the_page_blurs_faces_as_the_window_does(blur: bool):
    image = np.zeros((400, 400, 3), np.uint8)
    image[100:200:2, 100:200] = 255  # stripes where the face is
    settings = load_settings(MonitorSettings, None, [f"blur={blur}".lower(), "serve.width=200"])
    found = Detections([[100, 100, 200, 200]], [0.9], [0])
    picture = _new_draw(settings)(Observation(Frame(image, 0, 0.0, 0.0, "a"), found))
    assert picture.shape == (200, 200, 3)
    assert (picture[60:90, 60:90].std() < 30) == blur or not blur


def test_a_page_that_has_ended_is_reported_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    page = open_page(load_settings(MonitorSettings, None, ["serve.address=127.0.0.1:0"]))
    seen = Observation(Frame(np.zeros((9, 9, 3), np.uint8), 0, 0.0, 0.0, "a"), Detections.empty())
    page.write(seen)
    assert "it has ended" not in capsys.readouterr().err
    monkeypatch.setattr(LiveServer, "error", OSError("too many open files"))
    for _ in range(3):
        page.write(seen)
    page.close()
    line = "live page: it has ended, the monitor goes on: too many open files"
    assert capsys.readouterr().err.count(line) == 1
