"""A real RTSP server and what may happen to it: each fault is really injected.

Times are wide here, for machines that are busy; the strict ones are measured by `tests/soak`.
"""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import psutil
import pytest

from maskdet.errors import SourceError
from maskdet.frame import Frame
from maskdet.sources.child.stream_options import ffmpeg_options
from maskdet.sources.opening import open_source
from maskdet.sources.options import SourceOptions, WebcamOptions
from maskdet.sources.reconnecting import LiveSource
from maskdet.sources.webcam import Webcam
from tests.helpers.network import a_network_of_its_own
from tests.helpers.ports import free_port
from tests.helpers.processes import children
from tests.helpers.running_server import running
from tests.sources.rtsp import RtspCamera, clock_of, line_to, needs_rtsp, rtsp_camera

pytestmark = [needs_rtsp, pytest.mark.timeout(120)]

PATIENCE = 40.0  # seconds, for what takes three on a machine that is not busy


class Reader:
    """Reads a source as the pipeline does.

    Attributes:
        frame: the last one.
        count: how many came.
    """

    def __init__(self, source: LiveSource) -> None:
        self.source = source
        self.frame: Frame | None = None
        self.count = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while (frame := self.source.read()) is not None:
            self.frame = frame
            self.count += 1

    def more(self, frames: int = 3) -> Frame:
        """The last of so many further frames."""
        until(f"{frames} more frames", lambda wanted=self.count + frames: self.count >= wanted)
        assert self.frame is not None
        return self.frame

    def close(self) -> float:
        """Closes the source; seconds until the reading thread had ended."""
        began = time.monotonic()
        self.source.close()
        self._thread.join()
        return time.monotonic() - began


def until(what: str, check: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)
    return found


@contextmanager
def reading(url: str, *, wait: bool = True, **options: Any) -> Iterator[Reader]:
    """Reads a stream for as long as the block lasts."""
    source = open_source(url, options=SourceOptions(**options), wait=wait)
    assert isinstance(source, LiveSource)
    reader = Reader(source)
    try:
        yield reader
    finally:
        assert reader.close() < 5
        assert all("serving" not in line for _, line in children())


@pytest.fixture(scope="module")
def camera() -> Iterator[RtspCamera]:
    """A camera for tests that leave it as it is."""
    with rtsp_camera() as one:
        yield one


# --- what a good camera gives ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "login"),
    [
        (["--codec", "h264"], ""),
        (["--codec", "h265", "--user", "ann", "--password", "geheim"], "ann:geheim@"),
        (["--codec", "h264", "--user", "ann", "--password", "a b", "--digest"], "ann:a%20b@"),
    ],
    ids=["h264", "h265, basic", "h264, digest"],
)
def test_both_codecs_and_both_logins(options: list[str], login: str) -> None:
    with rtsp_camera(*options) as camera:
        if login:
            for wrong in ("ann:falsch@", ""):
                with pytest.raises(SourceError) as caught:
                    open_source(camera.url(wrong))
                assert ("refused" if wrong else "asks for a password") in str(caught.value)
                assert "falsch" not in str(caught.value) and "\n" not in str(caught.value)
        source = open_source(camera.url(login))
        assert source.is_live and source.fps == 30
        frames = [source.read() for _ in range(45)]  # past the next key frame
        source.close()
    clocks = [clock_of(frame.image) for frame in frames]
    assert all(clocks)  # no gray or green picture among them
    ages = [f.captured - clock for f, clock in zip(frames, clocks, strict=True)]
    assert max(ages) < 2.0  # nothing that queued up while the stream was opened


RAW = "a@b:c/d#e?f%g h[1]ä"


@pytest.mark.parametrize("way", [(), ("--digest",)], ids=["basic", "digest"])
def test_a_password_typed_as_it_is_opens_and_comes_back(way: tuple[str, ...], caplog) -> None:
    options = ("--user", "ann", "--password", RAW, *way)
    with rtsp_camera(*options) as camera, reading(camera.url(f"ann:{RAW}@")) as reader:
        assert clock_of(reader.more().image)
        camera.kill()
        until("what is wrong", lambda: "refuses port" in (reader.source.signal_loss_reason or ""))
        camera.start()
        assert clock_of(reader.more().image)
        assert RAW not in caplog.text + reader.source.name


