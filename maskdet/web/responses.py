"""The API's answers; their form is that of ``python -m maskdet detect --json``."""

from __future__ import annotations

import io
import zipfile
from base64 import b64encode
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import quote

from pydantic import BaseModel, Field

from maskdet.web.processing import ProcessedImage


class Face(BaseModel):
    """One face.

    Attributes:
        box: x1, y1, x2, y2 in pixels of the picture.
        score: how sure the detector is, 0–1.
        state: name of a `MaskState`.
        states: how likely each state is, where the model gives it.
    """

    box: Annotated[list[float], Field(min_length=4, max_length=4)]
    score: float
    state: str
    states: dict[str, float] | None = None


class Image(BaseModel):
    """One picture and its faces, best first.

    Attributes:
        file: its name as it was sent.
        width: in pixels.
        height: in pixels.
        detections: its faces.
        counts: faces per state, every state named.
        annotated: the annotated picture as a data: address, if it was asked for.
        damage: a decoder's message where the file is damaged within, and the rest of the picture
            was processed nevertheless.
        frames: of an animation, of which the first alone was processed.
    """

    file: str
    width: int
    height: int
    detections: list[Face]
    counts: dict[str, int]
    annotated: str | None = None
    damage: str | None = None
    frames: int | None = None


class Images(BaseModel):
    """The pictures of a request, in its order."""

    images: list[Image]


def image_of(seen: ProcessedImage) -> Image:
    """The answer for one image."""
    found = seen.detections
    content = b64encode(seen.annotated).decode()
    return Image(
        file=seen.name,
        width=seen.width,
        height=seen.height,
        detections=[Face(**record) for record in found.records()],
        counts=found.counts(),
        annotated=f"data:{seen.kind.media_type};base64,{content}" if content else None,
        damage=seen.damage or None,
        frames=seen.frames if seen.frames > 1 else None,
    )


def zip_of(seen: Sequence[ProcessedImage]) -> bytes:
    """The annotated pictures and ``boxes.json`` in one archive; equal names are numbered.

    So are those that differ in capital letters alone: Windows and macOS unpack both into one file.
    """
    images = Images(images=[image_of(one).model_copy(update={"annotated": None}) for one in seen])
    taken = {"boxes.json"}
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:  # stored: pictures are compressed already
        for one in seen:
            name = _free(one.annotated_name, taken)
            taken.add(name.casefold())
            archive.writestr(name, one.annotated)
        archive.writestr("boxes.json", images.model_dump_json(exclude_none=True, indent=1))
    return memory.getvalue()


def attachment(name: str) -> dict[str, str]:
    """The header that makes a browser save the answer under that name (RFC 6266)."""
    plain = "".join(c if c.isascii() and c not in '"\\%' else "_" for c in name)
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    }


def _free(name: str, taken: set[str]) -> str:
    path, free, number = PurePosixPath(name), name, 2
    while free.casefold() in taken:
        free, number = f"{path.stem}-{number}{path.suffix}", number + 1
    return free
