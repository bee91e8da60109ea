"""A web-hook: an HTTP request for each message, signed, with a template of one's own."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maskdet.alarm import AlarmMessage
from maskdet.sinks.channels.channel import REQUEST_TIMEOUT_S, ChannelError
from maskdet.sinks.channels.fields import fields_of, fill


class WebHook:
    """Posts messages to an address; implements `Channel`.

    With a secret, ``X-Maskdet-Signature`` is ``sha256=`` and the HMAC of the time stamp, which
    ``X-Maskdet-Timestamp`` repeats, a dot, and the body: a receiver can refuse what is old.
    ``X-Maskdet-Message`` is the same at each attempt. Redirects are not followed.
    """

    def __init__(
        self,
        url: str,
        *,
        method: str = "POST",
        template: str | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        secret: str = "",
        attach: bool = False,
        ca: str | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> None:
        """Sends nothing yet.

        Args:
            url: where to.
            method: of HTTP.
            template: the body, with ``{{field}}``; None: all fields as JSON.
            content_type: of the body.
            headers: further ones.
            secret: key of the signature; empty: unsigned.
            attach: sends snapshot and clip along, as multipart/form-data with the body as its
                field ``message``.
            ca: file of certificates to trust; None: those of the system.
            timeout_s: for the answer.
        """
        self._url, self._method = url, method
        self._template, self._content_type = template, content_type
        self._headers, self._secret = dict(headers or {}), secret
        self._attach, self._verify, self._timeout = attach, ca or True, timeout_s

    def send(self, message: AlarmMessage) -> None:
        """Posts a message; any answer from 200 to 299 means that it has arrived."""
        body = self._body(message)
        headers = {**self._headers, "X-Maskdet-Message": message.message_id}
        if self._secret:
            headers |= signature(self._secret, body)
        files = self._files(message)
        content: dict[str, Any] = {"data": body}
        if files:
            content = {"files": {"message": (None, body, self._content_type), **files}}
        else:
            headers.setdefault("Content-Type", self._content_type)
        to_check = "address, rights and template"
        request(
            *(self._method, self._url, self._timeout, self._verify),
            to_check=to_check,
            headers=headers,
            **content,
        )

    def close(self) -> None:
        """Holds nothing."""

    def _body(self, message: AlarmMessage) -> bytes:
        if self._template is None:
            return json.dumps(fields_of(message), ensure_ascii=False).encode()
        as_json = self._content_type.startswith("application/json")
        return fill(self._template, message, as_json=as_json).encode()

    def _files(self, message: AlarmMessage) -> dict[str, tuple[str, bytes, str]]:
        """Picture with the first message, video with that of the clip."""
        path, kind = message.alarm.snapshot, "image/jpeg"
        if message.phase == "clip":
            path, kind = message.alarm.clip, "video/mp4"
        if not self._attach or not path or message.phase not in ("began", "clip"):
            return {}
        try:
            data = Path(path).read_bytes()
        except OSError:  # deleted by retention since: the message is what counts
            return {}
        return {"clip" if message.phase == "clip" else "snapshot": (Path(path).name, data, kind)}


def signature(secret: str, body: bytes) -> dict[str, str]:
    """The headers that sign a body."""
    stamp = str(int(time.time()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Maskdet-Timestamp": stamp, "X-Maskdet-Signature": f"sha256={digest}"}


def request(
    method: str,
    url: str,
    timeout_s: float,
    verify: bool | str = True,
    *,
    to_check: str = "address and rights",
    **content: Any,
) -> None:
    """One HTTP request that has to be answered with 200 to 299.

    Args:
        method: of HTTP.
        url: the address.
        timeout_s: for the connection, and for each part of the answer.
        verify: whether to check the certificate, or by which authority.
        to_check: what may be wrong where the request is refused.
        content: headers and body, as `requests` takes them.

    Raises:
        ChannelError: it is not.
    """
    import requests  # late: only runs with such a channel need it

    where = url.partition("?")[0]
    try:
        with requests.request(
            method,
            url,
            timeout=timeout_s,
            verify=verify,
            allow_redirects=False,
            stream=True,
            **content,
        ) as answer:
            status, reason = answer.status_code, answer.reason
    except requests.RequestException as error:
        raise ChannelError(
            f"{_host(where)}: {_cause(error)}", "check its address and network"
        ) from None
    if not 200 <= status < 300:
        raise ChannelError(f"{_host(where)} answered {status} {reason}", f"check {to_check}")


def _host(url: str) -> str:
    """The part of an address without secrets: scheme, host, port."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"


def _cause(error: BaseException) -> str:
    """The innermost reason of a library's error, short and without the address."""
    import requests

    if isinstance(error, requests.Timeout):
        return "no answer in time"
    found: BaseException = error
    while True:
        inner = found.__cause__ or found.__context__
        if inner is None or inner is found:
            break
        found = inner
    number = getattr(found, "strerror", None)
    return str(number or getattr(found, "verify_message", "") or f"{type(found).__name__}")
