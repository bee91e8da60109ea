"""The main loop in a real window: keys, silent cameras, slow detectors, files at their speed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from maskdet.contracts import NO_SIGNAL_S
from maskdet.detections import MaskState
from maskdet.drawing.overlay import Overlay
from maskdet.drawing.status_text import Status
from maskdet.drawing.styles import STYLES
from maskdet.live.gui import board
from maskdet.live.gui.tile import Tile
from maskdet.live.gui.view import View
from maskdet.live.pipeline import Pipeline
from maskdet.observation import Observation
from maskdet.sinks.recording.recorder import Recorder
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from maskdet.sources import silence
from tests.commands.test_monitor import lines_of, wait_for
from tests.doubles import ScriptedDetector, SyntheticSource
from tests.helpers.xserver import XServer, needs_xvfb
from tests.whole_run import slow

pytestmark = needs_xvfb
MakeVideo = Callable[..., Path]
StartMonitor = Callable[..., Any]


def share_of(screen: XServer, color: tuple[int, int, int]) -> int:
    """Number of pixels of the screen that have nearly that color."""
    near = [np.clip(np.add(color, step), 0, 255) for step in (-11, 11)]
    return cv2.countNonZero(cv2.inRange(np.ascontiguousarray(screen.screenshot()), *near))


def until(what: str, check: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)
    return found


def wait_for_picture(screen: XServer) -> None:
    """Waits for a picture: before it, no window takes keys."""
    until("a picture", lambda: screen.screenshot().any())


class Demo:
    """The demo in a window, once its first face is boxed."""

    def __init__(self, screen: XServer, folder: Path, start: StartMonitor, delay: float = 0.0):
        outputs = {"snapshots": folder, "events": folder / "e.jsonl", "summary": folder / "s"}
        settings = [f"{key}={path}" for key, path in outputs.items()]
        self.process = start("sources=[demo]", *settings, delay=delay, DISPLAY=screen.display)
        self._screen = screen
        self.window = screen.find("maskdet: demo")
        until("a box", lambda: share_of(screen, STYLES[MaskState.without_mask].color) > 50)

    def press(self, key: str) -> None:
        self._screen.press(self.window, key)


@pytest.fixture
def demo(screen: XServer, tmp_path: Path, start_monitor: StartMonitor) -> Demo:
    return Demo(screen, tmp_path, start_monitor)


def end(process: Any, folder: Path) -> dict[str, Any]:
    """The summary of a run that was asked to end."""
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return dict(json.loads((folder / "s").read_text()))


@pytest.mark.parametrize("key", ["q", "Escape"])
def test_the_window_shows_boxed_faces_until_a_key_quits(demo: Demo, tmp_path: Path, key: str):
    demo.press(key)
    figures = end(demo.process, tmp_path)
    assert 0 < figures["frames"]["shown"] <= figures["frames"]["processed"]
    assert figures["frames"]["processed"] == len(lines_of(tmp_path / "e.jsonl"))


def test_closing_the_window_quits(demo: Demo, screen: XServer, tmp_path: Path):
    screen.click_close(demo.window)
    assert end(demo.process, tmp_path)["frames"]["shown"] > 0


def test_keys_record_blur_and_take_snapshots(demo: Demo, tmp_path: Path):
    demo.press("s")
    (snapshot,) = until("a snapshot", lambda: list(tmp_path.glob("*.png")))
    demo.press("r")
    video = until("a recording", lambda: list(tmp_path.glob("*.mp4")))[0]
    demo.press("b")
    count = len(lines_of(tmp_path / "e.jsonl"))
    wait_for(tmp_path / "e.jsonl", count + 8)  # some frames are recorded with blurred faces
    demo.press("r")
    wait_for(tmp_path / "e.jsonl", count + 16)
    demo.press("s")
    until("another snapshot", lambda: len(list(tmp_path.glob("*.png"))) == 2)
    demo.press("q")
    end(demo.process, tmp_path)
    (blurred,) = set(tmp_path.glob("*.png")) - {snapshot}
    sharp_face, blurred_face = (face_in(cv2.imread(str(p))) for p in (snapshot, blurred))
    assert sharpness(blurred_face) < 0.5 * sharpness(sharp_face)
    with av.open(str(video)) as container:
        faces = [face_in(f.to_ndarray(format="bgr24")) for f in container.decode(video=0)]
    assert sharpness(faces[-1]) < 0.7 * sharpness(faces[0])


def face_in(picture: np.ndarray) -> np.ndarray:
    """The middle of the demo's picture, below the bar: within the face that is always found."""
    return picture[-300:-180, 240:400]


def sharpness(picture: np.ndarray) -> float:
    return float(cv2.Laplacian(picture, cv2.CV_64F).var())


