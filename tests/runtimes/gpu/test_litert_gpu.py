"""LiteRT on a GPU: the real accelerator, on a software Vulkan driver where there is no GPU.

The driver is SwiftShader, which Debian's package chromium brings; `.ci/run` installs it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from maskdet import boxes
from maskdet.commands.benchmark.whole_monitor import demo_images
from maskdet.detections import Detections
from maskdet.errors import ModelError
from maskdet.runtimes import load_detector
from maskdet.runtimes.gpu import gpu_probe, litert_gpu
from maskdet.runtimes.gpu.litert_gpu import LiteRtGpuDetector
from maskdet.runtimes.gpu.webgpu_worker import fixed_input
from tests.helpers.swiftshader import swiftshader_driver

ROOT = Path(__file__).resolve().parents[3]
NAME = "SwiftShader Device (Subzero) (LiteRT, Vulkan)"
CPU = "CPU (LiteRT)"
pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def software_vulkan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Vulkan by SwiftShader, which does not count as a GPU."""
    monkeypatch.setenv("VK_DRIVER_FILES", str(swiftshader_driver()))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def software_gpu(software_vulkan: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, taken for a GPU."""
    monkeypatch.setenv(gpu_probe.SOFTWARE_COUNTS, "1")


@pytest.fixture
def upgrading(tiny_model: Path, software_gpu: None) -> Iterator[LiteRtGpuDetector]:
    detector = load_detector(str(tiny_model), runtime="litert", upgrade=True)
    assert isinstance(detector, LiteRtGpuDetector)
    yield detector
    detector.close()


def picture(height: int = 96, width: int = 128) -> np.ndarray:
    coarse = np.random.default_rng(1).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return np.kron(coarse, np.ones((8, 8, 1), np.uint8))


def assert_same(found: Detections, expected: Detections) -> None:
    assert len(found) == len(expected) > 0
    np.testing.assert_allclose(found.scores, expected.scores, atol=2e-3)
    assert boxes.iou(found.boxes[:1], expected.boxes).max() > 0.98


def watch(detector: LiteRtGpuDetector, until: Callable[[], bool]) -> Detections:
    """Detects on and on, as the monitor does."""
    deadline = time.monotonic() + 120
    while not until():
        assert time.monotonic() < deadline
        (found,) = detector.detect([picture()])
    return found


def test_a_gpu_answers_as_the_cpu_does(tiny_model: Path, software_gpu: None):
    """Its input grows from 4:3 to a square for a tall picture."""
    on_cpu = load_detector(str(tiny_model), device="cpu", runtime="litert")
    on_gpu = load_detector(str(tiny_model), device="gpu", runtime="litert")
    assert on_cpu.device == CPU and on_gpu.device == NAME
    on_gpu.warm_up()
    assert_same(on_gpu.detect([picture()])[0], on_cpu.detect([picture()])[0])
    found = on_gpu.detect([picture(128, 64), picture(40, 128)])
    for faces, (height, width) in zip(found, [(128, 64), (40, 128)], strict=True):
        assert len(faces) and (faces.boxes <= [width, height, width, height]).all()
    assert on_gpu._gpu.size == (96, 96)
    for gpu, cpu in zip(
        on_gpu._gpu.outputs(picture(96, 96)), on_cpu._network.outputs(picture(96, 96)), strict=True
    ):
        np.testing.assert_allclose(gpu, cpu, atol=1e-4)
    assert on_gpu.device == NAME  # the CPU has not stepped in
    on_gpu.close()
    assert on_gpu.device == NAME  # what the summary has at the end
    on_gpu.close()


def test_eight_bits_agree_within_their_steps(tiny_model: Path, software_gpu: None):
    on_cpu = load_detector(str(tiny_model), device="cpu", runtime="litert_int8")
    on_gpu = load_detector(str(tiny_model), device="gpu", runtime="litert_int8")
    (found,), (expected,) = on_gpu.detect([picture()]), on_cpu.detect([picture()])
    on_gpu.close()
    assert on_gpu.device == NAME
    assert abs(found.scores[0] - expected.scores[0]) < 0.02


@pytest.mark.slow
def test_the_model_that_ships_sees_the_same_faces(software_gpu: None):
    """Its depth adds up what eight bits are rounded to on either side."""
    found = []
    for device in ("gpu", "cpu"):
        with closing(load_detector(device=device, side=448)) as detector:
            found += detector.detect(demo_images(1))
            assert detector.device == (NAME if device == "gpu" else CPU)
    on_gpu, on_cpu = found
    assert len(on_gpu) == len(on_cpu) > 3
    np.testing.assert_allclose(on_gpu.scores, on_cpu.scores, atol=0.1)
    assert all(boxes.iou(on_gpu.boxes, on_cpu.boxes).max(axis=1) > 0.85)


def test_auto_begins_on_the_cpu_and_stays_where_it_is_faster(
    upgrading: LiteRtGpuDetector, capfd: pytest.CaptureFixture[str]
):
    """A software adapter is slower than the CPU that plays it."""
    upgrading.warm_up()
    (first,) = upgrading.detect([picture()])
    assert upgrading.device == CPU
    assert upgrading._gpu is None  # not even tried before the first pictures are out
    last = watch(upgrading, lambda: upgrading._over)
    assert upgrading._gpu is not None and upgrading._gpu._process.poll() is not None
    assert upgrading.device == CPU
    assert_same(last, first)
    assert capfd.readouterr().err == ""


def test_auto_moves_to_a_gpu_that_is_faster_and_back_when_it_crashes(
    upgrading: LiteRtGpuDetector,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(litert_gpu, "_MAX_TIME_SHARE", 1e9)  # whatever it takes
    (expected,) = upgrading.detect([picture()])
    on_gpu = watch(upgrading, lambda: upgrading.device == NAME)
    (on_gpu,) = upgrading.detect([picture()])
    assert_same(on_gpu, expected)
    reported = capfd.readouterr().err
    assert reported.startswith(f"detecting on {NAME}: ") and reported.endswith(" on the CPU\n")

    os.kill(upgrading._gpu._process.pid, signal.SIGSEGV)
    for _ in range(3):
        assert_same(upgrading.detect([picture()])[0], expected)
    assert upgrading.device == CPU
    (line,) = capfd.readouterr().err.splitlines()
    assert "the driver of SwiftShader Device (Subzero) crashed" in line
    assert line.endswith("going on on the CPU")


def test_a_driver_that_crashes_as_it_starts_is_reported_once(
    upgrading: LiteRtGpuDetector, capfd: pytest.CaptureFixture[str]
):
    watch(upgrading, lambda: upgrading._gpu is not None)
    os.kill(upgrading._gpu._process.pid, signal.SIGABRT)
    watch(upgrading, lambda: upgrading._over)
    upgrading.detect([picture()])
    (line,) = capfd.readouterr().err.splitlines()
    assert "crashed (status -6); going on on the CPU" in line and upgrading.device == CPU


def test_results_that_are_wrong_are_a_failure(tiny_model: Path):
    """A driver that computes nonsense is found out before it is used."""
    from maskdet.runtimes.gpu import webgpu_worker

    network = webgpu_worker.WebGpuNetwork.__new__(webgpu_worker.WebGpuNetwork)
    content = fixed_input((tiny_model / "model.tflite").read_bytes(), 96, 128)
    network._cpu, network.size = webgpu_worker.LiteRtNetwork(content), (96, 128)
    for wrong in (lambda a: a * 0, lambda a: a + np.nan, lambda a: a + 1):
        network.outputs = lambda image, wrong=wrong: tuple(
            wrong(values) for values in network._cpu.outputs(image)
        )
        with pytest.raises(ModelError, match="its results are wrong"):
            network.check()
    network.outputs = lambda image: tuple(
        values + 0.05 * values.std() for values in network._cpu.outputs(image)
    )
    network.check()


def test_a_software_adapter_is_no_gpu(
    tiny_model: Path, software_vulkan: None, capfd: pytest.CaptureFixture[str], monkeypatch
):
    with pytest.raises(ModelError, match="--device gpu: .*software adapter .SwiftShader.*cpu"):
        load_detector(str(tiny_model), device="gpu")
    monkeypatch.setattr("maskdet.runtimes.spec.gpu_seems_there", lambda: True)
    detector = load_detector(str(tiny_model), upgrade=True)
    watch(detector, lambda: detector._over)
    assert detector.device == CPU and capfd.readouterr().err == ""
    detector.close()


def test_no_driver_at_all_is_reported_with_what_to_install(
    tiny_model: Path, software_gpu, monkeypatch
):
    monkeypatch.setenv("VK_DRIVER_FILES", "/no/such/driver.json")
    with pytest.raises(ModelError, match="--device gpu: Vulkan finds none; install .*vulkan"):
        load_detector(str(tiny_model), device="gpu")


def test_no_device_file_no_process(tiny_model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("maskdet.runtimes.spec.gpu_seems_there", lambda: False)
    assert not isinstance(load_detector(str(tiny_model), upgrade=True), LiteRtGpuDetector)


@pytest.mark.parametrize("name", ["model.tflite", "model_int8.tflite"])
def test_a_file_with_one_input_size(tiny_model: Path, name: str):
    content = (tiny_model / name).read_bytes()
    fixed = fixed_input(fixed_input(content, 64, 64), 96, 160)
    assert len(fixed) == len(content)
    interpreter = Interpreter(model_content=fixed)
    interpreter.allocate_tensors()
    (tensor,) = interpreter.get_input_details()
    assert tensor["shape"].tolist() == tensor["shape_signature"].tolist() == [1, 96, 160, 3]


def test_the_monitor_names_the_gpu(
    tiny_model: Path, software_gpu: None, make_video: Callable[..., Path], tmp_path: Path
):
    summary = tmp_path / "summary.json"
    options = ["--model", str(tiny_model), "--device", "gpu", "--headless"]
    done = subprocess.run(
        [sys.executable, "monitor.py", "--source", str(make_video(frames=6)), *options]
        + ["--summary", str(summary)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(summary.read_text())["device"] == NAME
    assert f"tiny on {NAME}" in done.stderr
