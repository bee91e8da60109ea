"""Who asks, and whether that user may: sessions, roles, CSRF tokens, logins."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from contextlib import suppress
from ipaddress import ip_address

from fastapi import HTTPException, Request
from starlette.requests import HTTPConnection

from maskdet.errors import ConfigError
from maskdet.system.console import say
from maskdet.system.threads import Lock
from maskdet.web.live.access.accounts import Account, Accounts
from maskdet.web.live.access.audit import AuditLog
from maskdet.web.live.access.sessions import LoginLimit, Session, Sessions
from maskdet.web.live.access.views import Views

COOKIE = "maskdet_session"
CSRF_HEADER = "x-csrf-token"
_PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_BASIC_S = 60.0
"""Seconds for which a password sent with each request (HTTP Basic) is not hashed again."""
_MAX_BASIC = 100
_HASHING_S = 5.0
"""Seconds that a login waits for others: one password is hashed at a time."""


class Guard:
    """Stands before every answer of the page; its methods are FastAPI's dependencies.

    Attributes:
        accounts: who may log in; None: nobody has to, and everybody is an operator.
        audit: what is done goes there.
    """

    def __init__(self, accounts: Accounts | None, audit: AuditLog) -> None:
        """Lets nobody in yet."""
        self.accounts = accounts
        self.audit = audit
        self.limit = LoginLimit()
        self._sessions = Sessions()
        self._local = Session("", "operator")
        self._views = Views()
        self._hashing = Lock()
        self._basic: dict[str, tuple[float, Account]] = {}

    def session(self, connection: HTTPConnection) -> Session | None:
        """The session of a request or a WebSocket; None without a login.

        Raises:
            HTTPException: 403: a proxy passes on requests of others, and nobody has to log in;
                401, 429 as `login`, of a password that comes along.
        """
        if self.accounts is None:
            if any(name in connection.headers for name in _PROXY_HEADERS):
                detail = "behind a proxy a page needs users: serve.users, or a cluster's page.users"
                raise HTTPException(403, detail)
            return self._local
        session = self._sessions.get(connection.cookies.get(COOKIE, ""))
        if session is not None and self._is_current(session):
            return session
        return self._basic_session(connection)

    def session_if_any(self, connection: HTTPConnection) -> Session | None:
        """As `session`; None also where a password that comes along is wrong."""
        try:
            return self.session(connection)
        except HTTPException:
            return None

    def is_in(self, connection: HTTPConnection) -> bool:
        """Whether somebody who watches may go on."""
        return self.session_if_any(connection) is not None

    def viewer(self, request: Request) -> Session:
        """A user who may see.

        Raises:
            HTTPException: 401.
        """
        session = self.session(request)
        if session is None:
            raise HTTPException(401, "log in first")
        return session

    def operator(self, request: Request) -> Session:
        """A user who may also export.

        Raises:
            HTTPException: 401, 403.
        """
        session = self.viewer(request)
        if session.role != "operator":
            raise HTTPException(403, "only an operator may do this")
        return session

    def changing(self, request: Request) -> Session:
        """A user who may also change something, and whose page has sent the request.

        Raises:
            HTTPException: 401, 403.
        """
        session = self.operator(request)
        self.check_token(request, session)
        return session

    def check_token(self, request: Request, session: Session) -> None:
        """Makes sure that the page itself asks.

        Raises:
            HTTPException: 403.
        """
        if session.csrf and not session.has_token(request.headers.get(CSRF_HEADER, "")):
            detail = "the header X-CSRF-Token is missing or of another session; load the page again"
            raise HTTPException(403, detail)

    def login(self, request: Request, name: str, password: str) -> tuple[str, Session]:
        """Logs a user in.

        Returns:
            The cookie, and the session.

        Raises:
            HTTPException: 401 a wrong name or password, 429 too many tries.
        """
        account = self._verified(request, name, password)
        self.record(request, account.name, "login")
        return self._sessions.begin(account)

    def logout(self, request: Request, session: Session) -> None:
        """Ends a session."""
        self._sessions.end(request.cookies.get(COOKIE, ""))
        self.record(request, session.user, "logout")

    def record(
        self, connection: HTTPConnection, user: str, action: str, **what: str | float
    ) -> bool:
        """Writes a line of the audit log; returns whether it is written."""
        return self.audit.write(action, user, address_of(connection), **what)

    def record_view(
        self, connection: HTTPConnection, session: Session, action: str, **what: str
    ) -> None:
        """Writes a line about a file that somebody sees, one for all parts that a player fetches.

        Args:
            connection: of the request, perhaps for a part of the file.
            session: who asks.
            action: what is seen: ``clip`` …
            what: which one.
        """
        who = address_of(connection), session.user, action, *what.values()
        is_new = self._views.is_new(who)
        if is_new or connection.headers.get("range", "bytes=0-").startswith("bytes=0-"):
            self.record(connection, session.user, action, **what)

    def require_record(self, request: Request, session: Session, action: str, **what: str) -> None:
        """Writes a line about what somebody is about to take or change.

        Raises:
            HTTPException: 503: it cannot be written, so nothing is done.
        """
        if not self.record(request, session.user, action, **what):
            raise HTTPException(503, "the audit log cannot be written; nothing was done")

    def _verified(self, request: HTTPConnection, name: str, password: str) -> Account:
        assert self.accounts is not None
        keys = f"address {address_of(request)}", f"name {name[:64]}"
        if not self._hashing.acquire(timeout=_HASHING_S):
            raise HTTPException(429, "too many logins at once; try again", {"Retry-After": "5"})
        try:  # asked one at a time: of many at once, those after the fifth know of the first
            self._require_no_pause(*keys)
            account = self.accounts.verify(name, password)
            if account is None:
                self.limit.fail(*keys)
        except ConfigError as error:
            say(f"live page: {error}", "error")
            raise HTTPException(503, "the file of users cannot be read; see the log") from None
        finally:
            self._hashing.release()
        if account is None:
            self.record(request, name, "login failed")
            raise HTTPException(401, "wrong name or password")
        self.limit.succeed(*keys)
        return account

    def _require_no_pause(self, *keys: str) -> None:
        wait = self.limit.wait_s(*keys)
        if wait > 0:
            seconds = str(int(wait) + 1)
            detail = f"too many failed logins; try again in {seconds} seconds"
            raise HTTPException(429, detail, {"Retry-After": seconds})

    def _is_current(self, session: Session) -> bool:
        """Whether the user is still there, with the same password; takes over a new role."""
        assert self.accounts is not None
        try:
            account = self.accounts.get(session.user)
        except ConfigError:
            return False
        if account is None or account.password != session.hashed:
            return False
        session.role = account.role
        return True

    def _basic_session(self, connection: HTTPConnection) -> Session | None:
        """Name and password sent with the request itself, as programs do; no page can do so."""
        kind, _, encoded = connection.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic" or len(encoded) > 4096:
            return None
        try:
            name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        if not colon:
            return None
        key = hashlib.sha256(encoded.encode()).hexdigest()
        until, account = self._basic.get(key, (0.0, None))
        if account is None or time.monotonic() > until:
            account = self._verified(connection, name, password)
            if len(self._basic) >= _MAX_BASIC:
                self._basic.clear()
            self._basic[key] = time.monotonic() + _BASIC_S, account
        session = Session(account.name, account.role, csrf="", hashed=account.password)
        return session if self._is_current(session) else None


def address_of(connection: HTTPConnection) -> str:
    """The address of the client: the one that a proxy on this machine names, if one passes it on.

    Without it, the failed logins of one visitor would make everybody wait who comes by the proxy.
    """
    peer = connection.client.host if connection.client else ""
    named = connection.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    with suppress(ValueError):  # no address
        if ip_address(peer).is_loopback:
            return str(ip_address(named))
    return peer
