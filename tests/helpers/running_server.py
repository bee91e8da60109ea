"""A server of Python's library that runs in a thread while a test goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

_POLL_S = 0.02


@contextmanager
def running(server: BaseServer) -> Iterator[None]:
    """Answers requests until the block ends, then closes the server and its thread."""
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_S,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
