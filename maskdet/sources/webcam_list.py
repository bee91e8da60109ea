"""The webcams of this computer: their numbers and names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple


class Camera(NamedTuple):
    """A webcam.

    Attributes:
        number: as after ``--source``.
        name: as the system calls it; may be empty.
    """

    number: str
    name: str

    def __str__(self) -> str:
        return f"camera {self.number} ({self.name})" if self.name else f"camera {self.number}"


def list_webcams(
    devices: Path = Path("/dev"), classes: Path = Path("/sys/class/video4linux")
) -> list[Camera]:
    """The webcams that are there; none where the system has no list of them.

    Args:
        devices: folder of the device files, on Linux.
        classes: folder of what Linux knows of them.
    """
    if not sys.platform.startswith("linux"):
        return _enumerated()
    numbers = sorted(
        int(path.name[5:]) for path in devices.glob("video*") if path.name[5:].isdecimal()
    )
    # A webcam has a second device for its metadata, of index 1.
    return [
        Camera(str(number), _read(classes / f"video{number}" / "name"))
        for number in numbers
        if _read(classes / f"video{number}" / "index") in ("", "0")
    ]


def _enumerated() -> list[Camera]:
    try:
        from cv2_enumerate_cameras import enumerate_cameras  # late: needed without --source alone

        from maskdet.sources.opencv_capture import BACKENDS, webcam_backends

        found = enumerate_cameras(BACKENDS[webcam_backends("auto")[0]][0])
    except (ImportError, OSError, NotImplementedError):
        return []
    return [Camera(str(camera.index), camera.name) for camera in found]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
