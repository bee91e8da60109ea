"""The live page of a run: opened before anything slow, begun with the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from fastapi import FastAPI

from maskdet.alarm import AlarmControl
from maskdet.commands.events.export import table_text
from maskdet.commands.events.report import page_text
from maskdet.commands.live_page.access import new_guard
from maskdet.commands.live_page.cameras import PageControl, camera_answers
from maskdet.commands.live_page.clip_folder import ClipFolder
from maskdet.commands.live_page.masked_settings import masked
from maskdet.commands.live_page.shared_picture import SharedPictures
from maskdet.drawing.blur import blur_observation
from maskdet.drawing.montage import fit
from maskdet.errors import ConfigError
from maskdet.live.alarms.tidying import CLIP_BEGINNING, clip_folder
from maskdet.live.cameras.camera import CameraState
from maskdet.live.cameras.control import CameraControl
from maskdet.live.pipeline import Pipeline
from maskdet.live.recording.building import new_overlay
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.settings.serve import split_address
from maskdet.observation import Observation
from maskdet.sinks.recording.stream_encoder import StreamEncoder
from maskdet.system.console import say
from maskdet.web.live.app import create_app
from maskdet.web.live.hub import LiveHub
from maskdet.web.live.parts import Parts
from maskdet.web.live.server import LiveServer
from maskdet.web.page_server.public_address import PublicAddress


class RunningPage:
    """Serves a run of the monitor: a sink, and a web server in a thread of its own."""

    def __init__(
        self,
        server: LiveServer,
        hub: LiveHub,
        new_app: Callable[[Pipeline, CameraControl, AlarmControl | None], FastAPI],
        shared: SharedPictures,
    ) -> None:
        """Serves nothing yet.

        Args:
            server: has its address.
            hub: where observations go.
            new_app: makes what is served of a pipeline.
            shared: has recordings serve, too.
        """
        self._server = server
        self._hub = hub
        self._new_app, self._shared = new_app, shared
        self._is_reported = False

    def begin(
        self, pipeline: Pipeline, control: CameraControl, alarms: AlarmControl | None = None
    ) -> None:
        """Begins to serve."""
        self._hub.begin(pipeline.stats.source_names)
        self._shared.begin(control)
        self._server.start(self._new_app(pipeline, control, alarms))
        say(f"live page: {self._server.url}")
        if self._server.network_url is not None:
            say(f"live page for other machines: {self._server.network_url}")
        if self._server.is_open and not self._server.url.startswith("https:"):
            say(
                "live page: without TLS, passwords and pictures can be read on their way; "
                "set serve.certificate and serve.key, or put a proxy with TLS before it",
                "warning",
            )

    def note_camera(self, name: str, state: CameraState) -> None:
        """A camera runs, is paused or removed."""
        if state == "removed":
            self._hub.remove(name)
        elif state == "paused":
            self._hub.clear(name)
        elif all(one.name != name for one in self._hub.cameras.values()):
            self._hub.add(name)
        self._shared.update()

    def write(self, observation: Observation) -> None:
        """Takes an observation; never waits."""
        self._hub.write(observation)
        if self._server.error is not None and not self._is_reported:
            self._is_reported = True
            say(f"live page: it has ended, the monitor goes on: {self._server.error}", "error")

    def close(self) -> None:
        """Ends it; may be called twice."""
        self._hub.close()
        self._server.stop()


def open_page(settings: MonitorSettings) -> RunningPage:
    """Takes the address that the settings name, and checks what the page needs.

    Raises:
        ConfigError: the address cannot be had, or something is missing.
    """
    wanted = settings.serve
    host, port = split_address(wanted.address or "") or ("127.0.0.1", 0)
    public = PublicAddress.of(host, wanted.allow_hosts, wanted.root_path)
    server = LiveServer(host, port, wanted.certificate, wanted.key)
    try:
        is_open = server.is_open or bool(wanted.allow_hosts)  # then a proxy is before it
        guard = new_guard(wanted.users, wanted.audit, is_open)
    except ConfigError:
        server.stop()
        raise
    hub = LiveHub(partial(_new_draw, settings), StreamEncoder, wanted.fps)

    def new_app(pipeline: Pipeline, control: CameraControl, alarms: AlarmControl | None) -> FastAPI:
        return create_app(
            _parts(settings, hub, pipeline, control, alarms, server),
            guard,
            public,
        )

    is_blurred = _is_blurred(settings)
    shared = SharedPictures(hub, is_blurred=is_blurred, width=wanted.width, fps=wanted.fps)
    return RunningPage(server, hub, new_app, shared)


def _parts(
    settings: MonitorSettings,
    hub: LiveHub,
    pipeline: Pipeline,
    control: CameraControl,
    alarms: AlarmControl | None,
    server: LiveServer,
) -> Parts:
    store = settings.store.file
    return Parts(
        hub=hub,
        cameras=partial(camera_answers, pipeline, hub, control),
        alarms=alarms,
        settings=partial(masked, settings),
        clips=ClipFolder(_clip_folders(settings)),
        report=partial(page_text, store) if store is not None else None,
        export=partial(table_text, store) if store is not None else None,
        notices=lambda: [server.notice] if server.notice else [],
        control=PageControl(control),
    )


def _new_draw(settings: MonitorSettings) -> Callable[[Observation], np.ndarray]:
    """Overlay of a camera's picture for the page; each camera's thread has its own."""
    overlay, width = new_overlay(settings), settings.serve.width
    is_blurred = _is_blurred(settings)

    def draw(observation: Observation) -> np.ndarray:
        shown = fit(observation, (width, width))
        return overlay.draw(blur_observation(shown) if is_blurred else shown)

    return draw


def _is_blurred(settings: MonitorSettings) -> bool:
    """Whether the page blurs faces; with strict privacy they are covered already."""
    return settings.blur and settings.privacy != "strict"


def _clip_folders(settings: MonitorSettings) -> list[tuple[Path, str]]:
    """Folders of videos, and what the names of ours begin with."""
    clips = (clip_folder(settings), CLIP_BEGINNING)
    if settings.record is not None:
        return [(settings.record.parent, settings.record.stem), clips]
    return [(settings.snapshots, "maskdet"), clips]
