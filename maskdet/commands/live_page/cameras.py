"""The cameras of a run as the live page shows and changes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from maskdet.config import Override, load_settings
from maskdet.errors import ConfigError
from maskdet.live.cameras.building import names_of
from maskdet.live.cameras.camera import Camera, can_pause
from maskdet.live.cameras.control import CameraControl
from maskdet.live.pipeline import Pipeline
from maskdet.live.settings.sources import SourceSettings
from maskdet.sinks.recording.copy.packet_feed import FeedState
from maskdet.sources.opening import kind_of
from maskdet.web.live.api.answers import CameraAnswer, Signal
from maskdet.web.live.hub import Camera as SeenCamera
from maskdet.web.live.hub import LiveHub
from maskdet.web.live.parts import Action

_DEVICE = re.compile(r"\d+|/dev/video\d+|/dev/v4l/[\w./:+-]+")
"""Webcams that may be added from a browser."""


class PageControl:
    """Changes of cameras that come from the page; implements `maskdet.web.live.parts.Control`."""

    def __init__(self, control: CameraControl) -> None:
        """Changes what that one controls."""
        self._control = control
        self._actions = {
            "pause": control.pause,
            "resume": control.resume,
            "restart": control.restart,
            "remove": control.remove,
        }

    def check(self, source: str, name: str | None, options: Mapping[str, object]) -> str:
        """The name of a new camera.

        Raises:
            ConfigError: an option is wrong, or it is not a camera.
        """
        return self._settings(source, name, options)[1]

    def add(self, source: str, name: str | None, options: Mapping[str, object]) -> int:
        """Begins to watch a camera; its number.

        Raises:
            MaskdetError: it cannot be added.
        """
        return self._control.add(*self._settings(source, name, options)).index

    def change(self, name: str, action: Action) -> None:
        """Pauses, resumes, restarts or removes a camera.

        Raises:
            MaskdetError: that cannot be.
        """
        self._actions[action](name)

    def _settings(
        self, source: str, name: str | None, options: Mapping[str, object]
    ) -> tuple[SourceSettings, str]:
        """Settings of a camera or stream: no file, and no option that reaches further.

        A person who may change cameras from a browser need not be one who may read its files.
        """
        source = source.strip()
        taken = {"source", "name", "ffmpeg"} & set(options)
        if taken:
            raise ConfigError(f"options: '{min(taken)}' cannot be set here")
        second = options.get("detect_source")
        if second is not None and kind_of(str(second)) != "stream":
            raise ConfigError("options: detect_source must be the address of a stream")
        kind = kind_of(source)
        if kind not in ("webcam", "stream") or (kind == "webcam" and not _DEVICE.fullmatch(source)):
            raise ConfigError(
                "source: only cameras and streams are added here; files stand in the settings file"
            )
        values = {"source": source, "name": name, **options}
        given = [Override(key, (key,), value) for key, value in values.items()]
        settings = load_settings(SourceSettings, None, given, [])
        found = names_of([settings])[0]
        if self._control.find(found) is not None:
            raise ConfigError(f"there is a camera '{found}' already; give this one another name")
        return settings, found


def camera_answers(
    pipeline: Pipeline, hub: LiveHub, control: CameraControl
) -> Sequence[CameraAnswer]:
    """The cameras at this moment."""
    seen = hub.cameras
    return [
        _answer(pipeline, camera, seen[camera.index])
        for camera in control.present
        if camera.index in seen
    ]


def _answer(pipeline: Pipeline, camera: Camera, seen: SeenCamera) -> CameraAnswer:
    stats, newest, people = pipeline.stats.of(camera.index), seen.newest, seen.counts
    signal, reason = _signal(pipeline, camera, seen)
    recording, recorded = camera.recording, pipeline.stats.recorded_stream(camera.index)
    is_live = signal == "ok" and newest is not None
    is_recorded = recording.on and camera.state == "running"
    return CameraAnswer(
        id=camera.index,
        name=camera.name,
        signal=signal,
        reason=reason,
        silent_s=round(stats.silent_s, 1) if signal == "no signal" else 0.0,
        width=newest.frame.width if newest is not None else 0,
        height=newest.frame.height if newest is not None else 0,
        capture_fps=round(stats.capture_fps, 1) if signal != "paused" else 0.0,
        detect_fps=round(stats.detect_fps, 1) if signal != "paused" else 0.0,
        faces=dict(newest.counts) if newest is not None and is_live else {},
        people=dict(people.now if is_live else {}) if people is not None else None,
        people_today=dict(people.day) if people is not None else None,
        recording=is_recorded and not recording.failing,
        recording_failed=is_recorded and recording.failing,
        recorded_stream=_recorded(recorded),
        recorded_stream_reason=(recorded.reason or "") if recorded is not None else "",
        viewers=seen.feed.viewers,
        can_pause=can_pause(camera),
    )


def _signal(pipeline: Pipeline, camera: Camera, seen: SeenCamera) -> tuple[Signal, str]:
    """Whether a camera gives frames; and why it does not, as far as is known."""
    reason = pipeline.stats.signal_loss_reason(camera.index) or ""
    if camera.state == "paused":
        return "paused", ""
    if pipeline.stats.has_ended(camera.index):
        return "ended", ""
    if pipeline.stats.of(camera.index).no_signal or reason:
        return "no signal", reason
    return ("waiting" if seen.newest is None else "ok"), ""


def _recorded(state: FeedState | None) -> Literal["ok", "no signal", "off"] | None:
    if state is None:
        return None
    if not state.is_wanted:
        return "off"
    return "no signal" if state.no_signal else "ok"
