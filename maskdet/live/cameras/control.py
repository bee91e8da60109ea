"""Control of the cameras of a run: one is added, removed, paused or restarted, the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from maskdet.errors import ConfigError, SinkError
from maskdet.live.cameras.camera import (
    Camera,
    CameraListener,
    CameraParts,
    connection_of,
)
from maskdet.live.cameras.changes import SourceChanges
from maskdet.live.cameras.source_state import FrameAnalysis, SourceParts
from maskdet.live.cameras.switched_source import SwitchedSource
from maskdet.live.settings.sources import SourceSettings
from maskdet.system.console import say
from maskdet.system.threads import Lock

MAX_CAMERAS = 64
"""At a time; each has a process."""
MAX_NAMES = 1000
"""Of a run, removed cameras included: what they counted is kept to its end."""
BUSY_TIMEOUT_S = 10.0
"""Seconds that a change waits for another one."""


class CameraControl:
    """Adds, removes, pauses and restarts cameras; for any thread, one change at a time.

    Attributes:
        version: raised at every change.
    """

    def __init__(
        self,
        changes: SourceChanges,
        cameras: Sequence[Camera],
        parts: CameraParts,
        listeners: Iterable[CameraListener] = (),
    ) -> None:
        """Takes over the cameras of a run as it begins.

        Args:
            changes: of the pipeline.
            cameras: by their index in it.
            parts: builds further ones.
            listeners: get each change.
        """
        self.version = 0
        self._changes, self._parts = changes, parts
        self._cameras = {camera.name: camera for camera in cameras}
        self._earlier: list[Camera] = []
        self._listeners = list(listeners)
        self._lock = Lock()

    @property
    def cameras(self) -> list[Camera]:
        """All by index; those that were removed, too."""
        return list(self._cameras.values())

    @property
    def present(self) -> list[Camera]:
        """Those that are a part of the run at the moment."""
        return [camera for camera in self.cameras if camera.is_present]

    @property
    def ever(self) -> list[Camera]:
        """All, and those that were removed before one of the same name came."""
        return [*self._earlier, *self.cameras]

    def find(self, name: str) -> Camera | None:
        """The camera of that name that is a part of the run; None: there is none."""
        camera = self._cameras.get(name)
        return camera if camera is not None and camera.is_present else None

    def add(self, one: SourceSettings, name: str) -> Camera:
        """Begins to watch a camera; one that cannot be reached is tried again and again.

        Args:
            one: its settings.
            name: without a password.

        Raises:
            MaskdetError: there is one of that name, it cannot be made, or there are too many.
        """
        with self._changing():
            if self.find(name) is not None:
                raise ConfigError(f"there is a camera '{name}' already; give this one another name")
            old = self._cameras.get(name)
            if len(self.present) >= MAX_CAMERAS or (old is None and len(self.cameras) >= MAX_NAMES):
                raise ConfigError(f"there are {len(self.present)} cameras already; remove one")
            self._add(one, name, old)
            say(f"{name}: added")
            return self._cameras[name]

    def remove(self, name: str) -> None:
        """Ends a camera: its people are gone, its recording is closed.

        Raises:
            ConfigError: there is none of that name, or it is the last one.
        """
        with self._changing():
            camera = self._find(name)
            if len(self.present) == 1:
                raise ConfigError(
                    f"{name} is the only camera; pause it, add another one first, or end the "
                    "monitor"
                )
            self._remove(camera)
            self._note(camera)
            say(f"{name}: removed")

    def pause(self, name: str) -> None:
        """Closes a camera until `resume` or `restart`; its people are gone.

        Raises:
            ConfigError: there is none of that name, or it is a file.
        """
        with self._changing():
            camera = self._find(name)
            source = connection_of(camera)
            if camera.state != "paused":
                self._pause(camera, source.hold)
                say(f"{name}: paused")

    def resume(self, name: str) -> None:
        """Opens a camera that is paused; nothing happens where it is not.

        Raises:
            MaskdetError: there is none of that name, or it is a file.
        """
        with self._changing():
            camera = self._find(name)
            connection_of(camera)
            if camera.state == "paused":
                self._connect(camera, camera.settings)
                say(f"{name}: resumed")

    def restart(self, name: str) -> None:
        """Kills what reads a camera, and opens it again; one that is paused goes on.

        Raises:
            MaskdetError: there is none of that name, or it is a file.
        """
        with self._changing():
            camera = self._find(name)
            connection_of(camera)
            self._connect(camera, camera.settings)
            say(f"{name}: restarted")

    def change(self, one: SourceSettings, name: str) -> None:
        """Gives a camera other settings: it is opened again with them, if need be.

        Raises:
            MaskdetError: they do not serve; the camera goes on as it was.
        """
        with self._changing():
            camera = self._find(name)
            was, fps = camera.settings, self._parts.detect_fps(one)
            apart = {key: getattr(one, key) for key in ("name", "detect_fps", "standby")}
            is_same = was.model_copy(update=apart) == one
            has_rate = not self._changes.set_detect_fps(camera.index, fps)
            if isinstance(camera.source, SwitchedSource):
                self._change_connection(camera, one, is_same, has_rate)
            elif not is_same:
                self._exchange(camera, one)
            self._cameras[name].settings = one
            if not (is_same and has_rate):
                say(f"{name}: changed")

    def begin(self) -> None:
        """Pauses the cameras on standby, once the run has begun."""
        with self._changing():
            for camera in self.present:
                if camera.is_on_standby:
                    self._pause(camera)

    def _pause(self, camera: Camera, close: Callable[[], object] = lambda: None) -> None:
        camera.state = "paused"
        self._changes.suspend(camera.index)
        close()
        self._changes.finish_people(camera.index)
        self._note(camera)
        try:
            camera.recording.pause()
        except SinkError as error:
            say(f"{camera.name}: {error}", "warning")

    def _change_connection(
        self, camera: Camera, one: SourceSettings, is_same: bool, has_rate: bool
    ) -> None:
        """Opens a camera again with other settings, puts it on standby, or ends that."""
        source, was_on_standby = connection_of(camera), camera.settings.standby
        if one.standby:
            if camera.state == "running":
                self._pause(camera, source.stand_by)
            if not is_same:  # it is opened again when its frames are wanted
                source.hold()
                source.go()
        elif source.is_on_standby and is_same:
            self._changes.resume(camera.index)
            source.go()
            camera.recording.resume()
            camera.state = "running"
            self._note(camera)
            say(f"{camera.name}: no longer on standby")
        elif was_on_standby or (camera.state == "running" and not (is_same and has_rate)):
            self._connect(camera, one)

    def _connect(self, camera: Camera, one: SourceSettings) -> None:
        """Reads a camera by a new connection, instead of the one before."""
        connection = self._parts.connect(one, camera.name)
        source = connection_of(camera)
        if not isinstance(connection, SwitchedSource):
            connection.close()
            raise ConfigError(f"{camera.name} becomes a file: that takes effect at the next start")
        try:
            self._parts.redirect(camera.recording, one, camera.name)
        except BaseException:
            connection.close()
            raise
        if self._changes.has_ended(camera.index):
            camera.source = connection
            self._begin(camera, None)
        else:
            if camera.state == "paused":  # else the silence, if there is one, goes on
                self._changes.resume(camera.index)
            source.take_over(connection)
            source.go()
        if camera.state == "paused":
            camera.recording.resume()
        else:
            camera.recording.reconnect()
        camera.state = "running"
        self._note(camera)

    def _exchange(self, camera: Camera, one: SourceSettings) -> None:
        """Puts another source in the place of a file."""
        if len(self.present) == 1:
            raise ConfigError(f"change of {camera.name} takes effect at the next start")
        self._parts.connect(one, camera.name).close()  # is there such a source?
        self._remove(camera)
        self._add(one, camera.name, camera)

    def _add(self, one: SourceSettings, name: str, old: Camera | None) -> None:
        index = len(self._cameras) if old is None else old.index
        camera, analysis = self._parts.make(one, name, index)
        if old is not None and old.places is not None and camera.places is not None:
            camera.places.apply = old.places.apply  # of the analysis that goes on
            camera.places.apply(camera.places.zones, camera.places.lines)
        self._begin(camera, analysis)
        if old is not None:
            self._earlier = [*self._earlier[-MAX_CAMERAS:], old]
        self._cameras[name] = camera
        self._note(camera)

    def _begin(self, camera: Camera, analysis: FrameAnalysis | None) -> None:
        fps = self._parts.detect_fps(camera.settings)
        if not self._changes.add(SourceParts(camera.source, camera.own_sinks, analysis, fps)):
            camera.source.close()
            raise ConfigError("the run is over; nothing can be added")
        if camera.is_on_standby:
            self._pause(camera)
        else:
            camera.recording.begin()

    def _remove(self, camera: Camera) -> None:
        camera.state = "removed"
        self._changes.remove(camera.index)

    def _find(self, name: str) -> Camera:
        camera = self.find(name)
        if camera is None:
            there = ", ".join(camera.name for camera in self.present)
            raise ConfigError(f"there is no camera '{name}'; there is {there}")
        return camera

    def _note(self, camera: Camera) -> None:
        self.version += 1
        for listener in self._listeners:
            listener.note_camera(camera.name, camera.state)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=BUSY_TIMEOUT_S):
            raise ConfigError("another camera is being changed; try again")
        try:
            yield
        finally:
            self._lock.release()
