"""The child process that reads one camera or stream, and how it speaks.

It is asked by a JSON line on stdin and sends

    one message   of `maskdet.system.child_process`: {"fps", "finite", "hardware", "transport",
                  "notes", "pause"}, or {"error", "login"} if it could not be opened: then it can
                  be asked again, which costs little
    after another line, {"go": true} and, where not all images are wanted, "send_fps": so many a
                  second
    each frame    `HEADER` with width, height, number of images left out before it, Unix time,
                  monotonic time, seconds since the beginning of a video on a server (0 for what is
                  live); then the BGR bytes. Without an image, width and height are 0: the number
                  alone

and ends when the stream does. No call in it can hang: a watchdog ends the process.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import cv2
import numpy as np

from maskdet.images.decoding import MAX_PIXELS, as_bgr
from maskdet.sources import ffmpeg_log
from maskdet.sources.address import Address, parse
from maskdet.sources.child.stream_options import OTHER_TRANSPORT, OVER_UDP, transports
from maskdet.sources.child.thinning import Thinning
from maskdet.sources.child.watchdog import watchdog
from maskdet.sources.files.video_geometry import square_size, turned
from maskdet.sources.opencv_capture import open_camera, too_large
from maskdet.sources.stream_pace import Busy, Queued
from maskdet.system.child_process import send, send_message, take_output

HEADER = struct.Struct("<IIIddd")

_UNVERIFIED = "its certificate cannot be verified; going on without"
_ALL_THREADS = {"low_delay": False}
"""Decoding by as many threads as there are cores."""
_ALL_IMAGES = {**_ALL_THREADS, "decode": "all"}


def serve() -> None:
    """The child: opens what a JSON line on stdin asks for and sends its frames to stdout."""
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "16"  # errors, for `_try`; nobody else hears them
    output = take_output()
    try:
        for line in iter(sys.stdin.readline, ""):
            request = json.loads(line)
            opened = _open(request, output)
            if opened is not None:
                wanted = json.loads(sys.stdin.readline() or "{}")
                _send(opened.capture, opened.request, output, wanted.get("send_fps"))
                return
    except BrokenPipeError:
        os._exit(0)  # the parent has gone


@dataclass
class _Opened:
    """A camera, what it was opened with in the end, and what its owner should know."""

    capture: Any
    request: Mapping[str, Any]
    notes: list[str] = field(default_factory=list)


def _open(request: Mapping[str, Any], output: BinaryIO) -> _Opened | None:
    """Opens and answers; None if there is nothing to read."""
    found = _find(request)
    if isinstance(found, dict):
        send_message(output, found)
        return None
    capture = found.capture
    is_ours = not hasattr(capture, "get")
    if not is_ours and too_large(capture):
        send_message(output, {"error": "its pictures are too large", "login": False})
        return None
    facts = {
        "fps": capture.fps if is_ours else capture.get(cv2.CAP_PROP_FPS),
        "finite": not is_ours and _is_finite(capture, request),
        "hardware": not is_ours and capture.get(cv2.CAP_PROP_HW_ACCELERATION) > 0,
        "transport": found.request.get("rtsp_transport"),
        "notes": found.notes,
        "pause": capture.interval if is_ours else 0.0,
    }
    send_message(output, facts)
    return found


def _find(request: Mapping[str, Any]) -> _Opened | dict[str, object]:
    """Opens a camera or stream; else reports why not."""
    if "url" not in request:
        return _try(request)
    address = parse(request["url"])
    if address.scheme in ("http", "https"):
        return _find_by_http(address, request)
    if address.scheme == "srt":
        return _try_srt(request)
    if fault := _unreachable(request):
        return fault
    return _try(request)


def _find_by_http(address: Address, request: Mapping[str, Any]) -> _Opened | dict[str, object]:
    """Images are ours to read; anything else is FFmpeg's."""
    from maskdet.sources.http import image_camera
    from maskdet.sources.stream_diagnosis import Fault

    with watchdog(2 * request["open_timeout"] + 1):
        found = image_camera.open_http(address, request)
    if isinstance(found, Fault):
        return {"error": found.reason, "login": found.login}
    notes = [_UNVERIFIED] * found.is_unverified
    if not isinstance(found, image_camera.OtherContent):
        return _Opened(found, request, notes)
    opened = _try(request)
    if isinstance(opened, _Opened):
        opened.notes += notes
    return opened


def _is_finite(capture: cv2.VideoCapture, request: Mapping[str, Any]) -> bool:
    """Whether it is a video on a server, not a stream."""
    return "url" in request and capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0


def _unreachable(request: Mapping[str, Any]) -> dict[str, object] | None:
    """Why a stream that is opened again cannot be: known sooner than FFmpeg gives up."""
    # Others may have one line only, which is FFmpeg's.
    if not (request["again"] and request["url"].startswith("rtsp")):
        return None
    from maskdet.sources import stream_diagnosis

    with watchdog(request["open_timeout"] + 1):
        fault = stream_diagnosis.reach(request["url"])
    return fault and {"error": fault.reason, "login": fault.login}


