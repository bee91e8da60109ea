"""The real command with a password in its camera's address: it turns up nowhere."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from maskdet.sources.child.stream_diagnosis import diagnose

ROOT = Path(__file__).resolve().parents[2]
SECRET = "Geheim9Xy"
pytestmark = pytest.mark.timeout(180)


def start(*arguments: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "monitor.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_of(process: subprocess.Popen[str]) -> list[str]:
    """The command lines, as anybody can list them, of a process and those it has started."""
    ours = psutil.Process(process.pid)
    lines = []
    for one in (ours, *ours.children(recursive=True)):
        try:
            lines += [" ".join(one.cmdline()), one.name()]
        except psutil.Error:  # it has just ended
            continue
    return lines


@contextmanager
def answering(answer: str) -> Iterator[tuple[int, list[str]]]:
    """A server that gives one answer: its port, and what it was asked."""
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            link, _ = server.accept()
            with link:
                asked.append(link.recv(4096).decode())
                link.sendall(answer.encode())

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], asked
        thread.join()


@pytest.mark.skipif(sys.platform == "win32", reason="process titles are Unix")
def test_a_run_leaves_it_nowhere(tmp_path: Path, camera: Any):
    url = camera.url("live", login=f"admin:{SECRET}@") + f"?user=x&password={SECRET}"
    events = tmp_path / "e.jsonl"
    process = start(
        *("--source", url, "--headless", "--record", str(tmp_path / "r.mkv")),
        *("--events", str(events), "--summary", str(tmp_path / "s.json"), "--max-frames", "30"),
    )
    lines: list[str] = []
    deadline = time.monotonic() + 90
    while process.poll() is None and (not events.exists() or events.stat().st_size == 0):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    lines += processes_of(process)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    assert any("admin:***@127.0.0.1" in line for line in lines)  # it is the address, but masked
    lines += [out, err]
    lines += [path.read_bytes().decode("latin-1") for path in tmp_path.iterdir()]
    lines += [path.name for path in tmp_path.iterdir()]
    assert len(lines) > 8 and "***" in events.read_text()
    assert not [line for line in lines if SECRET in line]


@pytest.mark.parametrize(
    ("address", "more"),
    [
        (f"rtsp://admin:{SECRET}@127.0.0.1:1/x", []),  # nobody listens
        (f"rtsp://admin:{SECRET}/@#?@127.0.0.1:1/x", []),  # nothing escaped
        (f"http://admin:{SECRET}@no-such-host.invalid/", []),
        (f"HTTP://127.0.0.1:1/?loginpassword={SECRET}", []),
        (f"rtsp://admin:it's {SECRET}\"<{SECRET}@127.0.0.1:1/x", []),
        (f"rtsp://admin:p@{SECRET}/{SECRET}@127.0.0.1:1/x", []),  # its "host" is half a password
        (f"rtsp://127.0.0.1:1/user=admin_password={SECRET}_channel=1_stream=0.sdp", []),
        (f"rtsp://127.0.0.1:1/user=admin&password={SECRET}&channel=1", []),
        (f"ftp://admin:{SECRET}@127.0.0.1/x", []),  # no kind of source
        (f"admin:{SECRET}@127.0.0.1/x", []),  # its scheme forgotten
        (f"admin:a@{SECRET}@127.0.0.1:554", ["--record", f"me:{SECRET}@host/m.mp4"]),
        (f"rtsp://admin:{SECRET}@127.0.0.1:1/x", ["--set", "sources.0.fps=fast"]),
        (f"rtsp://admin:{SECRET}@127.0.0.1:1/x", ["--model", f"http://me:{SECRET}@host/m"]),
        (f"rtsp://admin:{SECRET}@127.0.0.1:1/x", ["--events", f"rtsp://me:{SECRET}@host/m"]),
        (f"rtsp://admin:{SECRET}@127.0.0.1:1/x", ["--record", f"rtsp://me:{SECRET}@host/m"]),
        ("demo", [f"--rtsp://admin:{SECRET}@127.0.0.1"]),
        ("demo", ["--config", f"http://admin:{SECRET}@127.0.0.1/m.yaml"]),
    ],
)
def test_no_error_shows_it(address: str, more: list[str]):
    process = start("--source", address, "--headless", *more, MASKDET_DEBUG="1")
    out, err = process.communicate(timeout=120)
    assert process.returncode in (2, 3), err
    assert "Traceback" not in err and err.startswith("monitor.py: ")
    assert SECRET not in out + err


@pytest.mark.parametrize("status", [404, 453])
@pytest.mark.parametrize(
    "path",
    [
        f"user=admin_password={SECRET}_channel=1_stream=0.sdp",
        f"user=admin&password={SECRET}&channel=1",
        f"{SECRET}@camera/1",  # of rtsp://admin:554/…@camera/1, a password that is not escaped
    ],
)
def test_what_a_server_refuses_is_reported_without_it(path: str, status: int):
    with answering(f"RTSP/1.0 {status} No\r\nCSeq: 1\r\n\r\n") as (port, asked):
        fault = diagnose(f"rtsp://127.0.0.1:{port}/{path}")
    assert SECRET in asked[0]  # the question is the camera's own affair
    assert SECRET not in fault.reason and ("knows no stream" if status == 404 else "453") in str(
        fault.reason
    )


def test_a_server_is_asked_for_the_whole_address():
    with answering("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n") as (port, asked):
        diagnose(f"rtsp://ann:{SECRET}@127.0.0.1:{port}/cam/realmonitor?channel=1&subtype=0")
    first = asked[0].splitlines()[0]
    assert first == (
        f"DESCRIBE rtsp://127.0.0.1:{port}/cam/realmonitor?channel=1&subtype=0 RTSP/1.0"
    )


def test_no_traceback_shows_it():
    code = (
        "from maskdet.system.console import ending\n"
        "def broken(): raise RuntimeError('rtsp://me:' + 'Geheim' + '9Xy@camera/1')\n"
        "ending('x', broken, interrupted=0)"
    )
    env = {**os.environ, "MASKDET_DEBUG": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert "Traceback" in done.stderr and "rtsp://me:***@camera/1" in done.stderr
    assert SECRET not in done.stderr
