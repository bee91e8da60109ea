"""Streams that are no RTSP and no HTTP: each is really sent on loopback, ends, and comes back."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from maskdet.errors import SourceError
from maskdet.sources.opening import kind_of, open_source, path_of
from maskdet.sources.options import SourceOptions, StreamOptions, values_of
from maskdet.sources.reconnecting import LiveSource
from tests.helpers.ports import free_port

pytestmark = pytest.mark.timeout(120)
SENDER = [sys.executable, str(Path(__file__).with_name("sender.py"))]
FFMPEG = (
    *("ffmpeg", "-hide_banner", "-loglevel", "quiet", "-nostdin", "-re", "-f", "lavfi"),
    *("-i", "testsrc=size=64x48:rate=25", "-c:v", "libx264", "-tune", "zerolatency", "-g", "5"),
    *("-pix_fmt", "yuv420p", "-f"),
)
needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="ffmpeg is not installed (packages: .ci/run)"
)


def has_srt() -> bool:
    if shutil.which("ffmpeg") is None:
        return False
    done = subprocess.run(["ffmpeg", "-v", "0", "-protocols"], capture_output=True, text=True)
    return " srt" in done.stdout


@contextmanager
def sending(*command: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def opened(url: str, seconds: float = 60) -> LiveSource:
    """The source once the sender is there, which takes its time to start."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            source = open_source(url, options=SourceOptions(open_timeout=10.0, read_timeout=1.0))
        except SourceError:
            assert time.monotonic() < deadline
            continue
        assert isinstance(source, LiveSource)
        return source


def comes_and_comes_back(url: str, *sender: str) -> None:
    with sending(*sender):
        source = opened(url)
        images: list[np.ndarray] = []

        def read() -> None:
            while (frame := source.read()) is not None:
                images.append(frame.image)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            until(lambda: len(images) >= 10)
            assert source.is_live and images[-1].shape == (48, 64, 3)
        except BaseException:
            source.close()
            raise
    try:
        until(lambda: source.signal_loss_reason)
        count = len(images)
        with sending(*sender):
            until(lambda: len(images) >= count + 10)
        assert source.reconnects >= 1
    finally:
        source.close()
        reader.join()


def until(check: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("read", "send"),
    [
        ("udp://@:{}", "udp://127.0.0.1:{}"),
        ("TCP://127.0.0.1:{}", "tcp://127.0.0.1:{}?listen=1"),
    ],
    ids=["udp", "tcp"],
)
def test_a_transport_stream(read: str, send: str) -> None:
    port = free_port()
    comes_and_comes_back(read.format(port), *SENDER, send.format(port), "mpegts")


@pytest.mark.slow
@needs_ffmpeg
def test_an_rtmp_stream() -> None:
    url = f"rtmp://127.0.0.1:{free_port()}/live/x"
    comes_and_comes_back(url, *FFMPEG, "flv", "-listen", "1", url)


@pytest.mark.slow
@pytest.mark.skipif(not has_srt(), reason="no ffmpeg with SRT in it (packages: .ci/run)")
def test_an_srt_stream_with_a_passphrase() -> None:
    port = free_port()
    secret = "passphrase=geheim12345"
    comes_and_comes_back(
        f"srt://127.0.0.1:{port}?{secret}",
        *(*FFMPEG, "mpegts", f"srt://127.0.0.1:{port}?mode=listener&{secret}"),
    )


def test_where_nobody_sends_it_is_reported(refusing_port: int) -> None:
    port = refusing_port
    with pytest.raises(SourceError, match=f"nothing that can be read arrives at port {port}"):
        open_source(f"udp://@:{port}", options=SourceOptions(open_timeout=0.5))
    for scheme in ("tcp", "rtmp"):
        with pytest.raises(SourceError, match=f"refuses port {port}"):
            open_source(f"{scheme}://127.0.0.1:{port}", options=SourceOptions(open_timeout=2.0))
    with pytest.raises(SourceError, match="names no port; write it as udp://<host>:<port>"):
        open_source("udp://127.0.0.1", options=SourceOptions(open_timeout=0.5))


def test_srt_without_the_program_that_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SourceError, match=r"srt://cam:9\?passphrase=\*\*\*: SRT needs the program"):
        open_source("srt://cam:9?passphrase=geheim12345")


@pytest.mark.parametrize("form", ["file://{}", "file://localhost{}", "FILE:{}"])
def test_a_file_by_its_address(make_video, form: str) -> None:  # type: ignore[no-untyped-def]
    path = str(make_video("a b 100%.mp4", frames=5))
    for typed in (path, path.replace("%", "%25").replace(" ", "%20")):
        assert path_of(form.format(typed)) == path
        assert kind_of(path_of(form.format(typed))) == "video"
    source = open_source(form.format(path))
    assert source.read() is not None
    source.close()


def test_what_a_scheme_means() -> None:
    for spec in ("udp://@:5000", "SRT://cam:9", "rtmp://cam/live", "rtmps://cam/x", "RTSPS://cam"):
        assert kind_of(spec) == "stream"
    assert values_of(SourceOptions(fps=2.0), StreamOptions)["fps"] == 2.0
