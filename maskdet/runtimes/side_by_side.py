"""Several pictures at once, each on a core of its own.

One picture on two cores takes more than half of the time that it takes on one: the cores wait for
each other at every layer. Two pictures, each on one core, do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Generic, TypeVar

Network = TypeVar("Network")
Item = TypeVar("Item")
Result = TypeVar("Result")


class SideBySide(Generic[Network]):
    """Networks that compute with one thread each, in threads that let each other run."""

    def __init__(self, make: Callable[[], Network], count: int) -> None:
        """Starts.

        Args:
            make: makes a network.
            count: how many of them there are.
        """
        self._free: SimpleQueue[Network] = SimpleQueue()
        for _ in range(count):
            self._free.put(make())
        self._threads = ThreadPoolExecutor(count)

    def map(self, answer: Callable[[Network, Item], Result], items: Sequence[Item]) -> list[Result]:
        """The answer of one of the networks to each item, in the items' order.

        Raises:
            Exception: what the first that failed raised.
        """

        def one(item: Item) -> Result:
            network = self._free.get()
            try:
                return answer(network, item)
            finally:
                self._free.put(network)

        return list(self._threads.map(one, items))

    def close(self) -> None:
        """Ends the threads, once their answers are given; may be called twice."""
        self._threads.shutdown()
