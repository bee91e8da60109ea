"""Connections to a NATS server, and the line that each failure of them gives."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskdet.errors import ConfigError, RetriedError, reason_of
from maskdet.system.console import as_typed
from maskdet.system.redaction import mask_password

if TYPE_CHECKING:
    from nats.aio.client import Client

CONNECT_TIMEOUT_S = 3.0
REQUEST_TIMEOUT_S = 5.0
PING_INTERVAL_S = 10
"""After two of which without an answer a connection counts as lost."""
_SERVICE_UNAVAILABLE = 503
_CHECK_LOGIN = "check user, password, token or credentials, and the server's rights"


class ServerError(RetriedError):
    """The server cannot be reached, or refuses; it is tried again."""


@dataclass(frozen=True)
class Server:
    """A NATS server, or several of a cluster, and how to log in.

    Attributes:
        addresses: ``nats://HOST:4222``, ``tls://HOST:4222``; tried in turn.
        user: to log in with; empty: none.
        password: likewise.
        token: to log in with; empty: none.
        credentials: file of a user's JWT and key (``.creds``).
        ca: file of certificates to trust; None: those of the system.
        certificate: file of this client's own certificate, for servers that ask for one.
        key: file of its key.
    """

    addresses: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    credentials: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __str__(self) -> str:
        return mask_password(", ".join(self.addresses))

    def tls(self) -> ssl.SSLContext | None:
        """Encryption of the connection; None: there is none.

        Raises:
            ConfigError: a certificate cannot be read.
        """
        encrypted = any(one.startswith(("tls://", "wss://")) for one in self.addresses)
        if not encrypted and self.ca is None and self.certificate is None:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except ssl.SSLError as error:
            files = ", ".join(str(one) for one in (self.ca, self.certificate, self.key) if one)
            raise ConfigError(f"{files}: no PEM file of certificate or key: {error}") from None
        except OSError as error:
            name = error.filename or self.ca or self.certificate
            raise ConfigError(f"{name} cannot be read: {reason_of(error)}") from None
        return context

    def login(self) -> Mapping[str, Any]:
        """The login, as keywords of the library.

        Raises:
            ConfigError: the file of credentials cannot be read.
        """
        if self.credentials is not None:
            try:
                self.credentials.read_bytes()
            except OSError as error:
                raise ConfigError(
                    f"{self.credentials} cannot be read: {reason_of(error)}"
                ) from None
            return {"user_credentials": str(self.credentials)}
        known = {"user": self.user, "password": self.password, "token": self.token}
        return {name: value for name, value in known.items() if value}


class Connection:
    """A connection; it is not repaired when it breaks, the caller makes a new one.

    Attributes:
        client: of the library.
    """

    def __init__(self, server: Server) -> None:
        """Connects nothing yet.

        Args:
            server: which one.
        """
        self._server = server
        self._problem: BaseException | None = None
        self._is_connecting = True
        self.client: Client

    async def open(self) -> None:
        """Connects to the first server that answers.

        Raises:
            ServerError: none does, or it refuses.
        """
        problem = None
        for address in self._server.addresses:
            try:
                await self._connect(address)
                return
            except ServerError as error:
                problem = problem or error
        assert problem is not None
        raise problem

    async def _connect(self, address: str) -> None:
        from nats.aio.client import Client

        self.client = client = Client()
        try:
            async with asyncio.timeout(2 * CONNECT_TIMEOUT_S):
                await client.connect(
                    [address],
                    name="maskdet",
                    allow_reconnect=False,
                    connect_timeout=CONNECT_TIMEOUT_S,  # type: ignore[arg-type]
                    ping_interval=PING_INTERVAL_S,
                    error_cb=self._note,
                    tls=self._server.tls(),
                    **self._server.login(),
                )
            self._is_connecting = False
        except BaseException as error:
            await self.close()
            if not isinstance(error, Exception):
                raise
            raise self.named(error, address) from None

    async def close(self) -> None:
        """Ends it; may be called twice."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(1.0):
                await self.client.close()

    def require_open(self) -> None:
        """Notices a connection that was lost while nothing was sent.

        Raises:
            ServerError: it was.
        """
        if not self.client.is_connected:
            raise self.named(self._problem or ConnectionResetError("the connection was lost"))

    def named(self, error: BaseException, address: str = "") -> ServerError:
        """A failure of the library, in a line."""
        reason, advice = _explain(error, self._problem)
        if len(self._server.addresses) > 1 and address:
            reason = f"{mask_password(address)}: {reason}"
        return ServerError(reason, advice)

    async def _note(self, error: Exception) -> None:
        """Keeps what the library reports; raises it while it connects, which ends that."""
        self._problem = error
        if self._is_connecting:
            raise error


def _explain(error: BaseException, noted: BaseException | None) -> tuple[str, str]:
    """Reason and advice."""
    from nats import errors
    from nats.js.errors import APIError, NoStreamResponseError

    if isinstance(error, ConfigError):
        return str(error), "correct the settings"
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message, "check the server's certificate, and the setting ca"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there", "check the address, and that the server runs"
    if isinstance(error, socket.gaierror):
        return "no such host", "check the address"
    if isinstance(error, NoStreamResponseError):
        return "no stream takes these events", f"start {as_typed('collect-events')}, which makes it"
    if isinstance(error, APIError):
        return _explain_refusal(error)
    for one in (noted, error):
        if one is not None and _is_about_rights(one):
            return f"the server refuses: {_text(one)}", _CHECK_LOGIN
    if isinstance(error, errors.TimeoutError | TimeoutError):
        return "no answer in time", "check the address, and that it is a NATS server"
    if isinstance(error, errors.NoServersError | errors.ConnectionClosedError) and noted:
        return _explain(noted, None)
    return _text(error), "check the address, and that the server runs"


def _explain_refusal(error: Any) -> tuple[str, str]:
    text = error.description or "refused"
    if "maximum" in text or "insufficient" in text:
        advice = f"check {as_typed('collect-events')}, which empties it"
        return f"the stream is full ({text})", advice
    if error.code == _SERVICE_UNAVAILABLE:
        return f"JetStream does not answer ({text})", "start the server with JetStream on: -js"
    return f"the server refuses: {text}", "check its configuration"


def _is_about_rights(error: BaseException) -> bool:
    text = str(error).lower()
    return any(word in text for word in ("authori", "permission", "authentication", "credentials"))


def _text(error: BaseException) -> str:
    return mask_password(reason_of(error).removeprefix("nats: "))


@contextlib.asynccontextmanager
async def connected(server: Server) -> AsyncIterator[Connection]:
    """A connection, closed at the end; failures within are named.

    Raises:
        ServerError: the server cannot be reached, or something failed on the way.
    """
    from nats import errors

    connection = Connection(server)
    await connection.open()
    try:
        yield connection
    except (errors.Error, TimeoutError, OSError) as error:
        raise connection.named(error) from None
    finally:
        await connection.close()
