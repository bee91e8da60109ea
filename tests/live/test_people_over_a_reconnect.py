"""A camera that is away for a moment and back in another size: the shipped model, every output."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import av
import cv2
import httpx
import numpy as np
import pytest

from maskdet.boxes import iou
from maskdet.reports.local_time import LocalTime
from maskdet.reports.queries import Selection, read_totals
from maskdet.runtimes import load_detector
from maskdet.sinks.store.schema import open_for_reading
from maskdet.sources import CLIP
from maskdet.sources.opening import read_frames
from tests.commands.test_monitor import lines_of, wait_for
from tests.helpers.monitors import ROOT
from tests.helpers.ports import free_port
from tests.sources.rtsp import needs_rtsp, rtsp_camera
from tools.demo_clip.scene import FPS

pytestmark = [needs_rtsp, pytest.mark.slow, pytest.mark.timeout(400)]
SIZES = ("640x480", "480x360")
GAP_S = 3.0
"""Longer than people are remembered who are not found."""
RULE = "{name: bare, when: people, states: [without_mask, with_mask], for_seconds: 0}"


def video_of_four(folder: Path, size: str) -> Path:
    """Three seconds of the clip in which nobody walks through, forth and back: raw I420, 10 fps."""
    clip = [frame.image.copy() for frame in read_frames(str(CLIP))]
    few = clip[int(4.6 * FPS) : int(7.6 * FPS) : FPS // 10]
    width, height = map(int, size.split("x"))
    images = [cv2.resize(one, (width, height), interpolation=cv2.INTER_AREA) for one in few]
    raw = [cv2.cvtColor(one, cv2.COLOR_BGR2YUV_I420).tobytes() for one in images]
    path = folder / f"{size}.i420"
    path.write_bytes(b"".join(raw + raw[::-1]))
    return path


def shown(url: str, width: int, seconds: float = 0.0) -> list[np.ndarray]:
    """Pictures of the live page, from the first one of that width on, for so long."""
    found: list[np.ndarray] = []
    deadline, end = time.monotonic() + 120, 0.0
    while not found or time.monotonic() < end:
        assert found or time.monotonic() < deadline, "no such picture came"
        with suppress(httpx.HTTPError):
            answer = httpx.get(f"{url}/api/cameras/0/snapshot", timeout=10)
            image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
            if answer.status_code == 200 and image is not None and image.shape[1] == width:
                end = end or time.monotonic() + seconds
                found.append(image)
        time.sleep(0.2)
    return found


def images_in(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def test_four_people_stay_four_and_no_face_is_in_any_output(tmp_path: Path):
    outputs = {"events.file": "e.jsonl", "store": "people.db", "summary": "s.json"}
    outputs |= {"record": "r.mp4", "snapshots": "pictures"}
    address = f"127.0.0.1:{free_port()}"
    videos = {size: str(video_of_four(tmp_path, size)) for size in SIZES}
    with rtsp_camera("--size", SIZES[0], "--fps", "10", "--video", videos[SIZES[0]]) as camera:
        wanted = {
            "sources": f"[{{source: '{camera.url()}', name: door}}]",
            "events.every": "change",
            "privacy": "strict",
            "recording.bar": "false",
            "serve": address,
            "alarms.rules": f"[{RULE}]",
            "alarms.clips": "{enabled: true, before: 2, after: 6}",
            "detect.fps": "5",
            **{key: str(tmp_path / name) for key, name in outputs.items()},
        }
        command = [sys.executable, "monitor.py", "--headless"]
        for key, value in wanted.items():
            command += ["--set", f"{key}={value}"]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        try:
            pictures = shown(f"http://{address}", 640)
            wait_for(tmp_path / "e.jsonl", 2)
            pictures += shown(f"http://{address}", 640, 1.0)
            camera.kill()
            time.sleep(GAP_S)
            camera.start("--size", SIZES[1], "--fps", "10", "--video", videos[SIZES[1]])
            pictures += shown(f"http://{address}", 480, 4.0)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0 and "signal again after" in err, err

    changes = [one for line in lines_of(tmp_path / "e.jsonl") for one in line.get("changes", [])]
    kinds = Counter(one["kind"] for one in changes)
    assert (kinds["appeared"], kinds["gone"]) == (4, 4)
    people = json.loads((tmp_path / "s.json").read_text())["people"]
    assert people["unique"] == 4
    assert (people["with_mask"], people["without_mask"], people["mask_weared_incorrect"]) == (
        *(2, 1, 1),
    )
    with closing(open_for_reading(tmp_path / "people.db")) as connection:
        day = Selection(time.time() - 86_400, time.time() + 60)
        totals = read_totals(connection, day, LocalTime("UTC"))
        seconds = [row[0] for row in connection.execute("SELECT seconds FROM visits")]
    for name in ("with_mask", "without_mask", "mask_weared_incorrect", "unsure"):
        assert getattr(totals.people, name) == people[name]
    assert len(seconds) == 4 and min(seconds) > GAP_S

    clips = [path for path in tmp_path.rglob("*.mp4") if "alarm" in path.name]
    stills = list(tmp_path.rglob("*.jpg"))
    recorded = [images_in(tmp_path / name) for name in ("r.mp4", "r-2.mp4")]
    assert [images[0].shape[1] for images in recorded] == [640, 480] and clips and stills
    assert {one.shape[1] for one in pictures} == {640, 480}
    detector = load_detector(looks="auto", device="cpu")
    bare = cv2.cvtColor(
        np.fromfile(videos[SIZES[1]], np.uint8, 480 * 540).reshape(540, 480), cv2.COLOR_YUV2BGR_I420
    )
    faces = detector.detect([bare])[0].boxes / np.tile(bare.shape[1::-1], 2)
    assert len(faces) == 4

    def shows_a_face(image: np.ndarray) -> bool:
        """Whether one of the four can be found; a medal may be taken for a face at any time."""
        found = detector.detect([image])[0].boxes / np.tile(image.shape[1::-1], 2)
        return bool((iou(found, faces) > 0.2).any())

    assert shows_a_face(bare)
    images = [one for some in recorded for one in (*some[::5], some[-1])]
    images += [one for path in clips for one in images_in(path)[::5]]
    images += [cv2.imread(str(path)) for path in stills] + pictures[::3]
    assert not [index for index, one in enumerate(images) if shows_a_face(one)]
