"""The stream that holds events until they are collected, and its consumer; that of alarms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maskdet.sinks.messaging.server import REQUEST_TIMEOUT_S, Connection, ServerError

DUPLICATE_WINDOW_S = 120.0
"""For which the server remembers message numbers; what comes again later is dropped by its key."""
ACK_WAIT_S = 30.0
"""After which a message that is not confirmed is sent again."""
ALARM_DUPLICATE_WINDOW_S = 24 * 3600.0
"""Of alarms, which are few: a monitor that was killed may be started again much later."""
ALARM_MAX_AGE_S = 7 * 24 * 3600.0
ALARM_MAX_BYTES = 100_000_000
_MAX_ON_WAY = 5000
_CONSUMER_PREFIX = "maskdet-"
_NOT_UNIQUE = (10099, 10100)
"""Errors of the server: a work queue has a consumer of these subjects already."""


@dataclass(frozen=True)
class Stream:
    """A stream.

    Attributes:
        name: on the server.
        prefix: of the subjects that it takes.
        max_bytes: from which on it refuses events, which then wait at their sites.
    """

    name: str
    prefix: str
    max_bytes: int

    @property
    def subjects(self) -> str:
        """All subjects of events."""
        return f"{self.prefix}.>"


async def open_consumer(
    connection: Connection, stream: Stream, consumer: str, *, take_over: bool
) -> Any:
    """The messages that nobody has confirmed; stream and consumer are made where they are missing.

    Args:
        connection: to the server.
        stream: which stream.
        consumer: name of the store that collects.
        take_over: deletes the consumers of other stores.

    Raises:
        ServerError: another store collects from the stream.
    """
    from nats.js import api
    from nats.js.errors import BadRequestError

    context = connection.client.jetstream(timeout=REQUEST_TIMEOUT_S)
    await _open_stream(context, stream)
    if take_over:
        await _delete_others(context, stream, consumer)
    try:
        await context.add_consumer(
            stream.name,
            api.ConsumerConfig(
                durable_name=consumer,
                ack_policy=api.AckPolicy.EXPLICIT,
                ack_wait=ACK_WAIT_S,
                max_ack_pending=_MAX_ON_WAY,
                filter_subject=stream.subjects,
            ),
        )
    except BadRequestError as error:
        if error.err_code in _NOT_UNIQUE:
            raise ServerError(
                f"another store collects from the stream {stream.name} already",
                "collect into that store, or, if it is lost, repeat with --take-over",
            ) from None
        raise
    return await context.pull_subscribe_bind(consumer=consumer, stream=stream.name)


async def _open_stream(context: Any, stream: Stream) -> None:
    """Makes the stream; one that is there stays as its owner has configured it."""
    from nats.js import api
    from nats.js.errors import NotFoundError

    try:
        await context.stream_info(stream.name)
    except NotFoundError:
        await context.add_stream(
            api.StreamConfig(
                name=stream.name,
                description="events of maskdet until they are collected",
                subjects=[stream.subjects],
                retention=api.RetentionPolicy.WORK_QUEUE,
                discard=api.DiscardPolicy.NEW,
                storage=api.StorageType.FILE,
                max_bytes=stream.max_bytes,
                duplicate_window=DUPLICATE_WINDOW_S,
            )
        )


async def open_alarm_stream(connection: Connection, prefix: str) -> None:
    """Makes the stream of alarms, which anybody may read: the newest of the last days."""
    from nats.js import api

    context = connection.client.jetstream(timeout=REQUEST_TIMEOUT_S)
    await context.add_stream(
        api.StreamConfig(
            name=prefix.replace(".", "-"),
            description="alarms of maskdet",
            subjects=[f"{prefix}.>"],
            retention=api.RetentionPolicy.LIMITS,
            discard=api.DiscardPolicy.OLD,
            storage=api.StorageType.FILE,
            max_age=ALARM_MAX_AGE_S,
            max_bytes=ALARM_MAX_BYTES,
            duplicate_window=ALARM_DUPLICATE_WINDOW_S,
        )
    )


async def _delete_others(context: Any, stream: Stream, consumer: str) -> None:
    for info in await context.consumers_info(stream.name):
        if info.name.startswith(_CONSUMER_PREFIX) and info.name != consumer:
            await context.delete_consumer(stream.name, info.name)
