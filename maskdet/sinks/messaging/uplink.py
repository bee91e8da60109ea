"""The uplink: what the event store queues is published to NATS JetStream, until it has arrived."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from maskdet.contracts import StartingSink
from maskdet.errors import SinkError
from maskdet.observation import Observation
from maskdet.sinks.messaging.link_state import LinkState
from maskdet.sinks.messaging.server import (
    REQUEST_TIMEOUT_S,
    Connection,
    Server,
    ServerError,
    connected,
)
from maskdet.sinks.messaging.subjects import ID_HEADER, PREFIX, subject
from maskdet.sinks.store.outbox import OutboxItem, OutboxReader
from maskdet.sinks.store.rows import KINDS
from maskdet.system.redaction import mask_password
from maskdet.system.threads import Event, Worker

log = logging.getLogger(__name__)

BATCH = 200
"""Events under way at a time."""
_POLL_S = 0.5
_POLLS = 20
"""Times that a wait is looked up whether it is cut short."""
_CLOSE_TIMEOUT_S = 0.6
"""For what waits at the end; what is not sent by then is sent by the next run."""
_LAST_DRAIN_S = 0.45
_WAITS = "events wait in the store and are sent later"


class Uplink(StartingSink):
    """A sink beside the event store; a thread of its own sends what the store queues.

    A row is taken out of the queue once the server has confirmed that it is on its disk. Whatever
    is sent again after a crash has the same message number, by which the server drops it.

    Attributes:
        sent: events that arrived, in this run.
    """

    def __init__(
        self,
        server: Server,
        store: str | Path,
        site: str,
        *,
        queue_ended: Event | None = None,
        prefix: str = PREFIX,
        retry_seconds: float = 1.0,
        mask: Callable[[str], str] = mask_password,
    ) -> None:
        """Sends nothing yet.

        Args:
            server: where to.
            store: the file of the event store.
            site: name of this site, which its events carry.
            queue_ended: set when nothing more is queued, for which the end waits.
            prefix: of all subjects.
            retry_seconds: before the second attempt; doubled up to a minute.
            mask: takes secrets out of a line.
        """
        self.sent = 0
        self._server, self._site, self._prefix = server, site, prefix
        self._outbox = OutboxReader(Path(store))
        self._mask = mask
        self._retry = LinkState(f"sending events to {server}", retry_seconds)
        self._stopping = Event()
        self._queue_ended = queue_ended
        self._worker = Worker("uplink", self._run)
        self._is_started = False

    def watch(self, cameras: Sequence[str], *, files: Sequence[str] = ()) -> None:
        """Begins to send; there may be events of an earlier run."""
        self._start()

    def write(self, observation: Observation) -> None:
        """Begins to send, where it has not begun; the event store queues what there is.

        Raises:
            BaseException: what killed the thread that sends, a bug.
        """
        self._worker.raise_error()
        self._start()

    def close(self) -> None:
        """Sends what waits, if that is quick; may be called twice."""
        self._stopping.set()
        if self._is_started and not self._worker.join(_CLOSE_TIMEOUT_S):
            raise SinkError(f"{self._server} does not answer; {_WAITS}")

    def _start(self) -> None:
        if not self._is_started and not self._stopping.is_set():
            self._is_started = True
            self._worker.start()

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        """The thread; sending is cut short at the end, after a last attempt."""
        sending = asyncio.create_task(self._send_until_stopped())
        while not self._stopping.is_set() and not sending.done():
            await asyncio.wait([sending], timeout=0.05)
        done, _ = await asyncio.wait([sending], timeout=_LAST_DRAIN_S)
        if not done:
            sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending

    async def _send_until_stopped(self) -> None:
        while not self._stopping.is_set():
            if self._retry.due:
                await self._connect_and_send()
            await self._pause()

    async def _connect_and_send(self) -> None:
        """Sends by one connection, as long as it lasts."""
        try:
            async with connected(self._server) as connection:
                await self._drain(connection)
        except ServerError as error:
            self._fail(error.reason, error.advice)
        except SinkError as error:
            self._fail(str(error), "check its disk")

    async def _drain(self, connection: Connection) -> None:
        """Sends whatever comes, until the end of the run."""
        while True:
            is_last = self._is_queue_complete()  # before it is read
            items = self._outbox.waiting(BATCH)
            if items:
                await self._publish(connection, items)
            connection.require_open()
            self._retry.record_success("event")
            if not items:
                if is_last:
                    return
                await self._pause()

    async def _publish(self, connection: Connection, items: Sequence[OutboxItem]) -> None:
        """Sends some events; those that arrived are taken out of the queue, whatever others do."""
        stream = connection.client.jetstream(timeout=REQUEST_TIMEOUT_S)
        jobs = [
            stream.publish(
                subject(self._prefix, self._site, item.camera, KINDS[item.table]),
                item.text.encode(),
                headers={ID_HEADER: item.message_id},
            )
            for item in items
        ]
        results = await asyncio.gather(*jobs, return_exceptions=True)
        arrived = [
            item.number
            for item, result in zip(items, results, strict=True)
            if not isinstance(result, BaseException)
        ]
        if arrived:
            self._outbox.remove(arrived)
            self.sent += len(arrived)
        for result in results:
            if isinstance(result, BaseException):
                raise connection.named(result)

    def _is_queue_complete(self) -> bool:
        has_ended = self._queue_ended is None or self._queue_ended.is_set()
        return has_ended and self._stopping.is_set()

    async def _pause(self) -> None:
        """Waits a while, a short one at the end."""
        for _ in range(_POLLS):
            await asyncio.sleep(_POLL_S / _POLLS)
            if self._stopping.is_set():
                return

    def _fail(self, reason: str, advice: str) -> None:
        if not self._stopping.is_set():
            self._retry.fail(self._mask(reason), f"{advice}; {_WAITS}")
