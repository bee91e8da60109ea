"""One subject of a rule over time: a person's visit, a group, a camera, a disk."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from maskdet.alarm import Alarm

FLAP_TURNS = 4
"""Times that an alarm may begin again within `FLAP_WINDOW_S` before it is taken to flap."""
FLAP_WINDOW_S = 300.0
"""Also the seconds without a change, after which it is steady again."""

Turn = Literal["", "opened", "closed"]


@dataclass(eq=False)
class Episode:
    """Whether the condition of a rule is met for one subject, after dwell and hysteresis.

    Attributes:
        alarm: None before the first time.
        is_open: whether the alarm is not cleared.
        is_sent: whether the channels have got news of it.
        is_sent_open: what that news was: that it is open, or that it is cleared.
        is_merged: whether it was reported by the news of another alarm; it has none of its own.
        is_flapping: whether it comes and goes so often that nothing more is sent.
        sent_at: when news was sent, seconds.
        unseen_since: when its person was first missing, seconds; None while there.
    """

    alarm: Alarm | None = None
    is_open: bool = False
    is_sent: bool = False
    is_sent_open: bool = False
    is_merged: bool = False
    is_flapping: bool = False
    sent_at: float = 0.0
    unseen_since: float | None = None
    _since: float | None = None
    _is_unseen: bool = False
    _turns: deque[float] = field(default_factory=deque)

    def step(self, holds: bool, seconds: float, for_s: float, clear_s: float) -> Turn:
        """Takes in whether the condition is met; returns what that changes.

        Args:
            holds: whether it is met at this moment.
            seconds: of a clock that never goes back.
            for_s: seconds that it has to be met to open.
            clear_s: seconds that it must not be met to close.
        """
        if holds == self.is_open:
            self._since = None
            return ""
        if self._since is None:
            self._since = seconds
        if seconds - self._since < (for_s if holds else clear_s):
            return ""
        self._since = None
        self.is_open = holds
        self._is_unseen = self._is_unseen and holds
        return "opened" if holds else "closed"

    @property
    def waits(self) -> bool:
        """Whether there is anything to remember: an alarm, or a condition that is met."""
        return self.alarm is not None or self._since is not None

    def close(self) -> bool:
        """The subject is gone: closes at once; returns whether it was open."""
        was_open, self.is_open, self._since = self.is_open, False, None
        self._is_unseen = self._is_unseen or was_open
        return was_open

    def is_forgotten(self, now: float, memory: float) -> bool:
        """Whether its person, who is not there, was missing for more than `memory` seconds."""
        if self.unseen_since is None:
            self.unseen_since = now
        return now - self.unseen_since > memory

    def is_over(self, seconds: float, utc: float) -> bool:
        """Whether what the condition is met for now is another occurrence, with its own alarm.

        Not where it flaps, or began too often to be sent each time; nor where it closed because
        nothing was seen for a moment.
        """
        if self.alarm is None or self.alarm.cleared is None or self.is_flapping:
            return False
        if self._is_unseen and utc - self.alarm.cleared < FLAP_WINDOW_S:
            return False
        self._forget(seconds)
        return len(self._turns) < FLAP_TURNS

    def next(self) -> Episode:
        """The next occurrence, open, which knows how often it began before."""
        return Episode(is_open=True, _turns=self._turns.copy())

    def begins_to_flap(self, now: float) -> bool:
        """Notes that it opened; returns whether it is now taken to flap, the first time."""
        self._forget(now)
        self._turns.append(now)
        if self.is_flapping or len(self._turns) <= FLAP_TURNS:
            return False
        self.is_flapping = True
        return True

    def is_steady_again(self, now: float) -> bool:
        """Whether it flapped and does not any more; True once."""
        self._forget(now)
        if not self.is_flapping or self._turns:
            return False
        self.is_flapping = False
        return True

    def _forget(self, now: float) -> None:
        while self._turns and now - self._turns[0] >= FLAP_WINDOW_S:
            self._turns.popleft()
