"""The end of a pipeline: threads are joined, sources and sinks closed, what hangs is left."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial

from maskdet.contracts import Detector, Sink, Source
from maskdet.errors import MaskdetError
from maskdet.system.threads import Worker
from maskdet.system.timeouts import has_hung_threads, run_all_with_timeout

log = logging.getLogger(__name__)

THREADS_TIMEOUT_S = 0.35
"""For the threads to end: quitting takes less than a second, with all sinks."""
LAST_TIMEOUT_S = 0.15
"""For what is left to do when a run that is to end within a second has hung before."""
SINKS_TIMEOUT_S = 10.0
"""For sinks to close; those of this project end sooner where nothing moves."""


def end_threads(
    workers: Iterable[Worker], sources: Sequence[Source], abandon: Callable[[], object]
) -> None:
    """Closes the sources and joins the threads; those that hang are named and left.

    Args:
        workers: threads that were asked to stop.
        sources: closed each in a thread of its own, as a driver may hang.
        abandon: called where a thread hangs, before the sinks are closed.

    Raises:
        BaseException: what closing a source raised.
    """
    until = time.monotonic() + THREADS_TIMEOUT_S
    closing = [Worker(f"closing {source.name}", source.close) for source in sources]
    for worker in closing:
        worker.start()
    everybody = [*closing, *workers]
    hanging = [worker.name for worker in everybody if not worker.join(until - time.monotonic())]
    if hanging:
        abandon()
        log.warning("%s did not end in time and was left", ", ".join(hanging))
    for worker in closing:
        worker.raise_error()


def close_source(source: Source) -> None:
    """Closes one source while others go on; a driver that hangs is left."""
    closing = Worker(f"closing {source.name}", source.close)
    closing.start()
    if not closing.join(THREADS_TIMEOUT_S):
        log.warning("%s did not close in time and was left", source.name)
    closing.raise_error()


def close_sinks(sinks: Iterable[Sink], errors: list[MaskdetError]) -> None:
    """Closes each sink once; what fails is added to `errors`."""
    each = {id(sink): sink for sink in sinks}.values()
    jobs = {str(i): partial(_close, sink, errors) for i, sink in enumerate(each)}
    run_all_with_timeout(SINKS_TIMEOUT_S, jobs)


def _close(sink: Sink, errors: list[MaskdetError]) -> None:
    try:
        sink.close()
    except MaskdetError as error:
        errors.append(error)


def end_detector(detector: Detector) -> None:
    """Frees the model, and ends a process that computes for it, which may be what hangs."""
    if has_hung_threads():
        run_all_with_timeout(LAST_TIMEOUT_S, {"closing the detector": detector.close})
    else:
        detector.close()


def close_quietly(sink: Sink) -> None:
    """Closes a sink that the pipeline may have closed before, and reported on."""
    with suppress(MaskdetError):
        sink.close()
