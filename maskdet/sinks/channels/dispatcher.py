"""Queues of the channels: one that hangs or fails holds up no other, and loses nothing."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from maskdet.sinks.channels.channel import Channel, ChannelError
from maskdet.sinks.retry_state import RetryState
from maskdet.sinks.store.alarm_store import Delivery
from maskdet.system.console import counted, say
from maskdet.system.redaction import mask_password
from maskdet.system.threads import Condition, Worker

log = logging.getLogger(__name__)

MAX_WAITING = 10_000
"""Messages that wait in memory for a channel; older ones are left to the next run's start."""
CLOSE_TIMEOUT_S = 0.5
"""For the channels to end; what is not sent by then is sent by the next run."""


@dataclass(frozen=True)
class ChannelState:
    """State of a channel.

    Attributes:
        waiting: messages that are not delivered.
        problem: what is wrong, in a line; empty: nothing.
    """

    waiting: int
    problem: str


class _Queue:
    """The messages of one channel, in order, and the thread that sends them."""

    def __init__(
        self,
        name: str,
        channel: Channel,
        on_delivered: Callable[[Delivery], None],
        retry_seconds: float,
        mask: Callable[[str], str],
    ) -> None:
        self._mask = mask
        self._name, self._channel, self._on_delivered = name, channel, on_delivered
        self._retry = RetryState(f"alarm channel {name}", retry_seconds)
        self._retry_seconds = retry_seconds
        self._waiting: deque[Delivery] = deque(maxlen=MAX_WAITING)
        self._condition = Condition()
        self._is_ending = False
        self.worker = Worker(f"alarm channel {name}", self._run, is_alone=True)

    def put(self, delivery: Delivery) -> None:
        with self._condition:
            self._waiting.append(delivery)
            self._condition.notify_all()

    def end(self) -> None:
        """No further message is begun."""
        with self._condition:
            self._is_ending = True
            self._condition.notify_all()
        self._channel.close()

    def state(self) -> ChannelState:
        problem = self._mask(self._retry.reported) if self._retry.down else ""
        return ChannelState(len(self._waiting), problem)

    def why_unsent(self) -> str:
        """Why messages still wait as the run ends."""
        reason = self._mask(self._retry.reason) if self._retry.down else ""
        return reason or "no answer before the run ended"

    def _run(self) -> None:
        while (delivery := self._next()) is not None:
            try:
                self._channel.send(delivery.message)
            except ChannelError as error:
                self._fail(error.reason, error.advice)
            except Exception as error:  # of a library: whatever it is, the others go on
                self._fail(f"{type(error).__name__}: {error}", "it is tried again")
            else:
                self._retry.record_success("message")
                self._done(delivery)

    def _next(self) -> Delivery | None:
        """The oldest message, when it may be tried; None at the end."""
        with self._condition:
            while not self._is_ending:
                if self._waiting and self._retry.due:
                    return self._waiting[0]
                self._condition.wait(self._retry_seconds / 10 if self._waiting else None)
            return None

    def _fail(self, reason: str, advice: str) -> None:
        if not self._is_ending:
            self._retry.fail(self._mask(reason), f"{advice}; messages wait and are sent later")

    def _done(self, delivery: Delivery) -> None:
        with self._condition:
            if self._waiting and self._waiting[0] is delivery:
                self._waiting.popleft()
        self._on_delivered(delivery)


class Dispatcher:
    """Hands messages to channels."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        on_delivered: Callable[[Delivery], None],
        *,
        retry_seconds: float = 5.0,
        mask: Callable[[str], str] = mask_password,
    ) -> None:
        """Sends nothing yet.

        Args:
            channels: by name.
            on_delivered: called when a message has arrived, in the thread of its channel.
            retry_seconds: before the second attempt; doubled up to a minute.
            mask: takes secrets out of a line.
        """
        self._queues = {
            name: _Queue(name, channel, on_delivered, retry_seconds, mask)
            for name, channel in channels.items()
        }
        self._is_closed = False

    def start(self) -> None:
        """Begins to send."""
        for queue in self._queues.values():
            queue.worker.start()

    def put(self, deliveries: Iterable[Delivery]) -> None:
        """Queues messages; those of channels that are not there are left alone."""
        for delivery in deliveries:
            if delivery.channel in self._queues:
                self._queues[delivery.channel].put(delivery)

    def states(self) -> dict[str, ChannelState]:
        """State of each channel."""
        return {name: queue.state() for name, queue in self._queues.items()}

    def drain(self, seconds: float) -> bool:
        """Waits until every message has arrived; False where it takes longer."""
        until = time.monotonic() + seconds
        while any(state.waiting for state in self.states().values()):
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True

    def close(self) -> None:
        """Ends the channels; those that hang are left. May be called twice."""
        if self._is_closed:
            return
        self._is_closed = True
        closing = [Worker(f"closing {name}", queue.end) for name, queue in self._queues.items()]
        for worker in closing:
            worker.start()
        until = time.monotonic() + CLOSE_TIMEOUT_S
        for worker in (*closing, *(queue.worker for queue in self._queues.values())):
            if not worker.join(until - time.monotonic()):
                log.warning("%s does not answer and was left", worker.name)
        for name, state in self.states().items():
            if state.waiting:
                unsent, why = counted(state.waiting, "message"), self._queues[name].why_unsent()
                say(
                    f"alarm channel {name}: not sent yet: {unsent} ({why}); the next run does it",
                    "warning",
                )