def test_a_camera_that_knows_only_udp_is_opened_and_comes_back(caplog) -> None:
    options = ("--only-udp", "--user", "ann", "--password", "geheim", "--digest")
    with rtsp_camera(*options) as camera:
        with pytest.raises(SourceError, match="set rtsp_transport to auto"):
            open_source(camera.url("ann:geheim@"), options=SourceOptions(rtsp_transport="tcp"))
        url = camera.url("ann:geheim@").replace("rtsp", "RTSP")
        # For a moment after a session this server may answer 503: it is asked again then.
        with reading(url, wait=False, retry_first_connection=True) as reader:
            assert clock_of(reader.more(30).image)
            assert caplog.text.count("going on over UDP") == 1
            camera.kill()
            until("a loss", lambda: reader.source.signal_loss_reason)
            camera.start()
            back = time.monotonic()
            assert clock_of(reader.more().image)
            assert time.monotonic() - back < 15  # on a machine that is not busy, 3
            assert caplog.text.count("going on over UDP") == 1


@pytest.mark.slow
def test_no_picture_is_held_back_by_a_decoding_thread() -> None:
    """At two pictures a second each would make them half a second older; FFmpeg's parser does."""
    with rtsp_camera() as camera, reading(camera.url()) as reader:
        reader.more()
        camera.tell("rate 2")
        frames = [reader.more(1) for _ in range(8)][3:]
    ages = [frame.captured - (clock_of(frame.image) or 0) for frame in frames]
    assert 0.4 < min(ages) < 0.9


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"rtsp_transport": "tcp", "fpsprobesize": "0"}),
        ({"low_delay": False, "rtsp_transport": "udp"}, {"rtsp_transport": "udp"}),
        (
            {"low_delay": False, "ffmpeg": {"rtsp_transport": "http", "max_delay": "0"}},
            {"rtsp_transport": "http", "max_delay": "0"},
        ),
    ],
)
def test_options_of_a_stream(settings: dict[str, Any], expected: dict[str, str]) -> None:
    request = {"url": "rtsp://cam/1", "rtsp_transport": "tcp", "low_delay": True, "ffmpeg": {}}
    assert ffmpeg_options(request | settings) == expected
    assert "rtsp_transport" not in ffmpeg_options(request | {"url": "http://cam/1"})


@pytest.mark.parametrize(
    "options",
    [{"hardware_decoding": True}, {"low_delay": False}, {"ffmpeg": {"max_delay": "100000"}}],
)
def test_each_option_gives_pictures(camera: RtspCamera, options: dict[str, Any], caplog) -> None:
    with reading(camera.url(), **options) as reader:
        assert clock_of(reader.more().image)
    reported = "hardware decoding is not there" in caplog.text
    assert reported <= ("hardware_decoding" in options)  # reported only where it was asked for


# --- servers that fail -------------------------------------------------------------------------


def test_a_server_killed_and_back_with_another_codec_and_size() -> None:
    with rtsp_camera() as camera, reading(camera.url()) as reader:
        assert reader.more().width == 640
        camera.kill()
        until("what is wrong", lambda: "refuses port" in (reader.source.signal_loss_reason or ""))
        camera.start("--codec", "h265", "--size", "320x240")
        back = time.monotonic()
        frame = reader.more()
        assert (frame.width, frame.height) == (320, 240) and clock_of(frame.image)
        assert time.monotonic() - back < 15  # strictly 3: tests/soak
        assert reader.source.reconnects == 1 and reader.source.signal_loss_reason is None


@pytest.mark.slow
def test_a_server_frozen_without_closing() -> None:
    with rtsp_camera() as camera, reading(camera.url(), read_timeout=1.0) as reader:
        reader.more()
        camera.process.send_signal(signal.SIGSTOP)
        until("a loss", lambda: reader.source.signal_loss_reason)
        count = reader.count
        time.sleep(1.0)
        assert reader.count == count
        camera.process.send_signal(signal.SIGCONT)
        assert clock_of(reader.more().image)


