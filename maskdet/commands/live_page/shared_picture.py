"""The live page's video from the encoder that records, where both show the same."""

from __future__ import annotations

import time
from collections import deque

from maskdet.live.cameras.control import CameraControl
from maskdet.sinks.recording.copy.copy_switch import CopySwitch
from maskdet.sinks.recording.packet_ring import EncodedPacket
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from maskdet.sinks.recording.stream_encoder import FragmentMuxer
from maskdet.web.live.feed import Feed
from maskdet.web.live.hub import LiveHub
from maskdet.web.live.viewers import Message

_MIN_FPS = 2.0
_RATE_MARGIN = 1.15
"""Share of `serve.fps` up to which a recording's rate may vary."""
_RATE_FRAMES = 20
_KEY_PAUSE_S = 0.5
"""Between two key frames that the recorder is asked for: they are large."""
_STREAM = 1


class SharedPicture:
    """Hands a recorder's packets to the viewers of the same camera.

    Only while the recording has the page's size, blur and rate; otherwise, and while nothing is
    recorded, the page encodes for itself. `take` is called in the recorder's thread.
    """

    def __init__(
        self, feed: Feed, recording: RecordingSwitch, *, is_blurred: bool, width: int, fps: float
    ) -> None:
        """Begins with the next packet.

        Args:
            feed: of the camera.
            recording: of the same camera.
            is_blurred: whether the page shows blurred faces.
            width: pixels; larger frames are made smaller for the page.
            fps: frames a second, at most.
        """
        self._feed, self._recording = feed, recording
        self._is_blurred, self._width, self._fps = is_blurred, width, fps
        self._muxer: FragmentMuxer | None = None
        self._template: object = None
        self._moments: deque[float] = deque(maxlen=_RATE_FRAMES)
        self._asked_at = 0.0
        recording.add_tap(self.take)

    def take(self, seconds: float, packet: EncodedPacket) -> None:
        """Takes the packet of a frame at its position in the source."""
        now = time.monotonic()
        self._moments.append(now)
        if not (self._feed.has_video_viewers and self._fits(packet)):
            self._muxer, self._template = None, None
            return
        if self._template is not packet.template:
            self._muxer, self._template = FragmentMuxer(packet.template, self._fps), packet.template
        assert self._muxer is not None
        if packet.is_key or self._feed.is_shared:
            self._feed.share(self._message(self._muxer, packet, now))
        if self._feed.wants_key or not self._feed.is_shared:
            self._ask_for_key(now)

    def _message(self, muxer: FragmentMuxer, packet: EncodedPacket, now: float) -> Message:
        data = muxer.add_bytes(packet.data, now, key=packet.is_key)
        if not packet.is_key:
            return Message(data, is_key=False, stream=_STREAM)
        height, width = packet.shape[:2]
        return Message(data, True, muxer.codec, muxer.head, width, height, _STREAM)

    def _fits(self, packet: EncodedPacket) -> bool:
        return (
            packet.is_blurred == self._is_blurred
            and max(packet.shape[:2]) <= self._width
            and _MIN_FPS <= self._rate() <= self._fps * _RATE_MARGIN
        )

    def _rate(self) -> float:
        if len(self._moments) < _RATE_FRAMES:
            return 0.0
        return (len(self._moments) - 1) / max(1e-6, self._moments[-1] - self._moments[0])

    def _ask_for_key(self, now: float) -> None:
        if now - self._asked_at >= _KEY_PAUSE_S:
            self._asked_at = now
            self._recording.want_key()


class SharedPictures:
    """The shared pictures of all cameras, those that come and go while it runs, too."""

    def __init__(self, hub: LiveHub, *, is_blurred: bool, width: int, fps: float) -> None:
        """Shares nothing before `begin`.

        Args:
            hub: has the cameras' feeds.
            is_blurred: whether the page shows blurred faces.
            width: pixels; larger frames are made smaller for the page.
            fps: frames a second, at most.
        """
        self._hub = hub
        self._is_blurred, self._width, self._fps = is_blurred, width, fps
        self._control: CameraControl | None = None
        self._shared: dict[int, tuple[Feed, RecordingSwitch]] = {}

    def begin(self, control: CameraControl) -> None:
        """Begins with the cameras of now."""
        self._control = control
        self.update()

    def update(self) -> None:
        """Takes in cameras that were added; a camera's own video, without boxes, is not shared."""
        for camera in self._control.present if self._control is not None else ():
            seen = self._hub.cameras.get(camera.index)
            if seen is None or isinstance(camera.recording, CopySwitch):
                continue
            if self._shared.get(camera.index) != (seen.feed, camera.recording):
                self._shared[camera.index] = seen.feed, camera.recording
                SharedPicture(
                    seen.feed,
                    camera.recording,
                    is_blurred=self._is_blurred,
                    width=self._width,
                    fps=self._fps,
                )
