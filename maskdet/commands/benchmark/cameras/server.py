"""The cameras of a benchmark: `rtsp_server.py` as a process."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from maskdet.errors import MaskdetError

PYTHON = "/usr/bin/python3"
"""The system's, whose packages hold GStreamer's bindings."""
PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good gstreamer1.0-plugins-bad "
    "gstreamer1.0-plugins-ugly"
)
_END_TIMEOUT_S = 5.0
_CHECK = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); gi.require_version('GstApp', '1.0'); "
    "from gi.repository import Gst, GstApp, GstRtspServer; Gst.init(None); "
    "assert all(map(Gst.ElementFactory.find, ('x264enc', 'h264parse', 'rtph264pay', 'appsrc')))"
)


@dataclass(frozen=True)
class CameraFormat:
    """The stream of each camera.

    Attributes:
        width: in pixels.
        height: in pixels.
        fps: frames a second.
        kbit: a second.
    """

    width: int = 1280
    height: int = 720
    fps: int = 15
    kbit: int = 2000


def require_server() -> None:
    """Checks that the server can run.

    Raises:
        MaskdetError: something is not installed.
    """
    found = shutil.which(PYTHON) is not None
    if not found or subprocess.run([PYTHON, "-c", _CHECK], capture_output=True).returncode:
        raise MaskdetError(
            "benchmark --cameras needs GStreamer's RTSP server and its Python bindings: "
            f"apt install {PACKAGES}"
        )


class RtspServer:
    """Serves a clip as so many cameras; use it in a ``with`` block.

    Attributes:
        pid: of its process.
        port: where it answers.
        bytes_per_second: of each camera's stream.
    """

    def __init__(
        self,
        images: Iterable[np.ndarray],
        cameras: int,
        camera: CameraFormat,
        host: str = "127.0.0.1",
    ) -> None:
        """Starts it, and waits until the clip is encoded.

        Args:
            images: of the clip, BGR uint8, in the cameras' size.
            cameras: how many addresses it has.
            camera: format of the stream.
            host: address of this machine at which it answers.

        Raises:
            MaskdetError: it did not start.
        """
        clip = [cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420) for image in images]
        numbers = (camera.width, camera.height, camera.fps, camera.kbit, len(clip), cameras)
        self._process = subprocess.Popen(
            [PYTHON, str(Path(__file__).with_name("rtsp_server.py")), *map(str, numbers), host],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.pid, self._host = self._process.pid, host
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            for image in clip:
                self._process.stdin.write(image.tobytes())
            self._process.stdin.flush()
            answer = self._process.stdout.readline().split()
        except OSError:
            answer = []
        except BaseException:
            self.close()
            raise
        if len(answer) != 3:
            self.close()
            raise MaskdetError("the RTSP server of the benchmark did not start")
        self.port, self.bytes_per_second = int(answer[1]), int(answer[2])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def address(self, number: int) -> str:
        """The address of a camera, from 0 on."""
        return f"rtsp://{self._host}:{self.port}/{number + 1}"

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate(timeout=_END_TIMEOUT_S)
