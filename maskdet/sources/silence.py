"""Silence of a source: how long nothing has come that is wanted, and when that is an outage."""

from __future__ import annotations

import time
from dataclasses import dataclass

from maskdet.contracts import NO_SIGNAL_S


def is_no_signal(silent_s: float) -> bool:
    """Whether after so many seconds of silence there is no signal."""
    return silent_s > NO_SIGNAL_S


@dataclass(frozen=True)
class Silence:
    """The silence of a source at one moment.

    Attributes:
        silent_s: seconds since something came, or was wanted.
        outages: how often it was silent for too long.
        outage_s: for how long in all.
    """

    silent_s: float = 0.0
    outages: int = 0
    outage_s: float = 0.0


class SilenceMeter:
    """Measures the silence of a source, and counts its outages.

    An outage is a silence of more than `NO_SIGNAL_S`, or of more than the time that it may take to
    begin. One thread writes; any may read.

    Attributes:
        pause: seconds that the source waits on its own between two.
    """

    def __init__(self, opening_s: float) -> None:
        """Nothing is wanted yet.

        Args:
            opening_s: seconds that it may take from when something is wanted to when it comes.
        """
        self._opening_s = opening_s
        self._since: float | None = None
        self._ended: float | None = None
        self.pause = 0.0
        self._is_opening = True
        self._outages, self._outage_s = 0, 0.0

    @property
    def is_opening(self) -> bool:
        """Whether nothing has come since it was wanted."""
        return self._is_opening

    def want(self) -> None:
        """Something is wanted from now on, which takes its time to begin."""
        self._since, self._is_opening = time.monotonic(), True

    def receive(self, pause: float = 0.0) -> None:
        """Something has come; the source waits so many seconds on its own before the next."""
        self.rest()
        self.pause = pause
        self._since, self._is_opening = time.monotonic(), False

    def rest(self) -> None:
        """Nothing is wanted from now on, which is no silence."""
        self._count(self._silent())
        self._since = None

    def end(self) -> None:
        """Nothing will come any more: a silence lasts no longer."""
        if self._ended is None:
            self._ended = time.monotonic()

    def read(self) -> Silence:
        """The silence at this moment, with an outage that goes on."""
        silent = self._silent()
        is_outage = silent > self._limit_s
        return Silence(
            silent_s=silent,
            outages=self._outages + is_outage,
            outage_s=self._outage_s + (silent if is_outage else 0.0),
        )

    def _silent(self) -> float:
        since = self._since
        now = self._ended or time.monotonic()
        return 0.0 if since is None else max(0.0, now - since - self.pause)

    def _count(self, silent: float) -> None:
        if silent > self._limit_s:
            self._outages += 1
            self._outage_s += silent

    @property
    def _limit_s(self) -> float:
        return self._opening_s if self._is_opening else NO_SIGNAL_S
