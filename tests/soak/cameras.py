"""The strict figures of docs/reliability.md, on a machine that does nothing else.

python -m tests.soak.cameras recovery|reconnects|latency [--times N] [--seconds S]

Prints what it measured and ends with status 1 where a promise is broken.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from maskdet.sources.opening import open_source
from maskdet.sources.reconnecting import LiveSource
from tests.helpers.monitors import MONITOR, ROOT
from tests.helpers.xserver import x_server
from tests.sources.rtsp import ages_on, line_to, rtsp_camera
from tests.sources.test_rtsp import Reader, until


def recovery(options: argparse.Namespace) -> bool:
    """Capture is back within 3 s of its server; closing takes less than 1 s meanwhile."""
    back, closed = [], []
    for _ in range(options.times or 10):
        with rtsp_camera() as camera:
            reader = _reader(camera.url())
            reader.more()
            camera.kill()
            until("a loss", lambda reader=reader: reader.source.trouble)
            time.sleep(5)  # the pauses have grown to their longest
            camera.start()
            began = time.monotonic()
            reader.more(1)
            back.append(time.monotonic() - began)
            camera.process.send_signal(signal.SIGSTOP)
            time.sleep(1)
            closed.append(reader.close())
    print(f"back after at most {max(back):.2f} s, closed after at most {max(closed):.2f} s")
    return max(back) < 3 and max(closed) < 1


def reconnects(options: argparse.Namespace) -> bool:
    """Two hundred reconnects leave no thread, handle, child or memory."""
    times = options.times or 200
    process = psutil.Process()
    with rtsp_camera() as camera, line_to(camera) as line:
        reader = _reader(camera.url(port=line.port))
        seen = []
        for number in range(times):
            reader.more()
            memory = process.memory_info().rss / 2**20
            seen.append((process.num_threads(), process.num_fds(), memory))
            line.cut()
            until("a reconnect", lambda n=number: reader.source.reconnects > n)
        reader.close()
    warm, last = seen[min(20, times // 2)], seen[-1]
    print(f"threads, handles, MB: {warm} after 20 reconnects, {last} after {times}")
    return last[:2] == warm[:2] and last[2] - warm[2] <= 20


def latency(options: argparse.Namespace) -> bool:
    """A detector of 2 frames a second on a stream of 30: no picture older than .5 s + 150 ms."""
    seconds = options.seconds or 600
    source = "sources=[{{source: '{}', name: door}}]"
    with (
        tempfile.TemporaryDirectory() as folder,
        x_server(Path(folder)) as screen,
        rtsp_camera("--size", "960x540") as camera,  # shown pixel by pixel
    ):
        monitor = subprocess.Popen(
            [sys.executable, "-c", MONITOR, "0.5", source.format(camera.url())],
            cwd=ROOT,
            env={**os.environ, "DISPLAY": screen.display},
        )
        window = screen.find("maskdet: door", 60)
        time.sleep(3)
        ages = sorted(ages_on(screen, seconds))
        screen.press(window, "q")
        monitor.wait(20)
    middle, high = ages[len(ages) // 2], ages[len(ages) * 95 // 100]
    print(
        f"{len(ages)} pictures; age when shown: median {middle:.3f} s, 95 % {high:.3f} s, "
        f"highest {ages[-1]:.3f} s, {sum(age >= 0.65 for age in ages)} from .65 s on"
    )
    return ages[-1] < 0.65


def _reader(url: str) -> Reader:
    source = open_source(url)
    assert isinstance(source, LiveSource)
    return Reader(source)


MEASURES: dict[str, Callable[[argparse.Namespace], bool]] = {
    "recovery": recovery,
    "reconnects": reconnects,
    "latency": latency,
}


def main() -> int:
    """Measures; 0 if the promise holds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=MEASURES)
    parser.add_argument("--times", type=int)
    parser.add_argument("--seconds", type=float)
    options = parser.parse_args()
    return 0 if MEASURES[options.what](options) else 1


if __name__ == "__main__":
    sys.exit(main())
