"""A real RTSP camera's video received without decoding it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest

from maskdet.errors import SourceError
from maskdet.sources.options import StreamOptions
from maskdet.sources.packets.packet_stream import PacketStream
from maskdet.sources.packets.stream_packet import StreamPacket
from tests.sources.rtsp import clock_of, needs_rtsp, rtsp_camera
from tests.sources.test_rtsp import until

pytestmark = [needs_rtsp, pytest.mark.timeout(120)]


@contextmanager
def received(url: str, **options: object) -> Iterator[PacketStream]:
    stream = PacketStream(url, "door", StreamOptions(**options))  # type: ignore[arg-type]
    try:
        yield stream
    finally:
        stream.close()


def take(stream: PacketStream, count: int) -> list[StreamPacket]:
    packets = [stream.read() for _ in range(count)]
    assert None not in packets
    return packets  # type: ignore[return-value]


def clocks(packets: list[StreamPacket]) -> list[float]:
    """The clocks drawn into the images, in the order in which they are shown."""
    data = packets[0].parameters + b"".join(one.data for one in packets)
    with av.open(BytesIO(data), format=packets[0].codec) as container:
        images = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    found = [clock_of(image) for image in images]
    assert None not in found
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("codec", [pytest.param("h264", marks=pytest.mark.slow), "h264-b", "h265"])
def test_every_image_comes_with_its_own_time(codec: str):
    """With sound beside it, which is left out; B-frames are shown in their order."""
    options = ("--codec", codec, "--fps", "15", "--audio")
    with rtsp_camera(*options) as camera, received(camera.url()) as stream:
        packets = take(stream, 40)
    name = "hevc" if codec == "h265" else "h264"
    assert packets[0].is_key and {one.codec for one in packets} == {name}
    assert len({one.parameters for one in packets}) == 1
    positions = [one.position for one in packets]
    assert positions == sorted(set(positions)) and positions[0] == 0
    seen = clocks(packets)
    assert len(seen) == 40 and seen == sorted(seen)
    shown = sorted(one.position + one.delay for one in packets)
    assert (max(one.delay for one in packets) > 0.1) == (codec == "h264-b")
    drawn = [moment - seen[2] for moment in seen[2:]]  # GStreamer's first ones come in a burst
    apart = [abs(a - (b - shown[2])) for a, b in zip(drawn, shown[2:], strict=True)]
    assert sorted(apart)[len(apart) // 2] < 0.1


def test_stamps_that_jump_back_and_stand_still():
    with rtsp_camera("--fps", "15") as camera, received(camera.url()) as stream:
        before = take(stream, 20)
        camera.tell("jump -100")
        began = time.monotonic()
        after = take(stream, 45)
        passed = time.monotonic() - began
    positions = [one.position for one in (*before, *after)]
    assert positions == sorted(set(positions))
    assert positions[-1] - positions[19] == pytest.approx(passed, abs=1.0)


def test_stamps_that_jump_ahead_and_back_by_hours():
    """An MPEG transport stream whose clock is set twice."""
    parts = [_transport_stream(0), _transport_stream(7200), _transport_stream(3600)]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        sender = threading.Thread(target=_send_slowly, args=(listener, b"".join(parts)))
        sender.start()
        with received(url) as stream:
            packets = take(stream, 80)
        sender.join()
    positions = [one.position for one in packets]
    assert positions == sorted(set(positions))
    assert 2 < positions[-1] < 15, "about as long as it took"


def _transport_stream(start: float) -> bytes:
    out = BytesIO()
    options = {"muxdelay": "0", "output_ts_offset": str(start)}
    with av.open(out, "w", format="mpegts", options=options) as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "5", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(30):
            image = np.full((48, 64, 3), 8 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return out.getvalue()


def _send_slowly(listener: socket.socket, data: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        step = len(data) // 90
        for at in range(0, len(data), step):
            try:
                connection.sendall(data[at : at + step])
            except OSError:
                return
            time.sleep(0.04)


def test_a_camera_that_comes_back_begins_with_a_key_frame_of_a_new_connection():
    with rtsp_camera("--fps", "15") as camera, received(camera.url()) as stream:
        before = take(stream, 20)
        camera.kill()
        camera.start("--codec", "h265", "--size", "320x240", "--fps", "15")
        after = stream.read()
        while after is not None and after.connection == 0:
            after = stream.read()
        assert after is not None and after.is_key and after.codec == "hevc"
        assert after.connection == 1 and after.position > before[-1].position
        assert after.parameters != before[0].parameters


@pytest.mark.slow
def test_a_camera_that_sends_over_udp_alone(caplog: pytest.LogCaptureFixture):
    with rtsp_camera("--only-udp", "--fps", "15") as camera, received(camera.url()) as stream:
        assert take(stream, 10)[0].is_key
    assert "it does not send over TCP" in caplog.text


def test_a_video_of_a_web_server_whose_images_have_lengths(tmp_path: Path):
    """As RTMP and HTTP bring them, instead of start codes; it ends where the video does."""
    parts = BytesIO()
    with av.open(parts, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "10", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(30):
            image = np.full((48, 64, 3), 8 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    (tmp_path / "v.mp4").write_bytes(parts.getvalue())
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        with received(f"http://127.0.0.1:{server.server_port}/v.mp4") as stream_:
            packets = list(iter(stream_.read, None))
        server.shutdown()
    data = packets[0].parameters + b"".join(one.data for one in packets)
    with av.open(BytesIO(data), format="h264") as video:
        assert len(list(video.decode(video=0))) == 30
    assert len(packets) == 30 and packets[0].parameters.startswith(b"\0\0\0\1")


def failure_of(url: str) -> str:
    with received(url) as stream, pytest.raises(SourceError) as caught:
        stream.open()
    return str(caught.value)


def test_what_cannot_be_received_has_its_reason():
    with rtsp_camera("--user", "ann", "--password", "geheim") as camera:
        failure = failure_of(camera.url("ann:wrong@"))
    assert "user name or password refused" in failure and "wrong" not in failure
    with rtsp_camera("--codec", "jpeg") as camera:
        assert "its video is MJPEG; only H.264 and H.265" in failure_of(camera.url())


def test_closing_ends_a_wait_at_once():
    with rtsp_camera("--fps", "15") as camera, received(camera.url()) as stream:
        take(stream, 3)
        camera.tell("rate 0")
        time.sleep(0.3)
        ended: list[StreamPacket | None] = []
        reader = threading.Thread(target=lambda: ended.extend(iter(stream.read, None)))
        reader.start()
        began = time.monotonic()
        stream.close()
        until("the reader's end", lambda: not reader.is_alive())
    assert time.monotonic() - began < 5
