"""A network camera's own video as files, without encoding it again.

It has no overlay and no sound, and it cannot be blurred. As an annotated recording it outlives
full, missing and hanging disks; a file begins with a key frame, and a connection with a file.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Unpack

from maskdet.observation import Observation
from maskdet.sinks.recording.copy.packet_feed import PacketFeed
from maskdet.sinks.recording.file_recorder import FileOptions, FileRecorder
from maskdet.sinks.recording.packet_ring import EncodedPacket
from maskdet.sinks.recording.packet_video import PacketVideo

_QUEUE_LENGTH = 1024
"""Packets that wait for a slow disk: about half a minute."""
_WRITE_TIMEOUT_S = 5.0
"""Seconds for a single packet after which the disk is taken to hang."""


class PacketRecorder(FileRecorder[tuple[float, EncodedPacket | None], PacketVideo]):
    """Records what a feed gives, in a thread of its own, from its start until it is closed.

    It does not depend on observations: it goes on while detection has no frames.

    Attributes:
        blur: nothing is written while it is set, as this video cannot be blurred.
        tap: of nobody; clips take their packets from the feed.
    """

    def __init__(self, feed: PacketFeed, path: str | Path, **options: Unpack[FileOptions]) -> None:
        """Checks the path; see `FileRecorder`.

        Args:
            feed: gives the packets.
            path: ends in ``.mp4`` or ``.mkv``.
            options: of the files.

        Raises:
            SinkError: another suffix, no such folder, or no right to write there.
        """
        super().__init__(path, _QUEUE_LENGTH, **options)
        self.blur = False
        self._feed = feed
        self._waits_for_key = True
        self._first: EncodedPacket | None = None
        self._began = 0.0
        self._queued = self._seen = 0
        self._moved = 0.0

    def start(self) -> None:
        """Begins to receive and record, if it has not."""
        if not self._is_started:
            self._is_started = True
            self._worker.start()
            self._feed.subscribe(self._take)

    @property
    def failing(self) -> bool:
        """Whether, at the moment, nothing is recorded."""
        return super().failing or self._feed.state().no_signal

    def write(self, observation: Observation) -> None:
        """Takes nothing of it but a start; raises what killed a thread, a fault of ours."""
        self.start()
        self._raise_error()

    def close(self) -> None:
        """Writes what is queued and finishes the file; may be called twice.

        Raises:
            SinkError: it does not work at the moment; what was recorded before can be played.
        """
        self._feed.unsubscribe(self._take)
        super().close()

    def _raise_error(self) -> None:
        error, self._feed.error = self._feed.error, None
        self._error = self._error or error
        super()._raise_error()

    def _take(self, seconds: float, packet: EncodedPacket) -> None:
        """Queues a packet; called by the feed."""
        self._watch_disk()
        if self.blur:
            if not self._waits_for_key:  # what was recorded is a whole file at once
                self._put(seconds, None)
            self._waits_for_key = True
        elif packet.is_key or not self._waits_for_key:
            self._waits_for_key = not self._put(seconds, packet)
        if self._waits_for_key and self._hanging.active:
            self._hanging.count_dropped()

    def _put(self, seconds: float, packet: EncodedPacket | None) -> bool:
        is_taken = self._inbox.put((seconds, packet), 0.0)
        self._queued += is_taken
        return is_taken

    def _watch_disk(self) -> None:
        """Reports a disk that hangs, long before there is no room for further packets."""
        now = time.monotonic()
        if self._queued == self._written or self._written != self._seen:
            self._seen, self._moved = self._written, now
            self._hanging.record_success("picture")
        elif now - self._moved > _WRITE_TIMEOUT_S and not self._hanging.active:
            self._hanging.fail("the disk does not answer", "the monitor goes on without it")

    def _record(self, item: tuple[float, EncodedPacket | None]) -> None:
        seconds, packet = item
        if packet is None:
            self._files.attempt(self._files.finish)
        elif self._files.video is None and not packet.is_key:
            self._files.count_dropped()
        else:
            self._files.record(lambda: self._add(seconds, packet))

    def _add(self, seconds: float, packet: EncodedPacket) -> None:
        self._files.check()
        video, first = self._files.video, self._first
        if video is not None and first is not None:
            is_other = (packet.connection, packet.parameters) != (
                first.connection,
                first.parameters,
            )
            is_over = packet.is_key and self._files.is_over(seconds - self._began)
            if not (is_other or is_over):
                video.add(seconds, packet)
                return
            self._files.finish()
        if packet.is_key:
            self._first, self._began = packet, seconds
            video = self._files.begin(lambda f, suffix: PacketVideo(f, suffix, packet.template))
            video.add(seconds, packet)
