"""Builds the page's parts and runs it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from maskdet.contracts import Detector
from maskdet.detections import Detections
from maskdet.drawing.blur import blur_faces, cover_faces
from maskdet.drawing.overlay import annotate
from maskdet.model.decision import DecisionRule
from maskdet.system.console import say
from maskdet.web.app import About, create_app
from maskdet.web.batcher import Batcher
from maskdet.web.page_server import server
from maskdet.web.page_server.public_address import PublicAddress
from maskdet.web.processing import ImageProcessor
from maskdet.web.request_limits import Limits
from maskdet.web.request_options import MIN_SCORE_LIMIT
from maskdet.web.server_metrics import ServerMetrics


def run(
    open_detector: Callable[[DecisionRule], Detector],
    rule: DecisionRule,
    *,
    host: str,
    port: int,
    address: PublicAddress,
    limits: Limits,
    strict: bool = False,
) -> int:
    """Serves until it is asked to end.

    Args:
        open_detector: loads the model with a rule, once the address is ours.
        rule: decides which faces are shown, where a request does not.
        host: to listen at.
        port: to listen at; 0: any free one.
        address: by which browsers ask for the page.
        limits: of a request.
        strict: every face is covered in what is sent back.

    Returns:
        The exit status.

    Raises:
        ConfigError: the address cannot be had.
        ModelError: there is no such model.
    """
    with server.bind(host, port) as listening:
        # A request may ask for lower scores than the model's own, so it chooses among all.
        detector = open_detector(rule.without_rejection(min(MIN_SCORE_LIMIT, rule.lowest_score)))
        detector.warm_up()
        metrics = ServerMetrics()
        batcher = Batcher(detector, on_batch=metrics.batch)
        try:
            hide = _cover if strict else blur_faces
            processor = ImageProcessor(batcher.detect, annotate, hide, limits, rule, strict=strict)
            about = About.of(detector, rule, limits)
            app = create_app(
                processor, batcher, metrics, about=about, limits=limits, address=address
            )
            if server.is_open(listening):
                url = server.network_url(listening)
                say(
                    f"open to the network{f' at {url}' if url else ''}: anyone who can reach this "
                    "machine can use the page"
                )
            server.run(app, listening)
        finally:
            batcher.close()
    return 0


def _cover(image: np.ndarray, found: Detections) -> np.ndarray:
    return cover_faces(image, found.boxes)
