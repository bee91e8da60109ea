"""Keeping passwords out of everything that is shown, stored or sent."""

from __future__ import annotations

import re
import sys

# Lengths are bounded: without that, a text of a hundred thousand letters takes half a minute.
# On Windows, an address that was taken for a path has backslashes.
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]{1,30}:[/\\]"
# Another line, or another address behind a space or a quote: what comes before is checked by
# itself, or every address of a list but the last one would be covered.
_NEXT = re.compile(rf"(?<=\n)|(?<=[\s'\"(<\[])(?={_SCHEME}/)")
# One slash will do: an address that was taken for a path has lost the other.
_LOGIN = re.compile(rf"({_SCHEME}+)([^:\n]*):.*@")
_WHOLE = re.compile(rf"({_SCHEME}+)([^:]*):.*@", re.DOTALL)
# What is masked, or shows how to write an address, stays: what follows is the message's own.
_DONE = re.compile(rf"{_SCHEME}+(?:[^:\n]*:\*\*\*|<user>:<password>)@(?=[^\s@]+(?:\s|$))")
_URL = re.compile(rf"{_SCHEME}.*")
# An address whose scheme was forgotten, admin:secret@10.0.0.4/1: not a drive (C:\me@home), nor a
# part of a URL, which is masked already.
_BARE = re.compile(r"(?<![\w/:.@+-])([\w.+-]{2,}):[^\s/\\]+@(?=[\w\[])")
# In a query, or in the path as many cheap cameras have it: /user=a_password=b_channel=1.
_SECRET = re.compile(
    r"([?&;/_](?:[a-z_]{0,30}(?:pass?(?:w(?:or)?d|phrase)?|token|secret|key)|psw|pwd|pw"
    r"|auth(?:basic)?)=)"
    r"[^&;#\s]*?(?=_(?:channel|stream)=|[&#]|['\"<>(),.:\]]{0,9}(?:[;\s]|$))",
    re.IGNORECASE,
)


def mask_password(text: str) -> str:
    """The text with the password of every URL in it replaced: ``rtsp://user:***@host/1``.

    A password may hold anything but the end of a line. Secrets in a query or a path
    (``?user=admin&password=…``, ``/user=admin_password=…``) are replaced too. Where ``/``, ``@``,
    ``#``, a space or a quote in a password were not escaped it is still covered whole, at the price
    of covering too much where there is none (``http://host:80/a@b``). Where the scheme was
    forgotten (``user:secret@host/1``), a password without a space or a slash is covered. What is
    masked already is left as it is, so that a message around it can be anything.
    """
    return "".join(_mask_part(part) for part in _NEXT.split(text))


def mask_address(text: str) -> str:
    """`mask_password` of a text that is one address and nothing else, whatever it looks like."""
    if _WHOLE.match(text) is None:  # its scheme may have been forgotten
        return mask_password(text)
    return _mask_secrets(_WHOLE.sub(r"\1\2:***@", text, count=1))


def _mask_part(text: str) -> str:
    if not _DONE.match(text):
        login, at, rest = text.rpartition("@")  # without one, nothing is searched
        text = _LOGIN.sub(r"\1\2:***@", login + at, count=1) + rest
    return _mask_secrets(_BARE.sub(r"\1:***@", text))


def _mask_secrets(text: str) -> str:
    return _URL.sub(lambda match: _SECRET.sub(r"\1***", match[0]), text, count=1)


def hide_passwords() -> None:
    """Masks those in our command line, which every user of this machine can list (``ps``)."""
    shown = [mask_password(argument) for argument in sys.orig_argv]
    if shown != sys.orig_argv:
        from setproctitle import setproctitle

        setproctitle(" ".join(shown))
