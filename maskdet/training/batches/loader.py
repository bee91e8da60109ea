"""Batches made some steps ahead of their use, by threads or processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import cv2

from maskdet.errors import MaskdetError
from maskdet.training.batches.maker import Batch, BatchMaker

_BATCH_TIMEOUT_S = 5.0
"""Seconds of waiting for a batch after which to look whether its process lives."""


class Loader:
    """Has a maker's batches made some steps ahead of their use.

    Attributes:
        maker: makes one batch.
    """

    def __init__(self, maker: BatchMaker, *, threads: int = 2, processes: int = 0) -> None:
        """Makes nothing yet.

        Args:
            maker: pickled where there are processes.
            threads: that make batches, where there are no processes.
            processes: that make batches: they keep more than a few cores busy, as threads, which
                wait for each other, cannot.
        """
        self.maker = maker
        self._threads = threads
        self._processes = processes

    def batches(self, first: int, end: int) -> Iterator[Batch]:
        """Batches `first` … `end` − 1, made ahead of their use."""
        ahead: deque[Future[Batch]] = deque()
        with self._pool() as pool:
            make = _make_batch if self._processes else self.maker.batch
            try:
                for number in range(first, end):
                    ahead.append(pool.submit(make, number))
                    if len(ahead) > 2 * (self._processes or self._threads):
                        yield _result(ahead.popleft(), pool)
                while ahead:
                    yield _result(ahead.popleft(), pool)
            except BrokenProcessPool:
                raise MaskdetError(
                    "a process that makes batches was killed, perhaps as memory ran out; lower "
                    "schedule.processes, then --resume"
                ) from None
            finally:
                pool.shutdown(cancel_futures=True)

    def _pool(self) -> Executor:
        if not self._processes:
            return ThreadPoolExecutor(self._threads, "loader")
        # spawned: a fork would inherit the locks of a GPU's driver
        return ProcessPoolExecutor(
            self._processes, multiprocessing.get_context("spawn"), _take_maker, (self.maker,)
        )


def _result(batch: Future[Batch], pool: Executor) -> Batch:
    """A batch, when it is made; or what went wrong."""
    while not wait([batch], _BATCH_TIMEOUT_S).done:
        if isinstance(pool, ProcessPoolExecutor):
            _end_if_one_was_killed(pool)
    return batch.result()


def _end_if_one_was_killed(pool: Any) -> None:
    """Breaks a pool that waits for the rest of a batch whose process was killed in the middle.

    It reads that batch from a pipe which all have open, itself too, and so comes to no end by
    itself; there is no public way to close it.
    """
    makers = list((pool._processes or {}).values())
    if all(maker.is_alive() for maker in makers):
        return
    for maker in makers:
        maker.kill()
    pool._result_queue._writer.close()


_maker: BatchMaker | None = None
"""Of a process that makes batches."""


def _take_maker(maker: BatchMaker) -> None:
    global _maker
    _maker = maker
    cv2.setNumThreads(1)  # the processes share the cores already
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the run itself ends these


def _make_batch(number: int) -> Batch:
    assert _maker is not None  # this process began with it
    return _maker.batch(number)
