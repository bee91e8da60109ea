"""Runs the monitor for an hour with alarms, faults and viewers, and counts what came of it.

    python -m tests.soak.alarms --minutes 60

Two cameras play a script of scenes (`tests/soak/scenes.py`): people without a mask come and go, a
camera breaks off, is covered, is moved. Meanwhile the disk of all outputs is filled and freed, the
web-hook's server refuses, the broker is restarted, and a third channel is never there. Viewers come
and go: one, three over WebSockets, two and Chromium. Every scene has to raise one alarm, begun once
and cleared once in the store, at the web-hook and at the broker, and nothing else may; memory must
not grow; the picture must be as young with viewers as without. Prints what was measured as JSON,
and `soak: ok` or what broke a promise; status 0 or 1.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.sinks.channels.servers import Broker, HookServer, free_port, hook_server
from tests.soak.scenes import CAMERAS, ROOT, RULES, Scene, Stage
from tests.soak.soak import GROWTH_MB, LONG_MINUTES, WARMING_MB, Held, command, mounted
from tests.soak.viewers import SocketViewer, browser_at, shown_ages

NODE = "soak"
SLACK_S = 12.0
"""How much later than its scene an alarm may begin: a camera is opened again, a disk checked."""
_MIN_LOOKS = 8
"""Seconds of a phase from which on it has quarters to compare."""
SETTLE_S = 30.0
"""After the script, at most, for the last alarm to be cleared and sent."""
_SURPLUS_S = 5.0
"""After that, for what should not come."""
PHASES = (("one", 60.0), ("three sockets", 120.0), ("two and a browser", 120.0))
LATENCY_RATIO, LATENCY_MS = 1.15, 15.0
"""How much older a picture may be with viewers: either is enough, as others use the machine."""


class Monitor:
    """The command in a process of its own, with the page."""

    def __init__(
        self, stage: Stage, disk: Path, hook: str, broker: int, more: Sequence[str] = ()
    ) -> None:
        channels = (
            f"alarms.channels=[{{name: hook, kind: web_hook, url: '{hook}'}},"
            f"{{name: home, kind: mqtt, host: 127.0.0.1, port: {broker}, node: {NODE}}},"
            f"{{name: nobody, kind: web_hook, url: 'http://127.0.0.1:{free_port()}'}}]"
        )
        sources = ", ".join(
            f"{{source: 'http://127.0.0.1:{stage.port}/{name}', name: {name}}}" for name in CAMERAS
        )
        settings = (
            f"sources=[{sources}]", RULES, channels, f"snapshots={disk}",
            "alarms.clips={enabled: true, before: 2, after: 3}", "alarms.keep_gb=0.02",
            f"store.file={disk}/people.db", f"events.file={disk}/events.jsonl",
            "events.rotate.mb=2", "events.rotate.keep=2", "people.memory_seconds=4", *more,
        )  # fmt: skip
        options = [word for one in settings for word in ("--set", one)]
        self.process = subprocess.Popen(
            [sys.executable, "monitor.py", "--headless", "--serve", "127.0.0.1:0", *options],
            cwd=ROOT, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stderr
        self.lines: list[str] = []
        self.url = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        deadline = time.monotonic() + 120
        while not self.url:
            assert time.monotonic() < deadline and self.process.poll() is None, self.lines
            time.sleep(0.1)

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(line.rstrip())
            if found := re.match(r"live page: (\S+)/", line):
                self.url = found[1]

    def end(self) -> float:
        """Ends it as a service manager would; the seconds that took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return time.monotonic() - began

    def close(self) -> None:
        """Ends it at once, if it still runs; may be called after `end`."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        if self.process.stderr is not None:
            self.process.stderr.close()


class Listener:
    """A client of the broker that misses nothing while either is away."""

    def __init__(self, port: int) -> None:
        self.got: list[dict[str, Any]] = []
        self._client = Client(CallbackAPIVersion.VERSION2, "listener", clean_session=False)
        self._client.on_message = self._take
        self._client.on_connect = lambda client, *_: client.subscribe(f"maskdet/{NODE}/alarm", 1)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _take(self, _client: object, _data: object, message: MQTTMessage) -> None:
        if not message.dup:  # sent again by the broker, as its acknowledgment was lost
            self.got.append(json.loads(message.payload))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class DurableBroker(Broker):
    """mosquitto that keeps sessions and what it has taken over a restart."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        super().__init__(folder, "persistence true", f"persistence_location {folder}/", "user root")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None


