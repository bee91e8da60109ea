"""Counters for Prometheus; no names and nothing of the images."""

from __future__ import annotations

import time
from collections.abc import Container

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maskdet.detections import Detections, MaskState

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
CONTENT_TYPE = CONTENT_TYPE_LATEST


class ServerMetrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "maskdet_requests", "Requests answered.", ("path", "status"), registry=registry
        )
        self._seconds = Histogram(
            "maskdet_request_seconds",
            "From a request's head to its answer's end.",
            ("path",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._images = Counter("maskdet_pictures", "Pictures processed.", registry=registry)
        self._faces = Counter("maskdet_faces", "Faces found.", ("state",), registry=registry)
        self._batches = Histogram(
            "maskdet_batch_pictures",
            "Pictures in a batch.",
            buckets=(1, 2, 4, 8),
            registry=registry,
        )
        self._detecting = Histogram(
            "maskdet_detect_seconds",
            "Seconds a batch took.",
            buckets=_SECONDS,
            registry=registry,
        )
        for state in MaskState:
            self._faces.labels(state.name)  # there from the start, at 0

    def image(self, detections: Detections) -> None:
        """One image was processed."""
        self._images.inc()
        for name, count in detections.counts().items():
            self._faces.labels(name).inc(count)

    def batch(self, images: int, seconds: float) -> None:
        """One batch went through the detector."""
        self._batches.observe(images)
        self._detecting.observe(seconds)

    def request(self, path: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)


class RequestCounter:
    """ASGI middleware that counts requests by path; those it does not know are ``other``."""

    def __init__(self, app: ASGIApp, metrics: ServerMetrics, paths: Container[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 499  # if the client leaves before an answer

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            path = path if path in self._paths else "other"
            self._metrics.request(path, status, time.perf_counter() - began)
