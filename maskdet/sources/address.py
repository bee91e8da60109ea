"""Network addresses as people type them, read once for all: what is opened, asked and shown.

People paste passwords as they are, with ``@ : / # ? % [ ]`` and spaces in them. `parse` finds the
host behind such a password, and `Address.url` is the same address in the form that every library
reads alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from maskdet.errors import SourceError
from maskdet.system.file_names import readable_name
from maskdet.system.network_addresses import host_in_url
from maskdet.system.redaction import mask_address, mask_password

DEFAULT_PORTS = {
    **{"rtsp": 554, "rtsps": 322, "http": 80, "https": 443},
    **{"rtmp": 1935, "rtmpe": 1935, "rtmps": 443, "rtmpt": 80, "rtmpte": 80, "rtmpts": 443},
}
LISTENING = ("udp", "rtp", "srt", "tcp")
"""Schemes that may wait for a sender: their address needs no host (``udp://@:5000``)."""

ESCAPES = "in a password write %40 for @, %3A for :, %2F for /, %23 for # and %25 for %"
EXAMPLE = "write it as rtsp://<user>:<password>@<host>:554/path"

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_PLACE = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+(?:%[\w.~-]+)?\]|[^\s/?#:@\[\]\\%]*)"
    r"(?::(?P<port>[0-9]*))?(?P<rest>(?:[/?#].*)?)",
    re.DOTALL,
)
_IP = re.compile(r"[0-9A-Fa-f]*:.*|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|localhost", re.IGNORECASE)
_DOTTED = re.compile(r"[\w-]+(?:\.[\w-]+)+\.?")
# What FFmpeg needs escaped in a login; it keeps 127 bytes of one, so no more than that is.
_ESCAPED = re.compile(r"[\x00-\x20\"#%/:<>?@\[\\\]\x7f\ud800-\udfff]")
_NOT_IN_A_PATH = re.compile(r"[\x00-\x20\x7f-\U0010ffff]")


@dataclass(frozen=True)
class Address:
    """A network address in its parts.

    Attributes:
        scheme: in small letters.
        user: as the server knows it, not escaped; None where there is none.
        password: as the server knows it, not escaped; None where there is none.
        host: without the brackets of an IPv6 address; empty where nobody is called.
        port: None where none is written.
        rest: path, query and fragment, as typed.
    """

    scheme: str
    user: str | None
    password: str | None
    host: str
    port: int | None
    rest: str

    @property
    def url(self) -> str:
        """The address as libraries are given it: login escaped, scheme in small letters."""
        login = ""
        if self.user or self.password is not None:
            login = _escape(self.user or "")
            login += "@" if self.password is None else f":{_escape(self.password)}@"
        return f"{self.scheme}://{login}{self.place}{_escape_path(self.rest)}"

    @property
    def bare_url(self) -> str:
        """`url` without user and password."""
        return f"{self.scheme}://{self.place}{_escape_path(self.rest)}"

    @property
    def place(self) -> str:
        """Host and port, as in a URL."""
        host = host_in_url(self.host)
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def path(self) -> str:
        """The path, as typed and as a request names it."""
        return re.split(r"[?#]", self.rest, maxsplit=1)[0] or "/"

    @property
    def any_port(self) -> int | None:
        """The port, or the scheme's own."""
        return self.port or DEFAULT_PORTS.get(self.scheme)

    @property
    def missing_port(self) -> str:
        """Words for an address without a port, where the scheme has none of its own."""
        return f"the address names no port; write it as {self.scheme}://<host>:<port>"

    @property
    def is_certain(self) -> bool:
        """Whether what was taken for the host looks like one."""
        if _IP.fullmatch(self.host):
            return True
        return self.port is not None and _DOTTED.fullmatch(self.host) is not None

    @property
    def is_doubtful(self) -> bool:
        """Whether the host may be a piece of the password: then no message may name it."""
        return "@" in self.rest


def scheme_of(text: str) -> str:
    """The scheme of an address, in small letters; empty where the text is none."""
    match = _SCHEME.match(text)
    return match[1].lower() if match else ""


def shown_name(spec: str, name: str | None = None) -> str:
    """The name of a source that a person reads: the given one, or what it is, without a password.

    Bytes of a path that are not UTF-8 become question marks: stores and pages hold text alone.
    So do line breaks and control characters, as a message is one line.

    Args:
        spec: as after ``--source``.
        name: that was given to it; None or empty: none was.
    """
    shown = readable_name(mask_password(name) if name else mask_address(spec))
    return _CONTROL.sub("?", shown)


def parse(text: str) -> Address:
    """Reads an address as a person has typed it.

    A login ends at the last ``@`` before the path, as everywhere. Where what follows cannot be a
    host and a port (``rtsp://user:a/b@10.0.0.4/1``), or is less certainly one than what follows a
    later ``@`` (``rtsp://user:p@ss/1@10.0.0.4/1``), the password goes on up to that one.

    Raises:
        SourceError: it names no host, or cannot be read; the message holds nothing of it.
    """
    match = _SCHEME.fullmatch(text)
    if match is None:
        raise SourceError(f"the address cannot be read; {EXAMPLE}")
    scheme, body = match[1].lower(), match[2]
    address = _choose(scheme, body)
    if address is not None:
        return address
    if re.match(r"(?::[0-9]*)?(?:[/?#]|$)", body.rpartition("@")[2]):
        raise SourceError(f"the address names no host; {EXAMPLE}")
    raise SourceError(f"the address cannot be read; {EXAMPLE}, and {ESCAPES}")


def _choose(scheme: str, body: str) -> Address | None:
    authority = re.match("[^/?#]*", body)
    standard = _read(scheme, body, body.rfind("@", 0, authority.end() if authority else 0))
    ends = [at.start() for at in re.finditer("@", body)][::-1]
    readings = [one for end in ends if (one := _read(scheme, body, end)) is not None]
    certain = next((one for one in readings if one.is_certain), None)
    if standard is None:
        return certain or (readings[0] if readings else None)
    # An address within an address (…?src=rtsp://user:password@10.0.0.4/1) is not a password.
    is_password = certain is not None and not standard.is_certain and "://" not in body
    return certain if is_password else standard


def _read(scheme: str, body: str, end: int) -> Address | None:
    """The address, if its login ends at the ``@`` of index `end` (-1: it has none); or None."""
    login, place = body[: max(end, 0)], _PLACE.fullmatch(body, end + 1)
    user, colon, password = login.partition(":")
    if place is None or re.search("[/?#]", user):
        return None
    host, port, rest = place["host"], place["port"], place["rest"]
    if not (host or scheme in LISTENING) or int(port or 0) > 65535 or (port == "" and "@" in rest):
        return None
    try:
        return Address(
            scheme,
            _unescape(user) or ("" if colon else None),
            _unescape(password) if colon else None,
            host.strip("[]"),
            int(port) if port else None,
            rest,
        )
    except UnicodeError:
        return None


def _unescape(text: str) -> str:
    plain = unquote(text, errors="surrogateescape")
    plain.encode(errors="surrogateescape")  # fails where no server can be sent it
    return plain


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda found: quote(found[0], safe="", errors="surrogateescape"), text)


def _escape_path(text: str) -> str:
    return _NOT_IN_A_PATH.sub(lambda found: quote(found[0], errors="surrogateescape"), text)
