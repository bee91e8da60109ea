"""Cameras of a benchmark: a server that encodes a clip once and loops its packets for each viewer.

A program of its own, for the system's Python, which has GStreamer's bindings; it imports nothing of
maskdet. It reads the clip from stdin (raw I420 images, one after the other), answers
``ready PORT BYTES`` (bytes of the stream in a second), and runs until stdin ends. Each camera has
an address of its own, ``/1`` to the number asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import partial
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtspServer  # noqa: E402, F401

CAPS = "video/x-h264,stream-format=byte-stream,alignment=au"
ENCODER = (
    "x264enc tune=zerolatency sliced-threads=false speed-preset=veryfast bitrate={kbit} "
    "key-int-max={key} ! video/x-h264,profile=main"
)
KEY_FRAME_S = 2
"""Seconds from one key frame to the next, as of most network cameras."""
WAIT_NS = 30 * Gst.SECOND


def encode(images: Iterable[bytes], width: int, height: int, fps: int, kbit: int) -> list[bytes]:
    """The packets of a clip, one an image."""
    encoder = ENCODER.format(kbit=kbit, key=KEY_FRAME_S * fps)
    caps = f"video/x-raw,format=I420,width={width},height={height},framerate={fps}/1"
    pipeline: Any = Gst.parse_launch(
        f"appsrc name=in format=time block=true max-bytes=20000000 caps={caps} ! {encoder} "
        f"! h264parse config-interval=-1 ! {CAPS} ! appsink name=out sync=false"
    )
    source, sink = pipeline.get_by_name("in"), pipeline.get_by_name("out")
    pipeline.set_state(Gst.State.PLAYING)
    for number, image in enumerate(images):
        source.emit("push-buffer", stamped(image, number, fps))
    source.emit("end-of-stream")
    packets = []
    while (sample := sink.emit("try-pull-sample", WAIT_NS)) is not None:
        buffer = sample.get_buffer()
        packets.append(buffer.extract_dup(0, buffer.get_size()))
    pipeline.set_state(Gst.State.NULL)
    return packets


def stamped(data: bytes, number: int, fps: int) -> Any:
    """A buffer with the time of the image of that number."""
    buffer = Gst.Buffer.new_wrapped(data)
    buffer.pts = buffer.dts = number * Gst.SECOND // fps
    buffer.duration = Gst.SECOND // fps
    return buffer


class Camera:
    """Pushes the packets to one viewer, each at its time."""

    def __init__(self, packets: list[bytes], first: int, fps: int) -> None:
        """Pushes nothing before `configure`.

        Args:
            packets: of the clip, in a loop.
            first: number of the packet that comes first; that of a key frame.
            fps: packets in a second.
        """
        self.packets, self.first, self.fps = packets, first, fps

    def configure(self, factory: object, media: Any) -> None:
        """Begins with a viewer."""
        source = media.get_element().get_by_name_recurse_up("packets")
        state = {"sent": 0, "timer": 0}
        state["timer"] = GLib.timeout_add(1000 // (2 * self.fps), self.push, source, state)
        media.connect("unprepared", partial(self.leave, state))

    def leave(self, state: dict[str, int], media: object) -> None:
        """Ends with the viewer."""
        GLib.source_remove(state["timer"])

    def push(self, source: Any, state: dict[str, int]) -> bool:
        """Pushes what is due on the clock of the pipeline."""
        clock = source.get_clock()
        if clock is None or source.get_state(0)[1] != Gst.State.PLAYING:
            return True
        elapsed = clock.get_time() - source.get_base_time()
        while state["sent"] * Gst.SECOND <= elapsed * self.fps:
            number = state["sent"]
            packet = self.packets[(self.first + number) % len(self.packets)]
            source.emit("push-buffer", stamped(packet, number, self.fps))
            state["sent"] += 1
        return True


def is_key_frame(packet: bytes) -> bool:
    """Whether a decoder can begin with a packet: it has the parameters of the stream."""
    return b"\x00\x00\x01\x67" in packet[:64]


def serve(packets: list[bytes], cameras: int, fps: int, host: str) -> Any:
    """A server with that many cameras; it has a port."""
    server = GstRtspServer.RTSPServer()
    server.set_address(host)
    server.set_service("0")
    keys = [number for number, packet in enumerate(packets) if is_key_frame(packet)]
    for number in range(cameras):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(
            f"( appsrc name=packets is-live=true format=time caps={CAPS} "
            "! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
        )
        first = keys[number % len(keys)]
        factory.connect("media-configure", Camera(packets, first, fps).configure)
        server.get_mount_points().add_factory(f"/{number + 1}", factory)
    server.attach(None)
    return server


def end(source: object, condition: object) -> bool:
    """Ends with the program that started this one."""
    os._exit(0)


def main() -> None:
    """Serves a clip; width, height, fps, kbit, images, cameras and its address are arguments."""
    width, height, fps, kbit, images, cameras = map(int, sys.argv[1:-1])
    Gst.init(None)
    size = width * height * 3 // 2
    clip = (sys.stdin.buffer.read(size) for _ in range(images))
    packets = encode(clip, width, height, fps, kbit)
    server = serve(packets, cameras, fps, sys.argv[-1])
    rate = sum(map(len, packets)) * fps // len(packets)
    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, end)
    print("ready", server.get_bound_port(), rate, flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
