"""Keeping passwords out of everything that is shown, stored or sent."""

from __future__ import annotations

import re

# One slash will do: an address that was taken for a path has lost the other.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/+[^\s'\"<>]+")
_LOGIN = re.compile(r"(:/+)([^:]*):.*@", re.DOTALL)
_SECRET = re.compile(
    r"([?&;](?:[a-z_]*pass(?:w(?:or)?d)?|pwd|pw|token|secret|[a-z_]*key)=)[^&;#]*", re.IGNORECASE
)


def mask_password(text: str) -> str:
    """The text with the password of every URL in it replaced: ``rtsp://user:***@host/1``.

    Secrets in a query (``?user=admin&password=…``) are replaced too. Where ``/``, ``@`` or ``#``
    in a password were not escaped it is still covered whole, at the price of covering too much in
    rare addresses without one (``http://host:80/a@b``).
    """
    return _URL.sub(lambda match: _mask_url(match[0]), text)


def _mask_url(url: str) -> str:
    return _SECRET.sub(r"\1***", _LOGIN.sub(r"\1\2:***@", url, count=1))