@dataclass
class Disk:
    """The disk of all outputs, filled for a while now and then.

    Attributes:
        folder: where it is mounted.
        is_own: whether it is a disk of its own, which alone is filled.
        scenes: when it was full, as scenes of no camera.
    """

    folder: Path
    is_own: bool
    scenes: list[Scene] = field(default_factory=list)

    def fill(self, began: float, seconds: float) -> None:
        if not self.is_own:
            return
        filler, at = self.folder / "filler", time.time()
        with contextlib.suppress(OSError):
            filler.write_bytes(bytes(shutil.disk_usage(self.folder).free))
        time.sleep(seconds)
        filler.unlink()
        self.scenes.append(Scene("", at - began, time.time() - began, "full"))


@contextmanager
def faults(
    began: float, seconds: float, pause: float, disk: Disk, hook: HookServer, broker: Broker
) -> Iterator[Counter[str]]:
    """One fault after another, until the last would not be over; which there were."""
    over, done = threading.Event(), Counter[str]()

    def run() -> None:
        while time.time() - began + pause + 20 < seconds and not over.wait(pause):
            what = ("hook", "broker", "disk")[done.total() % 3]
            if what == "hook":
                hook.statuses[:] = [503]
                over.wait(min(15, pause))
                hook.statuses[:] = [200]
            elif what == "broker":
                broker.stop()
                over.wait(min(10, pause))
                broker.start()
            else:
                disk.fill(began, 12)
            done[what] += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join()


@dataclass
class Watch:
    """Values that are measured along the way.

    Attributes:
        ages: of the pictures at the measuring viewer, ms, by phase.
        shown: on Chromium's screen, ms.
        spent: seconds of a core that the monitor took, and seconds that passed, by phase.
        open: threads and handles by phase, as a viewer has some: what is compared is alike.
    """

    held: Held = field(default_factory=Held)
    family_mb: list[float] = field(default_factory=list)
    phase: str = ""
    ages: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    shown: list[float] = field(default_factory=list)
    spent: dict[str, list[float]] = field(default_factory=lambda: defaultdict(lambda: [0.0, 0.0]))
    open: dict[str, Held] = field(default_factory=lambda: defaultdict(Held))

    def took(self, age: float) -> None:
        if self.phase:
            self.ages[self.phase].append(age)

    def run(self, monitor: Monitor, until: float, scale: float) -> None:
        """Lets viewers come and go, phase by phase, until a moment of the monotonic clock."""
        process = psutil.Process(monitor.process.pid)
        door = monitor.url.replace("http", "ws") + "/api/cameras/0/video"
        with ExitStack() as stack:
            viewers = [SocketViewer(door, self.took)]
            stack.callback(viewers[0].close)
            viewers += [SocketViewer(door) for _ in range(2)]
            for viewer in viewers[1:]:
                stack.callback(viewer.close)
            browser = stack.enter_context(browser_at(monitor.url))
            while time.monotonic() < until:
                for name, seconds in PHASES:
                    viewers[1].on.set() if name != "one" else viewers[1].on.clear()
                    viewers[2].on.set() if name == "three sockets" else viewers[2].on.clear()
                    if name == "two and a browser":
                        browser.open()
                    else:
                        browser.driver.get("about:blank")
                    self._phase(name, process, min(until, time.monotonic() + seconds * scale))
                    if name == "two and a browser" and time.monotonic() < until:
                        self.shown += shown_ages(browser, 8 * scale)
            self.fragments = [viewer.fragments for viewer in viewers]

    def _phase(self, name: str, process: psutil.Process, until: float) -> None:
        settled = time.monotonic() + 3
        while (left := until - time.monotonic()) > 0:
            if not self.phase and time.monotonic() >= settled:
                self.phase, times, at = name, process.cpu_times(), time.monotonic()
            self.held.look(process)
            if self.phase:
                self.open[name].look(process)
            family = [process, *process.children(recursive=True)]
            with contextlib.suppress(psutil.Error):
                self.family_mb.append(sum(one.memory_info().rss for one in family) / 2**20)
            time.sleep(min(1.0, left))
        if self.phase:
            now = process.cpu_times()
            self.spent[name][0] += now.user + now.system - times.user - times.system
            self.spent[name][1] += time.monotonic() - at
        self.phase = ""


