"""Threads: one for the detector, which many requests share, some for a request's pictures."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Condition, Lock, Thread
from typing import TypeVar

import numpy as np
from anyio import CapacityLimiter, to_thread

from maskdet.contracts import Detector
from maskdet.detections import Detections
from maskdet.errors import MaskdetError
from maskdet.system.console import bug_line

log = logging.getLogger(__name__)

T = TypeVar("T")
Result = TypeVar("Result")
Job = tuple[np.ndarray, "Future[Detections]"]
OnBatch = Callable[[int, float], object]
"""Called at each batch: its number of images and the seconds it took."""


class Batcher:
    """Pictures that come while the detector works go together into its next batch."""

    def __init__(self, detector: Detector, *, most: int = 8, on_batch: OnBatch) -> None:
        """Starts the thread that alone uses the detector.

        Args:
            detector: closed by `close`.
            most: pictures in a batch.
            on_batch: called in the thread after each batch.
        """
        self._detector = detector
        self._most = most
        self._on_batch = on_batch
        self._waiting: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = Lock()  # no picture comes after the last one was answered
        self._has_ended = False
        self._thread = Thread(target=self._run, name="detector")
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether pictures are still answered."""
        return self._thread.is_alive()

    def detect(self, image: np.ndarray) -> Detections:
        """The faces of a picture (BGR uint8); waits for them, from any thread.

        Raises:
            MaskdetError: the detector's thread has ended.
            Exception: what the detector raised.
        """
        future: Future[Detections] = Future()
        with self._lock:
            if self._has_ended:
                raise _ended()
            self._waiting.put((image, future))
        return future.result()

    def close(self) -> None:
        """Answers what waits, then ends; nothing may be asked any more. May be called twice."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        jobs: list[Job] = []
        try:
            while jobs := self._next_batch():
                began = time.perf_counter()
                self._answer(jobs)
                self._on_batch(len(jobs), time.perf_counter() - began)
                jobs = []  # no picture is kept while the next one is waited for
        except BaseException as error:  # nobody is left waiting
            log.error("the detector's thread has ended: %s", bug_line(error))
        finally:
            self._refuse(jobs)
            self._detector.close()

    def _refuse(self, jobs: list[Job]) -> None:
        """Ends the wait for what was not answered; from now on nothing is taken."""
        with self._lock:
            self._has_ended = True
        with contextlib.suppress(Empty):
            while True:
                if (job := self._waiting.get_nowait()) is not None:
                    jobs = [*jobs, job]
        for _, future in jobs:
            if not future.done():
                future.set_exception(_ended())

    def _next_batch(self) -> list[Job]:
        """The jobs that wait, at least one; none at the end."""
        jobs: list[Job] = []
        job = self._waiting.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == self._most:
                return jobs
            try:
                job = self._waiting.get_nowait()
            except Empty:
                return jobs
        if jobs:
            self._waiting.put(None)  # the end, once more, for after these
        return jobs

    def _answer(self, jobs: list[Job]) -> None:
        try:
            found = self._detector.detect([image for image, _ in jobs])
            for (_, future), detections in zip(jobs, found, strict=True):
                future.set_result(detections)
        except Exception as error:
            if len(jobs) == 1:
                jobs[0][1].set_exception(error)
                return
            for job in jobs:  # one picture must not spoil the others' answers
                self._answer([job])


def _ended() -> MaskdetError:
    return MaskdetError("the detector has ended; start the picture page again")


class PixelBudget:
    """Bounds the pixels that all threads together hold in memory: a thread without room waits."""

    def __init__(self, pixels: int) -> None:
        """Begins with nothing taken.

        Args:
            pixels: how many may be taken at once; a larger picture waits until it is alone.
        """
        self._pixels = pixels
        self._taken = 0
        self._changed = Condition()
        self._turn = Lock()  # only the first waits for room, so that small ones do not overtake

    @contextlib.contextmanager
    def take(self, pixels: int) -> Iterator[None]:
        """Waits for room, and has it within the block."""
        with self._turn, self._changed:
            self._changed.wait_for(lambda: not self._taken or self._has_room(pixels))
            self._taken += pixels
        try:
            yield
        finally:
            with self._changed:
                self._taken -= pixels
                self._changed.notify_all()

    def _has_room(self, pixels: int) -> bool:
        return self._taken + pixels <= self._pixels


async def run_each(
    function: Callable[[T], Result], items: Iterable[T], threads: CapacityLimiter
) -> list[Result]:
    """Calls a function with each item, in threads, and returns the results in the items' order.

    Raises:
        Exception: the first item's that failed, once all are done.
    """
    calls = (to_thread.run_sync(function, item, limiter=threads) for item in items)
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
