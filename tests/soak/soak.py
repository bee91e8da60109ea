"""Runs the whole monitor for a long time with faults, and watches what it holds.

    python -m tests.soak.soak --minutes 60

Two monitors run side by side, each with the model that ships, for the same time. One looks at the
demo as a camera, at a network camera that breaks off after every five frames and comes back in
another size, and, where GStreamer's server is installed, at an RTSP camera that is switched off and
on. Where the system lets us mount a small disk, it records to that, which is filled and freed
again, and open segments are deleted; otherwise its folder is. Its event log is rotated. It must
not grow: memory, threads, handles, processes. The other records the demo into one file,
undisturbed: its length must be that of the time by the clock. Prints what was measured as JSON, and
`soak: ok` or what broke a promise; status 0 or 1. A small disk and the RTSP camera are required:
without them less would be proved than it seems.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import psutil

from tests.conftest import Camera
from tests.sources.rtsp import HAS_SERVER, RtspCamera

ROOT = Path(__file__).resolve().parents[2]
GROWTH_MB = 20.0
CLOCK_SECONDS = 0.1
LONG_MINUTES = 10.0
"""From here on nothing may grow by one; a shorter run has too few samples to exclude a moment."""
WARMING_MB = 60.0
"""What a shorter run may grow by: heaps and encoders still fill when its last quarter begins."""
LIGHT = ("side=320", "looks=1", "detect.fps=5")
"""Settings of a short run beside other tests: none of its promises is about finding faces."""


@dataclass
class Held:
    """Resources that a process held, a second apart."""

    rss_mb: list[float] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    handles: list[int] = field(default_factory=list)
    children: list[int] = field(default_factory=list)
    cuts: int = 0

    def look(self, process: psutil.Process) -> None:
        """Once more; the children, which capture cameras, come and go with them."""
        self.rss_mb.append(process.memory_info().rss / 2**20)
        self.threads.append(process.num_threads())
        self.handles.append(process.num_fds())
        self.children.append(len(process.children(recursive=True)))

    def growth(self, values: list[float] | list[int]) -> float:
        """Growth of what was held from the second quarter to the last: the first warms up."""
        quarter = len(values) // 4
        return statistics.median(values[-quarter:]) - statistics.median(
            values[quarter : 2 * quarter]
        )

    def tenths(self) -> list[float]:
        """Median memory in each tenth of the time: a leak rises to the end, a warm-up does not."""
        step = max(1, len(self.rss_mb) // 10)
        starts = range(0, len(self.rss_mb) - step + 1, step)
        return [statistics.median(self.rss_mb[start : start + step]) for start in starts]


class Monitor:
    """The command in a process of its own, its outputs in a folder."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.log = (folder.parent / f"{folder.name}.log").open("w+")
        outputs = [f"--{name}={folder}/{name}.{end}" for name, end in
                   [("record", "mp4"), ("events", "jsonl"), ("summary", "json")]]  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "monitor.py", "--headless", *outputs, *arguments],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=self.log,
        )  # fmt: skip

    def wait_ready(self, seconds: float = 120) -> None:
        """Until the first frame was processed."""
        deadline = time.monotonic() + seconds
        events = self.folder / "events.jsonl"
        while not events.exists() or not events.stat().st_size:
            assert time.monotonic() < deadline and self.process.poll() is None, self.reported()
            time.sleep(0.1)

    def end(self) -> float:
        """Ends it as a service manager would; the seconds that took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return time.monotonic() - began

    def reported(self) -> list[str]:
        """Its messages."""
        self.log.seek(0)
        return self.log.read().splitlines()


def disturb(folder: Path, is_disk: bool, rtsp: RtspCamera | None, turn: int) -> bool:
    """One fault to outputs or a camera, another each turn; whether to the RTSP camera."""
    if turn % 4 == 0:
        if rtsp is not None:
            rtsp.kill()
            time.sleep(3)
            rtsp.start()
        return rtsp is not None
    if turn % 4 == 1 and is_disk:
        filler = folder / "filler"
        with contextlib.suppress(OSError):  # full before we were done: so much the better
            filler.write_bytes(bytes(shutil.disk_usage(folder).free))
        time.sleep(3)
        filler.unlink()
    elif turn % 4 == 2 and (folder / "events.jsonl").exists():
        (folder / "events.jsonl").rename(folder / "events.jsonl.1")
    elif not is_disk:
        shutil.rmtree(folder)
    else:
        for part in folder.glob("*.part"):
            part.unlink()
    return False


def whole(folder: Path) -> int:
    """Makes sure that every finished video plays and every line is whole; how many videos."""
    videos = list(folder.glob("*.mp4"))
    for path in videos:
        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0)) > 0, path
    for log in folder.glob("events.jsonl*"):
        for line in log.read_text().splitlines():
            json.loads(line)
    return len(videos)


def reconnects(folder: Path) -> int:
    """Number of returns of the disturbed monitor to its RTSP camera, the last of its sources."""
    return int(json.loads((folder / "summary.json").read_text())["sources"][-1]["reconnects"])


def off_the_clock(folder: Path) -> float:
    """Seconds between the length of the one recording and the time from first to last event."""
    times = [
        json.loads(line)["time"] for line in (folder / "events.jsonl").read_text().splitlines()
    ]
    with av.open(str(folder / "record.mp4")) as container:
        stream = container.streams.video[0]
        stamps = [packet.pts for packet in container.demux(stream) if packet.pts is not None]
        assert stream.time_base is not None
        seconds = float((max(stamps) - min(stamps)) * stream.time_base)
    assert len(stamps) == len(times)
    return abs(seconds - (times[-1] - times[0]))


def mounted(folder: Path) -> bool:
    """Makes the folder a small disk of its own, if the system lets us."""
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    try:
        return not subprocess.run(command, capture_output=True).returncode
    except OSError:
        return False


def soak(
    minutes: float, place: Path, fault_seconds: float = 20.0, settings: Sequence[str] = ()
) -> dict[str, Any]:
    """Runs both monitors; what was measured.

    Args:
        minutes: after both have processed their first frame.
        place: an empty folder.
        fault_seconds: between two faults.
        settings: of both monitors, as after ``--set``.
    """
    (faulty := place / "faulty").mkdir()
    (calm := place / "calm").mkdir()
    is_disk = mounted(faulty)
    camera = Camera()
    thread = threading.Thread(target=camera.serve_forever, args=(0.05,))
    thread.start()
    limits = [
        "recording.segment_seconds=5",
        "recording.keep_gb=0.02",
        "recording.keep_free_gb=0.002",
    ]
    both = [f"--set={one}" for one in settings]
    options = both + [f"--set={limit}" for limit in limits]
    rtsp = RtspCamera() if HAS_SERVER else None
    if rtsp is not None:
        options += ["--source", rtsp.url()]
    monitors = [Monitor(faulty, "--source=demo", f"--source={camera.url('drop')}", *options),
                Monitor(calm, "--source=demo", *both)]  # fmt: skip
    try:
        for monitor in monitors:
            monitor.wait_ready()
        held = watch(monitors, minutes * 60, fault_seconds, is_disk, rtsp)
        seconds = [monitor.end() for monitor in monitors]
        return {
            "minutes": minutes,
            "full_disks": is_disk,
            "rtsp": rtsp is not None,
            "growth_mb": round(held.growth(held.rss_mb), 1),
            "growth_threads": held.growth(held.threads),
            "growth_handles": held.growth(held.handles),
            "growth_children": held.growth(held.children),
            "rtsp_cuts": held.cuts,
            "rtsp_reconnects": reconnects(faulty) if rtsp is not None else 0,
            "rss_mb": [round(held.rss_mb[0], 1), round(max(held.rss_mb), 1)],
            "rss_mb_by_tenth": [round(value, 1) for value in held.tenths()],
            "connections": camera.connections,
            "segments": whole(faulty),
            "off_the_clock_s": round(off_the_clock(calm), 4),
            "end_s": [round(second, 2) for second in seconds],
            "status": [monitor.process.returncode for monitor in monitors],
            "reported": [monitor.reported()[-30:] for monitor in monitors],
        }
    finally:
        for monitor in monitors:
            monitor.process.kill()
            monitor.process.wait()
            monitor.log.close()
        if rtsp is not None:
            rtsp.kill()
        camera.over.set()
        camera.shutdown()
        thread.join()
        camera.server_close()
        if is_disk:
            subprocess.run(["umount", "-l", str(faulty)], check=True)


def watch(
    monitors: list[Monitor],
    seconds: float,
    fault_seconds: float,
    is_disk: bool,
    rtsp: RtspCamera | None,
) -> Held:
    """Looks at the disturbed monitor once a second, and disturbs it."""
    held, turn = Held(), 0
    process = psutil.Process(monitors[0].process.pid)
    end, fault_due = time.monotonic() + seconds, time.monotonic() + fault_seconds
    while (now := time.monotonic()) < end:
        for monitor in monitors:
            assert monitor.process.poll() is None, monitor.reported()
        held.look(process)
        if now > fault_due and end - now > fault_seconds:  # the last fault is over by the end
            held.cuts += disturb(monitors[0].folder, is_disk, rtsp, turn)
            turn, fault_due = turn + 1, time.monotonic() + fault_seconds
        time.sleep(1.0)
    return held


def broken(found: dict[str, Any], *, whole: bool = True) -> list[str]:
    """The promises that what was measured breaks.

    Args:
        found: by `soak`.
        whole: whether a small disk and an RTSP camera have to have been there.
    """
    is_long = found["minutes"] >= LONG_MINUTES
    growing = {
        f"{what} grew by {found[f'growth_{what}']}": found[f"growth_{what}"]
        <= (0 if is_long else slack)
        for what, slack in (("threads", 1), ("handles", 3), ("children", 1))
    }
    promises = growing | {
        f"memory grew by {found['growth_mb']} MB": found["growth_mb"]
        <= (GROWTH_MB if is_long else WARMING_MB),
        "no small disk could be mounted": found["full_disks"] or not whole,
        "no RTSP camera could be started": found["rtsp"] or not whole,
        "the RTSP camera was not switched off": found["rtsp_cuts"] > 0 or not found["rtsp"],
        "the RTSP camera was not connected to again": found["rtsp_reconnects"]
        >= found["rtsp_cuts"],
        "the recording is not as long as its time": found["off_the_clock_s"] <= CLOCK_SECONDS,
        "no segment was left": found["segments"] > 0,
        "the camera was not connected to again": found["connections"] > 2,
        "an undisturbed run did not end well": found["status"][1] == 0,
        "a disturbed run crashed": found["status"][0] in (0, 2),  # 2: a fault was not over
        "a traceback": "Traceback" not in str(found["reported"]),
        "an internal error": "internal error" not in str(found["reported"]),
    }
    return [text for text, kept in promises.items() if not kept]


def command(
    about: str,
    run: Callable[[float, Path], dict[str, Any]],
    broken: Callable[[dict[str, Any]], list[str]],
) -> int:
    """A soak as a command: what it found as JSON, and the promises that broke; the exit status."""
    parser = argparse.ArgumentParser(description=about.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as place:
        found = run(minutes, Path(place))
    print(json.dumps(found, indent=2))
    failures = broken(found)
    print("soak: " + ("; ".join(failures) or "ok"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(command(__doc__ or "", soak, broken))
