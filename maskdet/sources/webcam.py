"""Live sources: webcams and network streams."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from maskdet.errors import SourceError
from maskdet.sources.address import parse
from maskdet.sources.opencv_capture import BACKENDS, TRANSPORTS, webcam_backends
from maskdet.sources.reconnecting import LiveSource
from maskdet.system.redaction import mask_address


class Webcam(LiveSource):
    """A camera of this computer."""

    def __init__(
        self,
        spec: str,
        name: str,
        *,
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
        format: str | None = None,
        backend: str = "auto",
        open_timeout: float = 10.0,
        read_timeout: float = 5.0,
        insist: bool = False,
    ) -> None:
        """Plans to open ``0``, ``1`` … or a device file; see `sources.opening.open_source`."""
        if backend not in ("auto", *BACKENDS):
            known = ", ".join(("auto", *BACKENDS))
            raise SourceError(f"unknown camera back-end '{backend}': choose one of {known}")
        if format is not None and len(format) != 4:
            raise SourceError(f"unknown picture format '{format}': choose MJPG, YUYV, H264 …")
        self._spec = spec
        self._backend = backend
        device: int | str = int(spec) if spec.isdecimal() else spec
        self._device_file = f"/dev/video{spec}" if spec.isdecimal() else spec
        if sys.platform == "linux" and backend in ("auto", "v4l2") and not insist:
            self._check_device_file()
        super().__init__(
            name,
            dict(device=device, width=width, height=height, fps=fps, format=format, backend=backend)
            | dict(device_file=self._device_file if sys.platform == "linux" else None)
            | dict(open_timeout=open_timeout, read_timeout=read_timeout),
            insist=insist,
        )

    def _check_device_file(self) -> None:
        path = self._device_file
        if not os.path.exists(path):
            others = sorted(f"/dev/{n}" for n in os.listdir("/dev") if n.startswith("video"))
            hint = f"choose one of {', '.join(others)}" if others else "plug one in"
            raise SourceError(
                f"camera {self._spec}: {path} does not exist (V4L2); {hint}, "
                "or try --source demo, which needs no camera"
            )
        if not os.access(path, os.R_OK | os.W_OK):
            raise SourceError(
                f"camera {self._spec}: no permission to use {path} (V4L2); "
                "run 'sudo usermod -aG video $USER' and log in again"
            )

    def _explain(self, failure: str) -> str:
        tried = " and ".join(BACKENDS[key][1] for key in webcam_backends(self._backend))
        hint = {
            "linux": "see whether another program uses it (fuser -v /dev/video*)",
            "darwin": "allow your terminal to use it in System Settings > Privacy > Camera",
            "win32": "close programs that use it, and allow desktop apps to in Settings > "
            "Privacy > Camera; or try another back-end (dshow, msmf)",
        }.get(sys.platform, "see whether another program uses it")
        return f"camera {self._spec}: {failure} (tried {tried}); {hint}"


class Stream(LiveSource):
    """A network camera or stream: RTSP, MJPEG, a picture fetched again and again, HLS, RTMP …"""

    def __init__(
        self,
        url: str,
        name: str,
        *,
        fps: float | None = None,
        rtsp_transport: str = "auto",
        low_delay: bool = True,
        hardware_decoding: bool = False,
        ffmpeg: Mapping[str, str] | None = None,
        open_timeout: float = 10.0,
        read_timeout: float = 5.0,
        insist: bool = False,
    ) -> None:
        """Plans to open a URL; see `maskdet.sources.opening.open_source`."""
        if rtsp_transport not in ("auto", *TRANSPORTS):
            known = ", ".join(("auto", *TRANSPORTS))
            raise SourceError(f"unknown RTSP transport '{rtsp_transport}': choose one of {known}")
        self._shown = mask_address(url)
        try:
            url = parse(url).url
        except SourceError as error:
            raise SourceError(self._explain(str(error))) from None
        super().__init__(
            name,
            dict(url=url, rtsp_transport=rtsp_transport, low_delay=low_delay, fps=fps)
            | dict(hardware_decoding=hardware_decoding, ffmpeg=dict(ffmpeg or {}))
            | dict(open_timeout=open_timeout, read_timeout=read_timeout),
            insist=insist,
        )

    def _explain(self, failure: str) -> str:
        return f"stream {self._shown}: {failure}"
