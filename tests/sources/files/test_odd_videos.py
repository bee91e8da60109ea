"""Video files that are whole, or nearly so, and yet unlike most: tracks, clocks, turns, headers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext

from maskdet.errors import SourceError
from maskdet.sources.opening import open_source

FPS = 25


def add_track(container: Any, codec: str = "libx264", width: int = 64, **options: str) -> Any:
    stream = container.add_stream(codec, rate=FPS, options=options)
    stream.width, stream.height = width, 48
    stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    return stream


def frame(width: int, number: int) -> av.VideoFrame:
    """Bright on the left."""
    image = np.zeros((48, width, 3), np.uint8)
    image[:, : width // 2] = 200
    made = av.VideoFrame.from_ndarray(image, format="bgr24")
    made.pts = number
    return made


def write(path: Path, widths: tuple[int, ...] = (64,), start_s: int = 0, count: int = 20) -> bytes:
    """A video, or several in one file."""
    with av.open(str(path), "w") as container:
        codec = "mjpeg" if path.suffix == ".avi" else "libx264"
        streams = [add_track(container, codec, width) for width in widths]
        for number in range(count):
            for stream in streams:
                container.mux(stream.encode(frame(stream.width, start_s * FPS + number)))
        for stream in streams:
            container.mux(stream.encode())
    return path.read_bytes()


def test_of_several_videos_in_a_file_a_line_says_which_is_read(tmp_path: Path, caplog) -> None:
    write(tmp_path / "front_and_rear.mp4", (64, 96))
    source = open_source(str(tmp_path / "front_and_rear.mp4"))
    (width,) = {seen.width for seen in iter(source.read, None)}
    assert f"front_and_rear.mp4 has 2 videos, of which the one of {width}×48 is read" in caplog.text


def test_a_recording_whose_clock_was_set_back_goes_on(tmp_path: Path, caplog) -> None:
    """FFmpeg takes it for the clock's next round, 17 hours later."""
    path = tmp_path / "joined.ts"
    path.write_bytes(write(path, start_s=36_000) + write(path))
    source = open_source(str(path))
    times = [seen.time for seen in iter(source.read, None)]
    assert times == pytest.approx([number / FPS for number in range(40)], abs=0.001)
    assert source.length == pytest.approx(40 / FPS, abs=0.1)  # type: ignore[attr-defined]
    (line,) = caplog.messages
    assert "joined.ts: its clock was set at 0.8 s" in line
    source.seek(0.4)  # type: ignore[attr-defined]
    again = [seen.time for seen in iter(source.read, None)]
    assert again == pytest.approx(times[10:], abs=0.001)


def test_a_pause_of_hours_stays_one(tmp_path: Path, caplog) -> None:
    path = tmp_path / "paused.ts"
    path.write_bytes(write(path) + write(path, start_s=30_000))
    times = [seen.time for seen in iter(open_source(str(path)).read, None)]
    assert len(times) == 40 and times[-1] == pytest.approx(30_000, abs=1)
    assert "no frames from 0.8 to 29999.9 s" in caplog.text


def test_a_turn_within_the_stream_holds_for_all_that_follows(tmp_path: Path) -> None:
    """As a telephone's that writes it once, into H.264's own messages."""
    write(tmp_path / "as_shot.mp4")
    path = tmp_path / "a.mp4"
    with av.open(str(tmp_path / "as_shot.mp4")) as shot, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(shot.streams.video[0])
        turn = BitStreamFilterContext(
            "h264_metadata=display_orientation=insert:rotate=90", shot.streams.video[0], stream
        )
        for packet in shot.demux(video=0):
            for turned in turn.filter(packet if packet.size else None):
                turned.stream = stream
                container.mux(turned)
    images = [seen.image for seen in iter(open_source(str(path)).read, None)]
    assert len(images) == 20 and {image.shape for image in images} == {(64, 48, 3)}
    assert all(image[40:].mean() - image[:24].mean() > 150 for image in images)


def test_a_video_that_begins_after_its_sound_is_whole(tmp_path: Path, caplog) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        video, sound = add_track(container), container.add_stream("pcm_s16le", rate=8000)
        for second in range(4):
            noise = av.AudioFrame.from_ndarray(
                np.zeros((1, 8000), np.int16), format="s16", layout="mono"
            )
            noise.sample_rate, noise.pts = 8000, second * 8000
            container.mux(sound.encode(noise))
        for number in range(20):
            container.mux(video.encode(frame(64, 3 * FPS + number)))
        container.mux(video.encode())
        container.mux(sound.encode())
    source = open_source(str(path))
    assert len(list(iter(source.read, None))) == 20
    assert not caplog.text


def test_an_avi_that_breaks_off_names_both_counts(tmp_path: Path, caplog) -> None:
    path = tmp_path / "a.avi"
    whole = write(path)
    assert len(list(iter(open_source(str(path)).read, None))) == 20
    assert not caplog.text
    path.write_bytes(whole[: len(whole) * 2 // 3])
    count = len(list(iter(open_source(str(path)).read, None)))
    assert 5 < count < 20 and f"it breaks off after {count} of 20 frames" in caplog.text


def test_a_header_without_a_frame_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w", options={"movflags": "frag_keyframe+empty_moov"}) as container:
        stream = add_track(container)
        for number in range(20):
            container.mux(stream.encode(frame(64, number)))
        container.mux(stream.encode())
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"moof") - 4])
    with pytest.raises(SourceError, match=r"a\.mp4 holds no frame; it may be cut short, or still"):
        open_source(str(path)).read()