def unmatched(
    scenes: Sequence[Scene], began: float, alarms: Sequence[tuple[str, str, float]]
) -> tuple[list[str], list[str]]:
    """Scenes without an alarm of their own, and alarms without a scene or of one that has one.

    Args:
        scenes: of the script.
        began: Unix time of its beginning.
        alarms: rule, camera and Unix time of each.
    """
    left = list(scenes)
    surplus = []
    for rule, camera, at in sorted(alarms, key=lambda one: one[2]):
        seconds = at - began
        found = next((one for one in left if (one.rule, one.camera) == (rule, camera)
                      and one.begin - 1 <= seconds <= one.end + SLACK_S), None)  # fmt: skip
        if found is None:
            surplus.append(f"{rule} {camera} at {seconds:.1f} s")
        else:
            left.remove(found)
    return [f"{one.rule} {one.camera} at {one.begin:.1f} s" for one in left], surplus


def tally(messages: Sequence[dict[str, Any]], scenes: Sequence[Scene], began: float) -> dict:
    """Messages that a channel got, against the script."""
    begun = [one for one in messages if one["phase"] == "began"]
    moments = [
        (one["rule"], one["camera"], datetime.fromisoformat(one["began"]).timestamp())
        for one in begun
    ]
    lost, surplus = unmatched(scenes, began, moments)
    cleared = Counter(one["alarm_id"] for one in messages if one["phase"] == "cleared")
    numbers = {one["alarm_id"] for one in begun}
    twice = len(messages) - len({one["message_id"] for one in messages})
    return {
        "messages": len(messages),
        "began": len(begun),
        "lost": lost,
        "surplus": surplus,
        "twice": twice,
        "not_cleared_once": sorted(n for n in numbers if cleared[n] != 1),
        "cleared_unknown": sorted(set(cleared) - numbers),
        "phases": dict(Counter(one["phase"] for one in messages)),
    }


def soak(
    minutes: float,
    place: Path,
    *,
    fault_pause: float = 50.0,
    scale: float = 1.0,
    settings: Sequence[str] = (),
) -> dict:
    """Runs it; what was measured.

    Args:
        minutes: of the script of scenes.
        place: an empty folder.
        fault_pause: seconds between two faults.
        scale: of the phases' lengths.
        settings: more of the monitor's, as after ``--set``.
    """
    (folder := place / "disk").mkdir()
    disk = Disk(folder, mounted(folder))
    stage = Stage()
    with ExitStack() as stack:
        if disk.is_own:
            unmount = ["umount", "-l", str(folder)]
            stack.callback(subprocess.run, unmount, check=True)
        stack.enter_context(stage.serving())
        hook = stack.enter_context(hook_server())
        broker = DurableBroker(place / "broker").start()
        stack.callback(broker.stop)
        listener = Listener(broker.port)
        stack.callback(listener.close)
        monitor = Monitor(stage, folder, hook.url, broker.port, settings)
        stack.callback(monitor.close)
        time.sleep(8)  # the usual view is known, and the first pictures were sent
        scenes = stage.raise_curtain(minutes * 60)
        assert stage.began is not None
        watch = Watch()
        with faults(stage.began, minutes * 60, fault_pause, disk, hook, broker) as done:
            watch.run(monitor, time.monotonic() + minutes * 60, scale)
        scenes = scenes + disk.scenes
        wait_for_last(hook, listener, len(scenes))
        found = watched(watch)
        end_s = monitor.end()
        monitor.close()
        bodies = [json.loads(one.body) for one in list(hook.requests)]
        return found | {
            "minutes": minutes,
            "scenes": dict(Counter(f"{one.rule} {one.camera}".strip() for one in scenes)),
            "faults": dict(done),
            "hook": tally(bodies, scenes, stage.began),
            "broker": tally(listener.got, scenes, stage.began),
            "store": stored(folder / "people.db", scenes, stage.began),
            "clips": len(list((folder / "alarms").glob("*.mp4"))),
            "events": gaps(folder),
            "end_s": round(end_s, 2),
            "status": monitor.process.returncode,
            "lines": len(monitor.lines),
            "reported": monitor.lines[-40:],
            "is_own_disk": disk.is_own,
        }


def wait_for_last(hook: HookServer, listener: Listener, alarms: int) -> None:
    """Waits until each channel has so many alarms, all of them cleared; and for more of them."""

    def has_all(messages: Sequence[dict[str, Any]]) -> bool:
        begun, cleared = (
            {one["alarm_id"] for one in messages if one["phase"] == phase}
            for phase in ("began", "cleared")
        )
        return len(begun) >= alarms and begun <= cleared

    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        if has_all([json.loads(one.body) for one in list(hook.requests)]) and has_all(
            list(listener.got)
        ):
            break
        time.sleep(0.5)
    time.sleep(_SURPLUS_S)


