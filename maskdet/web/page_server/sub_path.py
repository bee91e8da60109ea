"""A path below which a reverse proxy puts the page: ``https://example.org/mask/``.

Everything the page loads has a relative address, so it works below any path. What the server itself
says of its address (``servers`` of ``openapi.json``, redirects) needs the path: from
``X-Forwarded-Prefix``, which proxies send, or from the option ``--root-path``.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from maskdet.errors import ConfigError

_SUB_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")  # never //, which would be another host
_MAX_CHARACTERS = 200


def checked_root_path(path: str) -> str:
    """A path as the option names it, with a slash before it and none behind.

    Raises:
        ConfigError: it is not a path.
    """
    wanted = f"/{path.strip('/')}" if path.strip("/") else ""
    if wanted and not _is_sub_path(wanted):
        raise ConfigError(f"--root-path {path}: is not a path; write it as /mask")
    return wanted


class SubPath:
    """ASGI middleware that gives the app the path below which it is served."""

    def __init__(self, app: ASGIApp, *, root_path: str, own_paths: frozenset[str]) -> None:
        """Stands before an app.

        Args:
            app: what is asked.
            root_path: where no header names one; empty: none.
            own_paths: first parts of the app's own paths, ``/api`` …: a sub-path of the same name
                is taken to be removed by the proxy.
        """
        self._app = app
        self._root_path = root_path
        self._own_paths = own_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            if headers.get("x-forwarded-proto", "").lower() == "https":
                is_socket = scope["type"] == "websocket"
                scope = {**scope, "scheme": "wss" if is_socket else "https"}
            if prefix := self._prefix(headers):
                path = self._full_path(prefix, scope["path"])
                scope = {**scope, "root_path": prefix, "path": path}
        await self._app(scope, receive, send)

    def _prefix(self, headers: Headers) -> str:
        parts = headers.get("x-forwarded-prefix", "").split(",")
        sent = "".join(part.strip().rstrip("/") for part in parts)  # each proxy adds its own
        return sent if _is_sub_path(sent) else self._root_path

    def _full_path(self, prefix: str, path: str) -> str:
        """The path with its prefix, whether or not the proxy has removed it."""
        is_whole = path == prefix or path.startswith(f"{prefix}/")
        return path if is_whole and prefix not in self._own_paths else prefix + path


def _is_sub_path(text: str) -> bool:
    parts = text.split("/")
    is_path = bool(_SUB_PATH.fullmatch(text)) and len(text) <= _MAX_CHARACTERS
    return is_path and "." not in parts and ".." not in parts
