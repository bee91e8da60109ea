"""What can be set about the monitor; `configs/monitor.yaml` lists all of it with its defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from maskdet.config import Settings
from maskdet.live.settings.events import EventSettings
from maskdet.live.settings.people import LineSettings, PeopleSettings, ZoneSettings, check_names
from maskdet.live.settings.serve import ServeSettings
from maskdet.live.settings.store import StoreSettings
from maskdet.model.registry import DEFAULT_MODEL


class SourceSettings(Settings):
    """One camera, stream, file or folder; a plain text in the list stands for its `source`.

    Attributes:
        source: as after ``--source``: ``0``, ``/dev/video0``, ``rtsp://…``, a path, ``demo``.
        name: what the window and the event log call it; by default the source itself.
        width: asked of a webcam, pixels; it may give something near it.
        height: asked of a webcam, pixels.
        fps: asked of a webcam, frames a second; of an address that gives one picture, how often
            it is fetched (None: twice a second); of a video file, in place of its time stamps.
        format: asked of a webcam, four letters: MJPG, YUYV …
        backend: how a webcam is reached; auto is the right one for the system.
        rtsp_transport: tcp gives whole pictures; auto takes udp, then udp_multicast, where a camera
            knows nothing else.
        low_delay: a stream is decoded by one thread, which holds no picture back, if one is enough.
        hardware_decoding: a stream is decoded by the graphics card where that can be done.
        ffmpeg: further options of a stream, by FFmpeg's names.
        open_timeout: seconds a camera may take to open.
        read_timeout: seconds of silence after which it is opened again.
        detect_fps: frames a second to process; None: as `detect.fps` says.
        insist: go on trying where it cannot be opened at first; None: where there are several.
    """

    source: Annotated[str, Field(min_length=1)]
    name: str | None = None
    width: PositiveInt | None = None
    height: PositiveInt | None = None
    fps: PositiveFloat | None = None
    format: Annotated[str, Field(min_length=4, max_length=4)] | None = None
    backend: Literal["auto", "v4l2", "dshow", "msmf", "avfoundation", "any"] = "auto"
    rtsp_transport: Literal["auto", "tcp", "udp", "udp_multicast"] = "auto"
    low_delay: bool = True
    hardware_decoding: bool = False
    ffmpeg: dict[
        Annotated[str, Field(pattern="^[^;|]+$")], Annotated[str, Field(pattern="^[^;|]*$")]
    ] = {}
    open_timeout: PositiveFloat = 10.0
    read_timeout: PositiveFloat = 5.0
    detect_fps: PositiveFloat | None = None
    insist: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, str | int) and not isinstance(value, bool):
            return {"source": str(value)}
        if isinstance(value, dict) and type(value.get("source")) is int:
            return {**value, "source": str(value["source"])}
        return value


class OverlaySettings(Settings):
    """What a face's label tells beside its state."""

    scores: bool = True
    track_ids: bool = True


class UnsureSettings(Settings):
    """When a face's state is not called; None is the model's own limit, 0 is never.

    Attributes:
        certainty: the best state's least share of all states' probability.
        width: pixels that a face must have.
    """

    certainty: Annotated[float, Field(ge=0, le=1)] | None = None
    width: NonNegativeFloat | None = None


class WindowSettings(Settings):
    """How the window shows.

    Attributes:
        width: of the whole window with several sources, pixels.
        height: of the whole window with several sources, pixels.
        picture_seconds: how long each still picture stays.
    """

    width: PositiveInt = 1280
    height: PositiveInt = 720
    picture_seconds: NonNegativeFloat = 3.0


class RecordingSettings(Settings):
    """What a recording shows, how it is cut into files, and how long these are kept.

    Attributes:
        bar: a bar above the picture: date and time with zone, counts, the source's name.
        segment_seconds: a new file after so long.
        segment_mb: a new file at this size, in millions of bytes.
        keep_days: older segments are deleted.
        keep_gb: the oldest segments are deleted while all of them together are larger.
        keep_free_gb: the oldest segments are deleted while less is free on their disk.
    """

    bar: bool = True
    segment_seconds: Annotated[float, Field(ge=1)] | None = None
    segment_mb: PositiveFloat | None = None
    keep_days: PositiveFloat | None = None
    keep_gb: PositiveFloat | None = None
    keep_free_gb: PositiveFloat | None = None

    @model_validator(mode="after")
    def _only_segments_are_deleted(self) -> Self:
        if not (self.segment_seconds or self.segment_mb):
            for name in ("keep_days", "keep_gb", "keep_free_gb"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} needs segment_seconds or segment_mb")
        return self


