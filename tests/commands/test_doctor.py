"""The doctor: what it finds is there, what it calls broken is, and each fault has its fix."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from maskdet.__main__ import main
from maskdet.commands.doctor import cameras, codecs, detection, display, storage
from maskdet.commands.doctor.finding import Health, broken, ok
from maskdet.model.registry import DEFAULT_MODEL
from maskdet.runtimes.gpu import gpu_probe
from maskdet.runtimes.gpu.litert_gpu import LiteRtGpuDetector
from maskdet.sources.webcam_list import list_webcams
from maskdet.system.extras import EXTRAS
from tests.doubles import ScriptedDetector
from tests.helpers.swiftshader import swiftshader_driver

pytestmark = pytest.mark.timeout(240)


def doctor(tmp_path: Path, model: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Its exit status, and its JSON by name."""
    report = tmp_path / "report.json"
    folder = () if "--folder" in options else ("--folder", str(tmp_path))
    status = main(["doctor", "--model", str(model), "--json", str(report), *folder, *options])
    read = json.loads(report.read_text())
    assert read["ok"] == (status == 0)
    return status, {check["name"]: check for check in read["checks"]}


def test_a_machine_that_works(
    tiny_model: Path, tmp_path: Path, camera: Any, capsys: pytest.CaptureFixture[str]
):
    address = camera.url("live", login="user:secret@")
    status, checks = doctor(tmp_path, tiny_model, "--source", address)
    assert status == 0
    for name in ("system", "packages", "H.264", "H.265", "back-ends", "recordings", "CPU"):
        assert checks[name]["health"] == "ok", checks[name]
    assert "opencv-python 5" in checks["packages"]["text"]
    assert {f"extra {name}" for name in EXTRAS} <= checks.keys()
    assert "ray 2" in checks["extra cluster"]["text"]
    assert "tiny on CPU (LiteRT)" in checks["CPU"]["text"] and " ms, then " in checks["CPU"]["text"]
    assert checks["source"]["health"] == "ok" and "×48" in checks["source"]["text"]
    assert not [path for path in tmp_path.iterdir() if "doctor" in path.name]
    lines = capsys.readouterr().out
    assert len(lines.splitlines()) == len(checks)
    assert "secret" not in lines + json.dumps(checks)


def test_what_is_asked_for_and_does_not_work_is_broken(
    tiny_model: Path, tmp_path: Path, camera: Any, capsys: pytest.CaptureFixture[str]
):
    """Each with what to do; the others are checked all the same."""
    address = camera.url("status/401", login="user:secret@")
    nowhere = tmp_path / "none"
    status, checks = doctor(
        tmp_path, tmp_path / "no model", "--source", address, "--folder", str(nowhere)
    )
    assert status == 2
    faults = {name: check for name, check in checks.items() if check["health"] == "broken"}
    assert set(faults) == {"source", "recordings", "detection"}
    assert "user name or password refused" in faults["source"]["text"]
    assert f"mkdir -p {nowhere}" in faults["recordings"]["fix"]
    assert "no model" in faults["detection"]["text"]
    assert "secret" not in capsys.readouterr().out + json.dumps(checks)


def test_a_camera_that_goes_silent_holds_nobody_up(camera: Any, monkeypatch):
    monkeypatch.setattr(cameras, "_TIMEOUT_S", 1.0)
    (finding,) = cameras.source(camera.url("mute"))
    assert finding.health is Health.BROKEN


def test_a_line_has_the_fix_behind_what_was_found():
    assert (
        broken("disk", "is full", "delete old files")
        .line()
        .endswith("disk           is full; delete old files")
    )
    assert ok("disk", "120 MB/s").line().endswith("disk           120 MB/s")


def test_json_alone_on_standard_output(tiny_model: Path, tmp_path: Path, capsys):
    options = ["--model", str(tiny_model), "--folder", str(tmp_path), "--device", "cpu"]
    assert main(["doctor", *options, "--json", "-"]) == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert report["ok"] and "GPU" not in {check["name"] for check in report["checks"]}
    assert len(captured.err.splitlines()) == len(report["checks"])


@pytest.mark.skipif(gpu_probe.gpu_seems_there(), reason="there is a GPU")
def test_a_gpu_that_is_wanted_and_not_there(tiny_model: Path):
    auto = list(detection.check(str(tiny_model), "auto"))[-1]
    wanted = list(detection.check(str(tiny_model), "gpu"))[-1]
    assert (auto.health, wanted.health) == (Health.ABSENT, Health.BROKEN)
    assert auto.name == wanted.name == "GPU" and "vulkan" in wanted.fix


