"""Sources of every kind: what they deliver, how they fail, how they stop."""

from __future__ import annotations

import io
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import wave
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from maskdet.contracts import Source
from maskdet.errors import SourceError
from maskdet.frame import Frame
from maskdet.images.decoding import as_bgr
from maskdet.sources import demo, opencv_capture
from maskdet.sources.child import stream_diagnosis
from maskdet.sources.files import image_files, video_file
from maskdet.sources.opening import kind_of, open_source, unique_names
from maskdet.sources.options import Backend, SourceOptions, WebcamOptions
from maskdet.sources.reconnecting import _cause_of_death, back_off
from maskdet.sources.webcam import Webcam
from maskdet.system.processes.child_process import ChildProcess
from tests.helpers.running_server import running

pytestmark = pytest.mark.timeout(30)


def frames_of(source: Source) -> Iterator[Frame]:
    while (frame := source.read()) is not None:
        yield frame
    source.close()


def level(frame: Frame) -> float:
    return float(frame.image.mean())


def number(frame: Frame) -> int:
    """Which frame of `make_video` or `camera` it is, up to 25."""
    return round((level(frame) - 18) / 8)


def write_picture(path: Path, value: int = 100, size: tuple[int, int] = (48, 64)) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, np.full((*size, 3), value, np.uint8))[1].tobytes())
    return path


# --- what a spec means -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("0", "webcam"),
        ("12", "webcam"),
        ("/dev/video0", "webcam"),
        ("rtsp://u:p@10.0.0.5/1", "stream"),
        ("RTSP://camera/1", "stream"),
        ("https://host/live.m3u8", "stream"),
        ("demo", "demo"),
        (".", "folder"),
        (__file__, "video"),  # whatever is not a picture: FFmpeg decides
    ],
)
def test_kind_of(spec: str, kind: str) -> None:
    assert kind_of(spec) == kind


# --- files -------------------------------------------------------------------------------------


def test_a_video_file_loses_no_frame(make_video) -> None:
    source = open_source(str(make_video(frames=40)))
    assert not source.is_live
    assert source.fps == pytest.approx(25)
    seen = list(frames_of(source))
    assert [frame.index for frame in seen] == list(range(40))
    assert [number(frame) for frame in seen] == [i % 25 for i in range(40)]
    assert [frame.time for frame in seen] == pytest.approx([i / 25 for i in range(40)])
    assert {frame.source for frame in seen} == {source.name}
    assert source.read() is None


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_variable_frame_rate_comes_out_right(make_video, name: str) -> None:
    stamps = [0, 40, 80, 500, 540, 1500, 1520, 3000]
    seen = frames_of(open_source(str(make_video(name, stamps_ms=stamps))))
    assert [round(frame.time * 1000) for frame in seen] == stamps


def test_time_rises_where_a_file_has_no_time_stamps(make_video, tmp_path: Path) -> None:
    raw = tmp_path / "raw.h264"
    make_video("whole.h264", frames=10).rename(raw)
    times = [frame.time for frame in frames_of(open_source(str(raw)))]
    assert len(times) == 10
    assert all(later > earlier for earlier, later in pairwise(times))


def test_a_truncated_video_gives_the_frames_before_the_break(make_video) -> None:
    path = make_video(frames=60, movflags="frag_keyframe+empty_moov")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    seen = list(frames_of(open_source(str(path))))
    assert 20 < len(seen) < 60
    assert [frame.index for frame in seen] == list(range(len(seen)))


def test_names_with_spaces_colons_and_other_scripts(make_video) -> None:
    for name in ("a b:c.mp4", "видео 口罩.mp4"):
        assert len(list(frames_of(open_source(str(make_video(name, frames=5)))))) == 5


def test_a_picture_is_one_frame_at_time_0(tmp_path: Path) -> None:
    (frame,) = frames_of(open_source(str(write_picture(tmp_path / "口罩.png"))))
    assert (frame.index, frame.time, frame.width, frame.height) == (0, 0.0, 64, 48)
    assert (frame.image == 100).all()


@pytest.mark.parametrize(
    "picture",
    [
        np.full((48, 64), 100, np.uint8),  # gray
        np.full((48, 64, 4), 100, np.uint8),  # with transparency
        np.full((48, 64, 3), 100 << 8, np.uint16),  # 16 bits
    ],
)
def test_every_kind_of_picture_becomes_bgr(tmp_path: Path, picture: np.ndarray) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    image = image_files.read_image(str(path))
    assert (image.shape, image.dtype) == ((48, 64, 3), np.uint8)
    assert (image == 100).all()
    assert (as_bgr(picture) == 100).all()