class DetectSettings(Settings):
    """What detection costs.

    Attributes:
        fps: frames a second to process, of each source; None: as many as can be, and of a file all.
    """

    fps: PositiveFloat | None = None


class LogSettings(Settings):
    """How messages are written to standard error.

    Attributes:
        format: text for people; json, an object a line, for machines.
    """

    format: Literal["text", "json"] = "text"


class MonitorSettings(Settings):
    """Everything the monitor does; the names are those of its options.

    Attributes:
        sources: what to look at; several are shown in a grid.
        model: a folder under ``models/``, or the path of a model.
        labels: label map of a third-party or legacy model; None is the one beside it.
        classes: mask states by a foreign model's class names, where they cannot be guessed.
        device: where to detect.
        side: longest side in pixels of the network's input; None is the model's own.
        looks: at each image: ``auto``, what suits its size and the machine; 1, once; 2, once more
            for close faces; from 3 on, also at so many parts along either side.
        runtime: which of the model's files, as its card names them; None is the device's best.
        min_score: lowest score that counts, of all states; None is the model's own of each.
        unsure: when a state is not called.
        headless: no window.
        record: annotated video, ``.mp4`` or ``.mkv``; with several sources one file each.
        detect: what detection costs.
        events: one JSON line per processed frame, or as its settings say.
        store: people, what they did, and totals, in one SQLite file.
        summary: figures of the whole run, as JSON.
        max_seconds: ends automatically after so long.
        max_frames: ends automatically after so many looked-at frames.
        blur: faces cannot be recognised in the window, the recording and snapshots.
        privacy: strict: faces are covered before a window, a file or a page gets an image.
        snapshots: folder for snapshots, and for recordings begun by key.
        recording: files of a recording, and how long they are kept.
        overlay: what labels tell.
        window: how the window shows.
        people: how people are followed.
        zones: in which people are counted.
        lines: over which people are counted, in and out.
        serve: the live page in a browser.
        heartbeat: a file touched every second while frames are processed as they come.
        log: how messages are written.
    """

    sources: Annotated[tuple[SourceSettings, ...], Field(min_length=1)] = (
        SourceSettings(source="0"),
    )
    model: Annotated[str, Field(min_length=1)] = DEFAULT_MODEL
    labels: Path | None = None
    classes: dict[str, Literal["with_mask", "without_mask", "mask_weared_incorrect"]] = {}
    device: Literal["auto", "cpu", "gpu"] = "auto"
    side: PositiveInt | None = None
    looks: Literal["auto"] | Annotated[int, Field(ge=1, le=8)] = "auto"
    runtime: str | None = None
    min_score: Annotated[float, Field(ge=0, le=1)] | None = None
    unsure: UnsureSettings = UnsureSettings()
    headless: bool = False
    record: Path | None = None
    detect: DetectSettings = DetectSettings()
    events: EventSettings = EventSettings()
    store: StoreSettings = StoreSettings()
    summary: Path | None = None
    max_seconds: PositiveFloat | None = None
    max_frames: PositiveInt | None = None
    blur: bool = False
    privacy: Literal["normal", "strict"] = "normal"
    snapshots: Path = Path(".")
    recording: RecordingSettings = RecordingSettings()
    overlay: OverlaySettings = OverlaySettings()
    window: WindowSettings = WindowSettings()
    people: PeopleSettings = PeopleSettings()
    zones: tuple[ZoneSettings, ...] = ()
    lines: tuple[LineSettings, ...] = ()
    serve: ServeSettings = ServeSettings()
    heartbeat: Path | None = None
    log: LogSettings = LogSettings()

    @field_validator("zones")
    @classmethod
    def _zones_have_names_of_their_own(
        cls, zones: tuple[ZoneSettings, ...]
    ) -> tuple[ZoneSettings, ...]:
        check_names("zones", zones)
        return zones

    @field_validator("lines")
    @classmethod
    def _lines_have_names_of_their_own(
        cls, lines: tuple[LineSettings, ...]
    ) -> tuple[LineSettings, ...]:
        check_names("lines", lines)
        return lines
