"""The last seconds of one source as encoded packets, within a bound of memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maskdet.people.clock import SourceClock
from maskdet.system.threads import Lock


@dataclass(frozen=True)
class EncodedPacket:
    """One encoded image.

    Attributes:
        data: as the encoder gave it.
        is_key: whether a player can begin with it.
        template: the encoder's stream, of which a file's stream is made.
        shape: (height, width, 3) of the image.
        delay: seconds from its decoding to its showing, where others are shown in between.
        parameters: the parameter sets of a camera's own video; empty of what is encoded here.
        connection: of a camera's own video: counts how often it was opened again before.
        is_blurred: whether its faces were made unrecognizable by `blur`.
    """

    data: bytes
    is_key: bool
    template: Any
    shape: tuple[int, ...]
    delay: float = 0.0
    parameters: bytes = b""
    connection: int = 0
    is_blurred: bool = False


@dataclass(frozen=True)
class RingEntry:
    """A packet in the ring.

    Attributes:
        number: counts all packets that ever were in the ring.
        seconds: on the ring's clock, which never goes back.
        packet: the packet.
    """

    number: int
    seconds: float
    packet: EncodedPacket


class PacketRing:
    """Packets of the last seconds, from a key frame on; for any thread.

    Attributes:
        now: time of the newest packet, on the ring's clock.
    """

    def __init__(self, seconds: float, max_bytes: float) -> None:
        """Is empty.

        Args:
            seconds: that are kept at least, where the memory suffices.
            max_bytes: of all packets together.
        """
        self.now = 0.0
        self._seconds, self._max_bytes = seconds, max_bytes
        self._entries: deque[RingEntry] = deque()
        self._bytes = self._number = 0
        self._clock = SourceClock()
        self._lock = Lock()

    @property
    def used_bytes(self) -> int:
        """Bytes of all packets."""
        return self._bytes

    def add(self, position: float, packet: EncodedPacket) -> None:
        """Takes a packet, and lets go of the oldest.

        Args:
            position: of its frame, in seconds.
            packet: the packet.
        """
        with self._lock:
            self._clock.step(position)
            self.now = self._clock.now
            if not self._entries and not packet.is_key:
                return  # what it builds on is gone
            self._number += 1
            self._entries.append(RingEntry(self._number, self.now, packet))
            self._bytes += len(packet.data)
            self._prune()

    def since(self, seconds: float) -> list[RingEntry]:
        """Packets from the last key frame before a moment on, or from the first that is kept."""
        with self._lock:
            entries = list(self._entries)
        keys = [i for i, one in enumerate(entries) if one.packet.is_key]
        before = [i for i in keys if entries[i].seconds <= seconds]
        return entries[before[-1] if before else keys[0] :] if keys else []

    def after(self, number: int) -> Sequence[RingEntry]:
        """Packets that are newer than one."""
        with self._lock:
            return [one for one in self._entries if one.number > number]

    def _prune(self) -> None:
        """Drops whole groups of images from the front: half of one cannot be played."""
        while self._entries:
            second_key = next((one for one in list(self._entries)[1:] if one.packet.is_key), None)
            is_old = second_key is not None and self.now - second_key.seconds >= self._seconds
            if not is_old and self._bytes <= self._max_bytes:
                return
            self._drop()
            while self._entries and not self._entries[0].packet.is_key:
                self._drop()

    def _drop(self) -> None:
        self._bytes -= len(self._entries.popleft().packet.data)
