"""Ports on loopback: one for a server that is about to come, and one that refuses."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


def free_port() -> int:
    """A port for a server to take at once: another program may do so before it."""
    with refusing_port() as port:
        return port


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port that refuses every connection for as long as the block runs.

    It is bound, so that nobody else can take it meanwhile, and nobody listens.
    """
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])