@pytest.mark.parametrize("state", ["running", "frozen", "killed", "opening"])
def test_closing_takes_no_time_in_every_state(state: str) -> None:
    with rtsp_camera() as camera:
        if state == "opening":
            camera.process.send_signal(signal.SIGSTOP)
        source = open_source(
            camera.url(),
            options=SourceOptions(retry_first_connection=True, read_timeout=600),
            wait=False,
        )
        reader = Reader(source)
        if state == "opening":
            time.sleep(1.0)
        else:
            reader.more()
        if state == "frozen":
            camera.process.send_signal(signal.SIGSTOP)
        elif state == "killed":
            camera.kill()
            until("a loss", lambda: source.signal_loss_reason)
        assert reader.close() < 3  # strictly 1: tests/soak
        assert source.read() is None
        if state == "opening":
            assert source.signal_loss_reason is None  # that it was closed is not a fault


def test_a_stream_that_stops_sending_and_goes_on() -> None:
    with rtsp_camera() as camera, reading(camera.url(), read_timeout=1.0) as reader:
        reader.more()
        camera.tell("rate 0")
        until("a loss", lambda: reader.source.signal_loss_reason)
        camera.tell("rate 30")
        assert clock_of(reader.more().image)


def test_a_trickle_is_taken_as_it_comes(camera: RtspCamera) -> None:
    with line_to(camera) as line, reading(camera.url(port=line.port), read_timeout=1.0) as reader:
        reader.more()
        line.bytes_per_second = 200
        until("a loss", lambda: reader.source.signal_loss_reason)
        line.bytes_per_second = None
        assert clock_of(reader.more().image)


def test_corrupt_packets_are_survived(camera: RtspCamera) -> None:
    with line_to(camera) as line, reading(camera.url(port=line.port), read_timeout=2.0) as reader:
        reader.more()
        line.flip = 0.3
        until("thirty spoiled packets", lambda: line.flipped > 30)
        line.flip = 0.0
        until("a good picture", lambda: clock_of(reader.more(1).image))


def test_a_line_that_freezes_closes_nothing_and_is_left(camera: RtspCamera) -> None:
    with line_to(camera) as line, reading(camera.url(port=line.port), read_timeout=1.0) as reader:
        reader.more()
        line.frozen = True
        until("a loss", lambda: reader.source.signal_loss_reason)
        line.frozen = False
        assert clock_of(reader.more().image)


def test_a_dropped_link_comes_back() -> None:
    with (
        a_network_of_its_own(7) as network,
        rtsp_camera("--address", "0.0.0.0", prefix=network.prefix) as camera,
        reading(camera.url(host=network.there), read_timeout=1.0) as reader,
    ):
        reader.more()
        network.plug(False)
        until("a loss", lambda: reader.source.signal_loss_reason)
        time.sleep(3)  # several tries
        network.plug(True)
        back = time.monotonic()
        assert clock_of(reader.more().image)
        assert time.monotonic() - back < 15


# --- servers that never were -------------------------------------------------------------------


