"""Why a network stream did not open. FFmpeg's reason does not come through OpenCV, so we ask.

Runs in the process that reads the stream (`maskdet.sources.camera_process`): a look-up that hangs
is ended with it.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple

from maskdet.errors import SourceError
from maskdet.sources.address import ESCAPES, LISTENING, Address, parse
from maskdet.system.network_addresses import host_in_url
from maskdet.system.redaction import mask_address

_STATUS = re.compile(r"(?:failed:|HTTP error|Server returned) (\d{3})\b")
_REACH_TIMEOUT_S, _ANSWER_TIMEOUT_S = 1.5, 3.0
"""Seconds that a server has to take a connection, and to answer a question."""


class Fault(NamedTuple):
    """A fault of a stream's address or server.

    Attributes:
        reason: what, and what to do.
        login: whether it is the user's name or password: trying again and again would lock many
            a camera.
    """

    reason: str
    login: bool = False


class Answer(NamedTuple):
    """A server's answer: its status, and the type of what it sends."""

    status: int
    content: str = ""


def reach(url: str) -> Fault | None:
    """Whether the server takes a connection at all; None if so, or if that cannot be asked."""
    place = _place(url)
    if isinstance(place, Fault):
        return place
    if place.any_port is None:
        return None

    def connect() -> None:
        socket.create_connection((place.host, place.any_port or 0), _REACH_TIMEOUT_S).close()

    return _explain(connect, place)


def diagnose(url: str, log_text: str = "", *, waited: bool = False) -> Fault:
    """Why a stream does not open, and what to do.

    Where FFmpeg gave no reason, asks the server once, without the user's name and password.

    Args:
        url: of the stream.
        log_text: FFmpeg's log of the attempt.
        waited: FFmpeg waited for images until its time was over; a password was not refused.
    """
    place = _place(url)
    if isinstance(place, Fault):
        return place
    status = _STATUS.search(log_text)
    if status and status[1] != "200":
        return rule(Answer(int(status[1])), place)
    if place.scheme in LISTENING or place.scheme.startswith("rtmp"):
        return _explain_log(place, log_text)

    def ask() -> Answer:
        answer = (_ask_http if place.scheme.startswith("http") else _ask_rtsp)(place)
        is_login = answer.status == 401 and place.user is not None
        return Answer(200) if waited and is_login else answer

    return _explain(ask, place) or Fault("it cannot be opened")


def _explain_log(place: Address, log_text: str) -> Fault:
    """By FFmpeg's log alone: such a sender may have one line only, and none for a question."""
    if place.any_port is None:
        return Fault(place.missing_port)
    if "refused" in log_text:
        return explain_error(ConnectionRefusedError(), place)
    if "resolve" in log_text:
        return explain_error(socket.gaierror(), place)
    if place.scheme == "srt":
        where = place.place if place.host else f"port {place.port}"
        return Fault(f"no SRT stream from {where}; is it on, and are port and passphrase right?")
    if place.scheme in ("udp", "rtp"):
        return Fault(f"nothing that can be read arrives at port {place.port}; does it send?")
    where = "it" if place.is_doubtful else place.place
    return Fault(f"{where} sends no video that can be read; is it on, and the path right?")


def _place(url: str) -> Address | Fault:
    try:
        return parse(url)
    except SourceError as error:
        return Fault(str(error))


def _explain(ask: Callable[[], Answer | None], place: Address) -> Fault | None:
    try:
        answer = ask()
    except (OSError, http.client.HTTPException, ValueError) as error:
        return explain_error(error, place)
    return rule(answer, place) if answer else None


def shown_path(place: Address) -> str:
    """The path as it may be shown: alone it no longer looks like one with a secret."""
    return "/…" if place.is_doubtful else mask_address(f"to://{place.path}")[5:]


def explain_error(error: BaseException, place: Address) -> Fault:
    """The meaning of a network error, and what to do."""
    host, port = place.host, place.any_port
    if place.is_doubtful:  # then "host" may well be a piece of the password
        return Fault(f"no host can be read from the address; {ESCAPES}")
    if isinstance(error, socket.gaierror):
        text = f"there is no host '{host}'; look for a typing error, or use its IP address"
    elif isinstance(error, ConnectionRefusedError):
        text = f"{host} refuses port {port}; is the camera's server on, and the port right?"
    elif isinstance(error, TimeoutError):
        text = f"{host}:{port} does not answer; is the camera on and in this network?"
    else:
        text = f"no {place.scheme.upper()} answer from {host}:{port}{_why(error)}"
    return Fault(text)


def _why(error: BaseException) -> str:
    if isinstance(error, ConnectionResetError | BrokenPipeError):  # http.client's own among them
        return ", which closes the connection; is the port right, and one more viewer allowed?"
    if isinstance(error, http.client.HTTPException | ValueError):
        return ", where another kind of program answers; is the port right?"
    return f" ({getattr(error, 'strerror', None) or type(error).__name__})"


def rule(answer: Answer, place: Address) -> Fault:
    """The meaning of a server's answer where no video came of it, and what to do."""
    status, path = answer.status, shown_path(place)
    if status in (401, 403):
        return Fault(_refused(place), login=True)
    if status == 404:
        return Fault(f"the server knows no stream '{path}'; the camera's manual names its path")
    if status == 461:
        return Fault("it does not send in that way; set rtsp_transport to auto, tcp or udp")
    if status >= 400:
        return Fault(f"the server answered with status {status} for '{path}'")
    if "html" in answer.content:
        return Fault(f"'{path}' is a web page, no video; the camera's manual names its stream")
    return Fault("the server answers, but sends no video that can be read; look at the path")


def _refused(place: Address) -> str:
    if place.user is None and place.password is None:
        return f"it asks for a password; write {place.scheme}://<user>:<password>@<host>/path"
    text = "user name or password refused; look for a typing error (and in the path)"
    return text + ("; write %25 for a %" if "%" in (place.password or "") else "")


def _ask_http(place: Address) -> Answer:
    secure = place.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(place.host, place.any_port, timeout=_ANSWER_TIMEOUT_S)
    try:
        connection.request(
            "GET", re.sub("#.*", "", place.bare_url.partition(place.place)[2]) or "/"
        )
        response = connection.getresponse()
        return Answer(response.status, response.getheader("Content-Type", "").lower())
    finally:
        connection.close()


def _ask_rtsp(place: Address) -> Answer:
    host, port = place.host, place.any_port or 554
    with socket.create_connection((host, port), _ANSWER_TIMEOUT_S) as plain:
        link = plain
        if place.scheme == "rtsps":  # as FFmpeg does: cameras make their certificates themselves
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            link = context.wrap_socket(plain, server_hostname=host)
        address = place.bare_url.replace(place.place, f"{host_in_url(host)}:{port}", 1)
        link.sendall(f"DESCRIBE {address} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        words = link.recv(1024).split(maxsplit=2)
    if not words:
        raise ConnectionResetError
    if len(words) < 2 or not words[0].startswith(b"RTSP/"):
        raise ValueError("not RTSP")
    return Answer(int(words[1]))