def test_a_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    for name, value in (("10.jpg", 100), ("9.png", 90), ("b/1.bmp", 200), ("A2.JPG", 120)):
        write_picture(tmp_path / name, value)
    (tmp_path / "notes.txt").write_text("no picture")
    write_picture(tmp_path / "._9.png", 1)  # what macOS leaves on foreign disks
    seen = list(frames_of(open_source(str(tmp_path))))
    assert [level(frame) for frame in seen] == pytest.approx([90, 100, 120, 200], abs=2)
    assert [frame.index for frame in seen] == [0, 1, 2, 3]


def test_what_comes_into_a_folder_while_it_is_read_is_named_once(tmp_path: Path, caplog) -> None:
    write_picture(tmp_path / "1.jpg", 100)
    source = open_source(str(tmp_path))
    for name in ("2.jpg", "3.jpg"):
        write_picture(tmp_path / name, 100)
    assert len(list(frames_of(source))) == 1 and source.read() is None
    (message,) = caplog.messages
    assert message == f"{tmp_path}/2.jpg and 1 more came into the folder meanwhile: not processed"


def test_a_broken_picture_in_a_folder_is_left_out_and_reported(tmp_path: Path, caplog) -> None:
    write_picture(tmp_path / "1.jpg", 50)
    (tmp_path / "2.jpg").write_bytes(b"\xff\xd8 broken")
    write_picture(tmp_path / "3.jpg", 70)
    seen = list(frames_of(open_source(str(tmp_path))))
    assert [(frame.index, round(level(frame))) for frame in seen] == [(0, 50), (1, 70)]
    assert "2.jpg" in caplog.text


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flip(data: bytes) -> bytes:
    return data[:60] + bytes([data[60] ^ 255]) + data[61:]


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (body, b"IDAT" + zlib.compress(b"\0"), b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks
    )


NOISE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
JPG = cv2.imencode(".jpg", NOISE)[1].tobytes()
PNG = cv2.imencode(".png", NOISE)[1].tobytes()


