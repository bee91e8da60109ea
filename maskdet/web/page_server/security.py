"""Who may ask, before anything is read; and what every answer sets in the browser.

The page has no accounts and stores nothing, so there are two ways to misuse it from another web
page that somebody visits on this machine: by a name that the other page's owner lets point here
(DNS rebinding), against which the Host has to be an address or one of our own names, and by posting
to us (CSRF), against which an Origin has to be the Host. A reverse proxy may put its own name into
the Host; then the Origin has to be the one that the proxy was asked by (X-Forwarded-Host, a
header that no page can send to another site unasked), or a name that the server's owner allows.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; media-src 'self' blob:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""What a page may load and be shown in (Content-Security-Policy), unless it has its own."""
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "same-origin",  # with none at all a form of ours would have no Origin
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",  # faces do not stay in a browser's cache either
}
_POLICY_VIOLATION = 1008


class Gate:
    """ASGI middleware."""

    def __init__(
        self,
        app: ASGIApp,
        names: Iterable[str],
        origins: Iterable[str] = (),
        option: str = "--allow-host",
    ) -> None:
        """Stands before an app.

        Args:
            app: what is asked if nothing is wrong.
            names: host names under which it may be asked; addresses always may.
            origins: host names, with or without port, whose pages may ask.
            option: by which a further name is allowed, for messages.
        """
        self._app = app
        self._option = option
        self._names = frozenset(name.lower() for name in names) | {"localhost"}
        self._origins = frozenset(name.lower() for name in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "websocket":
            # A page of another site may open one with this user's cookies: browsers leave that
            # to the server.
            refused = self._refused(Headers(scope=scope), "WEBSOCKET")
            if refused is None:
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._refused(Headers(scope=scope), scope["method"])
        await (refused or self._app)(scope, receive, send_safely)

    def _refused(self, headers: Headers, method: str) -> JSONResponse | None:
        host = headers.get("host", "")
        if not self._knows(host):
            detail = f"unknown host {host:.100}; start with {self._option} to be asked by that name"
            return JSONResponse({"detail": detail}, 421)
        if method not in ("GET", "HEAD", "OPTIONS") and self._is_cross_site(headers, host):
            detail = (
                "sent by a page of another site; open the page itself. Behind a proxy: let it pass "
                f"on the Host, or start with {self._option} and the name of the page's address"
            )
            return JSONResponse({"detail": detail}, 403)
        return None

    def _knows(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            return bool(ip_address(name))
        except ValueError:
            return False

    def _is_cross_site(self, headers: Headers, host: str) -> bool:
        """Whether a browser reports another site's page; other programs report nothing."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        asking = origin.partition("://")[2].lower()
        known = {host.lower(), headers.get("x-forwarded-host", host).strip().lower()}
        return asking not in known and not {asking, _without_port(asking)} & self._origins


def names_of_page(host: str, allowed: Sequence[str]) -> list[str]:
    """Names by which browsers may ask for a page.

    Args:
        host: at which it listens.
        allowed: beside this machine's own; a port counts for nothing.
    """
    here = socket.gethostname()
    # What is not a name is left out: a Host that cannot be read would be asking by it.
    return [host, here, f"{here}.local", *filter(None, map(_without_port, allowed))]


def _without_port(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
