"""The child process that reads one camera or stream, and its protocol.

It is asked by a JSON line on stdin and sends

    one message   of `maskdet.system.processes.child_process`: {"fps", "finite", "hardware",
                  "transport", "notes", "pause"}, or {"error", "login"} if it could not be
                  opened: then it can be asked again, which costs little
    after another line, {"go": true} and, where not all images are wanted, "send_fps": so many a
                  second
    each frame    `frame_sender.HEADER` with width, height, number of images left out before it,
                  Unix time, monotonic time, seconds since the beginning of a video on a server (0
                  for what is live); then the BGR bytes. Without an image, width and height are 0:
                  the number alone

and ends when the stream does. No call in it can hang: a watchdog ends the process.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import cv2

from maskdet.sources.address import Address, parse
from maskdet.sources.child import ffmpeg_log
from maskdet.sources.child.frame_sender import is_finite, is_http, send_frames
from maskdet.sources.child.stream_options import OTHER_TRANSPORT, OVER_UDP, transports
from maskdet.sources.child.watchdog import watchdog
from maskdet.sources.opencv_capture import open_camera, too_large
from maskdet.system.processes.child_process import send_message, take_output

_UNVERIFIED = "its certificate cannot be verified; going on without"


def serve() -> None:
    """The child: opens what a JSON line on stdin asks for and sends its frames to stdout."""
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "16"  # errors, for `_try`; they are shown nowhere else
    output = take_output()
    try:
        for line in iter(sys.stdin.readline, ""):
            request = json.loads(line)
            opened = _open(request, output)
            if opened is not None:
                wanted = json.loads(sys.stdin.readline() or "{}")
                send_frames(opened.capture, opened.request, output, wanted.get("send_fps"))
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
    is_opencv = not is_http(capture)
    if is_opencv and too_large(capture):
        send_message(output, {"error": "its pictures are too large", "login": False})
        return None
    facts = {
        "fps": capture.get(cv2.CAP_PROP_FPS) if is_opencv else capture.fps,
        "finite": is_opencv and is_finite(capture, request),
        "hardware": is_opencv and capture.get(cv2.CAP_PROP_HW_ACCELERATION) > 0,
        "transport": found.request.get("rtsp_transport"),
        "notes": found.notes,
        "pause": 0.0 if is_opencv else capture.interval,
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
    from maskdet.sources.child.stream_diagnosis import Fault
    from maskdet.sources.http import image_camera

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


def _unreachable(request: Mapping[str, Any]) -> dict[str, object] | None:
    """Why a stream that is opened again cannot be: known sooner than FFmpeg gives up."""
    # Others may have one line only, which is FFmpeg's.
    if not (request["again"] and request["url"].startswith("rtsp")):
        return None
    from maskdet.sources.child import stream_diagnosis

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
    from maskdet.sources.child import srt_relay

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
    from maskdet.sources.child import stream_diagnosis

    fault = stream_diagnosis.diagnose(request["url"], log_text, waited=waited)
    return {"error": fault.reason, "login": fault.login}