def watched(watch: Watch) -> dict[str, Any]:
    """The numbers of viewers and of what the monitor held."""
    held = watch.held
    long = [one for one in watch.open.values() if len(one.handles) >= _MIN_LOOKS]
    return {
        "growth_mb": round(held.growth(held.rss_mb), 1),
        "growth_family_mb": round(held.growth(watch.family_mb), 1),
        "growth_threads": max((one.growth(one.threads) for one in long), default=0),
        "growth_handles": max((one.growth(one.handles) for one in long), default=0),
        "handles": {name: quarters(one.handles) for name, one in watch.open.items()},
        "rss_mb_by_tenth": [round(value, 1) for value in held.tenths()],
        "ages_ms": {name: quantiles(ages) for name, ages in watch.ages.items()},
        "shown_ms": quantiles(watch.shown),
        "core_share": {name: round(a / b, 3) for name, (a, b) in watch.spent.items()},
        "fragments": watch.fragments,
    }


def quarters(values: Sequence[int]) -> list[float]:
    """The median of each quarter of the time."""
    step = max(1, len(values) // 4)
    parts = [values[at : at + step] for at in range(0, 4 * step, step)]
    return [statistics.median(part) for part in parts if part]


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Count, median and where 95 % of the values lie below."""
    ordered = sorted(values)
    if not ordered:
        return {"count": 0}
    at = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    median = statistics.median(ordered)
    return {"count": len(ordered), "median": round(median, 1), "95 %": round(at, 1)}


def stored(path: Path, scenes: Sequence[Scene], began: float) -> dict[str, Any]:
    """Alarms that the store holds, against the script."""
    from maskdet.sinks.store.alarm_store import AlarmStore

    store = AlarmStore(path, "x")
    alarms = store.alarms(100_000)
    lost, surplus = unmatched(scenes, began, [(a.rule, a.camera, a.began) for a in alarms])
    pending = Counter(one.channel for one in store.pending())
    return {
        "alarms": len(alarms),
        "lost": lost,
        "surplus": surplus,
        "open": [alarm.title for alarm in alarms if alarm.is_open],
        "muted": [alarm.title for alarm in alarms if alarm.muted],
        "pending": dict(pending),
    }


def gaps(folder: Path) -> dict[str, Any]:
    """Longest pauses between two processed frames of a camera, of the event log that is left."""
    times: dict[str, list[float]] = defaultdict(list)
    for path in sorted(folder.glob("events*.jsonl*")):
        for line in path.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                times[event["source"]].append(event["time"])
    steps = {
        name: sorted(b - a for a, b in zip(ordered, ordered[1:], strict=False))
        for name, ordered in ((name, sorted(found)) for name, found in times.items())
    }
    return {name: [round(step, 2) for step in found[-5:]] for name, found in steps.items()}


def broken(found: dict[str, Any], *, whole: bool = True) -> list[str]:
    """The promises that what was measured breaks.

    Args:
        found: by `soak`.
        whole: whether it was long enough for memory and latency to be distinguished from a moment.
    """
    ages = found["ages_ms"]
    alone = ages["one"].get("median", 0.0)
    promises = {
        f"memory grew by {found['growth_mb']} MB": found["growth_mb"]
        <= (GROWTH_MB if found["minutes"] >= LONG_MINUTES else WARMING_MB),
        "threads or handles grew": not whole
        or (found["growth_threads"] <= 0 and found["growth_handles"] <= 0),
        "there was no disk to fill": found["is_own_disk"] or not whole,
        "the monitor did not end well": found["status"] in (0, 2),
        "a traceback": "Traceback" not in str(found["reported"]),
        "messages wait for a channel that works": set(found["store"]["pending"]) <= {"nobody"},
        "an alarm is open or muted": not found["store"]["open"] and not found["store"]["muted"],
        "a viewer saw nothing": min(found["fragments"]) > 0,
        "Chromium showed nothing": not whole or found["shown_ms"]["count"] > 0,
    }
    for place in ("hook", "broker", "store"):
        for what in ("lost", "surplus", "twice", "not_cleared_once", "cleared_unknown"):
            if what in found[place]:
                promises[f"{place}: {what} {found[place][what]}"] = not found[place][what]
    for name, measured in ages.items():
        limit = max(alone * LATENCY_RATIO, alone + LATENCY_MS)
        is_young = not whole or measured["median"] <= limit
        promises[f"{name}: pictures {measured} for {alone} ms with one"] = is_young
    return [text for text, kept in promises.items() if not kept]


if __name__ == "__main__":
    sys.exit(command(__doc__ or "", soak, broken))
