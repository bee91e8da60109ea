"""The bar of recordings and snapshots: when and where it was, so that they serve as evidence."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import PurePath

import numpy as np

from maskdet.drawing.overlay import Overlay
from maskdet.drawing.status_text import Status
from maskdet.frame import Frame
from maskdet.live.progress import clock
from maskdet.observation import Observation


def with_bar(overlay: Overlay) -> Callable[[Observation], np.ndarray]:
    """A function that draws observations under a bar with clock, counts and name.

    Args:
        overlay: draws; for the thread alone that calls the function.
    """
    return lambda observation: overlay.draw(observation, evidence_status(observation.frame))


def evidence_status(frame: Frame) -> Status:
    """Content of the bar above a frame.

    A live source's clock is that of the frame. A file's frame has its position, and the time at
    which it was processed, named so: when it was recorded is not known.
    """
    if frame.has_clock_time:
        return Status(frame.source, clock=date_and_time(frame.time))
    position = PurePath(frame.file).name or f"{clock(frame.time)}.{int(frame.time * 100) % 100:02}"
    processed = f"processed {date_and_time(time.time())}"
    return Status(frame.source, is_file=True, progress=position, clock=processed)


def date_and_time(unix: float) -> str:
    """``2026-01-31 23:59:59 UTC+01:00``, in this computer's time zone."""
    moment = datetime.fromtimestamp(unix).astimezone()
    zone = f"{moment:%z}"
    offset = "" if zone == "+0000" else f"{zone[:3]}:{zone[3:5]}"
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC{offset}"