@pytest.mark.slow
def test_the_gpu_that_computes_is_named(tiny_model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VK_DRIVER_FILES", str(swiftshader_driver()))
    monkeypatch.setenv(gpu_probe.SOFTWARE_COUNTS, "1")
    found = {finding.name: finding for finding in detection.check(str(tiny_model), "auto")}
    assert found["GPU"].health is Health.OK
    assert "SwiftShader Device (Subzero) (LiteRT, Vulkan)" in found["GPU"].text
    assert "not used by --device auto: the CPU is faster" in found["GPU"].text


@pytest.mark.parametrize(
    ("gpu", "milliseconds", "reported"),
    [
        ("LiteRT", 8.9, "; used"),
        ("LiteRT", 9.5, "not used by --device auto: it is hardly faster than the CPU"),
        ("LiteRT", 20.0, "not used by --device auto: the CPU is faster"),
        ("Keras", 9.5, "; used"),  # a GPU under Keras is taken unmeasured
        ("Keras", 20.0, "; used"),
    ],
)
def test_a_gpu_is_used_as_the_monitor_uses_it(
    monkeypatch: pytest.MonkeyPatch, gpu: str, milliseconds: float, reported: str
):
    litert = LiteRtGpuDetector.__new__(LiteRtGpuDetector)
    speeds = {
        "cpu": (ScriptedDetector(), "CPU", 10.0),
        "gpu": (litert if gpu == "LiteRT" else ScriptedDetector(), "GPU", milliseconds),
    }
    monkeypatch.setattr(detection, "_speed", lambda model, device: speeds[device])
    monkeypatch.setattr(detection, "gpu_seems_there", lambda: True)
    on_cpu, on_gpu = detection.check(DEFAULT_MODEL, "auto")
    assert "live frames" not in on_cpu.text
    assert on_gpu.health is Health.OK and on_gpu.text.endswith(reported)


def test_a_line_names_the_smaller_input_of_a_slow_processor(monkeypatch: pytest.MonkeyPatch):
    slow = (ScriptedDetector(), "CPU", 60.0)
    monkeypatch.setattr(detection, "_speed", lambda model, device: slow)
    (on_cpu,) = detection.check(DEFAULT_MODEL, "cpu")
    assert on_cpu.text == "CPU; live frames get an input of 448 pixels (side: auto)"


def test_a_codec_that_is_not_there():
    wrong = codecs.try_codec("libnope")
    assert wrong is not None and wrong.encoding and "libnope" in str(wrong)


def test_a_window_and_its_scripts():
    """The font of OpenCV 5 has most scripts; what it lacks is named."""
    found = {finding.name: finding for finding in display.check()}
    assert "Chinese" not in found["font"].text or found["font"].health is Health.OK
    assert found["display"].health in (Health.OK, Health.ABSENT) and found["display"].text


def test_a_disk_that_is_slow_or_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert [f.health for f in storage.check(tmp_path)] == [Health.OK]
    monkeypatch.setattr(storage, "MIN_FREE_MIB", 2**60)
    assert [f.health for f in storage.check(tmp_path)] == [Health.ABSENT]
    monkeypatch.setattr(storage, "MIN_MIB_PER_S", 1e9)
    (slow,) = storage.check(tmp_path)
    assert slow.health is Health.BROKEN and "faster disk" in slow.fix
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's device files")
def test_webcams_are_listed_with_their_names(tmp_path: Path):
    """Without the second device that each has for its metadata."""
    for number, index, name in ((0, 0, "HD Webcam"), (1, 1, "HD Webcam"), (10, 0, "Brio")):
        (tmp_path / f"dev/video{number}").parent.mkdir(exist_ok=True)
        (tmp_path / f"dev/video{number}").touch()
        folder = tmp_path / f"sys/video{number}"
        folder.mkdir(parents=True)
        (folder / "name").write_text(f"{name}\n")
        (folder / "index").write_text(f"{index}\n")
    (tmp_path / "dev/video-codec").touch()
    listed = list_webcams(tmp_path / "dev", tmp_path / "sys")
    assert listed == [("0", "HD Webcam"), ("10", "Brio")]
