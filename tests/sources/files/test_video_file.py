"""Video files as they are found: damaged, without container, with pixels that are not square."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from maskdet.errors import SourceError
from maskdet.frame import Frame
from maskdet.sources.files.video_geometry import square_size
from maskdet.sources.opening import open_source
from maskdet.sources.options import SourceOptions

MakeVideo = Callable[..., Path]


def read_all(path: Path | str, **options: Any) -> list[Frame]:
    source = open_source(str(path), options=SourceOptions(**options))
    frames = list(iter(source.read, None))
    source.close()
    return frames


def write_video(path: Path, width: int, height: int, aspect: Fraction) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        image = np.zeros((height, width, 3), np.uint8)
        image[:, : width // 2] = 200
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())


def test_what_follows_a_damaged_frame_is_read(make_video: MakeVideo, caplog) -> None:
    path = make_video(frames=60, movflags="faststart")
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        broken = [(p.pos, p.size) for p in packets[20:22]]
    data = bytearray(path.read_bytes())
    for start, size in broken:
        data[start : start + size] = bytes(size)
    path.write_bytes(data)
    frames = read_all(path)
    skipped = 60 - len(frames)
    assert 0 < skipped <= 4 and frames[-1].time == pytest.approx(59 / 25)
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert f"{skipped} damaged frame" in caplog.text and f"{len(frames)} were read" in caplog.text


def test_a_file_that_breaks_off_names_both_counts(make_video: MakeVideo, caplog) -> None:
    path = make_video(frames=60, movflags="faststart")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2])
    frames = read_all(path)
    assert 10 < len(frames) < 60
    assert f"breaks off after {len(frames)} of 60 frames" in caplog.text


def test_frames_that_a_gap_stands_for_are_not_missing(tmp_path: Path, caplog) -> None:
    """AVI counts them."""
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in (0, 1, 2, 12, 13, 14):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="bgr24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert len(read_all(tmp_path / "a.avi")) == 6
    assert caplog.text == ""


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_a_packet_that_repeats_a_frame_is_not_damaged(tmp_path: Path, caplog) -> None:
    """As Theora's, which are empty."""
    still = ("-f", "lavfi", "-i", "color=gray:size=64x48:duration=1", "-c:v", "libtheora")
    subprocess.run(["ffmpeg", "-v", "error", *still, str(tmp_path / "a.ogv")], check=True)
    assert 0 < len(read_all(tmp_path / "a.ogv")) < 25
    assert caplog.text == ""


def test_a_whole_file_has_no_line(make_video: MakeVideo, caplog) -> None:
    assert len(read_all(make_video(frames=60))) == 60
    assert caplog.text == ""


def test_raw_h264_keeps_its_own_rate(tmp_path: Path, caplog) -> None:
    path = tmp_path / "raw.h264"
    with av.open(str(path), "w") as container:  # its SPS states 12 frames a second
        stream = container.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(24):
            image = np.zeros((48, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    assert [f.time for f in read_all(path)] == pytest.approx([i / 12 for i in range(24)])
    assert "assumed" not in caplog.text


def test_a_rate_that_is_not_stated_is_guessed_aloud_or_set(tmp_path: Path, caplog) -> None:
    path = tmp_path / "cam.mjpeg"
    picture = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))[1].tobytes()
    path.write_bytes(picture * 24)
    assert read_all(path, fps=12)[-1].time == pytest.approx(23 / 12)
    assert "assumed" not in caplog.text
    frames = read_all(path)
    assert len(frames) == 24 and frames[-1].time == pytest.approx(23 / 25)
    assert "25 frames a second are assumed" in caplog.text and "fps" in caplog.text


def test_a_set_rate_takes_the_place_of_time_stamps(make_video: MakeVideo) -> None:
    path = make_video(stamps_ms=[0, 40, 900])
    assert [f.time for f in read_all(path, fps=10)] == pytest.approx([0, 0.1, 0.2])


def test_pixels_become_square(tmp_path: Path) -> None:
    path = tmp_path / "pal.mp4"
    write_video(path, 72, 64, Fraction(64, 45))
    image = read_all(path)[0].image
    assert image.shape == (64, 102, 3)
    assert image[32, 45].mean() > 150 and image[32, 57].mean() < 60


@pytest.mark.parametrize(
    ("aspect", "size"),
    [(None, (100, 60)), (1, (100, 60)), (2, (200, 60)), (0.5, (100, 120)), (50, (100, 60))],
)
def test_the_side_that_is_too_short_grows(aspect: float | None, size: tuple[int, int]) -> None:
    assert square_size(100, 60, aspect) == size


