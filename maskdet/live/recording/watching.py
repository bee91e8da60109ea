"""State of the streams that are recorded as cameras send them, for lines, summary and pages."""

from __future__ import annotations

from maskdet.drawing.status_text import duration
from maskdet.sinks.recording.copy.copy_switch import CopySwitch
from maskdet.sinks.recording.copy.packet_feed import FeedState
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from maskdet.system.console import say

_OPEN_WARNING_S = 10.0
"""Seconds that a stream may take to give its first image before that is worth a line."""


def recorded_stream(recording: RecordingSwitch) -> FeedState | None:
    """The state of the camera's own video; None where it is not recorded."""
    return recording.feed.state() if isinstance(recording, CopySwitch) else None


class RecordedStreamWatch:
    """Reports when a recorded stream falls silent, and when it is back."""

    def __init__(self) -> None:
        """Knows of no silence."""
        self._silent: dict[str, float] = {}
        self._reasons: set[tuple[str, str | None]] = set()

    def report(self, name: str, state: FeedState) -> None:
        """Writes the line that is due of a source; called once a turn by the main loop."""
        is_opening = not state.packets and state.silent_s < _OPEN_WARNING_S
        if state.no_signal and not (is_opening and state.reason is None):
            if name not in self._silent or (name, state.reason) not in self._reasons:
                why = f" ({state.reason})" if state.reason else ""
                say(
                    f"monitor.py: {name}: recorded stream: no signal{why}; waiting for it",
                    "warning",
                )
            self._reasons.add((name, state.reason))
            self._silent[name] = state.silent_s
        elif name in self._silent and not state.no_signal:
            silent = duration(self._silent.pop(name))
            self._reasons = {one for one in self._reasons if one[0] != name}
            if state.is_wanted:
                say(f"monitor.py: {name}: recorded stream: signal again after {silent}")