def sound() -> bytes:
    """A tenth of a second of noise as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(NOISE.tobytes()[:1600])
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("cut.jpg", cut(JPG), "copy it again"),
        ("cut.png", cut(PNG), "cut short"),
        ("flipped.png", flip(PNG), "broken"),
        ("empty.jpg", b"", "is empty (0 bytes)"),
        ("text.jpg", b"not a picture", "is a text, no picture or video"),
        ("bomb.png", png_header(100_000, 100_000), "200 million pixels"),
        ("empty.mp4", b"", "it is empty (0 bytes)"),
        ("text.mp4", b"not a video\n" * 100, "is a text, no picture or video"),
        ("text.txt", "FFmpeg would play this é\n".encode() * 100, "is a text"),
        ("page.mp4", b"<!DOCTYPE html><html><title>404", "is a web page, no picture or video"),
        (
            "a.jxl",
            b"\xff\x0a\xfa\x7f" + bytes(99),
            "is JPEG XL, which is not read here; save it as",
        ),
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "is SVG, which is not read here"),
        ("set.mp4", b"PK\3\4" + bytes(99), "is a zip archive"),
        ("sound.wav", sound(), "has sound, but no pictures"),
        ("noise.mp4", np.random.default_rng(1).bytes(50_000), "not a video"),
    ],
)
def test_hostile_files_fail_in_one_line(tmp_path, capfd, name, data, says) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SourceError) as caught:
        list(frames_of(open_source(str(path))))
    message = str(caught.value)
    assert name in message and says in message and "\n" not in message
    assert capfd.readouterr() == ("", "")  # neither OpenCV nor FFmpeg says anything beside


def test_a_video_cut_before_its_index_says_so(make_video, capfd) -> None:
    path = make_video()
    path.write_bytes(cut(path.read_bytes()))
    with pytest.raises(SourceError, match="cut short"):
        open_source(str(path))
    assert capfd.readouterr().err == ""


def test_a_damaged_video_is_silent(make_video, capfd) -> None:
    path = make_video(frames=60, movflags="faststart")
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 40
    data[start : len(data) - 10 : 7] = bytes(len(range(start, len(data) - 10, 7)))
    path.write_bytes(data)
    try:
        list(frames_of(open_source(str(path))))
    except SourceError as error:
        assert "decoded" in str(error)
    assert capfd.readouterr().err == ""


def test_an_unreadable_file_says_why(tmp_path: Path) -> None:
    loop = tmp_path / "loop.mp4"
    loop.mkdir()
    with pytest.raises(SourceError, match="cannot be read: Is a directory"):
        video_file.VideoFile(str(loop), "loop")
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        image_files.read_image(str(tmp_path / "none.jpg"))


@pytest.mark.skipif(sys.platform != "linux", reason="has V4L2 and no DirectShow")
@pytest.mark.parametrize("backend", ["dshow", "msmf", "avfoundation"])
def test_a_webcam_is_not_tried_by_what_this_system_lacks(backend: Backend) -> None:
    """It had been called gone, or held by another program."""
    with pytest.raises(SourceError, match=f"this system has no .* .backend: {backend}.; leave"):
        Webcam("0", "camera", WebcamOptions(backend=backend))


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("/dev/video97", "/dev/video97 does not exist (V4L2)"),
        ("97", "/dev/video97 does not exist (V4L2)"),
        ("no such file.mp4", "a file or folder that exists"),
        ("ftp://user:secret@host/a", "ftp://user:***@host/a"),
        ("", "no such source"),
        ("img%03d.png", "'img%03d.png' is a pattern; give the folder of its files: ."),
        ("./*.jpg", "is a pattern"),
        ("-", "a pipe is not a source"),
        ("{tmp_path}/pipe", "a pipe is not a source"),  # opened, it would wait for a writer
        ("{tmp_path}", "no pictures in"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="names Linux's devices")
def test_what_is_not_there(tmp_path: Path, capfd, spec: str, says: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError) as caught:
        open_source(spec.format(tmp_path=tmp_path))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("system", "backend", "names"),
    [
        ("linux", "auto", ("v4l2",)),
        ("darwin", "auto", ("avfoundation",)),
        ("win32", "auto", ("dshow", "msmf")),
        ("win32", "msmf", ("msmf",)),
        ("freebsd14", "auto", ("any",)),
    ],
)
def test_each_system_has_its_back_end(monkeypatch, system, backend, names) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert opencv_capture.webcam_backends(backend) == names


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_a_camera_that_does_not_open_is_explained(monkeypatch, tmp_path, system) -> None:
    """A device file that is not a camera, opened by the real child process."""
    device = tmp_path / "video0"
    device.write_bytes(b"")
    from maskdet.sources.webcam import Webcam

    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(SourceError) as caught:
        Webcam(str(device), "camera", WebcamOptions(backend="any")).open()
    assert str(device) in str(caught.value) and "tried any back-end" in str(caught.value)
    assert "program" in str(caught.value) or "allow" in str(caught.value)


# --- the demo ----------------------------------------------------------------------------------


def test_the_demo_is_a_camera_that_never_ends(make_video, monkeypatch) -> None:
    monkeypatch.setattr(demo, "CLIP", make_video(frames=4))
    source = open_source("demo")
    assert source.is_live
    seen = [source.read() for _ in range(10)]
    source.close()
    assert [frame.index for frame in seen] == list(range(10))
    assert [number(frame) for frame in seen] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    spent = seen[-1].captured - seen[0].captured
    assert spent >= 9 / 25 - 0.02  # paced; a slow machine may take longer
    assert seen[-1].time > 1e9  # Unix time
    assert source.read() is None


def test_closing_ends_the_demos_wait(make_video, monkeypatch) -> None:
    monkeypatch.setattr(demo, "CLIP", make_video(frames=4))
    source = open_source("demo")
    source._due = 2 * time.monotonic() + 1000  # the next frame is far away
    threading.Timer(0.05, source.close).start()
    assert source.read() is None


def test_a_missing_clip_is_one_line(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "CLIP", tmp_path / "clip.mp4")
    with pytest.raises(SourceError, match="clip.mp4 cannot be read"):
        open_source("demo")


# --- several -----------------------------------------------------------------------------------


def test_several_sources_have_names_of_their_own(make_video) -> None:
    path = str(make_video())
    sources = [open_source(path, name) for name in unique_names([path, path, path])]
    assert [source.name for source in sources] == [path, f"{path} (2)", f"{path} (3)"]
    for source in sources:
        source.close()


# --- streams -----------------------------------------------------------------------------------


def children() -> list[str]:
    """Command lines of our child processes; a zombie's is empty."""
    return [" ".join(child.cmdline()) for child in psutil.Process().children()]


