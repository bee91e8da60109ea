"""Video files that are whole, or nearly so, and yet unlike most: tracks, clocks, turns, headers."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.filter
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext

from maskdet.errors import SourceError
from maskdet.sources.opening import open_source
from tests.images.pictures import panned, torn

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
        codec = {".avi": "mjpeg", ".mpg": "mpeg2video"}.get(path.suffix, "libx264")
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


@pytest.mark.parametrize("suffix", [".ts", ".mpg"])
@pytest.mark.parametrize(("place", "left"), [(0.0, 800), (0.4, 790), (15.0, 425), (31.0, 25)])
def test_a_place_between_key_frames_is_found(
    tmp_path: Path, suffix: str, place: float, left: int
) -> None:
    """No index says where they are; after some places there is none."""
    path = tmp_path / f"a{suffix}"
    write(path, count=800)
    source = open_source(str(path))
    source.read()
    source.seek(place)  # type: ignore[attr-defined]
    times = [seen.time for seen in iter(source.read, None)]
    assert len(times) == left and times[0] == pytest.approx(place, abs=0.001)


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


@pytest.mark.parametrize(
    ("degrees", "corner"), [("90", (0, -1)), ("180", (-1, -1)), ("270", (-1, 0))]
)
def test_a_turn_that_only_a_tag_of_matroska_has_is_made(
    tmp_path: Path, degrees: str, corner: tuple[int, int]
) -> None:
    """As FFmpeg until its version 6 put a telephone's video into such a file."""
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = add_track(container)
        stream.metadata["ROTATE"] = degrees
        image = np.zeros((48, 64, 3), np.uint8)
        image[:24, :32] = 200
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    (shown,) = [seen.image for seen in iter(open_source(str(path)).read, None)]
    assert shown.shape == ((48, 64, 3) if degrees == "180" else (64, 48, 3))
    assert shown[corner].min() > 150 > 50 > shown[-1 - corner[0], -1 - corner[1]].max()


def write_interlaced(path: Path, order: str, codec: str = "libx264") -> None:
    """Each frame has the even lines of one moment and the odd ones of the other."""
    options = {"flags": "+ilme+ildct", "crf": "8", "x264-params": f"{order}=1"}
    with av.open(str(path), "w") as container:
        stream = add_track(container, codec, **(options if codec == "libx264" else {}))
        marked = av.filter.Graph()
        source = marked.add_buffer(width=64, height=48, format="bgr24", time_base=Fraction(1, FPS))
        marked.link_nodes(source, marked.add("setfield", order), marked.add("buffersink"))
        marked.configure()
        for number in range(20):
            upper, lower = panned(2 * number), panned(2 * number + 1)
            if order == "bff":
                upper, lower = lower, upper
            upper[1::2] = lower[1::2]
            made = av.VideoFrame.from_ndarray(upper, format="bgr24")
            made.pts = number
            marked.push(made)
            container.mux(stream.encode(marked.pull()))
        container.mux(stream.encode())


@pytest.mark.parametrize("order", ["tff", "bff"])
@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_frames_of_interlaced_video_show_one_moment(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str, order: str
) -> None:
    path = tmp_path / f"a{suffix}"
    write_interlaced(path, order)
    source = open_source(str(path))
    frames = list(iter(source.read, None))
    assert [seen.time for seen in frames] == pytest.approx([n / FPS for n in range(20)], abs=0.001)
    for number, seen in enumerate(frames):
        wrong = [
            np.abs(seen.image[:, 8:-8].astype(int) - panned(2 * number + later)[:, 8:-8]).mean()
            for later in (0, 1)
        ]
        assert wrong[0] < 8 < 3 * wrong[0] < wrong[1]
    assert not caplog.text
    source.seek(0.4)  # type: ignore[attr-defined]
    assert len(list(iter(source.read, None))) == 10


def test_torn_frames_that_nothing_marks_are_repaired(tmp_path: Path) -> None:
    """As capture cards and conversions leave them."""
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        stream = add_track(container, "mjpeg", qmin="1", qmax="1")
        stream.height = 480
        for number in range(9):
            made = av.VideoFrame.from_ndarray(torn(2 * number), format="bgr24")
            made.pts = number
            container.mux(stream.encode(made))
        container.mux(stream.encode())
    for number, seen in enumerate(iter(open_source(str(path)).read, None)):
        assert np.abs(seen.image.astype(int) - panned(2 * number, 480)).mean() < 6


def test_small_frames_that_are_not_marked_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    write_interlaced(path, "tff", "mjpeg")
    with av.open(str(path)) as container:
        stored = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    shown = [seen.image for seen in iter(open_source(str(path)).read, None)]
    assert all((one == other).all() for one, other in zip(stored, shown, strict=True))


@pytest.mark.parametrize(("curve", "white", "gray"), [(16, 247, 136), (2, 148, 112)])
def test_the_light_of_hdr10_is_that_of_an_ordinary_video(
    tmp_path: Path, curve: int, white: int, gray: int
) -> None:
    """A sheet of paper, of 203 nits, and what has a quarter of its light; else both are gray."""
    path = tmp_path / "a.mkv"
    image = np.full((48, 64, 3), 148, np.uint8)
    image[:, 32:] = 112
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
        stream.codec_context.color_trc = curve
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    frame = open_source(str(path)).read()
    assert frame is not None
    assert frame.image[24, 10] == pytest.approx(white, abs=3)
    assert frame.image[24, 50] == pytest.approx(gray, abs=3)


@pytest.mark.parametrize(("width", "height"), [(128, 96), (64, 48)])
def test_the_fields_of_h265_are_as_high_as_their_frames(
    tmp_path: Path, width: int, height: int
) -> None:
    """Each is a picture of its own, of half the lines; whole frames that are marked so stay."""
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        options = {"x265-params": "interlace=tff:log-level=none"}
        stream = add_track(container, "libx265", width, **options)
        for number in range(10):
            container.mux(stream.encode(frame(width, number)))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        assert all(seen.interlaced_frame for seen in container.decode(video=0))
    seen = list(iter(open_source(str(path)).read, None))
    assert {one.image.shape for one in seen} == {(height, width, 3)} and len(seen) == 10
    assert seen[4].image[:, 4].min() > 180 and seen[4].image[:, -4].max() < 20
