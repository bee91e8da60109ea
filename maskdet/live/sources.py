"""From what a person writes after ``--source`` to a `Source`."""

from __future__ import annotations

from collections.abc import Sequence

from maskdet.contracts import Source
from maskdet.privacy import mask_password

__all__ = ["mask_password", "open_source", "open_sources"]


def open_source(
    spec: str,
    *,
    name: str | None = None,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
    backend: str = "auto",
    rtsp_transport: str = "tcp",
    open_timeout: float = 8.0,
    read_timeout: float = 5.0,
) -> Source:
    """Opens a webcam (``0``, ``/dev/video0``), stream, video file, picture, folder or ``demo``.

    Args:
        spec: what to open, as in the command's ``--source``.
        name: what a person reads; by default the spec without its password.
        width: width asked of a webcam, in pixels; it may give another.
        height: height asked of a webcam, in pixels.
        fps: frames a second asked of a webcam.
        backend: a webcam's back-end: auto, v4l2, dshow, msmf, avfoundation, any.
        rtsp_transport: tcp (whole pictures) or udp.
        open_timeout: seconds that a camera or stream may take to open.
        read_timeout: seconds without a frame after which a camera or stream counts as lost.

    Raises:
        SourceError: it cannot be opened; the message says why and what to do.
    """
    raise NotImplementedError


def open_sources(specs: Sequence[str], **options: object) -> list[Source]:
    """Opens several, each under a name of its own; if one fails, closes those already open."""
    raise NotImplementedError
