"""Settings of sources, and of what is detected in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from maskdet.config import Settings
from maskdet.config_texts import OneLine, matching
from maskdet.sources.address import scheme_of, shown_name
from maskdet.sources.options import MAX_TIMEOUT_S, Backend, Decode, Rotation, Transport

Timeout = Annotated[float, Field(gt=0, le=MAX_TIMEOUT_S)]
"""Seconds, as libraries take them: in milliseconds they have to fit into 32 bits."""
_RECEIVED_ONCE = ("udp", "rtp")
_COPIED_SCHEMES = (
    *("rtsp", "rtsps", "http", "https", "tcp", *_RECEIVED_ONCE),
    *("rtmp", "rtmps", "rtmpt", "rtmpts", "rtmpe", "rtmpte"),
)
"""Schemes of addresses whose video can be recorded as it comes."""


class SourceSettings(Settings):
    """One camera, stream, file or folder; a plain text in the list stands for its `source`.

    Attributes:
        source: as after ``--source``: ``0``, ``/dev/video0``, ``rtsp://…``, a path, ``demo``.
        detect_source: address of a network camera's second, smaller stream: that one is detected
            in, shown and drawn on; `source` is recorded as it comes, see `recording.encode`.
        name: what the window and the event log call it; by default the source itself.
        width: asked of a webcam, pixels; it may give something near it.
        height: asked of a webcam, pixels.
        fps: asked of a webcam, frames a second; of an address that gives one image, how often
            it is fetched (None: twice a second); of a video file, instead of its time stamps.
        format: asked of a webcam, four letters: MJPG, YUYV …
        backend: how a webcam is reached; auto is the right one for the system.
        rtsp_transport: tcp gives whole images; auto takes udp, then udp_multicast, where a camera
            knows nothing else.
        low_delay: a stream is decoded by one thread, which holds no image back, if one is enough.
        hardware_decoding: a stream is decoded by the graphics card where that can be done.
        decode: images of a stream that are decoded: all, or key_frames, which need no other image
            and come once in a second or two: decoding then costs a tenth.
        ffmpeg: further options of a stream, by FFmpeg's names.
        open_timeout: seconds a camera may take to open.
        read_timeout: seconds of silence after which it is opened again.
        detect_fps: frames a second to process; None: `detect.fps`.
        retry_first_connection: go on where it cannot be opened at first; None: of several.
        rotate: degrees by which a webcam's, stream's or video's images are turned clockwise.
        standby: of a camera or stream: it is opened and read, but its images are thrown away: it
            is shown as paused until this changes. `maskdet cluster` sets it of a camera that
            another machine has still.
    """

    RENAMED: ClassVar[Mapping[str, str]] = {"insist": "retry_first_connection"}

    source: Annotated[str, Field(min_length=1)]
    detect_source: Annotated[str, Field(min_length=1)] | None = None
    name: OneLine | None = None
    width: PositiveInt | None = None
    height: PositiveInt | None = None
    fps: PositiveFloat | None = None
    format: Annotated[str, Field(min_length=4, max_length=4)] | None = None
    backend: Backend = "auto"
    rtsp_transport: Transport = "auto"
    low_delay: bool = True
    hardware_decoding: bool = False
    decode: Decode = "all"
    ffmpeg: dict[
        Annotated[str, matching("[^;|]+", "a name without ; and |")],
        Annotated[str, matching("[^;|]*", "a value without ; and |")],
    ] = {}
    open_timeout: Timeout = 10.0
    read_timeout: Timeout = 5.0
    detect_fps: PositiveFloat | None = None
    retry_first_connection: bool | None = None
    rotate: Rotation = 0
    standby: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, str | int) and not isinstance(value, bool):
            return {"source": str(value)}
        if isinstance(value, dict) and type(value.get("source")) is int:
            return {**value, "source": str(value["source"])}
        return value

    @field_validator("detect_source")
    @classmethod
    def _is_a_stream(cls, address: str | None) -> str | None:
        if address is not None and not scheme_of(address):
            raise ValueError("is a second stream of the same network camera: give its address")
        return address

    @property
    def shown_name(self) -> str:
        """The name that a person reads; several sources may have the same."""
        return shown_name(self.source, self.name)

    @property
    def opens_twice(self) -> bool:
        """Whether two machines can receive it at a time: it is a network camera that is asked."""
        scheme = scheme_of(self.detect_source or self.source)
        return bool(scheme) and scheme not in _RECEIVED_ONCE

    def copy_problem(self) -> str:
        """The reason why its own video cannot be recorded without encoding; empty: it can."""
        scheme = scheme_of(self.source)
        if scheme not in _COPIED_SCHEMES:
            return "is not a network camera that sends encoded video"
        if scheme in _RECEIVED_ONCE and self.detect_source is None:
            return f"is received over {scheme} and cannot be opened twice; give a detect_source"
        return ""


class DetectSettings(Settings):
    """Limits of what detection costs.

    Attributes:
        fps: frames a second to process, of each source; None: as many as can be, and of a file all.
        motion_gate: frames of cameras and streams in which nothing has moved are not processed, for
            a second at most. Off by default: with it, a face that appears without any motion
            around it is found up to a second later, and `events.every: frame` has fewer lines.
        machine: MACHINE@HOST:PORT, a cluster's machine that processes the frames instead of this
            one, and the address of the cluster; `maskdet cluster` sets it. None: this one.
    """

    fps: PositiveFloat | None = None
    motion_gate: bool = False
    machine: str | None = None


class UnsureSettings(Settings):
    """When a face's state is not called; None is the model's own limit, 0 is never.

    Attributes:
        certainty: the best state's least share of all states' probability.
        width: pixels that a face must have.
    """

    certainty: Annotated[float, Field(ge=0, le=1)] | None = None
    width: NonNegativeFloat | None = None
