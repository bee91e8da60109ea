"""Settings of the event store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, PositiveFloat, model_validator

from maskdet.config import Settings


class StoreSettings(Settings):
    """The event store; a plain text in its place stands for its `file`.

    Attributes:
        file: SQLite file with people, what they did, and totals (docs/privacy.md). None: no store.
        keep_days: older rows are deleted; None: none.
        max_mb: the oldest rows are deleted while the file is larger, in millions of bytes.
    """

    SHORT_FORM: ClassVar[str] = "file"

    file: Path | None = None
    keep_days: PositiveFloat | None = 90.0
    max_mb: Annotated[float, Field(ge=0.1)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, value: Any) -> Any:
        if value is None:
            return {}
        return {"file": value} if isinstance(value, str | Path) else value
