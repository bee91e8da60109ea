"""A real RTSP camera's own video as files: what is in them, and what disks and people do."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from maskdet.detections import Detections
from maskdet.errors import SinkError
from maskdet.frame import Frame
from maskdet.observation import Observation
from maskdet.sinks.recording.clips import Clips
from maskdet.sinks.recording.copy.copy_switch import NO_BLUR, CopySwitch
from maskdet.sinks.recording.copy.packet_feed import PacketFeed
from maskdet.sinks.recording.copy.packet_recorder import PacketRecorder
from tests.helpers.monitors import StallingDisk, fill
from tests.sources.rtsp import RtspCamera, clock_of, needs_rtsp, rtsp_camera
from tests.sources.test_rtsp import until

pytestmark = [needs_rtsp, pytest.mark.timeout(120)]
FPS = 15


@pytest.fixture(scope="module")
def camera() -> Iterator[RtspCamera]:
    """A camera with B-frames, and a key frame a second."""
    with rtsp_camera("--codec", "h264-b", "--fps", str(FPS), "--audio") as one:
        yield one


class Setup:
    """A camera's feed, its switch, and what it records."""

    def __init__(self, camera: RtspCamera, folder: Path, **options: float) -> None:
        self.feed = PacketFeed(camera.url(), "door")
        self.folder = folder
        self.switch = CopySwitch(
            lambda: PacketRecorder(
                self.feed,
                folder / "door.mp4",
                retry_seconds=0.3,
                **options,  # type: ignore[arg-type]
            ),
            self.feed,
        )

    def begin(self) -> None:
        """Switches on, as key r does."""
        self.switch.toggle()
        self.switch.write(OBSERVATION)

    def more(self, packets: int = 20) -> None:
        """Waits for further packets."""
        wanted = self.feed.state().packets + packets
        until("packets", lambda: self.feed.state().packets >= wanted)

    def files(self) -> list[Path]:
        assert not list(self.folder.glob("*.part"))
        return sorted(self.folder.glob("*.mp4"), key=lambda path: path.stat().st_mtime_ns)


OBSERVATION = Observation(
    Frame(np.zeros((90, 160, 3), np.uint8), 0, time.time(), 0.0, "door"), Detections.empty()
)
Make = Callable[..., Setup]


@pytest.fixture
def make(camera: RtspCamera, tmp_path: Path) -> Iterator[Make]:
    made: list[Setup] = []

    def new(folder: Path = tmp_path, camera: RtspCamera = camera, **options: float) -> Setup:
        made.append(Setup(camera, folder, **options))
        return made[-1]

    yield new
    for one in made:
        try:
            one.switch.close()
        except SinkError:
            one.feed.close()


def clocks_in(path: Path) -> list[float]:
    """The clocks in a video that was recorded; it holds one stream and begins with a key frame."""
    with av.open(str(path)) as video:
        assert [stream.type for stream in video.streams] == ["video"], "no sound"
        assert next(video.demux(video=0)).is_keyframe
    with av.open(str(path)) as video:
        found = [clock_of(frame.to_ndarray(format="bgr24")) for frame in video.decode(video=0)]
    assert None not in found
    return found  # type: ignore[return-value]


def max_step(moments: list[float]) -> float:
    return max(b - a for a, b in zip(moments, moments[1:], strict=False))


@pytest.mark.parametrize("ending", ["mp4", pytest.param("mkv", marks=pytest.mark.slow)])
def test_every_image_is_there_at_its_own_time(make: Make, ending: str, tmp_path: Path):
    setup = make()
    recorder = PacketRecorder(setup.feed, tmp_path / f"own.{ending}")
    recorder.start()
    setup.more(45)
    recorder.close()
    (path,) = recorder.paths
    seen = clocks_in(path)
    assert len(seen) >= 45 and seen == sorted(seen)
    with av.open(str(path)) as video:
        times = [float(frame.time or 0) for frame in video.decode(video=0)]
    assert times == sorted(times)
    assert times[-1] - times[15] == pytest.approx(seen[-1] - seen[15], abs=0.3)


def test_segments_follow_without_a_gap(make: Make, caplog: pytest.LogCaptureFixture):
    setup = make(segment_seconds=2)
    setup.begin()
    setup.more(100)
    setup.switch.close()
    files = setup.files()
    assert not caplog.text
    assert len(files) >= 3 and setup.switch.files == len(files)
    seen = [moment for path in files for moment in clocks_in(path)]
    assert seen == sorted(set(seen)) and len(seen) >= 100
    assert max_step(seen[20:]) < 0.5, "no gap"


def test_switched_off_and_on_again(make: Make):
    setup = make()
    setup.begin()
    setup.more()
    setup.switch.toggle()
    setup.switch.write(OBSERVATION)
    assert len(setup.files()) == 1 and not setup.feed.state().is_wanted
    setup.begin()
    setup.more()
    setup.switch.close()
    assert [len(clocks_in(path)) >= 15 for path in setup.files()] == [True, True]


def test_a_camera_that_is_away_is_waited_for_and_has_a_file_of_its_own(tmp_path: Path, make: Make):
    with rtsp_camera("--codec", "h265", "--fps", str(FPS)) as camera:
        setup = make(camera=camera)
        setup.begin()
        setup.more()
        camera.kill()
        until("no signal", lambda: setup.switch.failing)
        until("its reason", lambda: setup.feed.state().reason)
        camera.start("--codec", "h265", "--size", "320x240", "--fps", str(FPS))
        until("the signal", lambda: not setup.switch.failing)
        setup.more()
        setup.switch.close()
    state = setup.feed.state()
    assert state.reconnects == 1 and state.outages == 1 and state.outage_s > 1.5
    first, second = setup.files()
    for path, width in ((first, 640), (second, 320)):
        with av.open(str(path)) as video:
            stream = video.streams.video[0]
            assert (stream.codec_context.name, stream.codec_context.width) == ("hevc", width)
            assert stream.codec_context.codec_tag == "hvc1", "the name that Safari plays"
        assert len(clocks_in(path)) >= 15


