"""FFmpeg's options of a stream, and the ways in which an RTSP camera may send."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TRANSPORTS = ("tcp", "udp", "udp_multicast")
"""How an RTSP camera may send, the best first: over TCP no image loses a part."""

OTHER_TRANSPORT = re.compile(r"\b461\b|[Uu]nsupported transport|Nonmatching transport")
"""What FFmpeg logs of a camera that does not send in the way that it was asked for."""

OVER_UDP = "it does not send over TCP; going on over UDP, which may lose pictures"


def ffmpeg_options(request: Mapping[str, Any]) -> dict[str, str]:
    """FFmpeg's options of a stream, by its own names; those of the user go before."""
    options: dict[str, str] = {}
    scheme = request["url"].partition(":")[0].lower()
    if scheme not in ("rtsp", "rtsps", "http", "https"):
        options["analyzeduration"] = "1000000"  # microseconds; else five seconds go by
    if request["url"].lower().startswith("rtsp"):
        transport = request["rtsp_transport"]
        options["rtsp_transport"] = TRANSPORTS[0] if transport == "auto" else transport
        if request["low_delay"]:
            # The rate is not probed: that takes 20 images. Without "fflags nobuffer": it throws
            # away the first key frame, and gray images follow.
            options["fpsprobesize"] = "0"
    return options | request["ffmpeg"]


def transports(request: Mapping[str, Any]) -> list[str | None]:
    """Transports to ask an RTSP camera for, one after the other until it agrees."""
    wanted = request.get("rtsp_transport")
    if wanted != "auto" or not request["url"].startswith("rtsp"):
        return [wanted]
    if "rtsp_transport" in request["ffmpeg"]:
        return ["tcp"]  # it goes before ours
    first = request.get("transport") or TRANSPORTS[0]
    return [first, *(one for one in TRANSPORTS if one != first)]
