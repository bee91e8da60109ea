"""Clips of alarms: the seconds before and after, from packets that are encoded once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskdet.detections import Detections
from maskdet.drawing.overlay import Overlay
from maskdet.errors import SinkError
from maskdet.frame import Frame
from maskdet.observation import Observation
from maskdet.sinks.recording import clips
from maskdet.sinks.recording.clip_file import remove_parts
from maskdet.sinks.recording.clips import Clips
from maskdet.sinks.recording.files.retention import Retention
from maskdet.sinks.recording.packet_ring import EncodedPacket, PacketRing
from maskdet.sinks.recording.recorder import Recorder
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from tests.helpers.monitors import fill
from tests.sinks.channels.servers import wait_until

pytestmark = pytest.mark.timeout(60)
FPS = 10
UTC = 1_780_000_000.0


def observation(number: int, size: tuple[int, int] = (96, 64)) -> Observation:
    """A frame whose gray value is its number, a tenth of a second after the one before."""
    seconds = number / FPS
    image = np.full((size[1], size[0], 3), 8 + 3 * (number % 80), np.uint8)
    frame = Frame(image, number, UTC + seconds, seconds, "hall", position=seconds)
    return Observation(frame, Detections.empty())


def numbers_in(path: Path) -> list[int]:
    """The numbers of the frames in a video."""
    with av.open(str(path)) as video:
        lumas = [frame.to_ndarray()[:64].mean() for frame in video.decode(video=0)]  # 16 to 235
    return [round(((float(luma) - 16) * 255 / 219 - 8) / 3) for luma in lumas]


class Setup:
    """A source's recording and clips, and the clips that were finished."""

    def __init__(self, folder: Path, *, record: bool, **options: float) -> None:
        self.finished: list[tuple[list[str], Path]] = []
        draw = lambda one: one.frame.image  # noqa: E731
        self.recording = RecordingSwitch(
            lambda: Recorder(folder / "record.mp4", draw=draw), on=record
        )
        known = {"before_s": 2.0, "after_s": 1.0, "max_bytes": 1e6}
        self.clips = Clips(
            folder / "clips",
            label="alarm-",
            draw=draw,
            recording=self.recording,
            on_finished=lambda alarms, path: self.finished.append((list(alarms), path)),
            **(known | options),  # type: ignore[arg-type]
        )
        self.encoded = 0

    def show(self, numbers: Sequence[int], size: tuple[int, int] = (96, 64)) -> None:
        """Shows frames, each once the one before is encoded."""
        for number in numbers:
            one = observation(number, size)
            before = self.clips.ring.now, len(self.clips.ring.after(0))
            self.recording.write(one)
            self.clips.write(one)
            wait_until(lambda: (self.clips.ring.now, len(self.clips.ring.after(0))) != before)  # noqa: B023

    def close(self) -> None:
        self.recording.close()
        self.clips.close()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Setup]]:
    made: list[Setup] = []

    def new(**options: object) -> Setup:
        made.append(Setup(tmp_path, **options))  # type: ignore[arg-type]
        return made[-1]

    yield new
    for one in made:
        one.close()


