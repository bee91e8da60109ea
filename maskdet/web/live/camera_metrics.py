"""Each camera's numbers for Prometheus, read off when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from maskdet.web.live.parts import Parts

CONTENT_TYPE = CONTENT_TYPE_LATEST


class CameraMetrics(Collector):
    """Collects from the page's parts; no names of people, and nothing of pictures."""

    def __init__(self, parts: Parts) -> None:
        """Registers with a registry of its own."""
        self._parts = parts
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(self)

    def describe(self) -> list[Metric]:
        """Nothing: cameras are not there yet when it registers."""
        return []

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """The numbers now."""
        yield from self._of_cameras()
        yield from self._of_hub()
        alarms = self._parts.alarms
        if alarms is not None:
            open_ = GaugeMetricFamily("maskdet_alarms_open", "Alarms that go on.")
            open_.add_metric([], len(alarms.alarms(1000, only_open=True)))
            yield open_

    def _of_cameras(self) -> Iterator[Metric]:
        up = _gauge("camera_up", "1: gives frames.")
        paused = _gauge("camera_paused", "1: a user has paused it.")
        capture = _gauge("camera_capture_fps", "Frames a second it gives.")
        detect = _gauge("camera_detect_fps", "Frames a second processed.")
        recorded = _gauge(
            "camera_recorded_stream_up", "1: the camera's own video comes, where that is recorded."
        )
        failed = _gauge(
            "camera_recording_failed", "1: it should be recorded and is not, where it should."
        )
        viewers = _gauge("camera_viewers", "Pictures watched.")
        now = _gauge("people", "People in the picture.", "state")
        today = _gauge("people_today", "Unique people since midnight.", "state")
        for one in self._parts.cameras():
            up.add_metric([one.name], one.signal == "ok")
            paused.add_metric([one.name], one.signal == "paused")
            capture.add_metric([one.name], one.capture_fps)
            detect.add_metric([one.name], one.detect_fps)
            viewers.add_metric([one.name], one.viewers)
            if one.recorded_stream not in (None, "off"):
                recorded.add_metric([one.name], one.recorded_stream == "ok")
            if one.recording or one.recording_failed:
                failed.add_metric([one.name], one.recording_failed)
            for family, counts in ((now, one.people), (today, one.people_today)):
                for state, count in (counts or {}).items():
                    family.add_metric([one.name, state], count)
        yield from (up, paused, capture, detect, recorded, failed, viewers, now, today)

    def _of_hub(self) -> Iterator[Metric]:
        frames = CounterMetricFamily(
            "maskdet_camera_frames", "Frames processed.", labels=["camera"]
        )
        faces = CounterMetricFamily(
            "maskdet_camera_faces", "Faces found in all frames.", labels=["camera", "state"]
        )
        encoded = CounterMetricFamily(
            "maskdet_camera_encoded", "Pictures encoded for viewers.", labels=["camera"]
        )
        for camera in self._parts.hub.cameras.values():
            frames.add_metric([camera.name], camera.frames)
            encoded.add_metric([camera.name], camera.feed.encoded)
            for state, count in dict(camera.faces).items():
                faces.add_metric([camera.name, state], count)
        yield from (frames, faces, encoded)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"maskdet_{name}", text, labels=["camera", *labels])
