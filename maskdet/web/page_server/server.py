"""The server itself: a bound address, and a run that ends when asked to."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
from ipaddress import ip_address
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from maskdet.errors import ConfigError, reason_of
from maskdet.system.console import bug_line, say
from maskdet.system.network_addresses import is_unspecified, page_url
from maskdet.system.processes.signals import taking_signals

_SHUTDOWN_TIMEOUT_S = 10  # seconds in which requests under way are finished
_MAX_MESSAGE_BYTES = 4096  # of a WebSocket's visitor, who has nothing to say
_ANY_OTHER = ("192.0.2.1", 9)  # nobody's: reserved for examples (RFC 5737)


def bind(host: str, port: int, options: tuple[str, str] = ("--host", "--port")) -> socket.socket:
    """Takes an address before anything slow is done.

    Args:
        host: an address or name of this machine; ``0.0.0.0`` and ``::`` are all of its addresses.
        port: 0 takes any free one.
        options: that choose another host and another port, for messages.

    Raises:
        ConfigError: it is taken, not ours, or not allowed.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise ConfigError(f"{options[0]} {host}: no such address or name") from None
    taken = socket.socket(family, kind, protocol)
    try:
        if sys.platform == "win32":  # there, SO_REUSEADDR takes a port that another one serves
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(128)  # so that a second server fails now, and not when it is asked
    except OSError as error:
        taken.close()
        reason, option = reason_of(error), options[1]
        if error.errno == errno.EADDRNOTAVAIL:
            reason, option = "it is not an address of this machine", options[0]
        raise ConfigError(
            f"cannot listen at {host} port {port}: {reason}; choose another with {option}"
        ) from None
    return taken


def is_open(listening: socket.socket) -> bool:
    """Whether other machines can reach it."""
    return not ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback


def url_of(listening: socket.socket, scheme: str = "http") -> str:
    """The address to type into a browser on this machine."""
    address, port = listening.getsockname()[:2]
    return page_url(scheme, "localhost" if is_unspecified(address) else address, port)


def network_url(listening: socket.socket, scheme: str = "http") -> str | None:
    """The address for other machines, where that is another one; None: not, or not known."""
    address, port = listening.getsockname()[:2]
    own = _own_address() if is_unspecified(address) else None
    return None if own is None else page_url(scheme, own, port)


def _own_address() -> str | None:
    """This machine's address in its network, by its way to any other; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ANY_OTHER)
        except OSError:
            return None
        found: str = probe.getsockname()[0]
    return None if ip_address(found).is_loopback else found


def configure(
    app: ASGIApp,
    *,
    websockets: bool = False,
    grace_s: int = _SHUTDOWN_TIMEOUT_S,
    certificate: Path | None = None,
    key: Path | None = None,
) -> uvicorn.Config:
    """The configuration of uvicorn.

    Args:
        app: what is served.
        websockets: whether it answers WebSockets.
        grace_s: seconds in which requests under way are finished at the end.
        certificate: PEM file for TLS; None: none.
        key: PEM file of the certificate's key.
    """
    logging.getLogger("uvicorn.error").addFilter(_brief)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # the sender gets the reason
    return uvicorn.Config(
        app,
        access_log=False,  # it would hold addresses of visitors
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=grace_s,
        ws="websockets-sansio" if websockets else "none",
        ws_max_size=_MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # video is compressed
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )


def run(app: ASGIApp, listening: socket.socket) -> None:
    """Serves until Ctrl-C or SIGTERM; requests under way are finished first."""
    server = uvicorn.Server(configure(app))

    def stop(number: int, frame: FrameType | None) -> None:
        server.should_exit = True  # uvicorn raises again what it has obeyed: then for nothing

    with taking_signals(stop):
        say(f"picture page: {url_of(listening)} (Ctrl-C ends it)")
        server.run(sockets=[listening])


def _brief(record: logging.LogRecord) -> bool:
    """Keeps uvicorn's remarks on what strangers send off the terminal; a bug of ours is a line."""
    if record.levelno < logging.ERROR:
        return False
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, Exception) and os.environ.get("MASKDET_DEBUG") != "1":
        record.msg, record.args, record.exc_info = bug_line(error), (), None
    return True
