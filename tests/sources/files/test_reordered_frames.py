"""Frames that are shown in another order than they lie in a file, at their times and places."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from maskdet.frame import Frame
from maskdet.sources.opening import open_source

FPS, COUNT = 25, 40
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}


def write(path: Path, codec: str, options: dict[str, str]) -> Path:
    """A video each of whose frames is white as far to the right as its number."""
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=FPS, options={"g": "12", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(COUNT):
            image = np.zeros((48, 64, 3), np.uint8)
            image[:, :number] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    return path


def number_of(frame: Frame) -> int:
    return int((frame.image.mean(axis=(0, 2)) > 128).sum())


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.avi", "mpeg4", {}),
        ("a.avi", "libx264", {}),
        ("a.mp4", "libx264", FRAGMENTED),
        ("a.mp4", "libx264", {}),
        ("a.mkv", "libx264", {}),
    ],
)
def test_every_frame_has_its_time_and_is_found_there(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    source = open_source(str(write(tmp_path / name, codec, options)))
    seen = [(frame.time, number_of(frame)) for frame in iter(source.read, None)]
    times, numbers = np.array(seen).T
    assert numbers.tolist() == [*range(COUNT)]
    assert np.diff(times) == pytest.approx(np.full(COUNT - 1, 1 / FPS), abs=0.002)
    assert times[0] <= 1 / FPS  # AVI states no more of the first one
    for time, number in (*seen[::7], *seen[-3:], seen[1], seen[12]):
        source.seek(time)
        frame = source.read()
        assert frame is not None and frame.time == pytest.approx(time, abs=0.002)
        assert number_of(frame) == number
    source.close()


def test_a_place_behind_the_end_is_no_damage(tmp_path: Path, caplog) -> None:
    source = open_source(str(write(tmp_path / "a.avi", "mpeg4", {})))
    source.seek(99.0)
    assert source.read() is None
    source.close()
    assert not caplog.messages


def with_filler(path: Path, numbers: range, target: Path) -> Path:
    """A copy of a video of H.265 some of whose packets hold nothing that is shown."""
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if not packet.size:
                continue
            if number in numbers:
                filled = av.Packet(b"\0\0\0\3\x4c\1\x80")
                filled.pts, filled.dts, filled.time_base = packet.pts, packet.dts, packet.time_base
                packet = filled
            packet.stream = stream
            container.mux(packet)
    return target


@pytest.mark.parametrize(("count", "lost"), [(12, True), (2, False)])
def test_frames_that_h265_loses_without_an_error_are_counted(
    tmp_path: Path, caplog, count: int, lost: bool
) -> None:
    """A few are those at the start of a video that was cut out of another one."""
    whole = write(tmp_path / "a.mp4", "libx265", {})
    source = open_source(str(with_filler(whole, range(20, 20 + count), tmp_path / "b.mp4")))
    seen = len(list(iter(source.read, None)))
    assert seen <= COUNT - count
    named = f"b.mp4: {COUNT - seen} damaged frames were skipped, {seen} were read"
    assert (named in caplog.text) == lost
