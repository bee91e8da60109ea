"""The live page's server: an address taken at the start, a thread, an end that waits for nobody."""

from __future__ import annotations

import contextlib
import socket
import ssl
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from maskdet.errors import ConfigError
from maskdet.system.threads import Worker
from maskdet.web import server

_SEND_BUFFER_BYTES = 256 * 1024
"""The system's buffer of a connection: what waits in it for a slow viewer is old when it comes."""
_STOP_S = 3.0


class LiveServer:
    """Serves an app in a thread of its own.

    Attributes:
        url: where browsers of this machine find it.
        is_open: whether other machines can reach it.
    """

    def __init__(
        self, host: str, port: int, certificate: Path | None = None, key: Path | None = None
    ) -> None:
        """Takes the address; nothing is served yet.

        Args:
            host: address or name of this machine.
            port: 0 takes any free one.
            certificate: PEM file of a TLS certificate; None: no TLS.
            key: PEM file of its private key.

        Raises:
            ConfigError: the address cannot be had, or certificate and key do not serve.
        """
        if certificate is not None and key is not None:
            check_certificate(certificate, key)
        self._certificate, self._key = certificate, key
        self._listening = server.bind(host, port, ("--serve", "--serve HOST:PORT"))
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.is_open = server.is_open(self._listening)
        address = server.url_of(self._listening)
        self.url = address.replace("http:", "https:", 1) if certificate else address
        self._uvicorn: uvicorn.Server | None = None
        self._worker: Worker | None = None

    def start(self, app: ASGIApp) -> None:
        """Begins to answer."""
        config = server.configure(
            app, websockets=True, grace_s=1, certificate=self._certificate, key=self._key
        )
        self._uvicorn = uvicorn.Server(config)
        self._worker = Worker("live page", self._run)
        self._worker.start()

    @property
    def error(self) -> BaseException | None:
        """The error that ended the server; None while it serves."""
        return self._worker.error if self._worker is not None else None

    def stop(self) -> None:
        """Ends it; requests under way are given a second. May be called twice."""
        if self._uvicorn is not None and self._worker is not None:
            self._uvicorn.should_exit = True
            self._worker.join(_STOP_S)
        self._listening.close()

    def _run(self) -> None:
        assert self._uvicorn is not None
        with contextlib.suppress(SystemExit):  # uvicorn's way to end
            self._uvicorn.run(sockets=[self._listening])


def check_certificate(certificate: Path, key: Path) -> None:
    """Makes sure that TLS will work, before anything slow is done.

    Raises:
        ConfigError: a file is missing, no PEM, or the key is of another certificate.
    """
    for path in (certificate, key):
        try:
            path.read_bytes()
        except OSError as error:
            raise ConfigError(f"TLS: {path} cannot be read: {error.strerror}") from None
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or "the key has a password"
        raise ConfigError(
            f"TLS: {certificate} and {key} do not serve ({reason}); give a PEM certificate and its "
            "PEM key without a password"
        ) from None
