"""A connection that is closed, opened again and replaced under its reader."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from maskdet.errors import SourceError
from maskdet.frame import Frame
from maskdet.live.cameras.source_state import SourceParts
from maskdet.live.cameras.switched_source import SwitchedSource
from maskdet.live.pipeline import Pipeline
from maskdet.system.threads import Worker
from tests.doubles import ScriptedDetector, SyntheticSource

pytestmark = pytest.mark.timeout(30)


def live(**options: object) -> SyntheticSource:
    return SyntheticSource(None, name="door", rate=100, is_live=True, **options)  # type: ignore[arg-type]


class Reader:
    """Reads a source in a thread."""

    def __init__(self, source: SwitchedSource) -> None:
        self.frames: list[Frame] = []
        self._source = source
        self.worker = Worker("reading", self._run)
        self.worker.start()

    def _run(self) -> None:
        while (frame := self._source.read()) is not None:
            self.frames.append(frame)

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.frames) < count:
            assert time.monotonic() < deadline
            time.sleep(0.005)


@pytest.fixture
def door() -> Iterator[SwitchedSource]:
    source = SwitchedSource(live())
    yield source
    source.close()


def test_frames_are_numbered_on_over_connections(door: SwitchedSource):
    reader = Reader(door)
    reader.wait_for(3)
    assert door.hold()
    count = len(reader.frames)
    time.sleep(0.1)
    assert len(reader.frames) == count, "none comes while it is held"
    assert door.signal_loss_reason is None and door.is_live
    door.take_over(SwitchedSource(live()))
    reader.wait_for(count + 3)
    door.close()
    assert reader.worker.join(60)
    assert [frame.index for frame in reader.frames] == list(range(len(reader.frames)))
    positions = [frame.position for frame in reader.frames]
    assert positions == sorted(positions) and positions[count] - positions[count - 1] > 0.1


def test_what_is_replaced_is_closed_and_its_failure_ends_nothing(door: SwitchedSource):
    reader = Reader(door)
    reader.wait_for(1)
    broken = SyntheticSource(0, name="door", is_live=True, error="gone")
    door.take_over(SwitchedSource(broken))
    assert reader.worker.join(60) and isinstance(reader.worker.error, SourceError)
    other = live()
    door.take_over(SwitchedSource(other))
    assert broken.closed and not other.closed
    again = Reader(door)
    again.wait_for(2)
    assert door.hold() and other.closed


def test_it_is_closed_while_held_and_nothing_is_read_later(door: SwitchedSource):
    reader = Reader(door)
    reader.wait_for(1)
    door.hold()
    door.close()
    assert reader.worker.join(60) and reader.worker.error is None
    late = live()
    door.take_over(SwitchedSource(late))
    assert late.closed and door.read() is None


def test_on_standby_the_connection_is_read_and_its_frames_are_thrown_away():
    source = live()
    door = SwitchedSource(source, standby=True)
    reader = Reader(door)
    deadline = time.monotonic() + 60
    while (age := door.standby_age_s) is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert age < 1 and door.is_on_standby and not reader.frames
    door.go()
    reader.wait_for(2)
    assert door.standby_age_s is None and not source.closed
    door.stand_by()
    time.sleep(0.05)
    count = len(reader.frames)
    time.sleep(0.1)
    assert len(reader.frames) == count
    door.close()
    assert reader.worker.join(60) and reader.worker.error is None


def test_a_video_waits_on_standby_and_is_read_from_its_first_frame():
    door = SwitchedSource(SyntheticSource(3, name="door"), standby=True)
    reader = Reader(door)
    time.sleep(0.1)
    assert not reader.frames
    door.go()
    assert reader.worker.join(60)
    assert [frame.index for frame in reader.frames] == [0, 1, 2]
    closed = SwitchedSource(SyntheticSource(3, name="door"), standby=True)
    reader = Reader(closed)
    closed.close()
    assert reader.worker.join(60) and not reader.frames


def test_a_rate_that_is_asked_for_reaches_each_connection(door: SwitchedSource):
    asked: list[float | None] = []

    class Thinned(SyntheticSource):
        pause, reconnects, signal_loss_reason = 0.0, 0, None

        def thin(self, fps: float | None, on_skip: object) -> bool:
            asked.append(fps)
            return True

    assert not door.thin(4.0, lambda count: None)  # the reader has to leave frames out
    door.take_over(SwitchedSource(Thinned(None, name="door", is_live=True)))
    door.take_over(SwitchedSource(Thinned(None, name="door", is_live=True)))
    assert asked == [4.0, 4.0]
    assert door.thin(3.0, lambda count: None)


def test_a_camera_that_cannot_leave_out_frames_is_processed_at_the_rate_all_the_same():
    source = SwitchedSource(SyntheticSource(None, name="door", is_live=True, rate=60))
    with Pipeline([SourceParts(source, detect_fps=5.0)], ScriptedDetector()) as pipeline:
        began = time.monotonic()
        while (stats := pipeline.stats.total()).captured < 120:  # two seconds
            assert time.monotonic() < began + 60
            time.sleep(0.02)
        seconds = time.monotonic() - began
    assert stats.skipped > 60 and 5 <= stats.processed <= 3 + 5 * seconds