def _try(request: Mapping[str, Any]) -> _Opened | dict[str, object]:
    """Opens, in each way that it may send, keeping what FFmpeg logs meanwhile."""
    notes: list[str] = []
    waited, log_text = False, ""
    for transport in transports(request):
        chosen = {**request, "rtsp_transport": transport}
        began = time.monotonic()
        with watchdog(request["open_timeout"] + 1), ffmpeg_log.listening() as log:
            capture = open_camera(chosen)
        if capture.isOpened():
            return _Opened(capture, chosen, notes)
        waited = time.monotonic() - began > 0.9 * request["open_timeout"]
        log_text = log_text if "461" in log.text and "401" in log_text else log.text
        if not OTHER_TRANSPORT.search(log.text):
            break
        notes = [OVER_UDP]
    with watchdog(10):
        return _diagnose(request, log_text, waited)


def _try_srt(request: Mapping[str, Any]) -> _Opened | dict[str, object]:
    from maskdet.sources import srt_relay

    with watchdog(request["open_timeout"] + 1), ffmpeg_log.listening() as log:
        try:
            relay = srt_relay.SrtRelay(request["url"])
        except OSError:
            return {"error": srt_relay.HINT, "login": False}
        # One thread may be too few, and a pipe cannot be opened again.
        chosen = {**request, "url": relay.url, "low_delay": False}
        capture = open_camera(chosen)
        if capture.isOpened():
            return _Opened(capture, chosen)
        relay.end()
    if "rotocol not" in log.text:
        return {"error": srt_relay.HINT, "login": False}
    return _diagnose(request, "", waited=False)


def _diagnose(request: Mapping[str, Any], log_text: str, waited: bool) -> dict[str, object]:
    if "url" not in request:
        path = request["device_file"]
        is_gone = path and not os.path.exists(path)
        return {"error": f"{path} is gone" if is_gone else "could not be opened", "login": False}
    from maskdet.sources import stream_diagnosis

    fault = stream_diagnosis.diagnose(request["url"], log_text, waited=waited)
    return {"error": fault.reason, "login": fault.login}


def _send(
    capture: Any, request: Mapping[str, Any], output: BinaryIO, send_fps: float | None = None
) -> None:
    is_ours = not hasattr(capture, "get")
    pause = capture.interval if is_ours else 0.0
    busy = Busy() if request.get("low_delay") and not is_ours else None
    is_finite = not is_ours and _is_finite(capture, request)
    if is_finite and (busy is not None or request.get("decode") == "key_frames"):
        capture, busy = _opened_again(capture, {**request, **_ALL_IMAGES}), None
    queued = None if is_ours else _queue_of(capture, request)
    thinning = Thinning(None if is_finite else send_fps)
    if is_ours:
        capture.is_wanted = lambda: thinning.is_due(time.monotonic())
    while True:
        if busy is not None and busy.all_the_time:
            capture, busy = _opened_again(capture, {**request, **_ALL_THREADS}), None
            queued = _queue_of(capture, request)
        if getattr(capture, "lacks_key_frames", False):
            capture = _opened_again(capture, {**request, "decode": "all"})
        with watchdog(request["read_timeout"] + 1 + 2 * pause):
            grabbed = capture.grab()
            stamps = time.time(), time.monotonic()
            if grabbed and queued is not None:
                if queued.has(stamps[1]):
                    continue
                queued = None
            has_image = getattr(capture, "has_image", True)
            takes = grabbed and thinning.takes(stamps[1], has_image)
            okay, image = capture.retrieve() if takes else (False, None)
        if grabbed and not takes:
            if thinning.is_report_due(stamps[1]):
                send(output, HEADER.pack(0, 0, thinning.report(stamps[1]), *stamps, 0.0))
            continue
        if not okay or image is None or image.shape[0] * image.shape[1] > MAX_PIXELS:
            return
        image = as_bgr(image) if is_ours else _with_square_pixels(as_bgr(image), capture)
        image = np.ascontiguousarray(turned(image, request.get("rotate", 0)))
        position = max(0.0, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000) if is_finite else 0.0
        height, width = image.shape[:2]
        skipped = thinning.report(stamps[1])
        send(output, HEADER.pack(width, height, skipped, *stamps, position))
        send(output, image.data.cast("B"))


def _with_square_pixels(image: np.ndarray, capture: cv2.VideoCapture) -> np.ndarray:
    """The image in its true shape: many CCTV and PAL streams have pixels that are not square."""
    across, down = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
    height, width = image.shape[:2]
    size = square_size(width, height, across / down if across > 0 and down > 0 else None)
    return image if size == (width, height) else cv2.resize(image, size)


def _opened_again(capture: cv2.VideoCapture, request: Mapping[str, Any]) -> cv2.VideoCapture:
    with watchdog(request["open_timeout"] + 1):
        capture.release()
        return open_camera(request)


def _queue_of(capture: cv2.VideoCapture, request: Mapping[str, Any]) -> Queued | None:
    url = request.get("url", "file:")
    return None if url.startswith(("http", "file:")) else Queued(capture)
