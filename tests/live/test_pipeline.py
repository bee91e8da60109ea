"""The whole way from source to sinks and main: nothing lost, nothing late, always stoppable."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from maskdet.detections import Detections
from maskdet.errors import ModelError, SinkError, SourceError
from maskdet.live import meters
from maskdet.live.cameras.source_state import SourceParts
from maskdet.live.meters import Rate, Reservoir
from maskdet.live.pipeline import Pipeline
from maskdet.people.analysis import Analysis
from maskdet.sources.opening import open_source
from maskdet.sources.options import SourceOptions
from maskdet.system.timeouts import has_hung_threads
from tests.doubles import CollectingSink, ScriptedDetector, SyntheticSource, number_of

pytestmark = pytest.mark.timeout(20)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 30  # the tests' own server notices a reader's end later
    while not set(threading.enumerate()) <= before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert set(threading.enumerate()) <= before


def two_faces(image: np.ndarray) -> Detections:
    return Detections(np.array([[1, 1, 9, 9], [20, 1, 30, 9]]), np.array([0.9, 0.3]), [0, 1])


# --- files lose nothing ------------------------------------------------------------------------


def test_a_video_file_loses_no_frame(make_video) -> None:
    sink, detector = CollectingSink(), ScriptedDetector(two_faces)
    with Pipeline([open_source(str(make_video(frames=90)))], detector, [sink]) as pipeline:
        seen = []
        for observation in pipeline:
            pipeline.stats.record_finished(observation)
            seen.append(observation.frame.index)
        stats = pipeline.stats.total()
    assert seen == sink.indices == list(range(90))
    assert (stats.captured, stats.processed, stats.shown, stats.dropped) == (90, 90, 90, 0)
    assert pipeline.stats.counts["with_mask"] == pipeline.stats.counts["without_mask"] == 90
    assert pipeline.ended and pipeline.errors == [] and sink.closed
    assert not detector.closed  # its maker's


def test_boxes_belong_to_their_own_frame() -> None:
    def script(image: np.ndarray) -> Detections:
        return Detections(np.array([[0, 0, number_of(image), 1]]), [0.5], [0])

    source = SyntheticSource(300, is_live=True)
    with Pipeline([source], ScriptedDetector(script)) as pipeline:
        for observation in pipeline:
            assert observation.detections.boxes[0, 2] == observation.frame.index


@pytest.mark.parametrize("limit", [0, 1, 7])
@pytest.mark.parametrize("sources", [1, 3])
def test_max_frames_is_exact(limit: int, sources: int) -> None:
    sink = CollectingSink()
    several = [SyntheticSource(100, name=str(i)) for i in range(sources)]
    with Pipeline(several, ScriptedDetector(), [sink], max_frames=limit) as pipeline:
        assert len(list(pipeline)) == limit
        assert pipeline.stats.total().processed == limit
    assert len(sink.observations) == limit


def test_low_scores_are_left_out() -> None:
    with Pipeline([SyntheticSource(3)], ScriptedDetector(two_faces), min_score=0.5) as pipeline:
        for observation in pipeline:
            assert observation.detections.scores.tolist() == [pytest.approx(0.9)]
            assert observation.counts["with_mask"] == 1
            assert observation.counts["without_mask"] == 0


def test_each_source_has_an_analysis_of_its_own() -> None:
    sources = [SyntheticSource(20, name="1"), SyntheticSource(20, name="2")]
    detector = ScriptedDetector(two_faces)
    followed = [SourceParts(source, analysis=Analysis()) for source in sources]
    with Pipeline(followed, detector) as pipeline:
        last = {observation.frame.source: observation for observation in pipeline}
    for observation in last.values():
        assert sorted(observation.detections.track_ids.tolist()) == [1, 2]
        assert sum(observation.people_counts.run.values()) == 2
    assert sum(pipeline.stats.people.values()) == 4


# --- live sources are never late ---------------------------------------------------------------


def test_however_slow_the_detector_it_sees_the_newest_frame() -> None:
    """The camera makes thirty frames during each call of the detector, event by event."""
    allowed, asked_for = [0], [0]
    change = threading.Condition()

    def camera(index: int) -> None:
        with change:
            asked_for[0] = index  # so the frame before has been handed over
            change.notify_all()
            change.wait_for(lambda: index <= allowed[0], timeout=10)

    def thirty_frames_pass() -> None:
        with change:
            allowed[0] += 30
            change.notify_all()
            change.wait_for(lambda: asked_for[0] > allowed[0], timeout=10)

    source, sink = SyntheticSource(None, is_live=True, before=camera), CollectingSink()
    detector = ScriptedDetector(before=thirty_frames_pass)
    with Pipeline([source], detector, [sink], max_frames=10) as pipeline:
        list(pipeline)
        stats = pipeline.stats.total()
        with change:
            allowed[0] = 10**9
            change.notify_all()
    assert sink.indices == [30 * i for i in range(10)]
    assert stats.captured == 301
    assert stats.dropped == 29 * 10  # frame 300 lies in the slot


def test_main_gets_the_newest_sinks_get_all() -> None:
    """A window that does not look misses pictures; the recording does not."""
    steps = threading.Semaphore(0)
    sink = CollectingSink()
    done = threading.Event()

    class Stepping(CollectingSink):
        def write(self, observation) -> None:
            sink.write(observation)
            steps.release()
            if observation.frame.index == 19:
                done.set()

    source = SyntheticSource(
        20, is_live=True, before=lambda index: index == 0 or steps.acquire(timeout=10)
    )
    with Pipeline([source], ScriptedDetector(), [Stepping()]) as pipeline:
        done.wait()
        last = [observation.frame.index for observation in pipeline]
    assert sink.indices == list(range(20))
    assert last[-1] == 19 and len(last) <= 2
    assert pipeline.stats.total().dropped == 0


def test_ready_frames_of_several_sources_go_to_the_detector_together() -> None:
    waiting = [threading.Event() for _ in range(3)]

    def source(number: int) -> SyntheticSource:
        def before(index: int) -> None:
            if index == 3:  # frames 0 to 2 have been handed over
                waiting[number].set()

        return SyntheticSource(8, name=str(number), before=before)

    detector = ScriptedDetector(before=lambda: [event.wait(10) for event in waiting])
    with Pipeline([source(i) for i in range(3)], detector) as pipeline:
        seen = [(o.frame.source, o.frame.index) for o in pipeline]
    assert sorted(seen) == [(name, i) for name in "012" for i in range(8)]
    assert detector.batches[1] == 3


@pytest.mark.parametrize("paused", ["file alone", "everything"])
def test_a_file_that_nobody_fetches_holds_up_no_camera(paused: str) -> None:
    """A file shown at its own speed, or a pause: the camera is processed and recorded on."""
    seen = CollectingSink()
    sources = [
        SyntheticSource(20, name="file"),
        SyntheticSource(None, name="camera", is_live=True, rate=200),
    ]
    with Pipeline(sources, ScriptedDetector(), [seen]) as pipeline:
        for _ in range(60):
            if paused == "everything":
                threading.Event().wait(0.02)
            else:
                found = pipeline.next(5, without=["file"])
                assert found is not None and found.frame.source == "camera"
        names = [observation.frame.source for observation in list(seen.observations)]
        assert names.count("camera") >= 50
        assert names.count("file") <= 3  # it waits
        fetched = []
        while len(fetched) < 20:
            found = pipeline.next(5)
            assert found is not None
            fetched += [found.frame.index] * (found.frame.source == "file")
    assert fetched == list(range(20))  # and loses nothing


def test_next_returns_at_once_where_every_source_is_left_out() -> None:
    with Pipeline([SyntheticSource(5)], ScriptedDetector()) as pipeline:
        assert pipeline.next(None, without=["synthetic"]) is None
        assert not pipeline.ended
        assert len(list(pipeline)) == 5


def test_the_detector_is_warm_before_the_first_frame_is_taken() -> None:
    detector = ScriptedDetector()
    warm: list[bool] = []
    source = SyntheticSource(3, before=lambda _: warm.append(detector.warm))
    with Pipeline([source], detector) as pipeline:
        list(pipeline)
    assert warm == [True] * 3


def test_next_gives_up_after_its_time_out_while_the_camera_is_silent() -> None:
    silent = threading.Event()
    source = SyntheticSource(1, is_live=True, before=lambda _: silent.wait())
    with Pipeline([source], ScriptedDetector()) as pipeline:
        assert pipeline.next(0) is None
        assert pipeline.next(0.01) is None
        assert not pipeline.ended
        silent.set()
        assert pipeline.next().frame.index == 0
        assert pipeline.next() is None
        assert pipeline.ended


# --- failures ----------------------------------------------------------------------------------


def test_one_source_fails_the_others_go_on() -> None:
    sources = [SyntheticSource(3, name="bad", error="unplugged"), SyntheticSource(50, name="good")]
    sink = CollectingSink()
    with Pipeline(sources, ScriptedDetector(), [sink]) as pipeline:
        seen = []
        with pytest.raises(SourceError, match="unplugged"):  # reported at the end
            seen.extend(o.frame.source for o in pipeline)
    names = [observation.frame.source for observation in sink.observations]
    assert (names.count("good"), names.count("bad")) == (50, 3)
    assert [str(error) for error in pipeline.errors] == ["unplugged"]
    assert pipeline.ended


def test_a_bug_in_a_source_is_raised_in_main() -> None:
    source = SyntheticSource(5, before=lambda index: 1 // (2 - index))
    with Pipeline([source], ScriptedDetector()) as pipeline:
        assert [pipeline.next().frame.index for _ in range(2)] == [0, 1]
        with pytest.raises(ZeroDivisionError):
            pipeline.next()


@pytest.mark.parametrize("error", [ModelError("weights are broken"), RuntimeError("a bug")])
def test_a_detectors_death_is_raised_in_main(error: Exception) -> None:
    source, sink = SyntheticSource(None, is_live=True), CollectingSink()
    with Pipeline([source], ScriptedDetector(error=error), [sink]) as pipeline:
        with pytest.raises(type(error)):
            while not pipeline.ended:
                pipeline.next(0.1)
        assert not pipeline.ended  # so that no loop "while not ended" can overlook it
    assert source.closed and sink.closed


def test_a_failed_warm_up_is_raised_before_any_frame() -> None:
    class Broken(ScriptedDetector):
        def warm_up(self) -> None:
            raise ModelError("no memory left")

    with Pipeline([SyntheticSource(5)], Broken()) as pipeline:
        with pytest.raises(ModelError):
            pipeline.next()
        assert pipeline.stats.total().captured == 0


def test_a_failing_sink_is_reported_once_and_left_out() -> None:
    bad, good = CollectingSink(fails_at=2), CollectingSink()
    pipeline = Pipeline([SyntheticSource(10)], ScriptedDetector(), [bad, good])
    with pytest.raises(SinkError, match="disk full"), pipeline:
        list(pipeline)
    assert (len(bad.observations), len(good.observations)) == (2, 10)
    assert len(pipeline.errors) == 1
    assert bad.closed and good.closed


def test_a_sink_that_fails_at_its_close_does_not_keep_others_open() -> None:
    class Stuck(CollectingSink):
        def close(self) -> None:
            raise SinkError("cannot finish the file")

    good = CollectingSink()
    with Pipeline([SyntheticSource(2)], ScriptedDetector(), [good, Stuck(), good]) as pipeline:
        list(pipeline)
    assert good.closed
    assert [str(error) for error in pipeline.errors] == ["cannot finish the file"]


def test_sinks_of_one_source_alone() -> None:
    shared, own = CollectingSink(), [CollectingSink(), CollectingSink()]
    sources = [SyntheticSource(4, name="a"), SyntheticSource(6, name="b")]
    parts = [SourceParts(source, [sink]) for source, sink in zip(sources, own, strict=True)]
    with Pipeline(parts, ScriptedDetector(), [shared]) as pipeline:
        list(pipeline)
    assert [len(sink.observations) for sink in (shared, *own)] == [10, 4, 6]
    assert all(sink.closed for sink in (shared, *own))


def test_names_must_differ() -> None:
    with pytest.raises(ValueError, match="names"):
        Pipeline([SyntheticSource(1), SyntheticSource(1)], ScriptedDetector())


# --- stopping ----------------------------------------------------------------------------------


def _waits_for_ever(source: SyntheticSource) -> Callable[[int], None]:
    def wait(index: int) -> None:
        while index and not source.closed:  # as a read that hangs until `close` ends it
            threading.Event().wait(0.005)

    return wait


def _silent() -> Pipeline:
    source = SyntheticSource(None, is_live=True)
    source._before = _waits_for_ever(source)
    return Pipeline([source], ScriptedDetector())


STATES: dict[str, Callable[[], Pipeline]] = {
    "the camera is silent": _silent,
    "the camera's next frame is an hour away": lambda: Pipeline(
        [SyntheticSource(None, is_live=True, rate=1 / 3600)], ScriptedDetector()
    ),
    "all mailboxes of a file are full": lambda: Pipeline(
        [SyntheticSource(None)], ScriptedDetector()
    ),
    "live and running": lambda: Pipeline([SyntheticSource(None, is_live=True)], ScriptedDetector()),
    "ended": lambda: Pipeline([SyntheticSource(1)], ScriptedDetector()),
    "failed": lambda: Pipeline([SyntheticSource(1, error="gone")], ScriptedDetector()),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("read", [0, 1])
def test_stop_in_every_state(state: str, read: int) -> None:
    with STATES[state]() as pipeline:
        for _ in range(read):
            pipeline.next()
    pipeline.stop()  # a second time does no harm


def test_stop_before_the_detector_is_warm() -> None:
    begun, go = threading.Event(), threading.Event()

    class Slow(ScriptedDetector):
        def warm_up(self) -> None:
            begun.set()
            go.wait()

    source = SyntheticSource(5)
    with Pipeline([source], Slow()) as pipeline:
        begun.wait()
        threading.Timer(0.05, go.set).start()  # only the call under way is waited for
    assert pipeline.stats.total().processed == 0


def test_a_detector_that_hangs_is_left_and_what_comes_of_it_goes_nowhere(caplog) -> None:
    begun, go = threading.Event(), threading.Event()

    class Hanging(ScriptedDetector):
        def detect(self, images):
            if len(self.batches) == 3:
                begun.set()
                go.wait()
            return super().detect(images)

    sink = CollectingSink()
    source = SyntheticSource(None, is_live=True, rate=100)
    try:
        with Pipeline([source], Hanging(), [sink]) as pipeline:
            begun.wait()
        assert has_hung_threads()  # it hangs still, and nobody has waited for it
        assert sink.closed and source.closed
        assert caplog.messages == ["detector did not end in time and was left"]
    finally:
        go.set()
    while has_hung_threads():
        time.sleep(0.01)
    assert sink.indices and len(sink.indices) == 3 == pipeline.stats.total().processed


def test_a_source_whose_close_hangs_is_left(caplog) -> None:
    go = threading.Event()
    sources = [SyntheticSource(None, name=name, is_live=True, rate=50) for name in "ab"]
    for source in sources:
        source.close = lambda own=source.close: (go.wait(), own())  # type: ignore[method-assign]
    sink = CollectingSink()
    try:
        with Pipeline(sources, ScriptedDetector(), [sink]) as pipeline:
            pipeline.next()
        assert has_hung_threads()
        assert sink.closed and "closing a, closing b" in caplog.messages[0]
    finally:
        go.set()
    while has_hung_threads():
        time.sleep(0.01)


def test_stop_while_a_real_stream_stalls(camera) -> None:
    source = open_source(camera.url("stall"), options=SourceOptions(read_timeout=600))
    with Pipeline([source], ScriptedDetector()) as pipeline:
        assert pipeline.next().frame.source == source.name
        camera.stalled.wait()


def test_an_error_in_main_stops_everything() -> None:
    source, sink = SyntheticSource(None, is_live=True), CollectingSink()
    with (
        pytest.raises(KeyboardInterrupt),
        Pipeline([source], ScriptedDetector(), [sink]) as pipeline,
    ):
        pipeline.next()
        raise KeyboardInterrupt
    assert source.closed and sink.closed


# --- numbers -----------------------------------------------------------------------------------


def test_latency_is_measured_to_the_finished_overlay(monkeypatch) -> None:
    with Pipeline([SyntheticSource(3)], ScriptedDetector()) as pipeline:
        observations = list(pipeline)
        for observation, late in zip(observations, (0.010, 0.020, 0.090), strict=True):
            now = observation.frame.captured + late
            monkeypatch.setattr("maskdet.live.pipeline.time.monotonic", lambda now=now: now)
            pipeline.stats.record_finished(observation, shown=late < 0.05)
        monkeypatch.undo()
    assert pipeline.stats.latency()["p50"] == pytest.approx(20, abs=0.01)
    assert pipeline.stats.latency()["max"] == pytest.approx(90, abs=0.01)
    assert pipeline.stats.total().shown == 2
    assert pipeline.stats.first_result is not None


def test_rate_counts_the_last_seconds_only(monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr(meters.time, "monotonic", lambda: now[0])
    rate = Rate(window=2)
    assert rate.value == 0
    for tick in range(100):
        now[0] = tick / 10
        rate.tick()
    assert rate.value == pytest.approx(10)
    assert len(rate._times) <= 21, "older ones are forgotten: many sources are asked often"
    now[0] = 20
    assert rate.value == 0


@pytest.mark.parametrize("start", [5.0, 100.0])
def test_rate_leaves_out_the_burst_that_a_stream_begins_with(monkeypatch, start: float) -> None:
    """Fifteen frames of a stream that is opened come at once, in 25 ms, then one in 33 ms."""
    now = [0.0]
    monkeypatch.setattr(meters.time, "monotonic", lambda: now[0])
    rate = Rate()
    for now[0] in (0.0, 0.1, 0.2):  # and one that was lost before
        rate.tick()
    assert rate.value == pytest.approx(10), "a short one has its rate, too"
    for number in range(15):
        now[0] = start + number / 600
        rate.tick()
    for number in range(18):
        now[0] = start + 0.1 + number / 30
        rate.tick()
    assert rate.value == pytest.approx(30)


def test_the_reservoir_is_bounded_and_fair() -> None:
    reservoir = Reservoir(500)
    assert reservoir.percentiles() == {"p50": 0, "p95": 0, "max": 0}
    for value in range(20_000):
        reservoir.add(value)
    assert len(reservoir._values) == 500
    found = reservoir.percentiles()
    assert found["p50"] == pytest.approx(10_000, rel=0.15)
    assert found["p95"] == pytest.approx(19_000, rel=0.05)
    assert found["max"] == 19_999
