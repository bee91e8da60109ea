"""The child process that receives a network camera's encoded video, and its protocol.

As `maskdet.sources.camera_process`, it is asked by a JSON line on stdin, answers, and after another
line sends what comes: for each packet `HEADER`, its parameter sets where they are new, its data.
Nothing is decoded, and sound is left out. No call in it can hang: a watchdog ends the process.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, BinaryIO, NamedTuple

import av
from av.bitstream import BitStreamFilterContext

from maskdet.sources.child import stream_diagnosis
from maskdet.sources.child.stream_options import (
    OTHER_TRANSPORT,
    OVER_UDP,
    ffmpeg_options,
    transports,
)
from maskdet.sources.child.watchdog import watchdog
from maskdet.sources.packets.packet_times import PacketTimes, Stamps, complete
from maskdet.sources.packets.parameter_sets import split
from maskdet.sources.packets.stream_packet import CODECS, HEADER
from maskdet.system.processes.child_process import send, send_message, take_output

_MAX_PACKET_BYTES = 64 << 20
_MAX_HELD = 32
"""Packets at a stream's beginning that wait for the first whose time of decoding is known."""
_INTERVAL_S = 0.04
"""Seconds between two images where the camera states no rate."""
_OTHER_TRANSPORT = ("Protocol not supported", "Server returned 4XX")
"""Texts of FFmpeg's errors where a camera does not send in the way that it was asked for."""


class _Received(NamedTuple):
    """A packet as it came, without parameter sets; those, where there are some."""

    data: bytes
    parameters: bytes
    is_key: bool
    stamps: Stamps
    arrived: float


def serve() -> None:
    """The child: opens what a JSON line on stdin asks for and sends its packets to stdout."""
    output = take_output()
    try:
        for line in iter(sys.stdin.readline, ""):
            request = json.loads(line)
            stream = _open(request, output)
            if stream is not None:
                sys.stdin.readline()
                _send(stream, request, output)
                return
    except BrokenPipeError:
        os._exit(0)  # the parent has gone


def _open(request: Mapping[str, Any], output: BinaryIO) -> Any:
    """Opens and answers; the video stream, or None if there is nothing to receive."""
    found = _try(request)
    if isinstance(found, stream_diagnosis.Fault):
        send_message(output, {"error": found.reason, "login": found.login})
        return None
    container, transport, notes = found
    codecs = [stream.codec_context.name for stream in container.streams.video]
    stream = next((s for s in container.streams.video if s.codec_context.name in CODECS), None)
    if stream is None:
        container.close()
        reason = f"its video is {codecs[0].upper()}" if codecs else "it sends no video"
        advice = f"only {' and '.join(CODECS.values())} can be recorded without encoding"
        # It will not change within seconds: asked again as seldom as after a refused password.
        send_message(output, {"error": f"{reason}; {advice}", "login": True})
        return None
    facts = {
        "fps": float(stream.average_rate or 0),
        "finite": (container.duration or 0) > 0,
        "hardware": True,
        "transport": transport,
        "notes": notes,
        "codec": stream.codec_context.name,
    }
    send_message(output, facts)
    return stream


def _try(
    request: Mapping[str, Any],
) -> tuple[Any, str | None, list[str]] | stream_diagnosis.Fault:
    """Opens, in each way that the camera may send."""
    text, waited = "", False
    for transport in transports(request):
        chosen = {**request, "rtsp_transport": transport}
        began = time.monotonic()
        try:
            with watchdog(request["open_timeout"] + 1):
                container = av.open(
                    request["url"],
                    options=_options(chosen),
                    timeout=(request["open_timeout"], request["read_timeout"]),
                )
        except (av.FFmpegError, OSError) as error:
            waited = time.monotonic() - began > 0.9 * request["open_timeout"]
            text = str(error)
        else:
            is_other = transport != transports(request)[0]
            return container, transport, [OVER_UDP] if is_other else []
        if not (OTHER_TRANSPORT.search(text) or any(one in text for one in _OTHER_TRANSPORT)):
            break
    with watchdog(10):
        return stream_diagnosis.diagnose(request["url"], text, waited=waited)


def _options(request: Mapping[str, Any]) -> dict[str, str]:
    options = ffmpeg_options(request)
    if request["url"].startswith("rtsp"):
        options.setdefault("allowed_media_types", "video")
    return options


def _send(stream: Any, request: Mapping[str, Any], output: BinaryIO) -> None:
    """Sends packets from the first key frame on, until the stream ends."""
    interval = 1 / float(stream.average_rate) if stream.average_rate else _INTERVAL_S
    times, sent = PacketTimes(interval), b""
    parameters, _ = split(bytes(stream.codec_context.extradata or b""), stream.codec_context.name)
    held: list[_Received] | None = []
    for packet in _receive(stream, request["read_timeout"]):
        if held is None:
            ready = [packet]
        else:
            held.append(packet)
            if packet.stamps.decoded is None and len(held) < _MAX_HELD:
                continue
            filled = complete([one.stamps for one in held], interval)
            ready = [one._replace(stamps=s) for one, s in zip(held, filled, strict=True)]
            held = None
        for one in ready:
            parameters = one.parameters or parameters
            position, delay = times.place(one.stamps, one.arrived)
            new = parameters if parameters != sent else b""
            sent = parameters
            stamps = position, delay, one.arrived
            send(output, HEADER.pack(one.is_key, len(new), len(one.data), *stamps) + new)
            send(output, one.data)


def _receive(stream: Any, timeout: float) -> Iterator[_Received]:
    codec, base = stream.codec_context.name, stream.time_base or Fraction(1, 90_000)
    filters = _filters(stream)
    packets = stream.container.demux(stream)
    is_begun = False
    while True:
        try:
            with watchdog(timeout + 1):
                packet = next(packets, None)
        except (av.FFmpegError, OSError):
            return
        if packet is None or not packet.size or packet.size > _MAX_PACKET_BYTES:
            return
        arrived = time.monotonic()
        is_begun = is_begun or packet.is_keyframe
        if not is_begun:
            continue
        for one in filters.filter(packet) if filters is not None else [packet]:
            data, parameters = bytes(one), b""
            if one.is_keyframe:
                parameters, data = split(data, codec)
            stamps = Stamps(_seconds(one.pts, base), _seconds(one.dts, base))
            if data:
                yield _Received(data, parameters, one.is_keyframe, stamps, arrived)


def _filters(stream: Any) -> BitStreamFilterContext | None:
    """Makes start codes of lengths, which streams of a web server or over RTMP have."""
    has_lengths = bytes(stream.codec_context.extradata or b"").startswith(b"\1")
    name = f"{stream.codec_context.name}_mp4toannexb"
    return BitStreamFilterContext(name, stream) if has_lengths else None


def _seconds(ticks: int | None, base: Fraction) -> float | None:
    return None if ticks is None else float(ticks * base)
