"""A reverse proxy on loopback that puts the page below a path, as nginx is usually set up."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit


@contextmanager
def proxying(
    target: str,
    path: str = "/mask",
    *,
    strips: bool = True,
    headers: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Serves another server's pages below a path; gives the address, without a last slash.

    Args:
        target: the other server's address.
        path: below which its pages are found.
        strips: the path is removed before the other server is asked.
        headers: sent to the other server instead of the client's.
    """
    host = urlsplit(target).netloc

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            if not self.path.startswith(f"{path}/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with closing(http.client.HTTPConnection(host)) as connection:
                self.pass_on(connection, body)

        def pass_on(self, connection: http.client.HTTPConnection, body: bytes) -> None:
            sent = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
            asked = self.path.removeprefix(path) if strips else self.path
            connection.request(self.command, asked, body or None, {**sent, **(headers or {})})
            answer = connection.getresponse()
            data = answer.read()
            self.send_response(answer.status)
            for key, value in answer.getheaders():
                if key.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with suppress(ConnectionError):  # the browser has gone on to another page
                self.wfile.write(data)

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{path}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