@pytest.mark.parametrize("record", [False, True])
def test_a_clip_has_the_seconds_before_and_after(make, record: bool):
    setup = make(record=record)
    setup.show(range(60))
    setup.clips.begin("a-1")
    setup.show(range(60, 75))
    wait_until(lambda: setup.finished)
    ((alarms, path),) = setup.finished
    assert alarms == ["a-1"] and path.name.startswith("alarm-") and path.name.endswith("-a-1.mp4")
    numbers = numbers_in(path)
    assert numbers == list(range(numbers[0], numbers[-1] + 1)), "no frame is missing or doubled"
    assert 19 <= numbers[0] <= 40 and numbers[-1] == 69, "from a key frame on, to a second after"
    assert (setup.clips._video is None) is record, "encoded once"
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "plays while it is loaded"
    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        assert (stream.codec.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        expected = Fraction(numbers[-1] - numbers[0] + 1, FPS)
        assert abs(float(stream.duration * stream.time_base - expected)) < 0.15


def test_alarms_in_one_time_share_a_clip_that_is_longer(make):
    setup = make(record=False)
    setup.show(range(30))
    setup.clips.begin("a-1")
    setup.show(range(30, 36))
    setup.clips.begin("a-2")
    setup.show(range(36, 60))
    setup.clips.begin("a-3")
    setup.show(range(60, 75))
    wait_until(lambda: len(setup.finished) == 2)
    assert [alarms for alarms, _ in setup.finished] == [["a-1", "a-2"], ["a-3"]]
    assert numbers_in(setup.finished[0][1])[-1] == 45


def test_alarms_without_end_make_a_clip_no_longer_than_it_may_be(make, monkeypatch):
    monkeypatch.setattr(clips, "MAX_CLIP_S", 4.0)
    setup = make(record=False)
    for number in range(0, 60, 6):
        setup.clips.begin(f"a-{number}")
        setup.show(range(number, number + 6))
    setup.show(range(60, 75))
    wait_until(lambda: sum(len(alarms) for alarms, _ in setup.finished) == 10)
    assert len(setup.finished) > 1
    assert [one for alarms, _ in setup.finished for one in alarms] == [
        f"a-{number}" for number in range(0, 60, 6)
    ]
    for _, path in setup.finished:
        assert len(numbers_in(path)) <= FPS * (4 + 2)  # from the key frame before on


def test_a_recording_that_begins_and_ends_leaves_no_gap_that_cannot_be_played(make):
    setup = make(record=False, before_s=6.0, after_s=1.5)
    setup.show(range(20))
    setup.recording.toggle()
    setup.show(range(20, 40))
    setup.recording.toggle()
    setup.show(range(40, 60))
    setup.clips.begin("a-1")
    setup.show(range(60, 78))
    wait_until(lambda: setup.finished)
    numbers = numbers_in(setup.finished[0][1])
    assert numbers == list(range(0, 75))


def test_a_camera_that_falls_silent_or_ends_has_its_clip_all_the_same(make, monkeypatch):
    monkeypatch.setattr("maskdet.sinks.recording.clips.QUIET_S", 0.2)
    setup = make(record=False, after_s=0.5)
    setup.show(range(10))
    setup.clips.begin("a-1")
    wait_until(lambda: setup.finished)
    assert numbers_in(setup.finished[0][1]) == list(range(10))
    setup.show(range(10, 12))
    setup.clips.begin("a-2")
    setup.show(range(12, 14))
    setup.clips.close()
    assert numbers_in(setup.finished[1][1])[-1] == 13


def test_another_size_of_the_image_ends_the_clip(make):
    setup = make(record=False)
    setup.show(range(10))
    setup.clips.begin("a-1")
    setup.show(range(10, 14))
    setup.show(range(14, 40), (128, 96))
    wait_until(lambda: setup.finished)
    assert numbers_in(setup.finished[0][1])[:14] == list(range(14))


def test_faces_are_blurred_as_the_recording_is(make, tmp_path: Path):
    setup = make(record=False)
    rng = np.random.default_rng(1)
    image = cv2.resize(rng.integers(0, 255, (60, 80, 3), np.uint8), (320, 240))
    setup.clips._draw = Overlay(scores=False).draw
    box = np.array([[80, 60, 240, 200]], np.float32)

    def details(blur: bool) -> float:
        setup.recording.blur = blur
        setup.finished.clear()
        for number in range(5):
            frame = Frame(image, number, UTC + number, 0.0, "hall", position=float(number))
            setup.clips.write(Observation(frame, Detections(box, [0.9], [1])))
            time.sleep(0.1)
        setup.clips.begin("a-1")
        for number in range(5, 8):
            frame = Frame(image, number, UTC + number, 0.0, "hall", position=float(number))
            setup.clips.write(Observation(frame, Detections(box, [0.9], [1])))
            time.sleep(0.1)
        wait_until(lambda: setup.finished)
        with av.open(str(setup.finished[0][1])) as video:
            last = [frame.to_ndarray(format="gray") for frame in video.decode(video=0)][-1]
        return float(cv2.Laplacian(last[90:170, 110:210], cv2.CV_64F).var())

    plain = details(False)
    setup.finished.clear()
    assert details(True) < plain / 10


def test_a_disk_that_takes_no_clip_is_a_line(make, tmp_path: Path, caplog):
    (tmp_path / "clips").write_text("a file in the way")
    setup = make(record=False)
    setup.show(range(10))
    setup.clips.begin("a-1")
    setup.show(range(10, 30))
    wait_until(lambda: "saving clips in" in caplog.text)
    assert "alarms go without a clip" in caplog.text and not setup.finished
    (tmp_path / "clips").unlink()
    setup.clips.begin("a-2")
    setup.show(range(30, 45))
    wait_until(lambda: setup.finished)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts handles as Linux does")
def test_a_full_disk_leaves_neither_file_nor_handle(
    make, small_disk: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """Each alarm while a disk was full had left one of each."""
    (tmp_path / "clips").symlink_to(small_disk)
    setup = make(record=False)
    setup.show(range(10))
    fill(small_disk, 0)
    setup.clips.begin("a-1")
    setup.show(range(10, 12))
    wait_until(lambda: "No space left" in caplog.text)
    handles = len(os.listdir("/proc/self/fd"))
    for number in range(5):
        setup.clips.begin(f"b-{number}")
        setup.show(range(12 + 4 * number, 16 + 4 * number))
    assert len(os.listdir("/proc/self/fd")) <= handles
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


def test_what_a_kill_has_left_is_removed(tmp_path: Path):
    (tmp_path / ".alarm-1.mp4.part").write_bytes(b"half")
    (tmp_path / "alarm-2.mp4").write_bytes(b"whole")
    remove_parts(tmp_path, "alarm-")
    assert [path.name for path in tmp_path.iterdir()] == ["alarm-2.mp4"]
    remove_parts(tmp_path / "none", "alarm-")


def test_recordings_and_clips_share_the_limits(tmp_path: Path):
    folder = tmp_path / "clips"
    folder.mkdir()
    for place, name in ((tmp_path, "r1"), (folder, "c1"), (tmp_path, "r2"), (folder, "c2")):
        (place / name).write_bytes(bytes(1000))
        time.sleep(0.02)
    retention = Retention(keep_bytes=2500, also=lambda: folder.iterdir())
    retention.enforce(tmp_path, [tmp_path / "r1", tmp_path / "r2"])
    assert not (tmp_path / "r1").exists() and not (folder / "c1").exists()
    assert (tmp_path / "r2").exists() and (folder / "c2").exists()


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 400)), min_size=1, max_size=120),
    st.integers(1, 6),
    st.integers(300, 5000),
)
def test_the_ring_is_bounded_and_begins_with_a_key(
    packets: list[tuple[bool, int]], seconds: int, most: int
):
    ring = PacketRing(seconds, most)
    for number, (is_key, size) in enumerate(packets):
        packet = EncodedPacket(bytes(size), is_key or number == 0, None, (1, 1, 3))
        ring.add(observation(number).frame.position, packet)
        assert ring.used_bytes <= most
        kept = ring.after(0)
        assert ring.used_bytes == sum(len(one.packet.data) for one in kept)
        assert not kept or kept[0].packet.is_key
    since = ring.since(ring.now - 1)
    assert not since or since[0].packet.is_key


def test_a_thread_that_died_is_reported(make):
    setup = make(record=False)

    def broken(_: Observation) -> np.ndarray:
        raise SinkError("broken")

    setup.clips._draw = broken
    setup.clips.write(observation(0))
    with pytest.raises(SinkError, match="broken"):
        for _ in range(200):
            time.sleep(0.01)
            setup.clips.write(observation(1))
