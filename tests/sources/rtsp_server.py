"""A network camera: GStreamer's RTSP server with a clock drawn into its pictures.

Runs on the system's Python, which has GStreamer's bindings (`tests/sources/rtsp.py` starts it).
Each picture is gray with 64 square blocks in its upper left corner: 48 bits of the machine's
monotonic clock in milliseconds and a checksum, which `tests/sources/rtsp.py` reads back. With
``--video`` they are those of a file, raw I420 of that size, over and over; the clock decides which,
so that what happens before the camera goes on while it is off.

Says ``ready PORT``, then obeys lines: ``rate N`` pictures a second (0: none at all), ``jump
SECONDS`` of its time stamps, ``end``.
"""

from __future__ import annotations

import argparse
import mmap
import os
import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

BLOCK = 16  # pixels
COLUMNS, ROWS = 16, 4
ENCODERS = {
    "h264": "x264enc tune=zerolatency sliced-threads=false threads=1 speed-preset=ultrafast "
    "bitrate={kbit} key-int-max={key} "
    "! video/x-h264,profile=baseline ! rtph264pay name=pay0 pt=96 config-interval=-1",
    "h264-b": "x264enc bframes=2 b-adapt=false rc-lookahead=2 sync-lookahead=0 "
    "sliced-threads=false threads=1 speed-preset=ultrafast bitrate={kbit} key-int-max={key} "
    "! video/x-h264,profile=main ! rtph264pay name=pay0 pt=96 config-interval=-1",
    "jpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast bitrate={kbit} key-int-max={key} "
    "log-level=none ! h265parse ! rtph265pay name=pay0 pt=96 config-interval=-1",
}


def clock_bits(milliseconds: int) -> list[int]:
    """48 bits of time and 16 of checksum, the highest first."""
    value = milliseconds << 16 | checksum(milliseconds)
    return [value >> shift & 1 for shift in range(63, -1, -1)]


def checksum(milliseconds: int) -> int:
    """16 bits that a chance pattern does not have."""
    return (milliseconds * 40503 ^ milliseconds >> 16 ^ 0x5A5A) & 0xFFFF


def picture(width: int, height: int, milliseconds: int) -> bytes:
    """An I420 picture with the clock."""
    bits = clock_bits(milliseconds)
    rows = []
    for row in range(ROWS):
        few = bits[row * COLUMNS : (row + 1) * COLUMNS]
        line = b"".join(bytes([235 if bit else 16]) * BLOCK for bit in few)
        rows.append((line + b"\x7e" * (width - len(line))) * BLOCK)
    top = b"".join(rows)
    return top + b"\x7e" * (width * height - len(top)) + b"\x80" * (width * height // 2)


class Server:
    """One camera at /1; all its viewers see the same stream."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.width, self.height = (int(side) for side in options.size.split("x"))
        self.fps, self.rate = options.fps, float(options.fps)
        self.codec, self.audio = options.codec, options.audio
        self.appsrc = None
        self.next = 0.0
        self.video = None
        if options.video:
            with open(options.video, "rb") as file:
                self.video = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.server = GstRtspServer.RTSPServer()
        self.server.set_address(options.address)
        self.server.set_service(str(options.port))
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(self.launch())
        factory.set_shared(True)
        if options.only_udp:
            factory.set_protocols(GstRtsp.RTSPLowerTrans.UDP)
        factory.connect("media-configure", self.configure)
        if options.user:
            self.protect(factory, options)
        self.server.get_mount_points().add_factory("/1", factory)
        self.server.attach(None)
        GLib.timeout_add(4, self.push)

    def launch(self) -> str:
        encoder = ENCODERS[self.codec].format(kbit=1000, key=self.fps)
        caps = (
            f"video/x-raw,format=I420,width={self.width},height={self.height},"
            f"framerate={self.fps}/1"
        )
        source = f"appsrc name=clock is-live=true do-timestamp=true format=time caps={caps}"
        audio = "audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay1 pt=8"
        return f"( {source} ! {encoder} {audio if self.audio else ''} )"

    def protect(self, factory: GstRtspServer.RTSPMediaFactory, options: argparse.Namespace) -> None:
        role = "viewer"
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", role)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role(role, "media.factory.access", True)
        permissions.add_permission_for_role(role, "media.factory.construct", True)
        factory.set_permissions(permissions)
        auth = GstRtspServer.RTSPAuth()
        if options.digest:
            auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
            auth.add_digest(options.user, options.password, token)
        else:
            basic = GstRtspServer.RTSPAuth.make_basic(options.user, options.password)
            auth.add_basic(basic, token)
        self.server.set_auth(auth)

    def configure(self, factory: object, media: GstRtspServer.RTSPMedia) -> None:
        self.appsrc = media.get_element().get_by_name_recurse_up("clock")
        media.connect("unprepared", self.leave, self.appsrc)

    def leave(self, media: GstRtspServer.RTSPMedia, appsrc: Gst.Element) -> None:
        if self.appsrc is appsrc:  # the next viewer may have come already
            self.appsrc = None

    def picture(self, now: float) -> bytes:
        if self.video is None:
            return picture(self.width, self.height, int(now * 1000))
        size = self.width * self.height * 3 // 2
        at = size * (int(now * self.fps) % (len(self.video) // size))
        return self.video[at : at + size]

    def push(self) -> bool:
        now = time.monotonic()
        # Before it plays, GStreamer stamps pictures with times that are far off.
        plays = self.appsrc is not None and self.appsrc.get_state(0)[1] == Gst.State.PLAYING
        if plays and self.rate > 0 and now >= self.next:
            data = self.picture(now)
            self.appsrc.emit("push-buffer", Gst.Buffer.new_wrapped(data))
            self.next = max(self.next + 1 / self.rate, now)
        return True

    def obey(self, source: object, condition: object) -> bool:
        line = sys.stdin.readline()
        if line.startswith("jump ") and self.appsrc is not None:
            pad = self.appsrc.get_static_pad("src")
            pad.set_offset(pad.get_offset() + int(float(line.split()[1]) * Gst.SECOND))
            return True
        if line.startswith("rate "):
            self.rate, self.next = float(line.split()[1]), 0.0
            return True
        os._exit(0)  # "end", or the parent process has gone


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--codec", choices=ENCODERS, default="h264")
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--video")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--digest", action="store_true")
    parser.add_argument("--only-udp", action="store_true")
    parser.add_argument("--audio", action="store_true")
    Gst.init(None)
    server = Server(parser.parse_args())
    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, server.obey)
    print("ready", server.server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
