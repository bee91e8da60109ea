"""Webcams, and sources that are asked for: each is opened and gives an image."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import cv2

from maskdet.commands.doctor.finding import Finding, Health, absent, broken, ok
from maskdet.contracts import Source
from maskdet.errors import MaskdetError
from maskdet.frame import Frame
from maskdet.sources.opencv_capture import BACKENDS, webcam_backends
from maskdet.sources.opening import open_source
from maskdet.sources.options import SourceOptions
from maskdet.sources.webcam_list import Camera, list_webcams
from maskdet.system.redaction import mask_password
from maskdet.system.threads import Event, Worker

_MAX_WEBCAMS = 4
"""Webcams tried where the system has no list of them."""
_TIMEOUT_S = 8.0


def webcams() -> Iterator[Finding]:
    """The back-end, and each webcam that is there."""
    yield _backends()
    # Where the system has no list, the first numbers are worth a try.
    specs = list_webcams() or [Camera(str(number), "") for number in _tried()]
    found = False
    for spec, name in specs:
        finding = _check(spec, f"camera {spec}", name)
        if finding.health is Health.OK or sys.platform.startswith("linux"):
            found = True
            # One that nobody asked for is not needed.
            yield finding if finding.health is Health.OK else absent(finding.name, finding.text)
    if not found:
        yield absent("camera", "none found", "plug one in; --source demo needs none")


def _tried() -> range:
    return range(0 if sys.platform.startswith("linux") else _MAX_WEBCAMS)


def source(spec: str) -> Iterator[Finding]:
    """A source that is asked for: it must work."""
    yield _check(spec, "source", mask_password(spec))


def _check(spec: str, title: str, name: str) -> Finding:
    start = time.perf_counter()
    options = SourceOptions(open_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S)
    try:
        opened = open_source(spec, options=options)
    except MaskdetError as error:
        return broken(title, f"{name}: {error}" if name and name not in str(error) else str(error))
    try:
        frame = _first(opened)
    except MaskdetError as error:
        return broken(title, str(error))
    finally:
        opened.close()
    if frame is None:
        return broken(title, f"{name}: opens, but gives no picture", "try its other stream")
    height, width = frame.image.shape[:2]
    rate = f" at {opened.fps:.0f} frames/s" if opened.fps else ""
    seconds = time.perf_counter() - start
    return ok(title, f"{name or 'opens'}: {width}×{height}{rate}, first picture in {seconds:.1f} s")


def _first(opened: Source) -> Frame | None:
    """Its first image; None if none comes in time, however patient the source is."""
    came = Event()

    def watch() -> None:
        if not came.wait(_TIMEOUT_S):
            opened.close()

    guard = Worker("guard", watch)
    guard.start()
    try:
        return opened.read()
    finally:
        came.set()
        guard.join()


def _backends() -> Finding:
    """The libraries that OpenCV reads cameras and streams with."""
    there = {cv2.videoio_registry.getBackendName(b) for b in cv2.videoio_registry.getBackends()}
    if "FFMPEG" not in there:
        fix = "pip install --force-reinstall opencv-python"
        return broken("back-ends", "this OpenCV has no FFmpeg: no stream, no video", fix)
    names = [BACKENDS[key][1] for key in webcam_backends("auto")]
    return ok("back-ends", f"streams and files by FFmpeg, webcams by {' or '.join(names)}")
