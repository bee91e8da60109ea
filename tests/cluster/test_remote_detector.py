"""A machine too weak to detect has another one process its frames."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from maskdet.config import load_settings
from maskdet.detections import Detections
from maskdet.errors import ConfigError
from maskdet.frame import Frame
from tests.doubles import ScriptedDetector
from tests.soak.cluster.loopback import LoopbackCluster

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="reads the libraries of a process in /proc"),
]
pytest.importorskip("ray", reason="the extra cluster is not installed")

NODES = "[{name: strong}, {name: weak, detect_on: strong}]"
CAMERA = "cameras: [{name: hall, source: demo}]"


def load(tmp_path: Path, text: str):
    from maskdet.cluster.settings import ClusterSettings

    file = tmp_path / "cluster.yaml"
    file.write_text(text)
    return load_settings(ClusterSettings, file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nodes: [{name: a, detect_on: b}]", "detect_on names 'b', which is not a machine that"),
        ("nodes: [{name: a, detect_on: a}]", "detect_on names 'a', which is not a machine that"),
        (f"nodes: {NODES}\nmonitor: {{detect: {{machine: x}}}}", "leave it out"),
    ],
)
def test_each_mistake_is_one_line(tmp_path: Path, text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, text)


def test_only_the_weak_machine_s_monitor_is_sent_elsewhere(tmp_path: Path):
    from maskdet.cluster.monitor_settings import monitor_settings
    from maskdet.live.settings.monitor import MonitorSettings

    made = load(tmp_path, f"nodes: {NODES}\nmonitor: {{detect: {{fps: 5}}}}\n{CAMERA}")
    for node, machine in (("strong", None), ("weak", "strong@127.0.0.1:6380")):
        file = tmp_path / "monitor.yaml"
        file.write_text(monitor_settings(made, node, ["hall"]))
        detect = load_settings(MonitorSettings, file).detect
        assert (detect.machine, detect.fps) == (machine, 5)


def test_the_detector_learns_which_camera_a_frame_is_of():
    from maskdet.cluster.detector_actor import DetectorActor, from_answer

    actor = DetectorActor({"side": 64, "device": "cpu"})
    seen: list[tuple[str, float]] = []

    class InTurn(ScriptedDetector):
        def detect_frames(self, frames: Sequence[Frame]) -> list[Detections]:
            seen.extend((frame.source, frame.position) for frame in frames)
            return self.detect([frame.image for frame in frames])

    actor._detector.close()
    actor._detector = InTurn(lambda image: Detections([[0, 0, *image.shape[1::-1]]], [0.9], [1]))
    sizes = {"hall": (48, 64), "door": (90, 160)}
    frames = [
        (cv2.imencode(".jpg", np.zeros((*size, 3), np.uint8))[1].tobytes(), camera, 7.5)
        for camera, size in sizes.items()
    ]
    boxes = [from_answer(one).boxes.tolist() for one in actor.detect_frames(frames)]
    assert boxes == [[[0, 0, 64, 48]], [[0, 0, 160, 90]]]
    assert seen == [("hall", 7.5), ("door", 7.5)]


@pytest.mark.slow
def test_frames_of_a_weak_machine_are_processed_on_the_strong_one(tmp_path: Path):
    monitor = {"side": 320, "device": "cpu", "detect": {"fps": 4}}
    cluster = LoopbackCluster(tmp_path, {"hall": "demo"}, monitor, ("strong", "weak"))
    settings = json.loads(cluster.file.read_text())
    settings["nodes"][1]["detect_on"] = "strong"
    settings["cameras"][0]["node"] = "weak"
    cluster.file.write_text(json.dumps(settings))
    try:
        cluster.up("strong", "weak")
        wait_for_frames(cluster)
        weak = psutil.Process(cluster.table()["nodes"][1]["monitor_pid"])
        assert not loads_litert(weak)
        (actor,) = detectors(cluster)
        assert loads_litert(actor)
        events = tmp_path / "maskdet-cluster/weak/events.jsonl"
        assert any(json.loads(line)["detections"] for line in events.read_text().splitlines())

        actor.kill()
        killed = time.time()
        wait_for_frames(cluster)
        assert detectors(cluster) != [actor]
        assert weak.is_running()
        print(f"frames again {time.time() - killed:.1f} s after the detector was killed")
    finally:
        cluster.close()


def detectors(cluster: LoopbackCluster) -> list[psutil.Process]:
    return [one for one in cluster.processes() if "ray::DetectorActor" in " ".join(one.cmdline())]


def loads_litert(process: psutil.Process) -> bool:
    maps = Path(f"/proc/{process.pid}/maps").read_text()
    return any("litert" in line for line in maps.splitlines())


def wait_for_frames(cluster: LoopbackCluster) -> None:
    """Until more frames have been processed than there were."""

    def processed() -> int:
        return cluster.table()["cameras"][0]["processed"] or 0

    before = processed()
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if processed() > before + 4:
            return
        time.sleep(0.5)
    log = cluster.folder / "maskdet-cluster/weak/monitor.log"
    pytest.fail(f"no frames: {cluster.table()}\n{log.read_text()[-2000:]}")
