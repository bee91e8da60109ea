"""Recording of a camera's own video, switched on and off while the monitor runs."""

from __future__ import annotations

import logging
from collections.abc import Callable

from maskdet.sinks.recording.copy.packet_feed import PacketFeed
from maskdet.sinks.recording.copy.packet_recorder import PacketRecorder
from maskdet.sinks.recording.packet_ring import EncodedPacket
from maskdet.sinks.recording.recording_switch import RecordingSwitch

log = logging.getLogger(__name__)

NO_BLUR = "the camera's own video cannot be blurred: recording is off while blur is on"


class CopySwitch(RecordingSwitch):
    """A switch of a camera's own video, which clips take as well.

    Blurred faces and this recording exclude each other: where blur goes on, recording goes off at
    once, and clips are made of the frames that are processed; so they are while the stream is away.

    Attributes:
        feed: what is recorded.
    """

    def __init__(
        self,
        new_recorder: Callable[[], PacketRecorder],
        feed: PacketFeed,
        *,
        on: bool = False,
        blur: bool = False,
    ) -> None:
        """Checks at once where it is to record to, if it is on.

        Args:
            new_recorder: makes a recorder of the feed.
            feed: the camera's own video.
            on: whether it records from the start.
            blur: whether faces have to be blurred.

        Raises:
            SinkError: there is nowhere to record to.
        """
        self.feed = feed
        self._is_tapped = False
        super().__init__(new_recorder, on=on, blur=blur)

    @property
    def gives_packets(self) -> bool:
        """Whether the camera's own video reaches `tap` at the moment, recorded or not."""
        return not self.blur and not self.feed.state().no_signal

    @property
    def blur(self) -> bool:
        """Whether faces have to be blurred, which excludes this recording."""
        return self._blur

    @blur.setter
    def blur(self, blur: bool) -> None:
        self._blur = blur
        if self._recorder is not None:
            self._recorder.blur = blur
        if blur and self.on:
            self._refuse()
        self._connect_tap()

    def begin(self) -> None:
        """Begins to record, if it is on, whether detection has frames or not."""
        if isinstance(self._recorder, PacketRecorder):
            self._recorder.start()

    def toggle(self) -> None:
        """Switches on, where faces need not be blurred, or off."""
        super().toggle()
        if self.on and self._blur:
            self._refuse()
        elif self._recorder is not None:
            self._recorder.blur = not self.on  # at once, whether observations come or not

    def pause(self) -> None:
        """Finishes the file, and receives nothing until `resume`.

        Raises:
            SinkError: the recording does not work at the moment.
        """
        self._is_tapped = False
        self.close()

    def resume(self) -> None:
        """Receives and records again, if it is on, whether detection has frames or not."""
        self._connect_tap()
        if self.on and self._recorder is None:
            self._begin()
            self.begin()

    def reconnect(self) -> None:
        """Has the stream opened again."""
        self.feed.reconnect()

    def close(self) -> None:
        """Finishes the file, and receives nothing more.

        Raises:
            SinkError: the recording does not work at the moment.
        """
        try:
            super().close()
        finally:
            self.feed.close()

    def _refuse(self) -> None:
        self.on, self.refusal = False, NO_BLUR
        log.warning("%s", NO_BLUR)

    def _connect_tap(self) -> None:
        wanted = self._tap is not None and not self._blur
        if wanted and not self._is_tapped:
            self.feed.subscribe(self._hand_on)
        elif self._is_tapped and not wanted:
            self.feed.unsubscribe(self._hand_on)
        self._is_tapped = wanted

    def _hand_on(self, seconds: float, packet: EncodedPacket) -> None:
        if self._tap is not None:
            self._tap(seconds, packet)
