"""``maskdet collect-events``: events of many sites are taken from a NATS server into one store."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from maskdet.errors import ConfigError
from maskdet.live.messaging.uplink import open_server
from maskdet.live.settings.nats import NatsSettings, check_addresses
from maskdet.live.settings.units import DAY_S
from maskdet.sinks.messaging.collector import Collected, Collector
from maskdet.sinks.messaging.streams import Stream
from maskdet.sinks.store.deletion import Limits
from maskdet.sinks.store.opening import open_collecting_store
from maskdet.sinks.store.postgres import Database
from maskdet.system.console import counted, say
from maskdet.system.processes.signals import StopRequest
from maskdet.system.secrets import Secrets


@dataclass(frozen=True)
class Wanted:
    """Options of a collection.

    Attributes:
        stream: name of the stream on the server.
        max_gb: size from which on the stream takes no more.
        keep_days: older rows are deleted; 0: none.
        take_over: in the place of another store.
        until_empty: ends when nothing waits.
    """

    stream: str
    max_gb: float
    keep_days: float
    take_over: bool
    until_empty: bool


def run(store: Path | Database, settings: NatsSettings, wanted: Wanted) -> int:
    """Collects until it is ended.

    Args:
        store: the collecting store; a file is created where it is missing.
        settings: of the server.
        wanted: further options.

    Returns:
        0; also where a signal has ended it, which is how it ends.

    Raises:
        ConfigError: there is no server, or a secret or certificate is missing.
        SinkError: the store cannot be written, or is damaged.
    """
    if settings.server is None:
        raise ConfigError("no server is named: say --server nats://HOST:4222, or nats in --config")
    secrets = Secrets(settings.secrets)
    server = open_server(settings, secrets)
    stop = StopRequest()
    limits = Limits(wanted.keep_days * DAY_S or None)
    with closing(open_collecting_store(store, limits)) as collecting:
        collector = Collector(
            server,
            Stream(wanted.stream, settings.subject, round(wanted.max_gb * 1e9)),
            collecting,
            take_over=wanted.take_over,
            mask=secrets.mask,
        )
        say(f"collecting events from {server} into {store}")
        try:
            with stop.listening():
                collector.run(stop, until_empty=wanted.until_empty)
        finally:
            say(_last_line(collector.collected, store))
    return 0


def addresses(text: str) -> str:
    """The addresses of the option, checked.

    Raises:
        ConfigError: one is none.
    """
    try:
        check_addresses(text)
    except ValueError as error:
        raise ConfigError(f"--server: {error}") from None
    return text


def _last_line(collected: Collected, store: Path | Database) -> str:
    names = ", ".join(sorted(collected.sites))
    sites = f" of {counted(len(collected.sites), 'site')} ({names})" if names else ""
    left_out = (
        f"; {counted(collected.refused, 'message')} could not be read as events"
        if collected.refused
        else ""
    )
    return f"collected {counted(collected.events, 'event')}{sites} into {store}{left_out}"
