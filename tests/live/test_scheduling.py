"""Several cameras and a detector that is too slow for all: none starves, and none is late."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from maskdet.frame import Frame
from maskdet.live.cameras.source_state import SourceParts, SourceState
from maskdet.live.inference import Inference
from maskdet.live.meters import SourceMeter
from maskdet.live.pipeline import Pipeline
from maskdet.observation import Observation
from maskdet.system.threads import Condition, Event, Mailbox, Worker
from tests.doubles import (
    CollectingSink,
    ScriptedDetector,
    SyntheticSource,
    number_of,
    numbered_image,
)

pytestmark = pytest.mark.timeout(30)
Queues = list[Mailbox[Frame]]


def frame(source: int, number: int) -> Frame:
    return Frame(numbered_image(1000 * source + number), number, 0.0, time.monotonic(), str(source))


@contextmanager
def inferring(detector: ScriptedDetector, cameras: int) -> Iterator[Queues]:
    """The inference loop over the queues of so many cameras."""
    condition, stopping = Condition(), Event()
    frames: Queues = [Mailbox(newest=True, condition=condition) for _ in range(cameras)]
    results: list[Mailbox[Observation]] = [
        Mailbox(newest=True, condition=condition) for _ in range(cameras)
    ]
    states = [SourceState(SourceMeter()) for _ in frames]
    inference = Inference(detector, states)
    worker = Worker("detector", lambda: inference.run(frames, results, stopping), results)
    with condition:  # so that all wait before the first is taken
        for index, queue in enumerate(frames):
            queue.put(frame(index, 0))
        worker.start()
    try:
        yield frames
    finally:
        stopping.set()
        for queue in [*frames]:
            queue.close()
        worker.join()


def test_cameras_take_turns_and_each_gives_its_newest_frame():
    """During each call every camera has a new frame: who waits longest is next, with the newest."""
    queues: Queues = []
    order: list[tuple[int, int]] = []
    done = Event()

    def script(image):
        order.append(divmod(number_of(image), 1000))
        for index, queue in enumerate(queues):
            queue.put(frame(index, len(order)))
        time.sleep(0.12)  # longer than a call may take: one image at a time
        if len(order) >= 9:
            done.set()
        return ScriptedDetector().detect([image])[0]

    with inferring(ScriptedDetector(script), 3) as found:
        queues += found
        assert done.wait(20)
    sources = [source for source, _ in order[:9]]
    assert sorted(sources[:3]) == [0, 1, 2]
    assert sources == sources[:3] * 3
    assert [number for _, number in order[3:9]] == [3, 4, 5, 6, 7, 8], "none that is older"


def test_a_camera_that_was_silent_goes_first():
    queues: Queues = []
    order: list[int] = []
    done = Event()

    def script(image):
        order.append(number_of(image) // 1000)
        for index, queue in enumerate(queues):
            if index != 2 or len(order) == 7:
                queue.put(frame(index, len(order)))
        time.sleep(0.12)
        if len(order) >= 9:
            done.set()
        return ScriptedDetector().detect([image])[0]

    with inferring(ScriptedDetector(script), 3) as found:
        queues += found
        assert done.wait(20)
    assert order[:9].count(2) == 2 and order[7] == 2


def test_a_fast_detector_gets_all_cameras_in_one_call():
    queues: Queues = []
    detector = ScriptedDetector(before=lambda: [q.put(frame(i, 1)) for i, q in enumerate(queues)])
    with inferring(detector, 4) as found:
        queues += found
        deadline = time.monotonic() + 60
        while 4 not in detector.batches and time.monotonic() < deadline:
            time.sleep(0.005)
    assert 4 in detector.batches


def test_a_frame_that_is_due_becomes_newer_while_it_waits():
    """At five frames a second of thirty, a detector that is busy gets the newest, not the due."""
    box: Mailbox[int] = Mailbox(newest=True)
    assert not box.refresh(1) and not box.ready
    box.put(1)
    assert box.refresh(2) and box.get() == 2 and box.dropped == 0
    full: Mailbox[int] = Mailbox(2)
    full.put(1)
    assert not full.refresh(2) and full.get() == 1


@pytest.mark.timeout(120)
def test_rates_of_several_cameras_are_kept_and_what_is_short_is_shared_evenly():
    """Of 30 frames a second, two want 10 and one 2; the detector has time for about 8."""
    sources = [
        SourceParts(SyntheticSource(None, name=name, rate=30, is_live=True), detect_fps=fps)
        for name, fps in (("a", 10), ("b", 10), ("slow", 2))
    ]
    sink, counts = CollectingSink(), Counter[str]()

    def script(image):
        time.sleep(0.12)
        return ScriptedDetector().detect([image])[0]

    detector = ScriptedDetector(script)
    with Pipeline(sources, detector, [sink]) as pipeline:
        while counts["slow"] < 6:
            pipeline.next(0.1)
            counts = Counter(observation.frame.source for observation in sink.observations)
        stats = [pipeline.stats.of(i) for i in range(3)]
    assert abs(counts["a"] - counts["b"]) <= 2
    assert counts["a"] <= 3 * counts["slow"], "its two a second are not taken by the others"
    for one in stats:
        assert one.captured == one.processed + one.dropped + one.skipped + one.pending
        assert one.pending <= 2
