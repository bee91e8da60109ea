"""Servers at a cluster's address, real ones, are recognized before Ray waits for them."""

from __future__ import annotations

import http.server
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from maskdet.__main__ import main
from maskdet.cluster import first_machine
from maskdet.cluster.first_machine import find_answer, require_own
from maskdet.errors import ConfigError
from tests.helpers.running_server import running

HOST = "127.0.0.1"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="others refuse such connections")


@contextmanager
def web_server() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer((HOST, 0), http.server.SimpleHTTPRequestHandler)
    with running(server):
        yield server.server_port


@contextmanager
def silent_server() -> Iterator[int]:
    """Takes connections and answers nothing, as a program does that hangs."""
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def greeting_server() -> Iterator[int]:
    """Speaks first, and another protocol."""
    with socket.create_server((HOST, 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                connection.recv(64)

        thread = threading.Thread(target=greet)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


@contextmanager
def grpc_server() -> Iterator[int]:
    grpc = pytest.importorskip("grpc")
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port(f"{HOST}:0")
    server.start()
    yield port
    server.stop(None)


@contextmanager
def nobody() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
    yield port


@contextmanager
def full_server() -> Iterator[int]:
    """Where Linux drops every further connection without a word, as a firewall does."""
    with socket.create_server((HOST, 0), backlog=0) as server, ExitStack() as waiting:
        port = server.getsockname()[1]
        for _ in range(4):
            connection = waiting.enter_context(socket.socket())
            connection.setblocking(False)
            connection.connect_ex((HOST, port))
        yield port


@pytest.mark.parametrize(
    ("server", "answer"),
    [
        (nobody, "nothing"),
        pytest.param(full_server, "silence", marks=LINUX),
        (web_server, "another program"),
        (greeting_server, "another program"),
        (silent_server, "another program"),
        (grpc_server, "a cluster"),
    ],
)
def test_what_answers_is_found_out(
    server: Callable[[], Iterator[int]], answer: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(first_machine, "_ANSWER_TIMEOUT_S", 0.5)
    monkeypatch.setattr(first_machine, "_CONNECT_TIMEOUT_S", 0.5)
    with server() as port:
        assert find_answer(HOST, port) == answer


@pytest.mark.parametrize("words", [["up", "--node", "a"], ["up", "--node", "b"], ["status"]])
def test_a_port_of_another_program_is_one_line_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
):
    pytest.importorskip("ray", reason="the extra cluster is not installed")
    file = tmp_path / "cluster.yaml"
    (tmp_path / "cluster.token").write_text("0" * 64)
    (tmp_path / "cluster.token").chmod(0o600)
    with web_server() as port:
        file.write_text(f"address: {HOST}:{port}\nnodes: [a, b]\n")
        began = time.monotonic()
        assert main(["cluster", *words, "--config", str(file)]) == 3
    assert time.monotonic() - began < 20  # Ray itself gives up after minutes
    line = capsys.readouterr().err.splitlines()[-1]
    assert f"no cluster answers at {HOST}:{port}, but another program" in line


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("192.0.2.250", "this machine, the first one of the file, has no such address"),
        ("no-such-host.invalid", "no such host"),
    ],
)
def test_the_first_machine_has_the_address(host: str, reason: str):
    with pytest.raises(ConfigError, match=reason):
        require_own(host, 0)


def test_a_port_that_is_taken_is_named():
    with silent_server() as port, pytest.raises(ConfigError, match="another program uses this"):
        require_own(HOST, port)
    require_own(HOST, 0)
