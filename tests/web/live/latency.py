"""Measures the live picture: ``python -m tests.web.live.latency``; docs/live.md has the table.

A camera (MJPEG over HTTP) writes the time into each picture, the monitor processes and serves it,
a browser shows it, and a script in the page reads the time off what is shown.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import httpx
import numpy as np
import psutil
from websockets.sync.client import connect

from tests.web.chromium import Browser

ROOT = Path(__file__).resolve().parents[3]
CELL, BITS, FPS = 20, 24, 15
SECONDS = 8.0

READ = """
const done = arguments[arguments.length - 1], seconds = arguments[0];
const canvas = document.createElement('canvas');
const pen = canvas.getContext('2d', { willReadFrequently: true });
const late = [];
let last = -1;
const ended = performance.now() + 1000 * seconds;
function look() {
  const shown = document.querySelector('.screen video, .screen img');
  const width = shown?.videoWidth || shown?.naturalWidth;
  if (width) {
    canvas.width = width; canvas.height = 40;
    pen.drawImage(shown, 0, 0);
    let code = 0;
    for (let bit = 0; bit < BITS; bit++) {
      code = code * 2 + (pen.getImageData(bit * CELL + CELL / 2, CELL / 2, 1, 1).data[0] > 128);
    }
    if (code !== last) {
      const now = Date.now() % 2 ** BITS;
      if (last >= 0) late.push(now - code);
      last = code;
    }
  }
  if (performance.now() < ended) requestAnimationFrame(look); else done(late);
}
look();
""".replace("BITS", str(BITS)).replace("CELL", str(CELL))


def stamped(picture: np.ndarray) -> np.ndarray:
    """The picture with the time of day in milliseconds along its top, a cell for each bit."""
    code = int(time.time() * 1000) % 2**BITS
    image = picture.copy()
    for bit in range(BITS):
        value = 255 * (code >> (BITS - 1 - bit) & 1)
        image[:CELL, bit * CELL : (bit + 1) * CELL] = value
    return image


class Camera(BaseHTTPRequestHandler):
    """MJPEG of one picture, with the time."""

    picture = np.zeros((480, 640, 3), np.uint8)

    def do_GET(self) -> None:  # noqa: N802
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        due = time.monotonic()
        while True:
            due += 1 / FPS
            time.sleep(max(0.0, due - time.monotonic()))
            data = cv2.imencode(".jpg", stamped(self.picture))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + data + b"\r\n")
            except OSError:
                return

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def monitor(*options: str) -> Iterator[tuple[str, psutil.Process]]:
    """The monitor on such a camera: the page's address, and its process."""
    frame = cv2.VideoCapture(str(ROOT / "maskdet/sources/clip.mp4")).read()[1]
    Camera.picture = cv2.resize(frame, (640, 480))
    camera = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    camera.daemon_threads = True
    threading.Thread(target=camera.serve_forever, daemon=True).start()
    source = f"http://127.0.0.1:{camera.server_port}/video.mjpg"
    command = [sys.executable, "monitor.py", "--headless", "--source", source]
    with subprocess.Popen(
        [*command, "--serve", "127.0.0.1:0", *options], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        try:
            found = (re.match(r"live page: (\S+)/", line) for line in process.stderr)
            url = next(one[1] for one in found if one)
            rest = threading.Thread(target=list, args=(process.stderr,))
            rest.start()
            time.sleep(3)
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()
            rest.join()
            camera.shutdown()
            camera.server_close()


def shown(url: str, path: str) -> list[float]:
    """Milliseconds from the camera to the browser, of each picture shown."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(Path(folder), url, None)
        try:
            browser.open(path)
            time.sleep(4)
            return list(browser.driver.execute_async_script(READ, SECONDS))
        finally:
            browser.driver.quit()


def watch_video(url: str, until: float) -> int:
    count = 0
    address = url.replace("http", "ws") + "/api/cameras/0/video"
    quiet = {"proxy": None, "compression": None, "ping_interval": None, "max_queue": None}
    with connect(address, **quiet) as socket:  # type: ignore[arg-type]
        while time.monotonic() < until:
            count += len(socket.recv(10))
    return count


def watch_mjpeg(url: str, until: float) -> int:
    count = 0
    with httpx.stream("GET", f"{url}/api/cameras/0/mjpeg", timeout=20, trust_env=False) as answer:
        for data in answer.iter_raw():
            count += len(data)
            if time.monotonic() > until:
                break
    return count


def load(url: str, process: psutil.Process, watch: object, viewers: int) -> tuple[float, float]:
    """Share of a core that the monitor takes meanwhile, and kilobytes a second of a viewer."""
    with ThreadPoolExecutor(max(1, viewers)) as pool:
        until = time.monotonic() + SECONDS + 1
        jobs = [pool.submit(watch, url, until) for _ in range(viewers)]  # type: ignore[arg-type]
        time.sleep(1)
        before = process.cpu_times()
        time.sleep(SECONDS)
        after = process.cpu_times()
        sent = [job.result() for job in jobs]
    spent = after.user + after.system - before.user - before.system
    return spent / SECONDS, statistics.mean(sent or [0]) / (SECONDS + 1) / 1000


def main() -> None:
    """Prints a table in Markdown, with options of the monitor such as ``--record /tmp/a.mp4``."""
    with monitor(*sys.argv[1:]) as (url, process):
        idle, _ = load(url, process, watch_video, 0)
        print(f"monitor without viewers: {idle:.2f} of a core")
        print(
            "| picture | shown after, ms: median | 95 % | fps | kB/s | first viewer | each more |"
        )
        print("|---|---|---|---|---|---|---|")
        for name, path, watch in (
            ("H.264 over WebSocket", "/", watch_video),
            ("MJPEG", "/?mjpeg", watch_mjpeg),
        ):
            late = sorted(shown(url, path))
            one, rate = load(url, process, watch, 1)
            ten, _ = load(url, process, watch, 10)
            row = (
                f"{statistics.median(late):.0f}",
                f"{late[int(0.95 * len(late))]:.0f}",
                f"{len(late) / SECONDS:.1f}",
                f"{rate:.0f}",
                f"{100 * (one - idle):.0f} %",
                f"{100 * (ten - one) / 9:.1f} %",
            )
            print(f"| {name} | {' | '.join(row)} |")


if __name__ == "__main__":
    main()