def test_an_mjpeg_stream(camera) -> None:
    source = open_source(camera.url("live", login="user:secret@"))
    assert source.is_live
    assert source.name == camera.url("live", login="user:***@")
    seen = [source.read() for _ in range(8)]
    assert not any("secret" in line for line in children()) and children()
    source.close()
    assert [frame.index for frame in seen] == list(range(8))
    assert all(frame.image.shape == (48, 64, 3) for frame in seen)
    first = number(seen[0])  # a camera that is on already need not begin with its first
    assert [number(frame) for frame in seen] == [(first + i) % 25 for i in range(8)]
    assert all(a.captured < b.captured and a.time < b.time for a, b in pairwise(seen))
    assert source.read() is None
    assert children() == []


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The files of a folder over HTTP, by a server that sends no ranges; its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    with running(server):
        yield f"http://127.0.0.1:{server.server_port}"


def test_a_recording_behind_a_url_is_a_file(make_video, tmp_path: Path) -> None:
    """It states its length, so it is read to its end and loses nothing."""
    make_video("film.mp4", frames=30, movflags="faststart")
    with served(tmp_path) as address:
        source = open_source(f"{address}/film.mp4")
        assert not source.is_live
        seen = list(frames_of(source))
    assert [number(frame) for frame in seen] == [i % 25 for i in range(30)]
    assert seen[10].time == seen[10].position == pytest.approx(10 / 25, abs=0.002)  # as of a file
    assert seen[10].utc > 1.6e9


def test_a_video_behind_a_url_with_its_index_at_its_end_is_one_line(make_video, tmp_path) -> None:
    make_video("film.mp4", frames=30)
    with served(tmp_path) as address, pytest.raises(SourceError, match="index is at its end"):
        open_source(f"{address}/film.mp4")


@pytest.mark.parametrize(("aspect", "size"), [("64/45", (91, 48)), ("8/9", (64, 54))])
def test_a_stream_has_square_pixels(make_video, tmp_path: Path, aspect: str, size) -> None:
    path = make_video("film.mp4", frames=5, aspect=aspect, movflags="faststart")
    with served(tmp_path) as address:
        seen = list(frames_of(open_source(f"{address}/{path.name}")))
    assert {(frame.image.shape[1], frame.image.shape[0]) for frame in seen} == {size}


def test_a_child_does_not_outlive_a_killed_parent(camera) -> None:
    code = (
        "import os, psutil\nfrom maskdet.sources.opening import open_source\n"
        f"source = open_source({camera.url('live')!r})\nsource.read()\n"
        "print(psutil.Process().children()[0].pid, flush=True)\nos.kill(os.getpid(), 9)"
    )
    root = Path(image_files.__file__).parents[3]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE)
    assert ran.returncode == -9
    psutil.wait_procs([p for p in psutil.process_iter() if p.pid == int(ran.stdout)], 10)
    assert not psutil.pid_exists(int(ran.stdout))


def test_a_lost_stream_comes_back_in_another_size(camera, monkeypatch) -> None:
    monkeypatch.setattr("maskdet.sources.reconnecting.back_off", lambda: iter([0.01] * 100))
    source = open_source(camera.url("drop"))
    widths, seen = set(), []
    while source.reconnects < 2 or len(widths) < 2:
        frame = source.read()
        assert frame is not None
        widths.add(frame.width)
        seen.append(frame.index)
    source.close()
    assert widths == {64, 80}
    assert seen == list(range(len(seen)))


