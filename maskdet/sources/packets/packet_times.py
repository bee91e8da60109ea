"""Positions of packets in a video, by the camera's time stamps.

The stamps count: they have the camera's own rhythm, where packets come in bursts. But they are
missing at the beginning, and some cameras let them leap, stand still, or run at a wrong rate; then
the time counts at which packets came.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MAX_DRIFT_S = 10.0
"""Seconds that stamps may differ from the time that has passed here, before that counts."""
_MAX_DELAY_S = 5.0
"""Seconds from decoding an image to showing it above which its stamps are wrong."""
_MIN_STEP_S = 1e-3
"""Seconds between two packets at least: players want times that grow."""


class Stamps(NamedTuple):
    """Time stamps of a packet in seconds, as the camera gave them; None where it gave none.

    Attributes:
        shown: when the image is shown.
        decoded: when it is decoded, which is before that where others are shown in between.
    """

    shown: float | None
    decoded: float | None


def complete(stamps: Sequence[Stamps], interval: float) -> list[Stamps]:
    """The stamps of a stream's first packets, those filled in that are missing.

    FFmpeg knows the order in which images are decoded only after a few of them.

    Args:
        stamps: of the packets, in the order in which they came.
        interval: seconds between two images.
    """
    known = next((i for i, one in enumerate(stamps) if one.decoded is not None), None)
    shown = sorted(one.shown for one in stamps if one.shown is not None)
    if known is None or not shown:
        return list(stamps)
    base = stamps[known].decoded or 0.0
    filled = []
    for i, one in enumerate(stamps):
        decoded = base - (known - i) * interval if one.decoded is None else one.decoded
        is_first = i == 0 and one.shown is None
        filled.append(Stamps(shown[0] - interval if is_first else one.shown, decoded))
    return filled


class PacketTimes:
    """Positions and delays of one connection's packets."""

    def __init__(self, interval: float) -> None:
        """Begins at 0.

        Args:
            interval: seconds between two images, where nothing else is known.
        """
        self._interval = interval
        self._position = 0.0
        self._decoded: float | None = None
        self._began = self._arrived = 0.0
        self._is_first = True

    def place(self, stamps: Stamps, arrived: float) -> tuple[float, float]:
        """The position of a packet, and its delay until it is shown, in seconds.

        Args:
            stamps: the camera's.
            arrived: when it came, on a clock that nobody sets.
        """
        decoded = stamps.shown if stamps.decoded is None else stamps.decoded
        if self._is_first:
            self._is_first, self._began = False, arrived
        else:
            self._position += max(self._step(decoded, arrived), _MIN_STEP_S)
        self._decoded, self._arrived = decoded, arrived
        delay = 0.0
        if stamps.shown is not None and decoded is not None:
            delay = stamps.shown - decoded
        return self._position, delay if 0 <= delay <= _MAX_DELAY_S else 0.0

    def _step(self, decoded: float | None, arrived: float) -> float:
        passed = arrived - self._arrived
        if decoded is None or self._decoded is None:
            return passed or self._interval
        step = decoded - self._decoded
        if step <= 0:
            return passed
        drift = self._position + step - (arrived - self._began)
        return step if abs(drift) <= MAX_DRIFT_S else arrived - self._began - self._position
