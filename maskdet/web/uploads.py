"""The pictures of a request, read into memory alone and no further than the limits."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import anyio
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from maskdet.web.image_codec import claimed_pixels
from maskdet.web.request_limits import MEGA, Limits
from maskdet.web.request_options import RequestOptions

_RAW = ("image/", "application/octet-stream", "application/x-www-form-urlencoded")
"""Content types of a body that is the picture itself; the last is curl's when none is given."""

_MAX_FIELDS = 20


@dataclass(frozen=True)
class Upload:
    """A file as it was sent; `name` has no folder and no control characters."""

    name: str
    data: bytes


async def read_uploads(request: Request, limits: Limits) -> tuple[list[Upload], dict[str, str]]:
    """The files of a form (multipart/form-data, under any name), or the body as the only file.

    Returns:
        The files, and the text fields of a form by name.

    Raises:
        HTTPException: 400 the form is malformed, 408 it came too slowly, 413 too much of it,
            415 neither form nor picture, 422 no picture in it.
    """
    media_type, _ = parse_options_header(request.headers.get("content-type"))
    kind = media_type.decode("latin-1")
    if not (kind == "multipart/form-data" or kind.startswith(_RAW) or not kind):
        raise HTTPException(
            415, f"pictures come as a form (multipart/form-data) or as image/*, not as {kind:.60}"
        )
    read = _form if kind == "multipart/form-data" else _raw
    try:
        with anyio.fail_after(limits.seconds):
            uploads, fields = await read(request, limits)
    except TimeoutError:
        raise HTTPException(408, f"nothing complete came in {limits.seconds:g} s") from None
    if not uploads:
        raise HTTPException(422, f"no picture in the request; {_missing_file(fields)}")
    if len(uploads) > limits.images:
        raise _too_many(limits)
    return uploads, fields


def _missing_file(fields: Mapping[str, str]) -> str:
    """One line for a request without files; a form may have a file's name instead of the file."""
    for name in fields:
        if name not in RequestOptions.model_fields:
            return f"field {name!r:.60} is text; curl sends a file with -F {name:.60}=@FILE"
    return "send at least one file"


def check_pixels(uploads: Sequence[Upload], limits: Limits) -> None:
    """Checks that uploads do not have too many pixels together, by their headers.

    One that is too large alone does not count: `decode` names that one.

    Raises:
        HTTPException: 413 they have.
    """
    pixels = (claimed_pixels(one.data) for one in uploads)
    if sum(count for count in pixels if count <= limits.pixels) > limits.pixels_of_all:
        most = limits.pixels_of_all / MEGA
        raise HTTPException(
            413, f"more than {most:g} million pixels in one request; send fewer pictures at a time"
        )


async def _raw(request: Request, limits: Limits) -> tuple[list[Upload], dict[str, str]]:
    data = b"".join([chunk async for chunk in _counted(request, limits)])
    return ([Upload("picture", data)] if data else []), {}


async def _form(request: Request, limits: Limits) -> tuple[list[Upload], dict[str, str]]:
    parser = MultiPartParser(
        request.headers,
        _counted(request, limits),
        max_files=limits.images,
        max_fields=_MAX_FIELDS,
    )
    parser.spool_max_size = limits.bytes + 1  # beyond it Starlette would write to the disk
    try:
        form = await parser.parse()
    except MultiPartException as error:
        if error.message.startswith("Too many files"):
            raise _too_many(limits) from None
        raise HTTPException(400, f"malformed form: {error.message}") from None
    except UnicodeError:  # of a charset that Python knows and nobody uses
        raise HTTPException(400, "malformed form: its charset cannot be read; use UTF-8") from None
    files = [file for _, file in form.multi_items() if isinstance(file, UploadFile)]
    read = [Upload(_safe(file.filename), await file.read()) for file in files]
    fields = {name: text for name, text in form.multi_items() if isinstance(text, str)}
    await form.close()
    # A browser sends an empty file without a name for none.
    chosen = zip(files, read, strict=True)
    return [upload for file, upload in chosen if upload.data or file.filename], fields


async def _counted(request: Request, limits: Limits) -> AsyncGenerator[bytes, None]:
    """The request's body; stops at the limit, or before it begins if its length is announced."""
    too_large = HTTPException(413, f"more than {limits.bytes / MEGA:g} MB in one request")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limits.bytes:
        raise too_large
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > limits.bytes:
            raise too_large
        yield chunk


def _too_many(limits: Limits) -> HTTPException:
    return HTTPException(413, f"more than {limits.images} pictures in one request")


def _safe(name: str | None) -> str:
    """The last part of a file's name, printable, short enough for every file system.

    Browsers and curl send a double quote as %22, as HTML has it.
    """
    last = PurePosixPath((name or "").replace("\\", "/").replace("%22", '"')).name
    kept = "".join(char for char in last if char.isprintable()).strip(". ")
    return kept[-100:] or "picture"