def test_another_address_is_recorded_from_the_next_connection_on(make: Make):
    setup = make()
    setup.begin()
    setup.more()
    with rtsp_camera("--size", "320x240", "--fps", str(FPS)) as other:
        setup.feed.redirect(other.url())
        setup.switch.reconnect()
        until("another connection", lambda: setup.feed.state().reconnects)
        setup.more()
        setup.switch.close()
    assert len(setup.files()) == 2
    for path, width in zip(setup.files(), (640, 320), strict=True):
        with av.open(str(path)) as video:
            assert video.streams.video[0].codec_context.width == width


def test_a_full_disk_is_outlived(make: Make, small_disk: Path, caplog: pytest.LogCaptureFixture):
    setup = make(small_disk, segment_seconds=60)
    setup.begin()
    setup.more()
    filler = fill(small_disk, 4096)
    until("it is noticed", lambda: setup.switch.failing)
    filler.unlink()
    until("it goes on", lambda: not setup.switch.failing)
    setup.more()
    setup.switch.close()
    assert caplog.text.count("stopped: No space left on device") == 1
    assert "goes on after" in caplog.text
    files = setup.files()
    assert len(files) == 2 and all(clocks_in(path) for path in files)


def test_a_disk_that_hangs_loses_nothing_of_the_first_minute(
    make: Make,
    stalling_disk: StallingDisk,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("maskdet.sinks.recording.copy.packet_recorder._WRITE_TIMEOUT_S", 0.5)
    setup = make(stalling_disk.folder)
    setup.begin()
    setup.more()
    stalling_disk.hang()
    until("it is noticed", lambda: setup.switch.failing)
    setup.more()
    stalling_disk.answer()
    until("it goes on", lambda: not setup.switch.failing)
    setup.switch.close()
    assert "stopped: the disk does not answer" in caplog.text
    assert "; 0 pictures are missing" in caplog.text
    seen = clocks_in(*setup.files())
    assert seen == sorted(seen) and max_step(seen[20:]) < 0.5


@pytest.mark.slow
def test_a_folder_that_is_deleted_is_made_again(make: Make, tmp_path: Path):
    folder = tmp_path / "videos"
    folder.mkdir()
    setup = make(folder, segment_seconds=60)
    setup.begin()
    setup.more()
    shutil.rmtree(folder)
    until("another file", lambda: folder.is_dir() and list(folder.iterdir()))
    setup.more(30)
    setup.switch.close()
    assert len(clocks_in(*setup.files())) >= 15


def test_blur_and_the_cameras_own_video_exclude_each_other(make: Make):
    setup = make()
    setup.begin()
    setup.more()
    setup.switch.blur = True
    assert not setup.switch.on and setup.switch.refusal == NO_BLUR
    written = setup.feed.state().packets
    until("the file's end", lambda: setup.feed.state().packets > written + 3)
    size = setup.folder.joinpath("door.mp4").stat().st_size
    setup.more(30)
    assert setup.folder.joinpath("door.mp4").stat().st_size == size, "at once, observed or not"
    setup.switch.write(OBSERVATION)
    setup.switch.toggle()
    assert not setup.switch.on, "no way around it"
    setup.switch.blur = False
    setup.begin()
    setup.more()
    setup.switch.close()
    assert len(setup.files()) == 2


@pytest.mark.parametrize("record", [pytest.param(True, marks=pytest.mark.slow), False])
def test_a_clip_is_made_of_the_cameras_own_video(make: Make, tmp_path: Path, record: bool):
    """Whether it is recorded or not; nothing is encoded."""
    setup = make()
    finished: list[Path] = []
    clips = Clips(
        tmp_path / "clips",
        label="alarm-",
        before_s=2.0,
        after_s=1.0,
        max_bytes=1e6,
        draw=lambda one: pytest.fail("nothing is drawn"),
        recording=setup.switch,
        on_finished=lambda alarms, path: finished.append(path),
    )
    if record:
        setup.begin()
    setup.more(3)
    clips.write(OBSERVATION)
    until("packets", lambda: clips.ring.now > 3)
    clips.begin("a-1")
    (path,) = until("the clip", lambda: finished)
    clips.close()
    seen = clocks_in(path)
    assert seen == sorted(seen) and 2.5 < seen[-1] - seen[0] < 5
    assert len(seen) > 2.5 * FPS


@pytest.mark.parametrize(
    "blur", [pytest.param(True, marks=pytest.mark.slow), False], ids=["blur", "stream away"]
)
def test_where_packets_are_not_to_be_had_a_clip_is_made_of_processed_frames(
    make: Make, tmp_path: Path, blur: bool
):
    with rtsp_camera() as away:
        away.kill()
    setup = make(camera=away)
    setup.switch.blur = blur
    clips = Clips(
        tmp_path / "clips",
        label="alarm-",
        before_s=1.0,
        after_s=1.0,
        max_bytes=1e6,
        draw=lambda one: one.frame.image,
        recording=setup.switch,
        on_finished=lambda alarms, path: None,
    )
    until("frames are taken", lambda: not setup.switch.gives_packets)
    clips.write(OBSERVATION)
    until("an encoded frame", lambda: clips.ring.after(0))
    assert clips.ring.after(0)[0].packet.shape == (90, 160, 3)
    assert setup.feed.state().is_wanted is not blur
    clips.close()
