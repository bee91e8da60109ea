"""Clips of alarms: the seconds before and after, of one source."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from io import RawIOBase
from pathlib import Path

import numpy as np

from maskdet.drawing.blur import blur_observation
from maskdet.errors import SinkError, reason_of
from maskdet.observation import Observation
from maskdet.people.clock import SourceClock
from maskdet.sinks.recording.clip_file import ClipFile
from maskdet.sinks.recording.packet_ring import PacketRing
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from maskdet.sinks.recording.video_encoder import Video, encoding_errors, even
from maskdet.sinks.retry_state import RetryState
from maskdet.system.folders import make_folder
from maskdet.system.threads import Closed, Lock, Mailbox, Worker

MAX_CLIP_S = 120.0
"""Seconds to which further alarms may lengthen a clip, beyond what is set."""
QUIET_S = 2.0
"""Seconds without a packet after the time of a clip, after which it is finished all the same."""
CLOSE_TIMEOUT_S = 0.5
_TURN_S = 0.1
_MIN_FREE_BYTES = 4_000_000
"""Bytes to be free before a clip is begun: PyAV keeps the handle of a file that it cannot end."""
_QUEUE_LENGTH = 2

OnFinished = Callable[[Sequence[str], Path], None]


class _Discard(RawIOBase):
    """A file for an encoder whose packets are taken from memory."""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return len(data)  # type: ignore[arg-type]

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def tell(self) -> int:
        return 0


class Clips:
    """A sink that keeps the last seconds of a source and saves the time around alarms.

    Packets come from the recorder's encoder while it records; only otherwise is there an encoder
    of its own, which leaves images out where it is too slow. An alarm during a clip lengthens it
    and shares it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        label: str,
        before_s: float,
        after_s: float,
        max_bytes: float,
        draw: Callable[[Observation], np.ndarray],
        recording: RecordingSwitch,
        on_finished: OnFinished,
        tidy: Callable[[], None] = lambda: None,
    ) -> None:
        """Keeps nothing yet.

        Args:
            folder: of the clips.
            label: what their names begin with.
            before_s: seconds before an alarm.
            after_s: seconds after it.
            max_bytes: memory for the seconds before.
            draw: makes the image; called in the clips' thread.
            recording: of the same source.
            on_finished: called with the numbers of the alarms and the file of each clip.
            tidy: deletes what is too old or too much; called before each clip.
        """
        self.ring = PacketRing(before_s, max_bytes)
        self._folder, self._label = folder, label
        self._before_s, self._after_s = before_s, after_s
        self._draw, self._recording = draw, recording
        self._on_finished, self._tidy = on_finished, tidy
        self._retry = RetryState(f"saving clips in {folder}")
        self._inbox: Mailbox[tuple[Observation, bool]] = Mailbox(_QUEUE_LENGTH, newest=True)
        self._worker = Worker("clips", self._run)
        self._is_started = False
        self._lock = Lock()
        self._wanted: list[tuple[str, float]] = []
        self._alarms: list[str] = []
        self._clip: ClipFile | None = None
        self._began = self._end = self._deadline = 0.0
        self._video: Video | None = None
        self._clock = SourceClock()
        recording.tap = self.ring.add

    def begin(self, alarm_id: str) -> None:
        """An alarm has begun: a clip of it is saved."""
        with self._lock:
            self._wanted.append((alarm_id, self.ring.now))

    def write(self, observation: Observation) -> None:
        """Takes an observation; never waits."""
        if not self._is_started:
            self._is_started = True
            self._worker.start()
        if not (self._recording.gives_packets or observation.is_end):
            self._inbox.put((observation, self._recording.blur))
        self._worker.raise_error()

    def close(self) -> None:
        """Finishes the clip under way with what there is; may be called twice."""
        self._inbox.close()
        if self._is_started and not self._worker.join(CLOSE_TIMEOUT_S):
            raise SinkError(f"{self._folder}: the disk does not answer; the newest clip is missing")

    def _run(self) -> None:
        with contextlib.suppress(Closed):
            while True:
                item = self._inbox.get(_TURN_S)
                if item is not None:
                    self._encode(*item)
                elif self._recording.gives_packets:
                    self._end_encoder()
                self._proceed()
        self._proceed()
        self._finish()
        self._end_encoder()

    def _encode(self, observation: Observation, blur: bool) -> None:
        """Encodes into the ring alone."""
        image = even(self._draw(blur_observation(observation) if blur else observation))
        self._frame = observation.frame
        self._clock.advance(self._frame)
        if self._video is not None and self._video.shape != image.shape:
            self._end_encoder()
        if self._video is None:
            self._video = Video(_Discard(), ".mp4", image.shape)
            self._video.on_packet = lambda packet: self.ring.add(self._frame.position, packet)
        self._video.add(image, self._clock.now)

    def _end_encoder(self) -> None:
        """Lets go of the encoder; what comes next begins with a key frame."""
        video, self._video = self._video, None
        if video is not None:
            video.on_packet = None
            with contextlib.suppress(*encoding_errors()):
                video.close()

    def _proceed(self) -> None:
        """Begins, goes on with and finishes clips."""
        with self._lock:
            wanted, self._wanted = self._wanted, []
        for alarm_id, seconds in wanted:
            self._want(alarm_id, seconds)
        if not self._alarms:
            return
        try:
            self._add_packets()
        except encoding_errors() as error:
            self._fail(error)
            return
        is_quiet = time.monotonic() > self._deadline
        if self._alarms and (self.ring.now >= self._end or is_quiet):
            self._finish()

    def _want(self, alarm_id: str, seconds: float) -> None:
        longest = self._began + max(MAX_CLIP_S, self._before_s + self._after_s)
        if self._alarms and seconds + self._after_s > longest:
            self._finish()
        if not self._alarms:
            self._began = seconds - self._before_s
        self._alarms.append(alarm_id)
        self._end = seconds + self._after_s
        self._deadline = time.monotonic() + self._after_s + QUIET_S

    def _add_packets(self) -> None:
        if self._clip is None:
            entries = self.ring.since(self._began)
            if not entries or not self._retry.due:
                return
            make_folder(self._folder, quiet=True)
            self._tidy()
            if shutil.disk_usage(self._folder).free < _MIN_FREE_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            now = f"{datetime.now():%Y%m%d-%H%M%S}"
            path = self._folder / f"{self._label}{now}-{self._alarms[0]}.mp4"
            self._clip = ClipFile(path, entries[0])
        for entry in self.ring.after(self._clip.last.number):
            if entry.seconds > self._end:
                break
            if not self._clip.fits(entry):
                self._finish()
                break
            self._clip.add(entry)

    def _finish(self) -> None:
        clip, self._clip = self._clip, None
        alarms, self._alarms = self._alarms, []
        if clip is None:
            return
        try:
            path = clip.finish()
        except encoding_errors() as error:
            self._clip, self._alarms = clip, alarms
            self._fail(error)
        else:
            self._retry.record_success("clip")
            self._on_finished(alarms, path)

    def _fail(self, error: BaseException) -> None:
        """The disk takes no clip: it goes without, and the alarm is sent all the same."""
        clip, self._clip = self._clip, None
        self._alarms = []
        if clip is not None:
            clip.abandon()
        self._retry.count_dropped()
        reason = reason_of(error)
        self._retry.fail(reason, "check disk space and rights; alarms go without a clip")
