"""Speed, latency, start-up and memory on this machine, measured as a user meets them.

The detector is timed alone, in this process. Everything else is `monitor.py` itself, started again
for each figure, and its own summary.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskdet.commands.benchmark.monitor_child import failure_of, run_child
from maskdet.commands.benchmark.timing import rates, time_calls
from maskdet.contracts import Detector
from maskdet.live.gui.window import display_available
from maskdet.sources import CLIP
from maskdet.sources.files.video_file import VideoFile
from maskdet.system.console import say

_STARTS = 3
Monitor = Callable[..., dict[str, Any]]


def run(
    detector: Detector,
    model: str,
    device: str,
    *,
    seconds: float = 10.0,
    video: Path | None = None,
    options: Sequence[str] = (),
) -> dict[str, Any]:
    """Measures.

    Args:
        detector: timed alone; the same that the monitor will load.
        model: as after ``--model``.
        device: as after ``--device``.
        seconds: length of each measurement.
        video: what the whole pipeline is timed on, as a file; None: the demo's clip.
        options: more of the monitor's, which the model needs.

    Returns:
        Values by name, for JSON: see docs/architecture.md.

    Raises:
        MaskdetError: the monitor could not be run.
    """
    with tempfile.TemporaryDirectory(prefix="maskdet-benchmark-") as folder:

        def monitor(*more: str) -> dict[str, Any]:
            always = ("--model", model, "--device", device, *options)
            return _monitor(Path(folder), *always, *more)

        say("detector alone …")
        alone = time_detector(detector, seconds)
        say("start-up …")
        start = _start_up(monitor)
        say("whole pipeline on a video file …")
        file = _file(monitor, video or CLIP, alone["fps"])
        say("a camera of 640×480 at 30 frames a second, recorded …")
        camera = _camera(monitor, Path(folder), seconds)
    return {
        "machine": machine(),
        "model": detector.name,
        "device": detector.device,
        "detector": alone,
        "start": start,
        "file": file,
        "camera": camera,
    }


def time_detector(detector: Detector, seconds: float) -> dict[str, float]:
    """The detector's rate and milliseconds on the demo's images, decoded beforehand."""
    images = demo_images(60)
    detector.warm_up()
    return rates(time_calls(detector, [[image] for image in images], seconds))


def table(measured: dict[str, Any]) -> str:
    """A table of what was measured, for people."""
    alone, start, file, camera = (measured[k] for k in ("detector", "start", "file", "camera"))
    rows = [
        ("machine", f"{measured['machine']['cpu']}, {measured['machine']['cores']} cores"),
        ("model", f"{measured['model']} on {measured['device']}"),
        ("detector alone", f"{alone['fps']} frames/s ({alone['p50_ms']} ms)"),
        ("pipeline on a file", f"{file['fps']} frames/s ({file['of_detector']} of the detector)"),
        ("camera, recorded", f"{camera['dropped']} of {camera['captured']} frames dropped"),
        ("", f"latency {camera['p50_ms']} ms, 95 % below {camera['p95_ms']} ms"),
        ("window", "yes" if camera["window"] else "no: there is no display"),
        ("first picture after", f"{start['first_result_s']} s"),
        ("peak memory", f"{camera['peak_rss_mb']} MiB"),
    ]
    return "\n".join(f"{name:<20}{value}" for name, value in rows)


def _start_up(monitor: Monitor) -> dict[str, float]:
    """The median of several starts; the first one warms the disk's cache and is left out."""
    runs = [
        monitor("--source", "demo", "--headless", "--max-frames", "1") for _ in range(_STARTS + 1)
    ][1:]
    return {
        "first_result_s": float(np.median([one["first_result_s"] for one in runs])),
        "peak_rss_mb": float(np.median([one["peak_rss_mb"] for one in runs])),
    }


def _file(monitor: Monitor, video: Path, detector_fps: float) -> dict[str, float]:
    summary = monitor("--source", str(video), "--headless")
    fps = float(summary["fps"]["detect"] or 0.0)
    return {"fps": fps, "of_detector": round(fps / detector_fps, 3)}


def _camera(monitor: Monitor, folder: Path, seconds: float) -> dict[str, Any]:
    """The demo is a camera of that size and rate."""
    window = display_available()[0]
    options = () if window else ("--headless",)
    record = str(folder / "camera.mp4")
    summary = monitor(
        "--source", "demo", "--max-seconds", str(seconds), "--record", record, *options
    )
    return {
        "window": window,
        "captured": summary["frames"]["captured"],
        "dropped": summary["frames"]["dropped"],
        "p50_ms": summary["latency_ms"]["p50"],
        "p95_ms": summary["latency_ms"]["p95"],
        "peak_rss_mb": summary["peak_rss_mb"],
    }


def _monitor(folder: Path, *options: str) -> dict[str, Any]:
    """One run of the monitor; its summary."""
    summary = folder / "summary.json"
    code = "import sys; from maskdet.commands.monitor import main; sys.exit(main())"
    done = run_child(code, *options, "--summary", str(summary))
    if done.returncode:
        raise failure_of(done)
    return dict(json.loads(summary.read_text()))


def machine() -> dict[str, Any]:
    """The machine that values were measured on."""
    return {"cpu": _cpu(), "cores": os.cpu_count(), "system": platform.platform()}


def demo_images(count: int) -> list[np.ndarray]:
    """The first images of the demo, 640×480, BGR uint8."""
    clip = VideoFile(str(CLIP), "demo")
    frames = (clip.read() for _ in range(count))
    images = [frame.image for frame in frames if frame is not None]
    clip.close()
    return images


def _cpu() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
