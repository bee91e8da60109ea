"""The live page on loopback, of cameras that a test has see what it likes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np

from maskdet.alarm import Alarm, Snooze
from maskdet.commands.live_page.clip_folder import ClipFolder
from maskdet.detections import Detections, MaskState
from maskdet.drawing.overlay import Overlay
from maskdet.errors import ConfigError
from maskdet.frame import Frame
from maskdet.observation import Observation, PeopleCounts, PersonEvent
from maskdet.sinks.recording.stream_encoder import StreamEncoder
from maskdet.system.atomic_files import write_whole
from maskdet.system.redaction import mask_address
from maskdet.web.live.access.accounts import Accounts
from maskdet.web.live.access.audit import AuditLog
from maskdet.web.live.access.guard import Guard
from maskdet.web.live.api.answers import CameraAnswer
from maskdet.web.live.app import create_app
from maskdet.web.live.hub import LiveHub
from maskdet.web.live.parts import Parts
from maskdet.web.live.server import LiveServer
from maskdet.web.page_server.public_address import PublicAddress

PASSWORD = "correct horse battery"


class ScriptedAlarms:
    """Alarms that a test has put there."""

    def __init__(self, *alarms: Alarm) -> None:
        self.kept = {alarm.alarm_id: alarm for alarm in alarms}
        self.until: dict[tuple[str, str], Snooze] = {}
        self.version = 1

    def rules(self) -> list[str]:
        return ["no mask at the door", "too many"]

    def alarms(self, limit: int = 100, *, only_open: bool = False) -> list[Alarm]:
        return [one for one in self.kept.values() if one.is_open or not only_open][:limit]

    def find(self, alarm_id: str) -> Alarm | None:
        return self.kept.get(alarm_id)

    def snoozes(self) -> list[Snooze]:
        return list(self.until.values())

    def acknowledge(self, alarm_id: str, by: str = "") -> bool:
        self.version += 1
        alarm = self.kept[alarm_id]
        self.kept[alarm_id] = replace(alarm, acknowledged=time.time(), acknowledged_by=by)
        return True

    def snooze(self, seconds: float, *, rule: str = "", camera: str = "") -> Snooze:
        self.version += 1
        made = self.until[rule, camera] = Snooze(rule, camera, time.time() + seconds)
        if seconds == 0:
            del self.until[rule, camera]
        return made


class ScriptedControl:
    """Changes the reported state of cameras, as a monitor does."""

    def __init__(self) -> None:
        self.cameras: list[CameraAnswer] = []
        self.done: list[tuple[str, str]] = []

    def check(self, source: str, name: str | None, options: Mapping[str, object]) -> str:
        if source.startswith("/"):
            raise ConfigError("source: only cameras and streams are added here")
        return name or mask_address(source)

    def add(self, source: str, name: str | None, options: Mapping[str, object]) -> int:
        number = len(self.cameras)
        self.cameras.append(answer(number, name or mask_address(source), can_pause=True))
        return number

    def change(self, name: str, action: str) -> None:
        self.done.append((name, action))
        index = next(i for i, one in enumerate(self.cameras) if one.name == name)
        if action == "remove":
            raise ConfigError(f"{name} is the only camera")
        signal = "paused" if action == "pause" else "ok"
        self.cameras[index] = self.cameras[index].model_copy(update={"signal": signal})


def alarm(number: str = "a1", **changes: Any) -> Alarm:
    began = time.time() - 60
    title = "no mask: person 3 in zone door"
    made = Alarm(number, "no mask at the door", "people", "door", began, began, title, people=1)
    return replace(made, **changes)


@dataclass
class Page:
    """A page that is served.

    Attributes:
        hub: where observations go.
        server: its server.
        cameras: the reported state of the cameras; a test changes it.
        url: without the last slash.
        notices: for operators; a test adds some.
    """

    hub: LiveHub
    server: LiveServer
    guard: Guard
    cameras: list[CameraAnswer]
    url: str
    indices: dict[str, int] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    @contextmanager
    def client(self, **options: Any) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.url, timeout=20, trust_env=False, **options) as client:
            yield client

    def see(
        self,
        camera: str = "door",
        image: np.ndarray | None = None,
        events: Sequence[PersonEvent] = (),
    ) -> None:
        """One frame with one face and one person."""
        index = self.indices[camera] = self.indices.get(camera, -1) + 1
        picture = scene(index) if image is None else image
        now = time.time()
        frame = Frame(picture, index, now, time.monotonic(), camera, position=index / 10)
        found = Detections([[100, 60, 160, 140]], [0.9], [MaskState.without_mask])
        counts = {state.name: int(state == MaskState.without_mask) for state in MaskState}
        people = PeopleCounts(now=counts, hour=counts, day=counts, run=counts)
        self.hub.write(
            Observation(frame, found, found.counts(), events=tuple(events), people_counts=people)
        )

    @contextmanager
    def running(self, fps: float = 15.0, *cameras: str) -> Iterator[None]:
        """Cameras that see something all the time."""
        ended = threading.Event()

        def run() -> None:
            while not ended.wait(1 / fps):
                for camera in cameras or ("door",):
                    self.see(camera)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def scene(index: int, width: int = 640, height: int = 360) -> np.ndarray:
    """A picture with something that moves."""
    image = np.full((height, width, 3), (120, 90, 60), np.uint8)
    x = 20 + 7 * index % (width - 60)
    image[40:80, x : x + 40] = (0, 200, 200)
    return image


def answer(number: int, name: str, **changes: Any) -> CameraAnswer:
    counts = {state.name: int(state == MaskState.without_mask) for state in MaskState}
    values: dict[str, Any] = {
        **{"id": number, "name": name, "signal": "ok", "width": 640, "height": 360},
        **{"capture_fps": 15.0, "detect_fps": 14.2, "faces": counts},
        **{"people": counts, "people_today": counts},
    }
    return CameraAnswer(**{**values, **changes})


@cache
def users_file(users: tuple[tuple[str, str], ...]) -> str:
    """Content of a file of such users; a password takes a tenth of a second to hash."""
    with TemporaryDirectory() as folder:
        accounts = Accounts(Path(folder) / "users.json")
        for name, role in users:
            accounts.add(name, role, PASSWORD)  # type: ignore[arg-type]
        return accounts.path.read_text("utf-8")


@contextmanager
def serving_live(
    folder: Path,
    *,
    names: Sequence[str] = ("door",),
    users: dict[str, str] | None = None,
    alarms: ScriptedAlarms | None = None,
    report: Any = None,
    export: Any = None,
    control: ScriptedControl | None = None,
    settings: Any = None,
    fps: float = 15.0,
    **tls: Any,
) -> Iterator[Page]:
    """The page; with users (roles by name) everybody has to log in, with `PASSWORD`."""
    accounts = None
    if users is not None:
        accounts = Accounts(folder / "users.json")
        write_whole(accounts.path, users_file(tuple(users.items())))
        accounts.path.chmod(0o600)
    server = LiveServer("127.0.0.1", 0, **tls)
    notices: list[str] = []
    hub = LiveHub(lambda: Overlay().draw, StreamEncoder, fps)
    hub.begin(names)
    can_pause = control is not None
    cameras = [answer(number, name, can_pause=can_pause) for number, name in enumerate(names)]
    if control is not None:
        control.cameras = cameras
    guard = Guard(accounts, AuditLog(folder / "audit.jsonl"))
    parts = Parts(
        hub=hub,
        cameras=lambda: cameras,
        settings=settings or (lambda: {"model": "m"}),
        alarms=alarms,
        clips=ClipFolder([(folder / "clips", "")]),
        report=report,
        export=export,
        control=control,
        notices=lambda: [*notices, *([server.notice] if server.notice else [])],
    )
    server.start(create_app(parts, guard, PublicAddress()))
    try:
        yield Page(hub, server, guard, cameras, server.url.rstrip("/"), notices=notices)
    finally:
        hub.close()
        server.stop()
    assert server.error is None
