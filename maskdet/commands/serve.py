"""Builds the picture page's parts and runs it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

from maskdet.console import say
from maskdet.contracts import Detector
from maskdet.live.overlay import annotate
from maskdet.web import server
from maskdet.web.app import create_app
from maskdet.web.limits import Limits
from maskdet.web.looking import Looker
from maskdet.web.metrics import Metrics
from maskdet.web.workers import Batcher


def run(
    open_detector: Callable[[], Detector],
    *,
    host: str,
    port: int,
    limits: Limits,
    allow_hosts: Sequence[str] = (),
) -> int:
    """Serves until it is asked to end.

    Args:
        open_detector: loads the model, once the address is ours.
        host: to listen at.
        port: to listen at; 0: any free one.
        limits: of a request.
        allow_hosts: names by which the page is asked for, beside this machine's own.

    Returns:
        The exit status.

    Raises:
        ConfigError: the address cannot be had.
        ModelError: there is no such model.
    """
    with server.bind(host, port) as listening:
        detector = open_detector()
        detector.warm_up()
        metrics, here = Metrics(), socket.gethostname()
        batcher = Batcher(detector, on_batch=metrics.batch)
        try:
            app = create_app(
                Looker(batcher.detect, annotate, limits),
                batcher,
                metrics,
                model=detector.name,
                device=detector.device,
                limits=limits,
                names=[host, here, f"{here}.local", *allow_hosts],
            )
            if server.is_open(listening):
                say("open to the network: whoever reaches this machine can use the page, unasked")
            server.run(app, listening)
        finally:
            batcher.close()
    return 0
