"""Makes the README's pictures of the monitor: ``python -m tools.readme_pictures docs``.

``demo.webp`` moves: it is the recording of a run on the demo clip. ``screenshot.png`` is the real
window on a virtual screen (Xvfb) while the demo runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
from PIL import Image

from maskdet.sources import CLIP
from tests.helpers.xserver import x_server

ROOT = Path(__file__).resolve().parents[1]
FPS = 8
WIDTH = 480
QUALITY = 50
MAX_BYTES = 2_000_000
SHOT_AFTER_S = 12.0
"""Seconds from the window's first picture: by then people are followed and have numbers."""


def record_demo(folder: Path) -> list[Image.Image]:
    """The frames of a recording of the demo clip, at `FPS`."""
    recording = folder / "demo.mp4"
    run_monitor(
        *("--source", str(CLIP), "--headless", "--record", str(recording)),
        *("--set", f"detect.fps={FPS}", "--set", "sources.0.name=demo"),
    )
    with av.open(str(recording)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def write_moving(frames: list[Image.Image], file: Path) -> None:
    """Writes an animation that repeats indefinitely."""
    height = round(frames[0].height * WIDTH / frames[0].width)
    first, *others = (frame.resize((WIDTH, height), Image.Resampling.LANCZOS) for frame in frames)
    first.save(
        file,
        save_all=True,
        append_images=others,
        duration=round(1000 / FPS),
        loop=0,
        quality=QUALITY,
        method=4,
    )
    if file.stat().st_size > MAX_BYTES:
        raise SystemExit(f"{file} has more than {MAX_BYTES} bytes; lower QUALITY or FPS")


def take_screenshot(folder: Path) -> Image.Image:
    """The monitor's window while the demo runs."""
    with x_server(folder) as screen:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "monitor.py"), "--source", "demo"],
            env=os.environ | {"DISPLAY": screen.display, "QT_QPA_PLATFORM": "xcb"},
        )
        try:
            window = screen.find("maskdet: demo", seconds=60)
            time.sleep(SHOT_AFTER_S)
            width, height = screen.geometry(window)
            pixels = screen.screenshot()[:height, :width, ::-1]
        finally:
            process.terminate()
            process.wait(10)
    return Image.fromarray(pixels.copy())


def run_monitor(*options: str) -> None:
    """Runs the real command to its end."""
    subprocess.run([sys.executable, str(ROOT / "monitor.py"), *options], check=True, cwd=ROOT)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        write_moving(record_demo(Path(scratch)), target / "demo.webp")
        take_screenshot(Path(scratch)).save(target / "screenshot.png", optimize=True)
