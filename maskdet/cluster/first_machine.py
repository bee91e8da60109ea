"""Finding what answers at the address of a cluster's first machine, before Ray waits for it."""

from __future__ import annotations

import errno
import os
import socket
from typing import Literal

from maskdet.errors import ConfigError

Answer = Literal["nothing", "silence", "a cluster", "another program"]
"""`nothing`: the connection is refused; `silence`: a network that drops it, as a firewall does."""
_CONNECT_TIMEOUT_S = 2.0
_ANSWER_TIMEOUT_S = 5.0
"""Seconds for the first bytes; a busy machine needs one."""
_EMPTY_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _EMPTY_SETTINGS
"""With which every client of HTTP/2 begins, and so of gRPC, which Ray's list speaks."""
_FRAME_TYPE, _SETTINGS = 3, 4
"""Place of a frame's type in its head, and the type with which every server begins."""


def find_answer(host: str, port: int) -> Answer:
    """Finds what takes connections there; joining something else takes minutes to fail."""
    try:
        with socket.create_connection((host, port), _CONNECT_TIMEOUT_S) as connection:
            connection.settimeout(_ANSWER_TIMEOUT_S)
            return "a cluster" if _speaks_http2(connection) else "another program"
    except TimeoutError:
        return "silence"
    except OSError as error:
        unreachable = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT}
        return "silence" if error.errno in unreachable else "nothing"


def require_own(host: str, port: int) -> None:
    """Checks that this machine can be the first one: the address is its own, the port is free.

    Raises:
        ConfigError: it cannot.
    """
    try:
        socket.getaddrinfo(host, port)
        socket.create_server((host, port)).close()
    except socket.gaierror:
        reason = "no such host; use this machine's number"
    except OSError as error:
        reason = _reason(error)
    else:
        return
    raise ConfigError(f"address {host}:{port}: {reason}")


def _speaks_http2(connection: socket.socket) -> bool:
    head = b""
    try:
        connection.sendall(_GREETING)
        while len(head) <= _FRAME_TYPE:
            received = connection.recv(9)
            if not received:
                return False
            head += received
    except OSError:  # silence, or it hangs up
        return False
    return head[_FRAME_TYPE] == _SETTINGS


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine, the first one of the file, has no such address"
    if error.errno == errno.EADDRINUSE:
        return "another program uses this port; choose another one"
    return f"it cannot be used: {os.strerror(error.errno or 0)}"
