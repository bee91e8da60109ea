"""The collector: takes events of many sites from NATS JetStream into one store."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from maskdet.sinks.messaging.link_state import LinkState
from maskdet.sinks.messaging.server import Connection, Server, ServerError, connected
from maskdet.sinks.messaging.streams import Stream, open_consumer
from maskdet.sinks.messaging.subjects import site_of
from maskdet.sinks.retry_state import RetryState
from maskdet.sinks.store.collecting_store import CollectingStore, NotNowError, SiteRow
from maskdet.sinks.store.postgres import PostgresStore
from maskdet.sinks.store.rows import RowError
from maskdet.system.redaction import mask_password

if TYPE_CHECKING:
    from nats.aio.msg import Msg

log = logging.getLogger(__name__)

BATCH = 500
_FETCH_TIMEOUT_S = 1.0
_LIMIT_INTERVAL_S = 600.0
_DISK_ADVICE = "check the disk; events wait on the server"
_MAX_REPORTED_REFUSALS = 20


@dataclass
class Collected:
    """The events of this run.

    Attributes:
        events: that were written.
        sites: that published them.
        refused: messages that were not events.
    """

    events: int = 0
    sites: set[str] = field(default_factory=set)
    refused: int = 0


class Collector:
    """Writes what comes, and confirms it once it is on the disk.

    A message that is not confirmed comes again; what was written comes to nothing then. So a
    collector, or the server, may be killed at any moment.
    """

    def __init__(
        self,
        server: Server,
        stream: Stream,
        store: CollectingStore | PostgresStore,
        *,
        take_over: bool = False,
        retry_seconds: float = 1.0,
        mask: Callable[[str], str] = mask_password,
    ) -> None:
        """Connects nothing yet.

        Args:
            server: where from.
            stream: which stream.
            store: where to.
            take_over: in the place of another store that collects from the stream.
            retry_seconds: before the second attempt; doubled up to a minute.
            mask: takes secrets out of a line.
        """
        self.collected = Collected()
        self._server, self._stream, self._store = server, stream, store
        self._take_over, self._mask = take_over, mask
        self._link = LinkState(f"collecting from {server}", retry_seconds)
        self._disk = RetryState("writing collected events", retry_seconds)
        self._limit_due = 0.0

    def run(self, stop: Callable[[], bool], *, until_empty: bool = False) -> None:
        """Collects.

        Args:
            stop: whether to end.
            until_empty: ends when nothing waits on the server.

        Raises:
            SinkError: the store is damaged.
        """
        asyncio.run(self._main(stop, until_empty))

    async def _main(self, stop: Callable[[], bool], until_empty: bool) -> None:
        collecting = asyncio.create_task(self._collect_until_stopped(stop, until_empty))
        while not collecting.done() and not stop():
            await asyncio.wait([collecting], timeout=0.1)
        await asyncio.wait([collecting], timeout=2 * _FETCH_TIMEOUT_S)
        if not collecting.done():
            collecting.cancel()
        try:
            await collecting
        except asyncio.CancelledError:
            return

    async def _collect_until_stopped(self, stop: Callable[[], bool], until_empty: bool) -> None:
        while not stop():
            if self._link.due and await self._connect_and_collect(stop, until_empty):
                return
            await asyncio.sleep(0.1)

    async def _connect_and_collect(self, stop: Callable[[], bool], until_empty: bool) -> bool:
        """Collects by one connection; whether all is done."""
        try:
            async with connected(self._server) as connection:
                return await self._collect(connection, stop, until_empty)
        except NotNowError as error:
            self._disk.fail(str(error), _DISK_ADVICE)
        except ServerError as error:
            self._link.fail(self._mask(error.reason), f"{error.advice}; it is tried again")
        return False

    async def _collect(
        self, connection: Connection, stop: Callable[[], bool], until_empty: bool
    ) -> bool:
        """Collects until the end of the run, or until nothing waits; whether that is so."""
        consumer = self._store.consumer_of(self._stream.name)
        source = await open_consumer(connection, self._stream, consumer, take_over=self._take_over)
        while not stop():
            messages = await self._fetch(source)
            connection.require_open()
            self._link.record_success("event")
            if messages:
                await self._take(connection, messages, stop)
            elif until_empty:
                info = await source.consumer_info()
                if not info.num_pending and not info.num_ack_pending:
                    return True
            self._enforce_limits()
        return True

    async def _fetch(self, source: Any) -> Sequence[Msg]:
        try:
            messages: Sequence[Msg] = await source.fetch(BATCH, timeout=_FETCH_TIMEOUT_S)
        except TimeoutError:  # of nats, and of asyncio where this process had no time for a while
            return ()
        return messages

    async def _take(
        self, connection: Connection, messages: Sequence[Msg], stop: Callable[[], bool]
    ) -> None:
        """Writes messages, then confirms them; those that are not events are not sent again."""
        rows: list[SiteRow] = []
        events: list[Msg] = []
        for message in messages:
            site, kind = site_of(message.subject), message.subject.rpartition(".")[2]
            try:
                rows.append(self._store.parse(site, kind, message.data))
            except RowError as error:
                self._refuse(message.subject, error)
                await message.term()
            else:
                events.append(message)
        while not self._write(rows):
            for message in events:
                await message.in_progress()
            await asyncio.sleep(0.2)
            if stop():
                for message in events:
                    await message.nak()
                return
        for message in events:
            await message.ack()
        await connection.client.flush()
        self.collected.events += len(rows)
        self.collected.sites |= {site_of(message.subject) for message in events}

    def _write(self, rows: Sequence[SiteRow]) -> bool:
        if not self._disk.due:
            return False
        try:
            self._store.write(rows)
        except NotNowError as error:
            self._disk.fail(str(error), _DISK_ADVICE)
            return False
        self._disk.record_success("event")
        return True

    def _refuse(self, subject: str, error: RowError) -> None:
        self.collected.refused += 1
        if self.collected.refused <= _MAX_REPORTED_REFUSALS:
            log.warning("a message of %s is not an event, and is left out: %s", subject, error)

    def _enforce_limits(self) -> None:
        if time.monotonic() < self._limit_due:
            return
        self._limit_due = time.monotonic() + _LIMIT_INTERVAL_S
        try:
            self._store.enforce_limits()
        except NotNowError as error:
            self._disk.fail(str(error), "check the disk; old events are deleted later")
