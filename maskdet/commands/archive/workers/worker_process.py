"""A worker as its run sees it: messages come out, orders go in, one after the other."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from maskdet.system.processes.child_process import ChildProcess
from maskdet.system.threads import Closed, Condition, Mailbox, Worker

MAX_ATTEMPTS = 3
"""Processes that may end while they work on a recording before it counts as unreadable."""
SILENCE_TIMEOUT_S = 300.0
"""Seconds without a message after which a process hangs: its model takes no longer to load."""
_WITHOUT_ORDER = ("progress", "fatal")
"""Messages that wait for no order."""
_MESSAGES_AHEAD = 64
_JOIN_TIMEOUT_S = 1.0


class WorkerProcess:
    """A process that works on one recording at a time; killing it loses that one's work alone.

    Attributes:
        messages: of the worker; closed when it ends.
    """

    def __init__(self, setup: Mapping[str, Any], condition: Condition) -> None:
        """Starts it.

        Args:
            setup: the first line that it reads.
            condition: shared by the messages of all workers.

        Raises:
            OSError: it cannot be started.
        """
        self._child = ChildProcess("maskdet.commands.archive.workers.worker", "serve")
        self.messages: Mailbox[dict[str, Any]] = Mailbox(_MESSAGES_AHEAD, condition=condition)
        self._orders: Mailbox[Mapping[str, Any]] = Mailbox()
        self._setup = setup
        # A daemon: Ray ends a process without notice, and nothing may delay it. It uses pipes
        # alone, whose end ends the child.
        closes: list[Mailbox[Any]] = [self.messages, self._orders]
        self._thread = Worker("archive worker", self._speak, closes, is_daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._child.pid

    def order(self, order: Mapping[str, Any]) -> None:
        """Gives it an order, for which it has waited since its last message."""
        self._orders.put(order)

    def kill(self) -> int | None:
        """Ends it at once; its exit status, None where the system holds it."""
        self._orders.close()
        self.messages.close()
        status = self._child.kill()
        self._thread.join(_JOIN_TIMEOUT_S)
        return status

    def _speak(self) -> None:
        """The thread: a worker that waits for an order gets one before its next message is read."""
        child = self._child
        child.send_request(self._setup)
        with contextlib.suppress(Closed):
            while (message := child.read_message()) is not None and self.messages.put(message):
                if message["kind"] not in _WITHOUT_ORDER:
                    order = self._orders.get()
                    assert order is not None
                    child.send_request(order)
