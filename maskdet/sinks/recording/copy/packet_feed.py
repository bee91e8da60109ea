"""A network camera's own video, handed to its recorder and its clips."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from maskdet.sinks.recording.packet_ring import EncodedPacket
from maskdet.sinks.recording.packet_video import shape_of, template_of
from maskdet.sources.options import StreamOptions
from maskdet.sources.packets.packet_stream import PacketStream
from maskdet.sources.packets.stream_packet import StreamPacket
from maskdet.sources.silence import SilenceMeter, is_no_signal
from maskdet.system.threads import Lock, Worker

log = logging.getLogger(__name__)

Taker = Callable[[float, EncodedPacket], None]
"""Takes a packet and its position in seconds; called in the feed's thread, and never waits."""

_OPENING_S = 10.0
"""Seconds that a stream may take to give its first packet, before that counts as an outage."""
_JOIN_TIMEOUT_S = 0.5


@dataclass(frozen=True)
class FeedState:
    """State of a camera's recorded stream at one moment.

    Attributes:
        is_wanted: whether it is received now.
        packets: how many came.
        reconnects: how often it was opened again.
        silent_s: seconds since its last packet, where it is received.
        outages: how often it was silent for too long: see `SilenceMeter`.
        outage_s: for how long in all.
        reason: why nothing comes at the moment, as far as is known.
    """

    is_wanted: bool = False
    packets: int = 0
    reconnects: int = 0
    silent_s: float = 0.0
    outages: int = 0
    outage_s: float = 0.0
    reason: str | None = None

    @property
    def no_signal(self) -> bool:
        """Whether it gives nothing at the moment."""
        return is_no_signal(self.silent_s)


class PacketFeed:
    """Receives a stream in a thread of its own while somebody takes its packets.

    A camera that is away is waited for; nobody who takes packets notices but by their absence.

    Attributes:
        error: what its thread died of, a fault of ours.
    """

    def __init__(self, url: str, name: str, options: StreamOptions | None = None) -> None:
        """Receives nothing yet; see `PacketStream` for the arguments."""
        self.error: BaseException | None = None
        self._url, self._name, self._options = url, name, options
        self._takers: tuple[Taker, ...] = ()
        self._lock = Lock()
        self._stream: PacketStream | None = None
        self._worker: Worker | None = None
        self._packets = self._reconnects = 0
        self._silence = SilenceMeter(_OPENING_S)
        self._template: Any = None
        self._template_of: tuple[str, bytes] | None = None

    def subscribe(self, taker: Taker) -> None:
        """Hands it each packet from now on; the first one opens the stream."""
        with self._lock:
            self._takers = (*self._takers, taker)
            if self._stream is not None:
                return
            stream = self._stream = PacketStream(self._url, self._name, self._options)
            self._silence.want()
            self._worker = Worker(f"receiving {stream.name}", lambda: self._run(stream))
            self._worker.start()

    def unsubscribe(self, taker: Taker) -> None:
        """Hands it nothing more; the last one closes the stream."""
        with self._lock:
            self._takers = tuple(one for one in self._takers if one != taker)
            stream = None if self._takers else self._stream
            if stream is not None:
                self._end(stream)

    def redirect(self, url: str, options: StreamOptions | None = None) -> None:
        """Opens another address from the next connection on.

        Raises:
            SourceError: it cannot be read; nothing changes.
        """
        with self._lock:
            if self._stream is not None:
                self._stream.redirect(url, options)
            self._url, self._options = url, options

    def reconnect(self) -> None:
        """Ends the connection, if there is one; the stream is opened again at once."""
        if (stream := self._stream) is not None:
            stream.drop()

    def close(self) -> None:
        """Closes the stream; may be called twice."""
        with self._lock:
            self._takers = ()
            if self._stream is not None:
                self._end(self._stream)

    def state(self) -> FeedState:
        """The state at this moment; for any thread."""
        stream, silence = self._stream, self._silence.read()
        reason = None if stream is None else stream.signal_loss_reason
        if silence.silent_s > _OPENING_S and reason is None and stream is not None:
            reason = "it is open, but sends no video that begins with a key frame"
        return FeedState(
            is_wanted=stream is not None,
            packets=self._packets,
            reconnects=self._reconnects + (0 if stream is None else stream.reconnects),
            silent_s=silence.silent_s,
            outages=silence.outages,
            outage_s=silence.outage_s,
            reason=reason if is_no_signal(silence.silent_s) else None,
        )

    def _end(self, stream: PacketStream) -> None:
        stream.close()
        self._silence.rest()
        self._stream = None
        self._reconnects += stream.reconnects
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.join(_JOIN_TIMEOUT_S)

    def _run(self, stream: PacketStream) -> None:
        try:
            while (packet := stream.read()) is not None:
                if self._stream is not stream:
                    return
                self._silence.receive()
                self._packets += 1
                self._hand_on(packet)
        except BaseException as error:  # raised by those who record
            self.error = error

    def _hand_on(self, packet: StreamPacket) -> None:
        if packet.is_key and self._template_of != (packet.codec, packet.parameters):
            self._template = template_of(packet.codec, packet.parameters, packet.data)
            self._template_of = (packet.codec, packet.parameters)
            if self._template is None:
                log.warning("a recorded stream has an image that cannot be read; left out")
        if self._template is None:
            return
        taken = EncodedPacket(
            packet.data,
            packet.is_key,
            self._template,
            shape_of(self._template),
            delay=packet.delay,
            parameters=packet.parameters,
            connection=packet.connection,
        )
        for taker in self._takers:
            taker(packet.position, taken)
