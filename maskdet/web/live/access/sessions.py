"""Who is logged in, kept here and not in the cookie; and how often somebody may try."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from maskdet.system.threads import Lock
from maskdet.web.live.access.accounts import Account, Role

IDLE_S = 12 * 3600.0
"""A session ends when nothing was asked for so long."""
MAX_S = 7 * 24 * 3600.0
"""And in any case after so long."""
_MAX_SESSIONS = 1000
TRIES = 5
"""Failed logins, of one address or one name, after which both have to wait."""
_FIRST_PAUSE_S = 30.0
_MAX_PAUSE_S = 900.0
_MAX_KEYS = 10_000


@dataclass
class Session:
    """Somebody who is logged in.

    Attributes:
        user: the name; empty where nobody has to log in.
        role: what the user may do.
        csrf: what a request that changes something has to repeat in its header.
        hashed: hash of the password that it began with: another password ends it.
        began: by the monotonic clock.
        seen: likewise, the last request.
    """

    user: str
    role: Role
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    hashed: str = ""
    began: float = 0.0
    seen: float = 0.0

    def has_token(self, token: str) -> bool:
        """Whether that is its CSRF token."""
        return hmac.compare_digest(self.csrf.encode(), token.encode("utf-8", "replace"))


class Sessions:
    """All sessions of a run, found by the hash of their cookie."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nobody is logged in yet."""
        self._clock = clock
        self._lock = Lock()
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def begin(self, account: Account) -> tuple[str, Session]:
        """The cookie of a new session, and the session; of too many, the oldest ends."""
        token, now = secrets.token_urlsafe(32), self._clock()
        session = Session(account.name, account.role, hashed=account.password, began=now, seen=now)
        with self._lock:
            self._sessions[_digest(token)] = session
            while len(self._sessions) > _MAX_SESSIONS:
                self._sessions.popitem(last=False)
        return token, session

    def get(self, token: str) -> Session | None:
        """The session of a cookie; None where there is none, or it is over."""
        now, key = self._clock(), _digest(token)
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                return None
            if now - session.seen > IDLE_S or now - session.began > MAX_S:
                del self._sessions[key]
                return None
            session.seen = now
            return session

    def end(self, token: str) -> None:
        """Ends a session."""
        with self._lock:
            self._sessions.pop(_digest(token), None)


class LoginLimit:
    """Slows down guesses of passwords; each failure beyond `TRIES` doubles the pause."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nobody has tried yet."""
        self._clock = clock
        self._lock = Lock()
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, *keys: str) -> float:
        """Seconds until these (an address, a name) may try again; 0: now."""
        now = self._clock()
        with self._lock:
            pauses = [self._until(key) - now for key in keys]
        return max(0.0, *pauses)

    def fail(self, *keys: str) -> None:
        """They have failed once more."""
        now = self._clock()
        with self._lock:
            for key in keys:
                count, last = self._failures.pop(key, (0, now))
                if now - last > _MAX_PAUSE_S:
                    count = 0
                self._failures[key] = count + 1, now
            while len(self._failures) > _MAX_KEYS:
                self._failures.popitem(last=False)

    def succeed(self, *keys: str) -> None:
        """They have logged in."""
        with self._lock:
            for key in keys:
                self._failures.pop(key, None)

    def _until(self, key: str) -> float:
        count, last = self._failures.get(key, (0, 0.0))
        if count < TRIES:
            return 0.0
        return last + min(_MAX_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (count - TRIES))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
