"""Settings of the event log."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import PositiveFloat, PositiveInt, model_validator

from maskdet.config import Settings


class RotateSettings(Settings):
    """When an event log is put aside, as ``name-20260131-235959.jsonl``, and a new one is begun.

    Attributes:
        mb: at this size, in millions of bytes.
        seconds: after so long.
        keep: files put aside that stay; the oldest are deleted. None: all.
        compress: they are compressed with gzip, as ``name-20260131-235959.jsonl.gz``.
    """

    mb: PositiveFloat | None = None
    seconds: PositiveFloat | None = None
    keep: PositiveInt | None = None
    compress: bool = False

    @model_validator(mode="after")
    def _only_files_put_aside_are_touched(self) -> Self:
        if not (self.mb or self.seconds):
            for name in ("keep", "compress"):
                if getattr(self, name):
                    raise ValueError(f"{name} needs mb or seconds")
        return self


class EventSettings(Settings):
    """The event log; a plain text in its place stands for its `file`.

    Attributes:
        file: one JSON line per event (docs/events.md); ``-`` is standard output. None: no log.
        every: a line for each processed frame, for each change of the counts, or every so many
            seconds of a source; a number means seconds.
        seconds: how many, with ``every: seconds``.
        append: goes on with a file that is there; otherwise ``name-2`` is written.
        rotate: when to begin a new file.
    """

    SHORT_FORM: ClassVar[str] = "file"

    file: Path | None = None
    every: Literal["frame", "change", "seconds"] = "frame"
    seconds: PositiveFloat = 10.0
    append: bool = False
    rotate: RotateSettings = RotateSettings()

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, value: Any) -> Any:
        if value is None:
            return {}
        if isinstance(value, str | Path):
            return {"file": value}
        if not isinstance(value, dict):
            return value
        every = value.get("every")
        if isinstance(every, int | float) and not isinstance(every, bool):
            return {**value, "every": "seconds", "seconds": every}
        return value

    @model_validator(mode="after")
    def _only_a_file_is_rotated(self) -> Self:
        if str(self.file) == "-" and (self.rotate.mb or self.rotate.seconds):
            raise ValueError("rotate needs a file; - is standard output")
        return self
