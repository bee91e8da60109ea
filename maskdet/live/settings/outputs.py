"""Settings of what is shown, recorded and logged."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from maskdet.config import Settings


class OverlaySettings(Settings):
    """Content of a face's label beside its state."""

    scores: bool = True
    track_ids: bool = True


class WindowSettings(Settings):
    """Size of the window and pace of its images.

    Attributes:
        width: of the whole window with several sources, pixels, at most; None: most of the screen.
        height: likewise.
        picture_seconds: how long each still image stays.
    """

    width: PositiveInt | None = None
    height: PositiveInt | None = None
    picture_seconds: NonNegativeFloat = 3.0


class RecordingSettings(Settings):
    """Content of a recording, its division into files, and their retention.

    Attributes:
        encode: auto: annotated, and encoded, but of sources with a `detect_source` the camera's own
            video as it comes; never: that of all sources, which have to be network cameras; always:
            annotated, which with a `detect_source` is that smaller picture.
        bar: a bar above the image: date and time with zone, counts, the source's name.
        segment_seconds: a new file after so long.
        segment_mb: a new file at this size, in millions of bytes.
        keep_days: older segments are deleted.
        keep_gb: the oldest segments are deleted while all of them together are larger.
        keep_free_gb: the oldest segments are deleted while less is free on their disk.
    """

    encode: Literal["auto", "always", "never"] = "auto"
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


class LogSettings(Settings):
    """Form of messages on standard error.

    Attributes:
        format: text for people; json, an object a line, for machines.
    """

    format: Literal["text", "json"] = "text"
