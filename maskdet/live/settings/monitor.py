"""Settings of the monitor; `configs/monitor.yaml` lists all of them with their defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from maskdet.config import Settings
from maskdet.live.settings.alarms import AlarmSettings
from maskdet.live.settings.events import EventSettings
from maskdet.live.settings.nats import NatsSettings
from maskdet.live.settings.outputs import (
    LogSettings,
    OverlaySettings,
    RecordingSettings,
    WindowSettings,
)
from maskdet.live.settings.people import LineSettings, PeopleSettings, ZoneSettings, check_names
from maskdet.live.settings.serve import ServeSettings
from maskdet.live.settings.sources import DetectSettings, SourceSettings, UnsureSettings
from maskdet.live.settings.store import StoreSettings
from maskdet.model.class_names import ClassMeaning
from maskdet.model.registry import DEFAULT_MODEL


class MonitorSettings(Settings):
    """Everything the monitor does; the names are those of its options.

    Attributes:
        sources: what to look at; several are shown in a grid.
        model: a folder under ``models/``, or the path of a model.
        labels: label map of a third-party or legacy model; None is the one beside it.
        classes: mask states by class names of a third-party or legacy model; not_a_face: left out.
        device: where to detect.
        side: longest side in pixels of the network's input; None is the model's own; ``auto``, a
            smaller one where live frames come faster than the machine.
        looks: at each image: ``auto``, what suits its size and the machine; 1, once; 2, once more
            for close faces; from 3 on, also at so many parts along either side.
        runtime: which of the model's files, as its card names them; None is the device's best.
        min_score: lowest score that counts, of all states; None is the model's own.
        unsure: when a state is not called.
        headless: no window.
        record: annotated video, ``.mp4`` or ``.mkv``; with several sources one file each.
        detect: what detection costs.
        events: one JSON line per processed frame, or by its settings.
        store: people, what they did, and totals, in one SQLite file.
        nats: what the store holds is sent to a NATS server, too, for a store of several sites.
        summary: values of the whole run, as JSON.
        max_seconds: ends automatically after so long.
        max_frames: ends automatically after so many processed frames.
        blur: faces cannot be recognized in the window, the recording and snapshots.
        privacy: strict: faces are covered before a window, a file or a page gets an image.
        snapshots: folder for snapshots, and for recordings begun by key.
        recording: files of a recording, and how long they are kept.
        overlay: content of labels.
        window: how the window shows.
        people: how people are followed.
        zones: in which people are counted.
        lines: over which people are counted, in and out.
        alarms: what raises an alarm, and where it is sent.
        serve: the live page in a browser.
        heartbeat: a file touched every second while frames are processed as they come.
        status: a JSON file with the state of each source, replaced every second.
        log: how messages are written.
    """

    sources: Annotated[tuple[SourceSettings, ...], Field(min_length=1)] = (
        SourceSettings(source="0"),
    )
    model: Annotated[str, Field(min_length=1)] = DEFAULT_MODEL
    labels: Path | None = None
    classes: dict[str, ClassMeaning] = {}
    device: Literal["auto", "cpu", "gpu"] = "auto"
    side: Literal["auto"] | PositiveInt | None = "auto"
    looks: Literal["auto"] | Annotated[int, Field(ge=1, le=8)] = "auto"
    runtime: str | None = None
    min_score: Annotated[float, Field(ge=0, le=1)] | None = None
    unsure: UnsureSettings = UnsureSettings()
    headless: bool = False
    record: Path | None = None
    detect: DetectSettings = DetectSettings()
    events: EventSettings = EventSettings()
    store: StoreSettings = StoreSettings()
    nats: NatsSettings = NatsSettings()
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
    alarms: AlarmSettings = AlarmSettings()
    serve: ServeSettings = ServeSettings()
    heartbeat: Path | None = None
    status: Path | None = None
    log: LogSettings = LogSettings()

    @property
    def model_options(self) -> dict[str, Any]:
        """Options of the model, as keywords of `maskdet.runtimes.spec.resolve`."""
        return {
            "min_score": self.min_score,
            "certainty": self.unsure.certainty,
            "min_width": self.unsure.width,
            "device": self.device,
            "labels": self.labels,
            "classes": self.classes,
            "side": self.side,
            "runtime": self.runtime,
        }

    def detect_fps_of(self, source: SourceSettings) -> float | None:
        """Frames a second of a source to process; None: all."""
        return source.detect_fps or self.detect.fps

    def copies(self, source: SourceSettings) -> bool:
        """Whether a source's own video is recorded, without encoding and overlay."""
        encode = self.recording.encode
        return encode == "never" or (encode == "auto" and source.detect_source is not None)

    @model_validator(mode="after")
    def _what_is_copied_can_be(self) -> Self:
        for one in filter(self.copies, self.sources):
            name = one.shown_name
            if problem := one.copy_problem():
                raise ValueError(
                    f"'{name}' {problem}: its recording needs recording.encode: always"
                )
            if self.record is not None and (self.blur or self.privacy == "strict"):
                demand = "privacy: strict" if self.privacy == "strict" else "blur"
                raise ValueError(
                    f"the recording of '{name}' would be the camera's own video, whose faces "
                    f"cannot be covered as {demand} demands; set recording.encode: always, which "
                    "records the pictures that are processed"
                )
        return self

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