class _Page(BaseHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        body = b"<!doctype html><title>Camera</title><p>Log in"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_a_web_page_is_no_stream() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    with (
        running(server),
        pytest.raises(SourceError, match="'/index.html' is a web page, no video"),
    ):
        open_source(f"http://127.0.0.1:{server.server_port}/index.html")


def test_a_host_that_nobody_knows() -> None:
    with pytest.raises(SourceError, match="there is no host 'no-such-host.invalid'"):
        open_source("rtsp://no-such-host.invalid/1")


def test_a_camera_that_is_off_at_the_start_is_waited_for_if_insisted_on() -> None:
    port = free_port()
    url = f"rtsp://127.0.0.1:{port}/1"
    with pytest.raises(SourceError, match=f"refuses port {port}"):
        open_source(url, wait=False).read()
    with reading(url, wait=False, retry_first_connection=True) as reader:
        until("what is wrong", lambda: "refuses port" in (reader.source.signal_loss_reason or ""))
        camera = RtspCamera("--port", str(port))
        try:
            assert clock_of(reader.more().image)
            assert reader.source.reconnects == 0
        finally:
            camera.kill()


def test_a_refused_password_is_not_tried_again_and_again(monkeypatch) -> None:
    """Many cameras lock an account after a few."""
    pauses: list[float] = []
    with rtsp_camera() as camera, reading(camera.url("ann:geheim@")) as reader:
        reader.more()
        wait = reader.source._closing.wait
        monkeypatch.setattr(reader.source._closing, "wait", lambda s: pauses.append(s) or wait(s))
        camera.kill()
        camera.start("--user", "ann", "--password", "new")
        until("the refusal", lambda: "refused" in (reader.source.signal_loss_reason or ""))
        assert until("a pause", lambda: pauses[-1] >= 60)
        assert len(pauses) < 12


# --- nothing leaks -----------------------------------------------------------------------------


def holdings() -> dict[str, int]:
    process = psutil.Process()
    return {
        "threads": process.num_threads(),
        "handles": process.num_fds(),
        "children": len(process.children()),
    }


@pytest.mark.slow
def test_ten_reconnects_leave_nothing_behind(camera: RtspCamera) -> None:
    """The long form, two hundred, with memory: `python -m tests.soak.cameras reconnects`."""
    with line_to(camera) as line, reading(camera.url(port=line.port)) as reader:
        reader.more()
        before = holdings()
        for number in range(10):
            line.cut()
            until("a reconnect", lambda number=number: reader.source.reconnects > number)
            assert clock_of(reader.more().image)
        assert reader.source.reconnects == 10
        until("as much as before", lambda: holdings() == before)


# --- webcams -----------------------------------------------------------------------------------


def test_a_webcam_unplugged_and_back(make_video, tmp_path) -> None:
    """No device here: a file stands for it, read by the real child process to its end."""
    device = tmp_path / "video0"
    film = make_video(frames=10)
    shutil.copy(film, device)
    source = Webcam(
        str(device), "camera", WebcamOptions(backend="any", format="MJPG", width=64, fps=25)
    )
    source.open()
    reader = Reader(source)
    until("its pictures", lambda: reader.count >= 10)
    device.unlink()
    until("what is wrong", lambda: source.signal_loss_reason == f"{device} is gone")
    count = reader.count
    shutil.copy(film, device)
    until("its pictures again", lambda: reader.count >= count + 10)
    assert source.reconnects >= 1
    assert reader.close() < 5


def test_a_webcam_that_another_program_uses_is_waited_for(make_video, tmp_path) -> None:
    """It is there and cannot be opened; alone that is an error at once, with what to look at."""
    device = tmp_path / "video0"
    device.touch()
    with pytest.raises(SourceError, match="could not be opened .+another program uses it"):
        Webcam(str(device), "camera", WebcamOptions(backend="any")).open()
    source = Webcam(
        str(device), "camera", WebcamOptions(backend="any", retry_first_connection=True)
    )
    reader = Reader(source)
    until("what is wrong", lambda: source.signal_loss_reason == "could not be opened")
    time.sleep(1.0)  # several tries
    assert reader.count == 0
    shutil.copy(make_video(frames=10), tmp_path / "film")
    (tmp_path / "film").replace(device)
    until("its pictures", lambda: reader.count >= 10)
    assert reader.close() < 5


@pytest.mark.parametrize("format_", ["MJ", "MJPEG"])
def test_a_format_has_four_letters(format_: str) -> None:
    with pytest.raises(ValueError, match="four letters, such as MJPG"):
        Webcam("0", "camera", WebcamOptions(backend="any", format=format_))


def test_what_a_webcam_is_asked_for(monkeypatch) -> None:
    """The format goes first: a driver may refuse a size that its present format cannot have."""
    from maskdet.sources import opencv_capture

    asked: list[tuple[int, float]] = []

    class Device:
        def set(self, key: int, value: float) -> None:
            asked.append((key, value))

    wishes = {"width": 1280, "height": 720, "fps": 30, "format": None}
    opencv_capture._ask(Device(), wishes)  # type: ignore[arg-type]
    opencv_capture._ask(Device(), wishes | {"format": "YUYV"})  # type: ignore[arg-type]
    fourcc = [value for key, value in asked if key == cv2.CAP_PROP_FOURCC]
    assert asked[0][0] == asked[4][0] == cv2.CAP_PROP_FOURCC
    assert fourcc == [cv2.VideoWriter.fourcc(*"MJPG"), cv2.VideoWriter.fourcc(*"YUYV")]
    assert (cv2.CAP_PROP_FPS, 30) in asked
