"""Alarms to a NATS server: a channel of alarms whose messages a stream keeps for others."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable

from maskdet.alarm import AlarmMessage
from maskdet.sinks.channels.channel import ChannelError
from maskdet.sinks.channels.fields import fields_of
from maskdet.sinks.messaging.server import REQUEST_TIMEOUT_S, Server, ServerError, connected
from maskdet.sinks.messaging.streams import open_alarm_stream
from maskdet.sinks.messaging.subjects import ALARM_PREFIX, ID_HEADER, subject
from maskdet.system.redaction import mask_password
from maskdet.system.threads import Event

_POLL_S = 0.05


class NatsAlarms:
    """Publishes alarms to JetStream, each message with its number; a `Channel`.

    The server drops a number that it has had already, so that what a crash has sent again comes
    once. Alarms are rare, so each message has a connection of its own: none has to be kept alive.
    """

    def __init__(
        self,
        server: Server,
        site: str,
        prefix: str = ALARM_PREFIX,
        *,
        mask: Callable[[str], str] = mask_password,
    ) -> None:
        """Connects nothing yet.

        Args:
            server: where to.
            site: name of this site, which stands in the subject.
            prefix: of all subjects.
            mask: takes secrets out of a line.
        """
        self._server, self._site, self._prefix, self._mask = server, site, prefix, mask
        self._closed = Event()

    def send(self, message: AlarmMessage) -> None:
        """Publishes a message, and waits until a stream has it."""
        try:
            asyncio.run(self._send(message))
        except ServerError as error:
            reason = self._mask(f"{self._server}: {error.reason}")
            raise ChannelError(reason, error.advice) from None

    def close(self) -> None:
        """Ends what `send` may be waiting for."""
        self._closed.set()

    async def _send(self, message: AlarmMessage) -> None:
        publishing = asyncio.create_task(self._publish(message))
        while not publishing.done() and not self._closed.is_set():
            await asyncio.wait([publishing], timeout=_POLL_S)
        if not publishing.done():
            publishing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await publishing
            raise ServerError("the run has ended", "the next one sends it")
        await publishing

    async def _publish(self, message: AlarmMessage) -> None:
        from nats.js.errors import NoStreamResponseError

        alarm = message.alarm
        name = subject(self._prefix, self._site, alarm.camera, alarm.kind)
        text = json.dumps({**fields_of(message), "site": self._site}, ensure_ascii=False).encode()
        headers = {ID_HEADER: message.message_id}
        async with connected(self._server) as connection:
            context = connection.client.jetstream(timeout=REQUEST_TIMEOUT_S)
            try:
                await context.publish(name, text, headers=headers)
            except NoStreamResponseError:
                await open_alarm_stream(connection, self._prefix)
                await context.publish(name, text, headers=headers)
