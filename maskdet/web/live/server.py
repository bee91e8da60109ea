"""The live page's server: an address taken at the start, a thread, an end that waits for nobody."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from maskdet.system.threads import Worker
from maskdet.web.live.certificate import CertificateWatch, check_certificate
from maskdet.web.page_server import server

_SEND_BUFFER_BYTES = 256 * 1024
"""The system's buffer of a connection: what waits in it for a slow viewer is old when it comes."""
_STOP_S = 3.0


class LiveServer:
    """Serves an app in a thread of its own.

    Attributes:
        url: where browsers of this machine find it.
        network_url: where those of others do, if that is another address, and known.
        is_open: whether other machines can reach it.
    """

    def __init__(
        self,
        host: str,
        port: int,
        certificate: Path | None = None,
        key: Path | None = None,
        options: tuple[str, str] = ("--serve", "--serve HOST:PORT"),
    ) -> None:
        """Takes the address; nothing is served yet.

        Args:
            host: address or name of this machine.
            port: 0 takes any free one.
            certificate: PEM file of a TLS certificate; None: no TLS.
            key: PEM file of its private key.
            options: that choose another host and another port, for messages.

        Raises:
            ConfigError: the address cannot be had, or certificate and key do not serve.
        """
        if certificate is not None and key is not None:
            check_certificate(certificate, key)
        self._certificate, self._key = certificate, key
        self._listening = server.bind(host, port, options)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.is_open = server.is_open(self._listening)
        scheme = "https" if certificate else "http"
        self.url = server.url_of(self._listening, scheme)
        self.network_url = server.network_url(self._listening, scheme)
        self._uvicorn: uvicorn.Server | None = None
        self._worker: Worker | None = None
        self._watch: CertificateWatch | None = None
        if certificate is not None and key is not None:
            self._watch = CertificateWatch(certificate, key, self._serve_renewed)

    def start(self, app: ASGIApp) -> None:
        """Begins to answer."""
        config = server.configure(
            app, websockets=True, grace_s=1, certificate=self._certificate, key=self._key
        )
        self._uvicorn = uvicorn.Server(config)
        self._worker = Worker("live page", self._run)
        self._worker.start()
        if self._watch is not None:
            self._watch.start()

    @property
    def error(self) -> BaseException | None:
        """The error that ended the server; None while it serves."""
        return self._worker.error if self._worker is not None else None

    @property
    def notice(self) -> str:
        """Line for operators about the certificate; empty: nothing is to be done."""
        return self._watch.notice if self._watch is not None else ""

    def stop(self) -> None:
        """Ends it; requests under way are given a second. May be called twice."""
        if self._watch is not None:
            self._watch.close()
        if self._uvicorn is not None and self._worker is not None:
            self._uvicorn.should_exit = True
            self._worker.join(_STOP_S)
        self._listening.close()

    def _serve_renewed(self) -> None:
        """Serves the files' certificate on new connections."""
        context = self._uvicorn.config.ssl if self._uvicorn is not None else None
        if context is not None and self._certificate is not None:
            context.load_cert_chain(self._certificate, self._key)

    def _run(self) -> None:
        assert self._uvicorn is not None
        with contextlib.suppress(SystemExit):  # uvicorn's way to end
            self._uvicorn.run(sockets=[self._listening])
