"""Why a network stream did not open. FFmpeg's reason does not come through OpenCV, so we ask."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


def diagnose(url: str, timeout: float = 3.0) -> str | None:
    """What is wrong with a stream's address or server and what to do; None if it cannot tell.

    Asks the server once, without the user's name and password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return "the address cannot be read; write it as rtsp://user:password@host:554/path"
    if not host:
        return "the address names no host; write it as rtsp://user:password@host:554/path"
    ask = _ask_http if parts.scheme.startswith("http") else _ask_rtsp
    return _reach(lambda: ask(parts, host, port, timeout), parts, host, port)


def _reach(ask: Callable[[], int], parts: SplitResult, host: str, port: int) -> str | None:
    try:
        return _say_status(ask(), parts)
    except socket.gaierror:
        return f"no host is called '{host}'; look for a typing error, or use its IP address"
    except ConnectionRefusedError:
        return f"{host} refuses port {port}; is the camera's server on, and the port right?"
    except TimeoutError:
        return f"{host}:{port} does not answer; is the camera on and in this network?"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"no {parts.scheme.upper()} answer from {host}:{port} ({type(error).__name__})"


def _say_status(status: int, parts: SplitResult) -> str | None:
    path = parts.path or "/"
    if status in (401, 403):
        if parts.username is None:
            return f"it asks for a password; write {parts.scheme}://user:password@host/path"
        return "user name or password refused; look for a typing error (and in the path)"
    if status == 404:
        return f"the server knows no stream '{path}'; the camera's manual names its path"
    if status >= 400:
        return f"the server answered with status {status} for '{path}'"
    return "the server answers, but sends no video that can be read; look at the path"


def _ask_http(parts: SplitResult, host: str, port: int, timeout: float) -> int:
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(host, port, timeout=timeout)
    try:
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        return connection.getresponse().status
    finally:
        connection.close()


def _ask_rtsp(parts: SplitResult, host: str, port: int, timeout: float) -> int:
    address = f"{parts.scheme}://{host}:{port}{parts.path}"
    with socket.create_connection((host, port), timeout) as plain:
        link = plain
        if parts.scheme == "rtsps":
            link = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        link.sendall(f"DESCRIBE {address} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        words = link.recv(1024).split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith(b"RTSP/"):
        raise ValueError("not RTSP")
    return int(words[1])
