"""Snapshots: single images of a source as files, named after the time of day."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import cv2
import numpy as np

from maskdet.errors import SinkError, reason_of
from maskdet.sinks.output_files import write_new


def save_snapshot(image: np.ndarray, folder: str | Path = ".", *, label: str = "") -> Path:
    """Saves the image (BGR uint8) under the time of day, whole or not at all.

    Args:
        image: what to save.
        folder: where; made if need be.
        label: put behind the time, as in ``maskdet-20260131-235959-door.png``.

    Returns:
        The new file; an existing one is never overwritten.

    Raises:
        SinkError: it cannot be written.
    """
    name = f"maskdet-{datetime.now():%Y%m%d-%H%M%S}{label and '-'}{label}.png"
    _, data = cv2.imencode(".png", image)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        return write_new(Path(folder) / name, data.tobytes())
    except OSError as error:
        raise SinkError(
            f"cannot save a snapshot in {folder}: {reason_of(error)}; check disk space and rights"
        ) from error
