"""Recordings, probed with PyAV: codec, times, duration, size changes, kills, full disks."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from maskdet.detections import Detections, MaskState
from maskdet.drawing.styles import STYLES
from maskdet.errors import SinkError
from maskdet.frame import Frame
from maskdet.observation import Observation
from maskdet.sinks.recording.recorder import Recorder
from tests.whole_run import slow

ROOT = Path(__file__).resolve().parents[3]
UNIX = 1_700_000_000.0
FACE = Detections([[40, 40, 100, 110]], [0.9], [MaskState.without_mask])


def observation(
    index: int,
    time: float,
    *,
    captured: float | None = None,
    size: tuple[int, int] = (160, 120),
    level: int = 120,
    faces: Detections | None = None,
) -> Observation:
    image = np.full((size[1], size[0], 3), level, np.uint8)
    frame = Frame(image, index, time, time if captured is None else captured, "test")
    return Observation(frame, faces or Detections.empty())


def record(path: Path, observations: list[Observation], **options: object) -> list[Path]:
    recorder = Recorder(path, **options)  # type: ignore[arg-type]
    for each in observations:
        recorder.write(each)
    recorder.close()
    recorder.close()
    return recorder.paths


def probe(path: Path) -> tuple[list[float], list[np.ndarray], float]:
    """Times and pictures (BGR) of a video, and the seconds it lasts."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        frames = list(container.decode(stream))
        times = [float(frame.time) for frame in frames]
        assert container.duration is not None
        seconds = container.duration / av.time_base
    return times, [frame.to_ndarray(format="bgr24") for frame in frames], seconds


def images_in(path: Path) -> int:
    """Number of frames that can be decoded; also of a file without an end and a length."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def boxes_of(path: Path) -> list[str]:
    """The types of an MP4 file's outermost boxes."""
    data, at, names = path.read_bytes(), 0, []
    while at < len(data):
        names.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4], "big")
    return names


RATES = {
    "steady": [i / 25 for i in range(60)],
    "slow": [0.0, 2.0, 4.0, 6.0],
    "unsteady": [0.0, 0.1, 0.13, 0.9, 1.0, 2.5, 2.6, 4.6, 4.7, 4.8],
    "long gap": [0.0, 0.1, 0.2, 7.9, 8.0, 8.1],
}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("times", RATES.values(), ids=RATES.keys())
@pytest.mark.parametrize("start", [UNIX, 0.0], ids=["live", "file"])
def test_times_and_duration_are_those_of_the_frames(
    tmp_path: Path, suffix: str, times: list[float], start: float
) -> None:
    seen = [observation(i, start + time) for i, time in enumerate(times)]
    [path] = record(tmp_path / f"a{suffix}", seen)
    recorded, _, seconds = probe(path)
    assert recorded == pytest.approx(times, abs=2e-3)  # every frame, at its time
    last = min(b - a for a, b in zip(times[-4:-1], times[-3:], strict=True))
    assert seconds == pytest.approx(times[-1] + last, abs=0.1 if suffix == ".mkv" else 5e-3)


