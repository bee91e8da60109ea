"""Real servers for channels: HTTP and HTTPS, a broker, a mail server; on loopback."""

from __future__ import annotations

import contextlib
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.helpers.ports import free_port
from tests.helpers.running_server import running


@dataclass
class Request:
    """One that a server got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HookServer:
    """An HTTP server that keeps what it gets.

    Attributes:
        url: of it.
        requests: so far.
        statuses: answered in turn, the last one from then on.
        hang: while set, nothing is answered.
        attempts: requests, refused ones included.
    """

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    statuses: list[int] = field(default_factory=lambda: [200])
    hang: threading.Event = field(default_factory=threading.Event)
    attempts: int = 0


@contextlib.contextmanager
def hook_server(
    certificate: tuple[Path, Path] | None = None, port: int = 0
) -> Iterator[HookServer]:
    """Serves; with a certificate and key over TLS."""
    known = HookServer()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            known.attempts += 1
            while known.hang.is_set():
                time.sleep(0.02)
            status = known.statuses.pop(0) if len(known.statuses) > 1 else known.statuses[0]
            if status < 300:
                headers = {key.lower(): value for key, value in self.headers.items()}
                known.requests.append(Request(self.command, self.path, headers, body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET = do_PUT = answer

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign,assignment]
    scheme = "http"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    known.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    with running(server):
        try:
            yield known
        finally:
            known.hang.clear()


def make_certificate(folder: Path, *, expired: bool) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    config, index = folder / "ca.cnf", folder / "index.txt"
    config.write_text(
        f"[ca]\ndefault_ca = own\n[own]\ndatabase = {index}\nnew_certs_dir = {folder}\n"
        f"serial = {folder}/serial\ndefault_md = sha256\npolicy = any\nx509_extensions = names\n"
        "[any]\ncommonName = supplied\n[names]\nsubjectAltName = IP:127.0.0.1\n"
        "basicConstraints = critical, CA:TRUE\n"
    )
    index.write_text("")
    (folder / "serial").write_text("01\n")
    request = folder / "request.pem"
    span = ("20200101000000Z", "20200201000000Z" if expired else "20400101000000Z")
    new = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"]
    for arguments in (
        [*new, "-keyout", str(key), "-out", str(request)],
        ["ca", "-batch", "-selfsign", "-config", str(config), "-keyfile", str(key), "-notext",
         "-in", str(request), "-out", str(certificate), "-startdate", span[0], "-enddate", span[1]],
    ):  # fmt: skip
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
    return certificate, key


class Broker:
    """mosquitto on a port of its own; it can be ended and started again."""

    def __init__(self, folder: Path, *lines: str, port: int | None = None) -> None:
        self._program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        if self._program is None:
            pytest.skip("mosquitto is not installed")
        self.port = port or free_port()
        self._config = folder / f"mosquitto-{self.port}.conf"
        text = [f"listener {self.port} 127.0.0.1", *lines]
        if not any(line.startswith("allow_anonymous") for line in text):
            text.append("allow_anonymous true")
        self._config.write_text("\n".join(text) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Broker:
        """Starts it, with nothing kept from before."""
        self._process = subprocess.Popen(
            [str(self._program), "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers)
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            return True
        return False


class Subscriber:
    """A client that keeps what it gets, as Home Assistant would.

    Attributes:
        seen: topic, payload and whether it was retained, in order.
    """

    def __init__(self, port: int, topic: str = "#") -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.seen: list[tuple[str, str, bool]] = []
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _client, _data, message: self.seen.append(
            (message.topic, message.payload.decode(), bool(message.retain))
        )
        ready = threading.Event()
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(topic, qos=1)
        self._client.loop_start()
        assert ready.wait(60)

    def publish(self, topic: str, payload: str, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(5)

    def of(self, topic: str) -> list[str]:
        return [payload for where, payload, _ in list(self.seen) if where == topic]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextlib.contextmanager
def mail_server() -> Iterator[tuple[int, list[str]]]:
    """A mail server that takes everything; its port, and the messages so far."""
    mails: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                word = line.strip().upper()[:4]
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    text = b""
                    while (part := self.rfile.readline()) not in (b".\r\n", b""):
                        text += part
                    mails.append(text.decode())
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_address[1], mails
        server.shutdown()
        thread.join()


def wait_until(done: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)
