"""Keeping passwords out of everything that is shown, stored or sent."""

from __future__ import annotations

import re

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+")
_LOGIN = re.compile(r"^([^:/?#@]*):(.*)@", re.DOTALL)
_PORT_AND_PATH = re.compile(r"^\d*(?:[/?#]|$)")
_SECRET = re.compile(
    r"([?&;](?:[a-z_]*pass(?:w(?:or)?d)?|pwd|pw|token|secret|[a-z_]*key)=)[^&;#]*", re.IGNORECASE
)


def mask_password(text: str) -> str:
    """The text with the password of every URL in it replaced: ``rtsp://user:***@host/1``.

    Secrets in a query (``?user=admin&password=…``) are replaced too. A password that holds ``/``
    or ``@`` without escaping is still covered whole.
    """
    return _URL.sub(lambda match: _mask_url(match[0]), text)


def _mask_url(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://" + _SECRET.sub(r"\1***", _mask_login(rest))


def _mask_login(rest: str) -> str:
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        login, _, host = authority.rpartition("@")
        user, colon, _ = login.partition(":")
        return f"{user}{':***' if colon else ''}@{host}{rest[len(authority) :]}"
    found = _LOGIN.match(rest)
    if found and not _PORT_AND_PATH.match(found[2]):  # "host:8080/a@b" holds no password
        return f"{found[1]}:***@{rest[found.end() :]}"
    return rest
