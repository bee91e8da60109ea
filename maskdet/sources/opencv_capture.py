"""Everything that touches `cv2.VideoCapture`: opening files, streams and webcams."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, cast

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # quiet; our own line reports what is wrong
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "200000000")  # as in maskdet/__init__.py

import cv2

from maskdet.images.decoding import MAX_PIXELS
from maskdet.sources.child.stream_options import ffmpeg_options

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_MAX_FRAMES = 1e9
"""Frames in a file above which its header is wrong: more than a year."""

BACKENDS = {
    "v4l2": (cv2.CAP_V4L2, "V4L2"),
    "dshow": (cv2.CAP_DSHOW, "DirectShow"),
    "msmf": (cv2.CAP_MSMF, "Media Foundation"),
    "avfoundation": (cv2.CAP_AVFOUNDATION, "AVFoundation"),
    "any": (cv2.CAP_ANY, "any back-end"),
}

# DirectShow first: with Media Foundation many webcams take minutes to open.
_BY_SYSTEM = {"linux": ("v4l2",), "darwin": ("avfoundation",), "win32": ("dshow", "msmf")}


def webcam_backends(backend: str) -> tuple[str, ...]:
    """The names in `BACKENDS` to try for ``auto`` on this system, or just the one given."""
    return _BY_SYSTEM.get(sys.platform, ("any",)) if backend == "auto" else (backend,)


def is_backend_here(backend: str) -> bool:
    """Whether this OpenCV has a back-end: DirectShow is of Windows alone, V4L2 of Linux."""
    known = cv2.videoio_registry.getBackends()
    return backend in ("auto", "any") or BACKENDS[backend][0] in known


def open_file(path: str) -> cv2.VideoCapture:
    """A video file, opened or not."""
    return cv2.VideoCapture(os.path.abspath(path), cv2.CAP_FFMPEG)  # absolute: never "protocol:"


def too_large(capture: cv2.VideoCapture) -> bool:
    """Whether its images have more than `MAX_PIXELS`, by its header."""
    width = capture.get(cv2.CAP_PROP_FRAME_WIDTH)
    return width * capture.get(cv2.CAP_PROP_FRAME_HEIGHT) > MAX_PIXELS


def length(capture: cv2.VideoCapture) -> float | None:
    """Seconds that a file lasts, by its header; None where that does not state it."""
    frames, fps = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    is_stated = 0 < frames < _MAX_FRAMES and 0 < fps < 1000
    return float(frames / fps) if is_stated else None


def open_camera(request: Mapping[str, Any]) -> cv2.VideoCapture:
    """Opens the camera of a request; the capture may turn out not to be open."""
    return _open_stream(request) if "url" in request else _open_webcam(request)


def _open_stream(request: Mapping[str, Any]) -> cv2.VideoCapture:
    options = ffmpeg_options(request)
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "|".join(f"{k};{v}" for k, v in options.items())
    parameters = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(request["open_timeout"] * 1000)),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(request["read_timeout"] * 1000)),
    ]
    if request["low_delay"]:
        # Each of FFmpeg's threads would hold an image: on eight cores, seven. OpenCV hands its
        # decoder none of the options above, "flags low_delay" included, only this number.
        parameters += [cv2.CAP_PROP_N_THREADS, 1]
    if request["hardware_decoding"]:  # OpenCV takes the CPU where there is none
        parameters += [cv2.CAP_PROP_HW_ACCELERATION, cv2.VIDEO_ACCELERATION_ANY]
    if request.get("decode") == "key_frames":
        capture = cv2.VideoCapture(
            request["url"], cv2.CAP_FFMPEG, [*parameters, cv2.CAP_PROP_FORMAT, -1]
        )
        if not capture.isOpened():
            return capture
        from maskdet.sources.child.key_frames import KeyFrames, codec_of  # few need a decoder

        if (codec := codec_of(capture)) is not None:
            return cast(cv2.VideoCapture, KeyFrames(capture, codec))
        capture.release()
    return cv2.VideoCapture(request["url"], cv2.CAP_FFMPEG, parameters)


def _open_webcam(request: Mapping[str, Any]) -> cv2.VideoCapture:
    capture = cv2.VideoCapture()
    for key in webcam_backends(request["backend"]):
        if capture.open(request["device"], BACKENDS[key][0]):
            _ask(capture, request)
            break
    return capture


def _ask(capture: cv2.VideoCapture, request: Mapping[str, Any]) -> None:
    # Before the size. USB 2 has no room for larger images uncompressed.
    format_ = request["format"] or ("MJPG" if (request["width"] or 0) > 640 else None)
    if format_:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*format_))
    wishes = {
        cv2.CAP_PROP_FRAME_WIDTH: request["width"],
        cv2.CAP_PROP_FRAME_HEIGHT: request["height"],
        cv2.CAP_PROP_FPS: request["fps"],
    }
    for key, value in wishes.items():
        if value:
            capture.set(key, value)
