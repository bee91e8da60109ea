"""One HTTP request to a camera: password, redirects, certificate, and why it failed.

requests, which is built on the standard library's lenient `http.client`, takes the odd headers
that cameras send; it has basic and digest login, redirects and proxies.
"""

from __future__ import annotations

import re
import ssl
from typing import Any

import requests
import urllib3
from requests.auth import AuthBase, HTTPDigestAuth
from urllib3.util import parse_url

from maskdet.sources.address import Address

_AGENT = {"User-Agent": "maskdet", "Accept": "*/*", "Accept-Encoding": "identity"}
_CHUNK_BYTES = 1 << 16


class Login(AuthBase):
    """A user's name and password in the way the camera asks for, to that camera alone."""

    def __init__(self, address: Address) -> None:
        """Nothing is sent before the camera asks."""
        self._user, self._password = address.user or "", address.password or ""
        self._host = address.host.lower()
        self._digest: HTTPDigestAuth | None = None
        self._is_basic = False

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Signs a request, once it is known how; required by requests."""
        if self._digest is not None:
            return self._digest(request)
        if self._is_basic:
            self._sign(request)
        request.register_hook("response", self._answer)
        return request

    def _answer(self, response: requests.Response, **options: Any) -> requests.Response:
        host = (parse_url(response.url or "").host or "").strip("[]").lower()
        asked = response.headers.get("WWW-Authenticate", "")
        if response.status_code != 401 or host != self._host or self._is_basic:
            return response
        if re.search(r"\bdigest\b", asked, re.IGNORECASE):
            self._digest = HTTPDigestAuth(self._user, self._password)
            self._digest.init_per_thread_state()
            self._digest._thread_local.pos = None
            self._digest._thread_local.num_401_calls = 1
            return self._digest.handle_401(response, **options)
        if not re.search(r"\bbasic\b", asked, re.IGNORECASE):
            return response
        self._is_basic = True
        response.content  # noqa: B018  (read to its end: the connection is used again)
        response.close()
        again = response.request.copy()
        self._sign(again)
        answer: requests.Response = response.connection.send(again, **options)
        answer.history.append(response)
        answer.request = again
        return answer

    def _sign(self, request: requests.PreparedRequest) -> None:
        login = f"{self._user}:{self._password}".encode(errors="surrogateescape")
        pair = login.decode("latin-1")  # as bytes: basic login has no encoding of its own
        signed = urllib3.make_headers(basic_auth=pair)["authorization"]
        request.headers["Authorization"] = signed  # cameras may look for the capital


class HttpClient:
    """Requests to one address, one after the other, over one connection where the camera keeps it.

    Attributes:
        is_unverified: whether the camera's certificate is not to be trusted; most cameras made
            theirs themselves.
    """

    def __init__(self, address: Address, connect_timeout: float, read_timeout: float) -> None:
        """Nothing is asked yet.

        Args:
            address: of the camera.
            connect_timeout: seconds to a connection.
            read_timeout: seconds between two pieces of an answer.
        """
        self.is_unverified = False
        self._has_answered = False
        self._url = address.bare_url
        self._timeout = (connect_timeout, read_timeout)
        self._session = requests.Session()
        self._session.headers.update(_AGENT)
        self._session.auth = Login(address)

    def get(self) -> requests.Response:
        """The answer's head; its body is read by `more`.

        Raises:
            OSError: what requests raises.
        """
        try:
            return self._ask()
        except requests.exceptions.SSLError as error:
            is_refused = isinstance(cause_of(error), ssl.SSLCertVerificationError)
            if self._has_answered or not is_refused:  # no change of trust that no line names
                raise
            self.is_unverified = True
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            return self._ask()

    def _ask(self) -> requests.Response:
        response = self._session.get(
            self._url, stream=True, timeout=self._timeout, verify=not self.is_unverified
        )
        self._has_answered = True
        return response

    def close(self) -> None:
        """Ends the connection."""
        self._session.close()


def more(response: requests.Response) -> bytes:
    """The next bytes of an answer, as soon as there are some; none at its end.

    Raises:
        OSError: the connection failed.
    """
    try:
        data: bytes = response.raw.read1(_CHUNK_BYTES)
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from error
    return data


def cause_of(error: BaseException) -> BaseException:
    """The system's own error inside of what requests and urllib3 made of it."""
    seen: list[BaseException] = []
    queue: list[object] = [error]
    while queue:
        one = queue.pop(0)
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            queue += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    plain = [
        one for one in seen if type(one).__module__ in ("socket", "builtins", "ssl", "http.client")
    ]
    if any(isinstance(one, requests.Timeout) for one in seen):
        return TimeoutError()
    return next((one for one in plain if isinstance(one, OSError)), error)
