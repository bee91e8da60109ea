"""The event store of a run, its uplink and its alarms over NATS, built as the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskdet.contracts import Sink
from maskdet.errors import ConfigError
from maskdet.live.settings.nats import NatsSettings, check_addresses
from maskdet.live.settings.store import StoreSettings
from maskdet.live.settings.units import DAY_S, MEGABYTE, times
from maskdet.sinks.channels.channel import Channel
from maskdet.system.extras import require
from maskdet.system.secrets import Secrets

if TYPE_CHECKING:  # its asyncio is for runs with a server alone
    from maskdet.sinks.messaging.server import Server


def open_server(wanted: NatsSettings, secrets: Secrets) -> Server:
    """The server of the settings, its passwords filled in.

    Raises:
        ConfigError: the library, a secret, a certificate or a file of credentials is missing.
    """
    require("nats", "nats", *(["nkeys"] if wanted.credentials else []))
    from maskdet.sinks.messaging.server import Server

    server = Server(
        check_addresses(secrets.fill(wanted.server or "", "nats.server")),
        wanted.user,
        secrets.fill(wanted.password or "", "nats.password"),
        secrets.fill(wanted.token or "", "nats.token"),
        wanted.credentials,
        wanted.ca,
        wanted.certificate,
        wanted.key,
    )
    server.tls()
    server.login()
    return server


def new_alarm_channel(wanted: NatsSettings, name: str, prefix: str) -> Channel:
    """A channel of alarms to the server of the settings; it connects when it sends.

    Args:
        wanted: server, login and site.
        name: of the channel.
        prefix: of its subjects.

    Raises:
        ConfigError: see `open_server`; or the settings name no server, or the prefix is that of
            events.
    """
    if wanted.server is None:
        raise ConfigError(f"channel '{name}': nats.server is not set, which names its server")
    pairs = zip(prefix.split("."), wanted.subject.split("."), strict=False)
    if all(one == other for one, other in pairs):
        raise ConfigError(
            f"channel '{name}': its subject {prefix} and that of events, {wanted.subject}, are "
            "parts of one another; set subject to maskdet.alarms"
        )
    secrets = Secrets(wanted.secrets)
    server = open_server(wanted, secrets)
    from maskdet.sinks.messaging.alarm_channel import NatsAlarms

    return NatsAlarms(server, wanted.site, prefix, mask=secrets.mask)


def open_store(wanted: StoreSettings, nats: NatsSettings) -> list[Sink]:
    """The event store and its uplink, as far as there are any.

    The uplink connects later, and tries a server that is away again.

    Raises:
        ConfigError: see `open_server`; or there is an uplink without a store.
        SinkError: the store cannot be opened.
    """
    if wanted.file is None:
        if nats.server:
            raise ConfigError("nats.server needs store.file, where events wait until they are sent")
        return []
    from maskdet.sinks.store.deletion import Limits
    from maskdet.sinks.store.event_store import EventStore
    from maskdet.sinks.store.outbox import OutboxWriter

    limits = Limits(times(wanted.keep_days, DAY_S), times(wanted.max_mb, MEGABYTE))
    if not nats.server:
        return [EventStore(wanted.file, limits=limits)]
    from maskdet.sinks.messaging.uplink import Uplink

    secrets = Secrets(nats.secrets)
    server = open_server(nats, secrets)
    outbox = OutboxWriter(wanted.file, nats.max_waiting)
    store = EventStore(wanted.file, limits=limits, outbox=outbox)
    uplink = Uplink(
        server,
        wanted.file,
        nats.site,
        queue_ended=outbox.ended,
        prefix=nats.subject,
        mask=secrets.mask,
    )
    return [store, uplink]