def test_pause_holds_the_picture_and_help_lists_the_keys(
    demo: Demo, screen: XServer, tmp_path: Path
):
    amber = (66, 200, 255)
    before = share_of(screen, amber)
    demo.press("space")
    until("the mark for a pause", lambda: share_of(screen, amber) > before)
    held = screen.screenshot()[100:500, 100:600]
    count = len(lines_of(tmp_path / "e.jsonl"))
    wait_for(tmp_path / "e.jsonl", count + 10)  # the camera and the event log go on
    assert np.array_equal(held, screen.screenshot()[100:500, 100:600])
    demo.press("h")
    until("the help", lambda: not np.array_equal(held, screen.screenshot()[100:500, 100:600]))
    demo.press("h")
    until("no help", lambda: np.array_equal(held, screen.screenshot()[100:500, 100:600]))
    demo.press("space")
    until("no mark for a pause", lambda: share_of(screen, amber) <= before)
    demo.press("q")
    end(demo.process, tmp_path)


def test_a_slow_detector_makes_the_picture_rare_but_not_late(
    screen: XServer, tmp_path: Path, start_monitor: StartMonitor
):
    demo = Demo(screen, tmp_path, start_monitor, delay=0.3)
    wait_for(tmp_path / "e.jsonl", 6)
    demo.press("q")
    figures = end(demo.process, tmp_path)
    assert figures["frames"]["dropped"] > figures["frames"]["processed"]
    assert figures["latency_ms"]["max"] < 1500  # 0.3 s and what was waited for: it never grows


def test_keys_work_while_the_camera_is_silent(
    screen: XServer, tmp_path: Path, start_monitor: StartMonitor, camera: Any
):
    url, events = camera.url("stall"), tmp_path / "e.jsonl"
    source = f"sources=[{{source: '{url}', name: door}}]"
    process = start_monitor(source, f"events={events}", DISPLAY=screen.display)
    window = screen.find("maskdet: door")
    wait_for(events)
    assert camera.stalled.wait(60)
    wait_for_picture(screen)
    screen.press(window, "q")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


@pytest.mark.parametrize("beside", [slow([]), ["demo"]], ids=["alone", "beside another"])
def test_no_signal_is_on_the_screen_two_seconds_after_the_last_frame(
    screen: XServer, tmp_path: Path, start_monitor: StartMonitor, camera: Any, beside: list[str]
):
    assert NO_SIGNAL_S + board._REDRAW_S < 2 - 0.3  # what is left is for drawing and the screen
    events, amber = tmp_path / "e.jsonl", (66, 200, 255)
    sources = ", ".join([f"{{source: '{camera.url('stall')}', name: door}}", *beside])
    process = start_monitor(f"sources=[{sources}]", f"events={events}", DISPLAY=screen.display)
    window = screen.find(", ".join(["maskdet: door", *beside]))
    assert camera.stalled.wait(60)
    before = share_of(screen, amber)
    until("no signal", lambda: share_of(screen, amber) > before + 30)
    last = max(line["time"] for line in lines_of(events) if line["source"] == "door")
    took = time.time() - last
    time.sleep(0.3)  # sources are checked, and reported, ten times a second
    screen.press(window, "q")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "door: no signal" in err
    assert took > 1.4  # and not sooner


def test_a_file_is_shown_at_its_own_speed_and_whole(
    screen: XServer, tmp_path: Path, start_monitor: StartMonitor, make_video: MakeVideo
):
    video, summary = make_video(frames=50), tmp_path / "s"
    process = start_monitor(f"sources=[{video}]", f"summary={summary}", DISPLAY=screen.display)
    figures = end(process, tmp_path)
    whole = {"captured": 50, "processed": 50, "shown": 50, "dropped": 0}
    whole |= {"skipped": 0, "unchanged": 0}
    assert figures["frames"] == whole
    assert figures["seconds"] >= 49 / 25


@pytest.mark.parametrize("kind", [slow("pictures"), "video"])
def test_a_file_beside_a_camera_holds_it_up_in_no_way(
    screen: XServer, tmp_path: Path, start_monitor: StartMonitor, make_video: MakeVideo, kind: str
):
    """Stills that stay for seconds, a video at its own speed, and a pause."""
    folder = tmp_path / "stills"
    folder.mkdir()
    for name in "abcdefgh":
        cv2.imwrite(str(folder / f"{name}.png"), np.full((48, 64, 3), 90, np.uint8))
    file = folder if kind == "pictures" else make_video(frames=250)
    events = tmp_path / "e.jsonl"
    process = start_monitor(
        f"sources=[{{source: {file}, name: file}}, demo]",
        *("window.picture_seconds=1", f"events={events}", f"summary={tmp_path / 's'}"),
        DISPLAY=screen.display,
    )
    window = screen.find("maskdet: file, demo")

    def cameras() -> int:
        return sum(line["source"] == "demo" for line in lines_of(events))

    wait_for(events)
    wait_for_picture(screen)
    for _ in range(2):  # as it runs, and paused
        count = cameras()
        until("20 frames of the camera", lambda count=count: cameras() - count >= 20, 15)
        screen.press(window, "space")  # held up, it would have a frame each second, or none
    if kind == "pictures":
        until("all stills", lambda: sum(x["source"] == "file" for x in lines_of(events)) == 8)
    screen.press(window, "q")
    figures = end(process, tmp_path)
    files = next(one for one in figures["sources"] if one["name"] == "file")
    assert files["dropped"] == 0
    looked_at = [line["frame"] for line in lines_of(events) if line["source"] == "file"]
    assert looked_at == list(range(len(looked_at)))


