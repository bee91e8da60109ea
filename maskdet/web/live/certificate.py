"""A TLS certificate: whether it serves, when it expires, and whether it was renewed."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from maskdet.errors import ConfigError, reason_of
from maskdet.system.console import say
from maskdet.system.threads import Event, Worker

log = logging.getLogger(__name__)

WARNING_DAYS = 14
"""Days before its end from which on a certificate is reported; most are renewed earlier."""
CHECK_INTERVAL_S = 3600.0
"""Between two checks of the files; a line about the same end comes once a day."""
_DAY_S = 24 * 3600.0
_NO_CHECK_TIME = 0x200000
"""OpenSSL's flag, which Python does not name: an expired certificate is read, too."""


def check_certificate(certificate: Path, key: Path) -> None:
    """Makes sure that TLS will work, before anything slow is done.

    Raises:
        ConfigError: a file is missing, no PEM, or the key is of another certificate.
    """
    for path in (certificate, key):
        try:
            path.read_bytes()
        except OSError as error:
            raise ConfigError(f"TLS: {path} cannot be read: {reason_of(error)}") from None
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or "the key has a password"
        raise ConfigError(
            f"TLS: {certificate} and {key} do not serve ({reason}); give a PEM certificate and its "
            "PEM key without a password"
        ) from None


def expiry(certificate: Path, key: Path) -> float | None:
    """Unix time at which a certificate expires; None where that cannot be read.

    Python reads dates off a certificate that a server has shown, so one is shown in memory.
    """
    try:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate, key, password=lambda: "")
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname = False
        client.load_verify_locations(certificate)
        flags = client.verify_flags | ssl.VERIFY_X509_PARTIAL_CHAIN
        client.verify_flags = ssl.VerifyFlags(flags | _NO_CHECK_TIME)
        shown = _shake_hands(server, client).getpeercert()
        return float(ssl.cert_time_to_seconds(str((shown or {})["notAfter"])))
    except (OSError, ValueError, KeyError):
        return None


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> ssl.SSLObject:
    """The client's side of a connection, once both have agreed."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(back, there)
    answering = server.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for side in (asking, answering):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    return asking


def expiry_warning(certificate: Path, key: Path, now: float | None = None) -> str:
    """A line where a certificate has expired or soon will; empty where it has not."""
    ends = expiry(certificate, key)
    if ends is None:
        return ""
    left = (ends - (time.time() if now is None else now)) / _DAY_S
    day = f"{datetime.fromtimestamp(ends, UTC):%Y-%m-%d %H:%M} UTC"
    if left < 0:
        return (
            f"the TLS certificate {certificate} has expired ({day}): browsers refuse it; renew it"
        )
    if left < WARNING_DAYS:
        return f"the TLS certificate {certificate} expires in {int(left)} days ({day}); renew it"
    return ""


class CertificateWatch:
    """Reports a certificate that expires, at the start and daily, and has a renewed one served.

    Attributes:
        notice: what the page shows to operators; empty: nothing.
    """

    def __init__(self, certificate: Path, key: Path, on_renewed: Callable[[], object]) -> None:
        """Checks nothing yet.

        Args:
            certificate: PEM file.
            key: PEM file.
            on_renewed: called with new files in place, which fit each other.
        """
        self.notice = ""
        self._certificate, self._key, self._on_renewed = certificate, key, on_renewed
        self._over = Event()
        self._seen = self._changes()
        self._refusal = ""
        self._logged_at: float | None = None
        self._worker = Worker("TLS certificate", self._run, is_alone=True)

    def start(self) -> None:
        """Checks at once, and from then on in a thread of its own."""
        self.check()
        self._worker.start()

    def check(self) -> None:
        """One check."""
        if self._changes() != self._seen:
            self._renew()
        self.notice = expiry_warning(self._certificate, self._key)
        now = time.monotonic()
        if not self.notice:
            self._logged_at = None
        elif self._logged_at is None or now - self._logged_at >= _DAY_S:
            self._logged_at = now
            log.warning("live page: %s", self.notice)

    def close(self) -> None:
        """Ends the thread; may be called twice."""
        self._over.set()
        self._worker.join(1.0)

    def _run(self) -> None:
        while not self._over.wait(CHECK_INTERVAL_S):
            self.check()

    def _changes(self) -> tuple[float, ...]:
        """When the files were changed last; empty while one is not there."""
        with suppress(OSError):
            return self._certificate.stat().st_mtime, self._key.stat().st_mtime
        return ()

    def _renew(self) -> None:
        """Has new files served; those that do not fit yet are tried again at the next check."""
        changes = self._changes()
        try:
            check_certificate(self._certificate, self._key)
            self._on_renewed()
        except (ConfigError, OSError) as error:
            if str(error) != self._refusal:
                self._refusal = str(error)
                log.warning("live page: the old certificate is served: %s", error)
            return
        self._seen, self._refusal = changes, ""
        say("live page: the new TLS certificate is served")
