"""Why a network stream did not open. FFmpeg's reason does not come through OpenCV, so we ask.

Runs in the process that reads the stream (`maskdet.live.serving`): a look-up of a name that hangs
is ended with it.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies

from maskdet.privacy import mask_password

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_STATUS = re.compile(r"(?:failed:|HTTP error|Server returned) (\d{3})\b")
_ESCAPE = "in a password write %40 for @, %3A for : and %2F for /"
_ADDRESS = "write it as rtsp://user:password@host:554/path"


class Fault(NamedTuple):
    """What is wrong with a stream's address or server.

    Attributes:
        reason: what, and what to do.
        login: whether it is the user's name or password: trying again and again would lock many
            a camera.
    """

    reason: str
    login: bool = False


class _Answer(NamedTuple):
    status: int
    content: str = ""


def reach(url: str, timeout: float = 1.5) -> Fault | None:
    """Whether the server takes a connection at all; None if so, or if that cannot be asked."""
    place = _place(url)
    if isinstance(place, Fault):
        return place
    parts, host, port = place
    if parts.scheme.startswith("http") and getproxies():  # FFmpeg goes through them, we do not
        return None

    def connect() -> _Answer | None:
        socket.create_connection((host, port), timeout).close()
        return None

    return _explain(connect, parts, host, port)


def diagnose(url: str, said: str = "", timeout: float = 3.0) -> Fault:
    """Why a stream does not open, and what to do.

    Where FFmpeg did not tell, asks the server once, without the user's name and password.

    Args:
        url: of the stream.
        said: FFmpeg's log of the attempt.
        timeout: of the question, seconds.
    """
    place = _place(url)
    if isinstance(place, Fault):
        return place
    parts, host, port = place
    status = _STATUS.search(said)
    if status and status[1] != "200":
        return _judge(_Answer(int(status[1])), parts)
    ask = _ask_http if parts.scheme.startswith("http") else _ask_rtsp
    found = _explain(lambda: ask(parts, host, port, timeout), parts, host, port)
    return found or Fault("it cannot be opened")


def _place(url: str) -> tuple[SplitResult, str, int] | Fault:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return Fault(f"the address cannot be read; {_ADDRESS}")
    return (parts, host, port) if host else Fault(f"the address names no host; {_ADDRESS}")


def _explain(
    ask: Callable[[], _Answer | None], parts: SplitResult, host: str, port: int
) -> Fault | None:
    try:
        answer = ask()
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Fault(_say_error(error, parts, host, port))
    return _judge(answer, parts) if answer else None


def _shown(parts: SplitResult) -> SplitResult:
    """The address as it may be shown: by itself a path no longer looks like one with a secret."""
    try:
        return urlsplit(mask_password(parts.geturl()))
    except ValueError:  # an @ or / in a password that nobody escaped
        return urlsplit("")


def _say_error(error: Exception, parts: SplitResult, host: str, port: int) -> str:
    if _shown(parts).hostname != host:  # then "host" may well be a piece of the password
        return f"no host can be read from the address; {_ESCAPE}"
    if isinstance(error, socket.gaierror):
        return f"no host is called '{host}'; look for a typing error, or use its IP address"
    if isinstance(error, ConnectionRefusedError):
        return f"{host} refuses port {port}; is the camera's server on, and the port right?"
    if isinstance(error, TimeoutError):
        return f"{host}:{port} does not answer; is the camera on and in this network?"
    why = getattr(error, "strerror", None) or type(error).__name__
    return f"no {parts.scheme.upper()} answer from {host}:{port} ({why})"


def _judge(answer: _Answer, parts: SplitResult) -> Fault:
    status, path = answer.status, _shown(parts).path or "/"
    if status in (401, 403):
        if parts.username is None:
            text = f"it asks for a password; write {parts.scheme}://user:password@host/path"
        else:
            text = "user name or password refused; look for a typing error (and in the path)"
        return Fault(text, login=True)
    if status == 404:
        return Fault(f"the server knows no stream '{path}'; the camera's manual names its path")
    if status >= 400:
        return Fault(f"the server answered with status {status} for '{path}'")
    if "html" in answer.content:
        return Fault(f"'{path}' is a web page, no video; the camera's manual names its stream")
    return Fault("the server answers, but sends no video that can be read; look at the path")


def _ask_http(parts: SplitResult, host: str, port: int, timeout: float) -> _Answer:
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(host, port, timeout=timeout)
    try:
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        response = connection.getresponse()
        return _Answer(response.status, response.getheader("Content-Type", "").lower())
    finally:
        connection.close()


def _ask_rtsp(parts: SplitResult, host: str, port: int, timeout: float) -> _Answer:
    query = f"?{parts.query}" if parts.query else ""  # many name the channel there
    name = f"[{host}]" if ":" in host else host
    address = f"{parts.scheme}://{name}:{port}{parts.path}{query}"
    with socket.create_connection((host, port), timeout) as plain:
        link = plain
        if parts.scheme == "rtsps":
            link = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        link.sendall(f"DESCRIBE {address} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        words = link.recv(1024).split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith(b"RTSP/"):
        raise ValueError("not RTSP")
    return _Answer(int(words[1]))