def test_a_picture_stays_a_while_and_sources_stand_in_a_grid(
    screen: XServer, tmp_path: Path, start_monitor: StartMonitor
):
    for name, color in (("a.png", (250, 20, 20)), ("b.png", (20, 20, 250))):
        cv2.imwrite(str(tmp_path / name), np.full((480, 640, 3), color, np.uint8))
    process = start_monitor(
        f"sources=[{tmp_path / 'a.png'}, {tmp_path / 'b.png'}]",
        "window.picture_seconds=60",
        f"summary={tmp_path / 's'}",
        DISPLAY=screen.display,
    )
    window = screen.find(f"maskdet: {tmp_path / 'a.png'}, {tmp_path / 'b.png'}")
    until("both", lambda: all(share_of(screen, c) > 9000 for c in ((250, 20, 20), (20, 20, 250))))
    screen.press(window, "q")
    assert end(process, tmp_path)["frames"]["shown"] == 2


def test_a_silent_source_is_reported_with_the_rising_age_of_its_picture(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(silence, "NO_SIGNAL_S", 0.5)
    statuses: list[Status] = []

    class Notes(Overlay):
        def view(self, observation: Observation, status: Status, *place: Any) -> np.ndarray:
            statuses.append(status)
            return super().view(observation, status, *place)

    silent = threading.Event()
    source = SyntheticSource(9, is_live=True, before=lambda i: i == 1 and silent.wait(20))
    switch = RecordingSwitch(lambda: Recorder("never.mp4"))
    with Pipeline([source], ScriptedDetector()) as pipeline:
        try:
            place = Tile(pipeline, 0, source, switch, Notes(), 0)
            place.draw((640, 480), 16, View())
            observation = pipeline.next(5)
            assert observation is not None
            place.take(observation)
            for pause in (0.0, 0.6, 0.1):
                time.sleep(pause)
                place.draw((640, 480), 16, View())
        finally:
            silent.set()
    waiting, fresh, old, older = statuses
    assert waiting.age_ms is None and not waiting.no_signal
    assert [s.no_signal for s in (fresh, old, older)] == [False, True, True]
    assert (fresh.age_ms or 0) < 500 < (old.age_ms or 0) < (older.age_ms or 0)
    assert fresh.device == "CPU (scripted)" and not fresh.recording


def stills(folder: Path, count: int = 3) -> list[tuple[int, int, int]]:
    """Writes pictures, each of a color of its own."""
    folder.mkdir()
    colors = [(200, 40 * i, 90) for i in range(count)]
    for number, color in enumerate(colors):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((90, 160, 3), color, np.uint8))
    return colors


def test_a_folder_is_turned_back_and_forward_by_keys(
    screen: XServer, tmp_path: Path, start_monitor: StartMonitor
):
    colors = stills(tmp_path / "in")
    process = start_monitor(
        f"sources=[{tmp_path / 'in'}]", "window.picture_seconds=2", DISPLAY=screen.display
    )
    window = screen.find(f"maskdet: {tmp_path / 'in'}")
    shows = [partial(share_of, screen, color) for color in colors]
    until("a picture", lambda: any(show() > 9000 for show in shows))

    def back_to_the_first() -> bool:
        screen.press(window, "Left")  # none goes on without a key from here
        time.sleep(0.2)
        return shows[0]() > 9000

    until("the first picture", back_to_the_first)
    for key, shown in (("Right", 1), ("Right", 2), ("Right", 2), ("Left", 1)):
        screen.press(window, key)
        until(f"picture {shown}", lambda shown=shown: shows[shown]() > 9000)
    time.sleep(2.2)
    assert shows[1]() > 9000 and process.poll() is None
    screen.press(window, "space")  # goes on automatically, and ends after the last one
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


