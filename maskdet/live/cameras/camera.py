"""A camera of a run, with what belongs to it alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from maskdet.contracts import Sink, Source
from maskdet.live.gui.zone_editor import SourcePlaces
from maskdet.live.settings.sources import SourceSettings
from maskdet.sinks.recording.recording_switch import RecordingSwitch

CameraState = Literal["running", "paused", "removed"]


@dataclass(eq=False)
class Camera:
    """A source of a run.

    Attributes:
        index: in the pipeline; it stays.
        settings: of the source, as last applied.
        source: as it is read.
        recording: of this source.
        clips: sinks for the clips of its alarms, if there are some.
        places: its zones and lines; None where nobody is followed.
        state: as a user has asked for.
    """

    index: int
    settings: SourceSettings
    source: Source
    recording: RecordingSwitch
    clips: list[Sink] = field(default_factory=list)
    places: SourcePlaces | None = None
    state: CameraState = "running"

    @property
    def name(self) -> str:
        """Name of the source."""
        return self.source.name

    @property
    def own_sinks(self) -> list[Sink]:
        """Sinks that get its observations alone."""
        return [self.recording, *self.clips]

    @property
    def is_present(self) -> bool:
        """Whether it is a part of the run at the moment."""
        return self.state != "removed"


@runtime_checkable
class CameraListener(Protocol):
    """A part of the run that keeps something for each camera; for any thread."""

    def note_camera(self, name: str, state: CameraState) -> None:
        """A camera runs (a new one, or one that was paused or removed), is paused or removed."""