CLOCKS = [
    # times as the source states them, times it was captured at, expected positions
    ([5.0, 5.1, 5.2], [0.0, 0.1, 0.2], [0.0, 0.1, 0.2]),
    # the clock is set back an hour
    ([UNIX, UNIX + 0.1, UNIX - 3600], [0.0, 0.1, 0.25], [0.0, 0.1, 0.25]),
    # … and forward a year, as on a board without a clock of its own
    ([0.0, 0.1, UNIX, UNIX + 0.1], [7.0, 7.1, 7.2, 7.3], [0.0, 0.1, 0.2, 0.3]),
    # a file's time line leaps by a minute
    ([5.0, 5.1, 65.1, 65.2], [0.0, 0.1, 0.3, 0.4], [0.0, 0.1, 0.3, 0.4]),
    # pictures have no time
    ([0.0, 0.0, 0.0], [3.0, 3.5, 4.5], [0.0, 0.5, 1.5]),
    # a live source's clock is set forward by seconds, which a gap in a file could be
    ([UNIX, UNIX + 5.1, UNIX + 5.2], [0.0, 0.1, 0.2], [0.0, 0.1, 0.2]),
    # nothing moves: still one after the other
    ([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [0.0, 0.001, 0.002]),
]


@pytest.mark.parametrize(("times", "captured", "expected"), CLOCKS)
def test_time_never_runs_back(
    tmp_path: Path, times: list[float], captured: list[float], expected: list[float]
) -> None:
    pairs = zip(times, captured, strict=True)
    seen = [observation(i, time, captured=c) for i, (time, c) in enumerate(pairs)]
    [path] = record(tmp_path / "a.mp4", seen)
    assert probe(path)[0] == pytest.approx(expected, abs=2e-3)


def test_mp4_is_fragmented_twice_a_second(tmp_path: Path) -> None:
    [path] = record(tmp_path / "a.mp4", [observation(i, i / 10) for i in range(40)])
    names = boxes_of(path)
    assert names[:2] == ["ftyp", "moov"]
    assert names.count("moof") >= 6


def test_picture_is_annotated_and_its_colors_are_right(tmp_path: Path) -> None:
    seen = [observation(i, i / 10, faces=FACE) for i in range(5)]
    [path] = record(tmp_path / "a.mp4", seen)
    picture = probe(path)[1][-1].astype(int)
    assert np.abs(picture[5, 5] - 120).max() < 6
    orange = (np.abs(picture - STYLES[MaskState.without_mask].color) < 40).all(axis=2)
    assert orange[38:112, 38:102].sum() > 100


def test_draws_with_what_it_is_given_after_blurring(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    seen: list[np.ndarray] = []

    def draw(each: Observation) -> np.ndarray:
        seen.append(each.frame.image)
        return np.full((64, 64, 3), 200, np.uint8)

    frame = Frame(noise, 0, 0.0, 0.0)
    [path] = record(tmp_path / "a.mkv", [Observation(frame, FACE)], draw=draw, blur=True)
    assert probe(path)[1][0].shape == (64, 64, 3)
    assert seen[0][45:105, 45:95].std() < 0.6 * noise[45:105, 45:95].std()
    assert (seen[0][:, 130:] == noise[:, 130:]).all()


def test_blur_counts_from_when_an_observation_was_written(tmp_path: Path) -> None:
    """Frames that wait for the encoder while blur is switched off were seen under blur."""
    seen: list[np.ndarray] = []

    def draw(each: Observation) -> np.ndarray:
        seen.append(each.frame.image)
        return each.frame.image

    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    recorder = Recorder(tmp_path / "a.mp4", draw=draw, blur=True)
    for i in range(4):
        recorder.blur = i < 3
        recorder.write(Observation(Frame(noise, i, i / 10, i / 10), FACE))
    recorder.close()
    assert [(image == noise).all() for image in seen] == [False, False, False, True]


@pytest.mark.parametrize("size", [(161, 121), (160, 121), (13, 7), (1, 1)])
def test_odd_and_tiny_pictures(tmp_path: Path, size: tuple[int, int]) -> None:
    [path] = record(tmp_path / "a.mp4", [observation(0, 0.0, size=size)])
    height, width = probe(path)[1][0].shape[:2]
    assert (width % 2, height % 2) == (0, 0)
    assert 0 <= width - size[0] < 16
    assert 0 <= height - size[1] < 16


def test_change_of_size_goes_on_in_a_new_file(tmp_path: Path) -> None:
    sizes = [(160, 120)] * 3 + [(320, 240)] * 2 + [(160, 120)]
    seen = [observation(i, UNIX + i, size=size) for i, size in enumerate(sizes)]
    paths = record(tmp_path / "a.mp4", seen)
    assert [path.name for path in paths] == ["a.mp4", "a-2.mp4", "a-3.mp4"]
    assert [len(probe(path)[0]) for path in paths] == [3, 2, 1]
    assert [probe(path)[1][0].shape[1] for path in paths] == [160, 320, 160]
    assert [probe(path)[0][0] for path in paths] == [0, 0, 0]


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    mine = tmp_path / "a.mp4"
    mine.write_bytes(b"precious")
    paths = record(mine, [observation(0, 0.0)])
    assert paths == [tmp_path / "a-2.mp4"]
    assert mine.read_bytes() == b"precious"


def test_names_are_plain_names(tmp_path: Path) -> None:
    """FFmpeg would take these for a protocol, a pattern or an option."""
    for name in ("http:door.mp4", "%03d.mp4", "-y.mkv", "Tür é.MP4"):
        assert record(tmp_path / name, [observation(0, 0.0)]) == [tmp_path / name]


def test_no_file_without_an_observation(tmp_path: Path) -> None:
    assert record(tmp_path / "a.mp4", []) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.avi", "a", "a.mp4.txt", ""])
def test_other_suffixes_are_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(SinkError, match=r"must end in \.mp4 or \.mkv$"):
        Recorder(tmp_path / name)


def test_a_folder_that_cannot_be_made_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="the folder .*file is not there and cannot be made: File"):
        Recorder(tmp_path / "file" / "a.mp4")


def test_failure_while_drawing_is_not_swallowed() -> None:
    def draw(each: Observation) -> np.ndarray:
        raise ZeroDivisionError("a fault of ours")

    recorder = Recorder("never.mp4", draw=draw)
    with pytest.raises(ZeroDivisionError):
        for i in range(1000):
            recorder.write(observation(i, i / 10))
    recorder.close()
    assert not Path("never.mp4").exists()


FULL = """
import contextlib, logging, resource, signal, sys
from maskdet.errors import SinkError
from maskdet.sinks.recording.recorder import Recorder
from tests.sinks.recording.test_recorder import noisy

logging.basicConfig(format="%(message)s", stream=sys.stdout)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
recorder = Recorder(sys.argv[1])
while len(recorder.paths) < 2:
    for i in range(100):
        recorder.write(noisy(i, i / 20))
with contextlib.suppress(SinkError):  # the last file may have met the limit just now
    recorder.close()
"""


def noisy(index: int, time: float) -> Observation:
    """A picture that takes much space."""
    image = np.random.default_rng(index).integers(0, 255, (120, 160, 3), np.uint8)
    return Observation(Frame(image, index, time, time), Detections.empty())


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are Unix")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_file_that_cannot_grow_goes_on_in_another(tmp_path: Path, suffix: str) -> None:
    """As on FAT, where 4 GB are the limit; here 200 kB, set by the system, too."""
    path = tmp_path / f"a{suffix}"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.startswith(f"recording to {path} stopped: File too large; check disk space")
    assert len(done.stdout.splitlines()) == 1
    for name in (f"a{suffix}", f"a-2{suffix}"):
        assert images_in(tmp_path / name) >= 5


KILLED = """
import itertools, sys, time
from maskdet.sinks.recording.recorder import Recorder
from tests.sinks.recording.test_recorder import noisy

recorder = Recorder(sys.argv[1])
for i in itertools.count():
    recorder.write(noisy(i, time.time()))
    print(i, flush=True)
    time.sleep(0.04)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is Unix")
@pytest.mark.parametrize("suffix", [".mp4", slow(".mkv")])
def test_kill_loses_less_than_the_last_second(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == 60:
                process.send_signal(signal.SIGKILL)
                break
    assert images_in(path) > 60 - 25  # a second holds at most 25 of them