def test_a_pause_before_the_first_picture_holds_that_one(
    screen: XServer, tmp_path: Path, start_monitor: StartMonitor
):
    """It had held the empty window, however long one waited."""
    first, *others = stills(tmp_path / "in")
    process = start_monitor(
        f"sources=[{tmp_path / 'in'}]",
        "window.picture_seconds=0.5",
        delay=3.0,
        DISPLAY=screen.display,
    )
    window = screen.find(f"maskdet: {tmp_path / 'in'}")
    time.sleep(0.5)
    screen.press(window, "space")
    until("the first picture", lambda: share_of(screen, first) > 9000)
    time.sleep(4)
    assert share_of(screen, first) > 9000  # none of the others has followed
    screen.press(window, "space")
    until("the next one", lambda: share_of(screen, others[0]) > 9000)
    screen.press_until_end(window, "q", process)
    assert process.returncode == 0


def test_a_single_picture_stays_until_a_key(
    screen: XServer, tmp_path: Path, start_monitor: StartMonitor
):
    colors = stills(tmp_path / "in", 1)
    process = start_monitor(
        f"sources=[{tmp_path / 'in' / '0.png'}]",
        *("window.picture_seconds=0", f"summary={tmp_path / 's'}"),
        DISPLAY=screen.display,
    )
    window = screen.find(f"maskdet: {tmp_path / 'in' / '0.png'}")
    until("the picture", lambda: share_of(screen, colors[0]) > 9000)
    time.sleep(1)
    assert process.poll() is None and share_of(screen, colors[0]) > 9000
    screen.press(window, "q")
    assert end(process, tmp_path)["frames"]["shown"] == 1


def test_a_video_is_moved_in_and_stepped_by_keys(
    screen: XServer, tmp_path: Path, start_monitor: StartMonitor, make_video: MakeVideo
):
    events = tmp_path / "e.jsonl"
    process = start_monitor(
        f"sources=[{make_video(frames=600)}]", f"events={events}", DISPLAY=screen.display
    )
    window = screen.find(f"maskdet: {tmp_path / 'clip.mp4'}")
    wait_for_picture(screen)
    wait_for(events, 10)

    def times() -> list[float]:
        return [line["time"] for line in lines_of(events)]

    def gap(low: float, high: float) -> list[float]:
        return [b - a for a, b in zip(times(), times()[1:], strict=False) if low < b - a < high]

    screen.press(window, "Right")
    until("five seconds on", lambda: gap(4.0, 5.5))
    screen.press(window, "Left")
    until("five seconds back", lambda: gap(-5.8, -4.0))
    screen.press(window, "period")
    time.sleep(0.5)
    screen.press(window, "comma")
    until("a frame back", lambda: gap(-1.0, -0.01))
    time.sleep(0.5)
    count = len(times())
    time.sleep(0.5)
    assert len(times()) == count  # it is held
    screen.press(window, "q")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


def test_a_grid_and_each_of_its_pictures_at_its_own_size_are_saved(
    screen: XServer, tmp_path: Path, start_monitor: StartMonitor
):
    stills(tmp_path / "in", 1)
    snapshots = tmp_path / "out"
    process = start_monitor(
        f"sources=[demo, {{source: {tmp_path / 'in' / '0.png'}, name: door}}]",
        f"snapshots={snapshots}",
        DISPLAY=screen.display,
    )
    window = screen.find("maskdet: demo, door")
    until("the picture", lambda: share_of(screen, (200, 0, 90)) > 9000)
    until("a box", lambda: share_of(screen, STYLES[MaskState.without_mask].color) > 50)
    screen.press(window, "s")
    until("three files", lambda: len(list(snapshots.glob("*.png"))) == 3)
    screen.press(window, "q")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    sizes = {p.stem[23:]: cv2.imread(str(p)).shape[1] for p in snapshots.glob("*.png")}
    assert (sizes["-1-demo"], sizes["-2-door"]) == (640, 160)
    assert sizes[""] > 640


def test_the_whole_screen_is_filled_by_a_key_and_given_back(demo: Demo, screen: XServer):
    before = screen.geometry(demo.window)
    demo.press("f")
    until("the whole screen", lambda: screen.geometry(demo.window) == (1280, 1024))
    demo.press("f")
    until("the window", lambda: screen.geometry(demo.window) == before)
    demo.press("q")
    assert demo.process.wait(60) == 0


@pytest.mark.parametrize("bar", [True, False])
def test_a_recording_carries_the_bar_unless_it_is_set_off(
    tmp_path: Path, start_monitor: StartMonitor, bar: bool
):
    record = tmp_path / "r.mp4"
    process = start_monitor(
        "sources=[demo]",
        "headless=true",
        "max_frames=3",
        f"record={record}",
        f"recording.bar={bar}",
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    with av.open(str(record)) as container:
        stream = container.streams.video[0]
        assert (stream.height > 480) == bar and stream.width == 640
