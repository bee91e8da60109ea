"""The cameras of this computer."""

from __future__ import annotations

import os
import sys

from maskdet.errors import SourceError
from maskdet.sources.opencv_capture import BACKENDS, is_backend_here, webcam_backends
from maskdet.sources.options import WebcamOptions, values_of
from maskdet.sources.reconnecting import LiveSource


class Webcam(LiveSource):
    """A camera of this computer."""

    def __init__(self, spec: str, name: str, options: WebcamOptions | None = None) -> None:
        """Plans to open a camera; see `sources.opening.open_source`.

        Args:
            spec: ``0``, ``1`` … or a device file.
            name: what a person reads.
            options: None: the defaults.

        Raises:
            SourceError: there is no such device file, or no such back-end on this system.
        """
        options = options or WebcamOptions()
        backend = options.backend
        if not is_backend_here(backend):
            raise SourceError(
                f"camera {spec}: this system has no {BACKENDS[backend][1]} (backend: {backend}); "
                "leave backend out, and it takes the right one"
            )
        self._spec = spec
        self._backend = backend
        device: int | str = int(spec) if spec.isdecimal() else spec
        self._device_file = f"/dev/video{spec}" if spec.isdecimal() else spec
        if (
            sys.platform == "linux"
            and backend in ("auto", "v4l2")
            and not options.retry_first_connection
        ):
            self._check_device_file()
        device_file = self._device_file if sys.platform == "linux" else None
        request = dict(device=device, device_file=device_file)
        super().__init__(
            name,
            request | values_of(options, WebcamOptions),
            retry_first_connection=options.retry_first_connection,
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