def test_a_camera_that_does_not_answer_is_named_while_it_is_waited_for(monkeypatch, caplog) -> None:
    monkeypatch.setattr("maskdet.sources.opening.QUIET_S", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"rtsp://u:secret@127.0.0.1:{silent.getsockname()[1]}/a"
        with pytest.raises(SourceError, match="does not answer"):
            open_source(address, options=SourceOptions(open_timeout=0.2))
    (line,) = caplog.messages
    assert "waiting for the camera to answer, 2 seconds at most" in line and "secret" not in line


@pytest.mark.parametrize("path", ["stall", "drop"])
def test_closing_ends_a_read_in_every_state(camera, monkeypatch, path: str) -> None:
    """Also from another thread: while the camera is silent, or away between two tries."""
    waits = threading.Event()

    def pauses() -> Iterator[float]:
        while True:
            waits.set()
            yield 3600.0

    monkeypatch.setattr("maskdet.sources.reconnecting.back_off", pauses)
    source = open_source(camera.url(path), options=SourceOptions(read_timeout=600))
    reader = threading.Thread(target=lambda: list(frames_of(source)))
    reader.start()
    (camera.stalled if path == "stall" else waits).wait()
    started: list[str] = []
    start = ChildProcess.__init__
    monkeypatch.setattr(ChildProcess, "__init__", lambda *a: (started.append("one"), start(*a))[1])
    source.close()
    reader.join()
    assert children() == [] and not started  # to end one at once takes its time, too


def test_a_silent_stream_counts_as_lost_after_its_time_out(camera, monkeypatch) -> None:
    monkeypatch.setattr("maskdet.sources.reconnecting.back_off", lambda: iter([0.01] * 100))
    source = open_source(camera.url("stall"), options=SourceOptions(read_timeout=0.3))
    while source.reconnects == 0:
        source.read()
    source.close()


@pytest.mark.parametrize(
    ("path", "login", "says"),
    [
        ("status/401", "user:secret@", "user name or password refused"),
        ("status/401", "", "asks for a password"),
        ("status/404", "", "knows no stream '/status/404'"),
        ("status/503", "", "status 503"),
    ],
)
def test_what_a_server_refuses_is_reported(camera, capfd, path: str, login: str, says: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(camera.url(path, login))
    assert says in str(caught.value)
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""
    assert children() == []


def test_a_server_that_never_answers(camera) -> None:
    with pytest.raises(SourceError, match="does not answer"):
        open_source(camera.url("mute"), options=SourceOptions(open_timeout=0.3))


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_refused_port(scheme: str, refusing_port: int) -> None:
    with pytest.raises(SourceError, match=f"refuses port {refusing_port}"):
        open_source(f"{scheme}://127.0.0.1:{refusing_port}/1")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("rtsp://:554/1", "names no host"),
        ("rtsp://host:99999/1", "cannot be read"),
        ("rtsp://[::1/1", "cannot be read"),
        ("rtsp://no-such-host.invalid/1", "there is no host 'no-such-host.invalid'"),
    ],
)
def test_wrong_addresses(url: str, says: str) -> None:
    assert says in stream_diagnosis.diagnose(url).reason


@pytest.mark.parametrize(
    ("answer", "login", "says"),
    [
        (b"RTSP/1.0 401 Unauthorized\r\n\r\n", "u:p@", "user name or password refused"),
        (b"RTSP/1.0 404 Not Found\r\n\r\n", "", "knows no stream '/1'"),
        (b"RTSP/1.0 200 OK\r\n\r\n", "", "sends no video"),
        (b"SSH-2.0-OpenSSH\r\n", "", ", where another kind of program answers; is the port right?"),
        (b"RTSP/1.0 what\r\n", "", ", where another kind of program answers; is the port right?"),
        (b"", "", ", which closes the connection; is the port right"),
    ],
)
def test_what_an_rtsp_server_refuses_is_reported(answer: bytes, login: str, says: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        asked = []

        def serve() -> None:
            link, _ = server.accept()
            with link:
                asked.append(link.recv(1024))
                link.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        reported = stream_diagnosis.diagnose(f"rtsp://{login}127.0.0.1:{port}/1")
        thread.join()
    assert says in reported.reason
    assert asked[0].startswith(f"DESCRIBE rtsp://127.0.0.1:{port}/1 RTSP/1.0\r\n".encode())


def test_pauses_double_up_to_a_limit_and_are_spread() -> None:
    pauses = back_off(first=1, longest=8)
    several = [next(pauses) for _ in range(50)]
    for expected, pause in zip([1, 2, 4, *[8] * 47], several, strict=True):
        assert expected / 2 <= pause <= expected
    assert len(set(several)) > 40


@pytest.mark.skipif(sys.platform != "linux", reason="device files are Linux's")
def test_a_webcam_that_is_not_plugged_in_is_waited_for_if_insisted_on() -> None:
    """Beside other cameras; alone it is an error at once."""
    with pytest.raises(SourceError, match="/dev/video77 does not exist"):
        open_source("77")
    source = open_source("77", options=SourceOptions(retry_first_connection=True), wait=False)
    try:
        assert source.is_live
    finally:
        source.close()


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (0, "ended at once"),
        (1, "gave no answer in time"),
        (2, "its process failed (status 2)"),
        (-9, "its process was killed, as a system does that has no memory left"),
        (0xC0000005, "its driver or decoder crashed (status 0xc0000005)"),
    ],
)
def test_the_end_of_a_camera_s_process_is_named(status: int, cause: str) -> None:
    assert _cause_of_death(status) == cause


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_crash_in_a_camera_s_process_names_the_signal() -> None:
    assert _cause_of_death(-11) == "its driver or decoder crashed (Segmentation fault)"
