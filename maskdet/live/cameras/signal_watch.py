"""Lines about a stream that falls silent, and that is back."""

from __future__ import annotations

from maskdet.drawing.status_text import duration
from maskdet.live.meters import OPENING_S
from maskdet.sources.silence import is_no_signal
from maskdet.system.console import say_named


class SignalWatch:
    """Reports when a stream falls silent, each reason once, and when it is back."""

    def __init__(self, label: str = "") -> None:
        """Knows of no silence.

        Args:
            label: stands in each line between the source's name and what has happened.
        """
        self._label = label
        self._silent_s: float | None = None
        self._has_begun = False
        self._reported: set[str] = set()

    def forget(self) -> None:
        """Takes the stream for one that nobody has asked for: its silence needs no line."""
        self._silent_s = None
        self._reported = set()

    def check(self, name: str, *, silent_s: float, has_begun: bool, reason: str | None) -> None:
        """Writes the line that is due; called often.

        Args:
            name: of the source.
            silent_s: seconds since the last image, or since the stream was asked for.
            has_begun: whether it has given an image since it was asked for.
            reason: why nothing comes at the moment, as far as is known.
        """
        if not is_no_signal(silent_s):
            if self._silent_s is not None:
                again = " again" if self._has_begun else ""
                self._say(name, f"signal{again} after {duration(self._silent_s)}")
            self.forget()
            self._has_begun = has_begun
            return
        if not has_begun and not reason and silent_s < OPENING_S:
            return
        if self._silent_s is None or (reason and reason not in self._reported):
            why = f" ({reason})" if reason else ""
            what = "no signal" if has_begun or reason else "no picture yet"
            self._say(name, f"{what}{why}; waiting for it", "warning")
        if reason:
            self._reported.add(reason)
        self._silent_s = silent_s

    def _say(self, name: str, message: str, level: str = "info") -> None:
        say_named(f"{name}: {self._label}{message}", level)
