"""Counts of what a video file lost: damaged frames, gaps, an early end."""

from __future__ import annotations

import logging

from maskdet.system.console import counted

log = logging.getLogger(__name__)

_MIN_GAP_S = 1.0
_GAP_FRAMES = 10
"""A gap is as long as so many frames at the file's average distance, and `_MIN_GAP_S`."""
_MAX_NAMED_GAPS = 3
_MAX_LEADING_FRAMES = 8
"""Frames that an undamaged video may lack: those before its first one that need earlier ones."""


class Damage:
    """Losses of one video file, reported once.

    Attributes:
        frames: packets that could not be decoded; each holds a frame.
        packets: that hold something.
        has_all_frames: False once frames were skipped by a jump, so that counts prove nothing.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.has_all_frames = True
        self.packets = self._decoded = self._hidden = 0
        self._gaps: list[tuple[float, float]] = []
        self._gap_count = 0
        self._last: float | None = None
        self._first: float | None = None
        self._lines: list[str] = []

    def add_packet(self, size: int, *, is_hidden: bool = False) -> None:
        """Counts a packet that holds something; one that is hidden is not to be shown."""
        self.packets += size > 0
        self._hidden += is_hidden

    def add_frame(self, position: float) -> None:
        """Counts a frame at its position in seconds, and notes a gap before it."""
        last, self._last = self._last, position
        self._decoded += 1
        if last is None or self._first is None:
            self._first = position
            return
        average = (last - self._first) / max(1, self._decoded - 2)
        is_known = self._decoded > 3 and self.has_all_frames
        if is_known and position - last > max(_MIN_GAP_S, _GAP_FRAMES * average):
            self._gap_count += 1
            if len(self._gaps) < _MAX_NAMED_GAPS:
                self._gaps.append((last, position))

    def note_end(
        self,
        stated: int,
        length: float | None,
        fps: float | None,
        *,
        is_cut: bool = False,
        skips_silently: bool = False,
    ) -> None:
        """Compares what was read with what the file's header states.

        Args:
            stated: frames; 0 where the header does not state them.
            length: seconds, if stated.
            fps: frames a second.
            is_cut: the file is shorter than its header states.
            skips_silently: the decoder may skip damaged frames without an error.
        """
        if not self.has_all_frames:
            return
        if self._reaches(length, fps) and not is_cut:
            stated = min(stated, self.packets)  # AVI counts repeated frames, which hold nothing
        missing = stated - self._decoded - self.frames - self._hidden if stated else 0
        breaks_off = stated - self.packets > 1
        has_skipped = self.frames or (skips_silently and missing > _MAX_LEADING_FRAMES)
        if missing > 0 and has_skipped and not breaks_off:
            self.frames += missing  # those that needed a damaged one were not decoded either
        elif missing > 0 and breaks_off:
            self._lines.append(f"it breaks off after {self._decoded} of {counted(stated, 'frame')}")
        elif not stated and length and self._last is not None:
            end = self._last + 1 / (fps or 25.0)
            if length - end > max(_MIN_GAP_S, _GAP_FRAMES / (fps or 25.0)):
                self._lines.append(f"its last frame is at {end:.1f} of {length:.1f} seconds")

    def _reaches(self, length: float | None, fps: float | None) -> bool:
        """Whether the last frame is where the file ends."""
        if not length or self._last is None:
            return False
        return length - self._last < 2.5 / (fps or 25.0)

    def report(self, name: str) -> None:
        """Logs one line if anything was lost, the first time that it is called."""
        lines = self._lines
        if self.frames:
            frames = "frame was" if self.frames == 1 else "frames were"
            lines.insert(0, f"{self.frames} damaged {frames} skipped, {self._decoded} were read")
        if self._gaps:
            named = ", ".join(f"{start:.1f} to {end:.1f} s" for start, end in self._gaps)
            more = self._gap_count - len(self._gaps)
            lines.append(f"no frames from {named}" + (f" and in {more} more gaps" if more else ""))
        if lines:
            log.warning("%s: %s", name, "; ".join(lines))
        self.frames, self._gaps, self._lines = 0, [], []