@pytest.mark.parametrize(
    ("degrees", "bright"), [(0, "left"), (90, "bottom"), (180, "right"), (270, "top")]
)
def test_a_turned_video_is_turned_back(tmp_path: Path, degrees: int, bright: str) -> None:
    plain, turned = tmp_path / "plain.mp4", tmp_path / "turned.mp4"
    write_video(plain, 96, 64, Fraction(1))
    with av.open(str(plain)) as source, av.open(str(turned), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        stream.set_display_rotation(degrees)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    image = read_all(turned)[0].image
    assert image.shape[:2] == ((96, 64) if degrees % 180 else (64, 96))
    halves = {"left": image[:, :20], "right": image[:, -20:], "top": image[:20],
              "bottom": image[-20:]}  # fmt: skip
    assert max(halves, key=lambda side: halves[side].mean()) == bright


def test_a_video_is_turned_as_asked(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", 96, 64, Fraction(1))
    image = read_all(tmp_path / "a.mp4", rotate=90)[0].image
    assert image.shape[:2] == (96, 64) and image[:20].mean() > 2 * image[-20:].mean()


@pytest.mark.skipif(sys.platform != "linux", reason="such names exist on Linux alone")
def test_a_video_whose_name_is_not_utf8_is_opened_by_the_reader(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    path = os.fsencode(tmp_path) + b"/pr\xfcfung.mp4"
    os.rename(make_video(frames=5), path)
    assert len(read_all(os.fsdecode(path))) == 5


def test_seeking_in_a_raw_stream(make_video: MakeVideo) -> None:
    source = open_source(str(make_video("raw.h264", frames=50)))
    for position in (1.2, 0.4):
        source.seek(position)  # type: ignore[attr-defined]
        frame = source.read()
        assert frame is not None and frame.time == pytest.approx(position)


def test_noise_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "noise.dat"
    path.write_bytes(np.random.default_rng(3).bytes(20_000))
    with pytest.raises(SourceError, match="not a video or picture"):
        open_source(str(path))


def transport_stream(path: Path, pid: int, start: int = 0) -> bytes:
    """Ten frames, the video under an id of its own, from a second on."""
    options = {"mpegts_start_pid": str(pid)} if path.suffix == ".ts" else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height = 320, 180
        noise = np.random.default_rng(1).integers(0, 255, (180, 320, 3), np.uint8)
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(noise, format="bgr24")
            frame.pts = start * 25 + number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path.read_bytes()


def test_a_recording_that_goes_on_under_another_stream_id_is_read_to_its_end(
    tmp_path: Path,
) -> None:
    path = tmp_path / "joined.ts"
    path.write_bytes(transport_stream(path, 0x100) + transport_stream(path, 0x200, start=3600))
    source = open_source(str(path))
    times = [frame.time for frame in iter(source.read, None)]
    assert times == pytest.approx([number / 25 for number in range(20)])
    source.seek(0.2)  # type: ignore[attr-defined]
    assert [frame.time for frame in iter(source.read, None)] == pytest.approx(times[5:])
    source.close()


def test_time_stamps_that_begin_after_hours_do_not_lengthen_a_file(tmp_path: Path, caplog) -> None:
    path = tmp_path / "late.mkv"
    transport_stream(path, 0x100, start=36000)
    source = open_source(str(path))
    assert len(list(iter(source.read, None))) == 10
    assert source.length == pytest.approx(0.4, abs=0.05)  # type: ignore[attr-defined]
    assert not caplog.text


@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".mkv"])
def test_a_file_that_grows_while_it_is_read_is_read_to_its_end(tmp_path: Path, suffix: str) -> None:
    """As one that is still being recorded: fragments, packets, clusters are added."""
    whole, growing = tmp_path / f"whole{suffix}", tmp_path / f"growing{suffix}"
    options = {"movflags": "frag_keyframe+empty_moov"} if suffix == ".mp4" else {}
    with av.open(str(whole), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "10", "bf": "0"})
        stream.width, stream.height = 320, 180
        noise = np.random.default_rng(1)
        for _ in range(60):
            image = noise.integers(0, 255, (180, 320, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    content = whole.read_bytes()
    growing.write_bytes(content[: len(content) // 2])
    first = len(read_all(growing))
    source = open_source(str(growing))
    times = []
    for frame in iter(source.read, None):
        times.append(frame.time)
        if len(times) == first - 1:
            growing.write_bytes(content)
    source.close()
    assert times == pytest.approx([frame.time for frame in read_all(whole)], abs=0.001)
    assert len(times) == 60
