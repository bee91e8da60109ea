"""The event store of a run and its uplink, built as the settings say."""

from __future__ import annotations

from maskdet.contracts import Sink
from maskdet.errors import ConfigError
from maskdet.live.settings.nats import NatsSettings, check_addresses
from maskdet.live.settings.store import StoreSettings
from maskdet.sinks.messaging.server import Server
from maskdet.sinks.messaging.uplink import Uplink
from maskdet.system.extras import require
from maskdet.system.secrets import Secrets

_DAY_S = 24 * 3600.0


def open_server(wanted: NatsSettings, secrets: Secrets) -> Server:
    """The server of the settings, its passwords filled in.

    Raises:
        ConfigError: the library, a secret, a certificate or a file of credentials is missing.
    """
    require("nats", "nats", *(["nkeys"] if wanted.credentials else []))
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

    days, size = wanted.keep_days, wanted.max_mb
    limits = Limits(days and days * _DAY_S, size and size * 1e6)
    if not nats.server:
        return [EventStore(wanted.file, limits=limits)]
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
