"""A camera of a run, with what belongs to it alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from maskdet.contracts import Sink, Source
from maskdet.errors import ConfigError
from maskdet.live.cameras.source_state import FrameAnalysis
from maskdet.live.cameras.switched_source import SwitchedSource
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
    def is_on_standby(self) -> bool:
        """Whether it is read, and its frames are thrown away."""
        return isinstance(self.source, SwitchedSource) and self.source.is_on_standby

    @property
    def is_present(self) -> bool:
        """Whether it is a part of the run at the moment."""
        return self.state != "removed"


@runtime_checkable
class CameraListener(Protocol):
    """A part of the run that keeps something for each camera; for any thread."""

    def note_camera(self, name: str, state: CameraState) -> None:
        """A camera runs (a new one, or one that was paused or removed), is paused or removed."""


class CameraParts(Protocol):
    """Builds what belongs to one camera, as the settings of the run say."""

    def make(
        self, one: SourceSettings, name: str, index: int
    ) -> tuple[Camera, FrameAnalysis | None]:
        """A camera that is not read yet, and what follows its people.

        Raises:
            MaskdetError: a part of it cannot be made.
        """

    def connect(self, one: SourceSettings, name: str) -> Source:
        """A source that is opened by its first read, and again whenever it is lost.

        Raises:
            SourceError: there is no such source.
        """

    def redirect(self, recording: RecordingSwitch, one: SourceSettings, name: str) -> None:
        """Has a recording of the camera's own video take that of other settings.

        Raises:
            SourceError: the address cannot be read.
        """

    def detect_fps(self, one: SourceSettings) -> float | None:
        """Frames a second to process; None: all."""


def can_pause(camera: Camera) -> bool:
    """Whether a camera has a connection that can be closed and opened again."""
    return isinstance(camera.source, SwitchedSource)


def connection_of(camera: Camera) -> SwitchedSource:
    """The connection of a camera, which can be closed and opened again.

    Raises:
        ConfigError: it is a file.
    """
    if not isinstance(camera.source, SwitchedSource):
        raise ConfigError(
            f"{camera.name} is a file; only cameras and streams are paused and restarted"
        )
    return camera.source
