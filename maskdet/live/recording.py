"""Annotated video through PyAV; the one place that encodes.

H.264 in fragmented MP4 or in Matroska: a fragment is written twice a second, so that a power cut
or `kill -9` costs less than a second and leaves a file that plays. Every picture carries the time
it was taken at: the video lasts as long as what it shows, however unsteady the rate.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from io import RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import cv2
import numpy as np

from maskdet.errors import SinkError
from maskdet.frame import Frame
from maskdet.live.blur import blur_observation
from maskdet.live.outfiles import Output, create_numbered
from maskdet.live.overlay import Overlay
from maskdet.live.workers import Closed, Mailbox, Worker
from maskdet.observation import Observation

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

T = TypeVar("T")

_TICKS = 90_000
_FORMATS = {
    ".mp4": (
        "mp4",
        {
            "movflags": "frag_keyframe+empty_moov+default_base_moof",
            "frag_duration": "500000",  # microseconds
            "flush_packets": "1",
        },
    ),
    ".mkv": ("matroska", {"cluster_time_limit": "500", "flush_packets": "1"}),  # milliseconds
}
_KEY_SECONDS = 2.0
"""A player can jump to a picture as often as this."""
_LONGEST_STEP = 10.0
"""Seconds between frames above which the source's time line is taken to have jumped."""
_QUEUE = 8
"""Observations that wait for the encoder before detection waits, too."""


class Recorder:
    """A sink that records annotated video, encoded in a thread of its own.

    No observation is left out; where the encoder is slower than detection, `write` waits for it.
    An existing file is never overwritten: ``door.mp4`` then becomes ``door-2.mp4``. So does what
    follows a change of the picture's size, which a video cannot hold. A file appears with the first
    observation, not before.

    Attributes:
        blur: whether what is written from now on has its faces made unrecognisable.
        paths: the files written so far, the newest last.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        draw: Callable[[Observation], np.ndarray] | None = None,
        blur: bool = False,
    ) -> None:
        """Checks the path; nothing is written yet.

        Args:
            path: ends in ``.mp4`` or ``.mkv``.
            draw: makes the picture to record, BGR uint8; called in the recorder's thread. Default:
                the frame with boxes and labels, without bar.
            blur: makes faces unrecognisable before that.

        Raises:
            SinkError: another suffix, or no such folder.
        """
        self._path = Path(path)
        if self._path.suffix.lower() not in _FORMATS:
            raise SinkError(f"cannot record to {path}: the name must end in .mp4 or .mkv")
        if not self._path.parent.is_dir():
            raise SinkError(f"cannot record to {path}: create the folder {self._path.parent} first")
        import av  # noqa: F401  # here, before the first frame, not while frames wait for it

        self.blur = blur
        self.paths: list[Path] = []
        self._draw = draw or Overlay().draw
        self._error: BaseException | None = None
        self._inbox: Mailbox[tuple[Observation, bool]] = Mailbox(_QUEUE)
        self._worker = Worker("recorder", self._run, [cast(Mailbox[object], self._inbox)])
        self._started = False

    def write(self, observation: Observation) -> None:
        """Queues one observation.

        Raises:
            SinkError: the file cannot be written: folder, rights, full disk.
        """
        if not self._started:
            self._started = True
            self._worker.start()
        if not self._inbox.put((observation, self.blur)):
            self._raise_error()

    def close(self) -> None:
        """Writes what is queued and finishes the file; may be called twice.

        Raises:
            SinkError: it could not be finished, and no `write` said so before.
        """
        self._inbox.close()
        self._worker.join()
        self._raise_error()

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        """The recorder's thread: encodes until the inbox ends."""
        try:
            self._record()
        except BaseException as error:  # raised in whoever writes next
            self._error = self._explained(error)

    def _explained(self, error: BaseException) -> BaseException:
        from av import FFmpegError

        if not isinstance(error, (OSError, FFmpegError)):
            return error
        path = self.paths[-1] if self.paths else self._path
        return SinkError(
            f"cannot record to {path}: {error.strerror or error}; check disk space and rights"
            + (" (what it holds so far can be played)" if self.paths else "")
        )

    def _record(self) -> None:
        video: _Video | None = None
        clock = _Clock()
        try:
            for observation, blur in _drain(self._inbox):
                seen = blur_observation(observation) if blur else observation
                picture = _even(self._draw(seen))
                if video is None or video.shape != picture.shape:
                    if video is not None:
                        video.close()
                    video = self._open(picture.shape)
                    clock = _Clock()
                video.add(picture, clock.position(observation.frame))
        finally:
            if video is not None:
                video.close()

    def _open(self, shape: tuple[int, ...]) -> _Video:
        path, file = create_numbered(self._path)
        self.paths.append(path)
        return _Video(file, path.suffix.lower(), shape)


class _Clock:
    """Turns the frames' times into positions in the video, which only ever grow."""

    def __init__(self) -> None:
        self._last: Frame | None = None
        self._position = 0.0

    def position(self, frame: Frame) -> float:
        """Seconds since the first frame.

        Where the source's time stands still, runs back or leaps (a clock that is set, pictures
        without time), the time that passed on this machine counts instead.
        """
        if self._last is not None:
            step = frame.time - self._last.time
            if not 0 < step <= _LONGEST_STEP:
                step = max(frame.captured - self._last.captured, 1e-3)
            self._position += step
        self._last = frame
        return self._position


class _Video:
    """One video file of pictures of one size."""

    def __init__(self, file: RawIOBase, suffix: str, shape: tuple[int, ...]) -> None:
        import av  # late: needed only when something is recorded

        self.shape = shape
        self._file = Output(file)
        name, options = _FORMATS[suffix]
        self._container: OutputContainer = av.open(
            self._file, "w", format=name, container_options=options
        )
        self._stream = self._new_stream(shape[1], shape[0])
        self._position = self._key_position = -1
        self._steps: deque[int] = deque(maxlen=4)

    def _new_stream(self, width: int, height: int) -> VideoStream:
        is_large = width * height > 1280 * 800
        options = {
            "preset": "ultrafast" if is_large else "veryfast",
            "tune": "zerolatency",
            "crf": "23",
            "threads": "2" if is_large else "1",  # the detector needs the cores
        }
        stream: Any = self._container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = stream.time_base = Fraction(1, _TICKS)
        context.gop_size = 600  # key frames are asked for by time, below
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        context.color_range = 1
        return cast("VideoStream", stream)

    def add(self, picture: np.ndarray, seconds: float) -> None:
        """Encodes one picture at its position, which is after the last one's."""
        import av

        position = max(round(seconds * _TICKS), self._position + 1)
        if self._position >= 0:
            self._steps.append(position - self._position)
        self._position = position
        frame = av.VideoFrame.from_ndarray(picture, "bgr24")
        frame = frame.reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG", threads=1
        )
        frame.pts, frame.time_base = position, Fraction(1, _TICKS)
        if self._key_position < 0 or position - self._key_position >= _KEY_SECONDS * _TICKS:
            frame.pict_type, self._key_position = 1, position
        with self._file.failures():
            self._encode(frame)

    def _encode(self, frame: VideoFrame | None) -> None:
        """Encodes a frame, or with None the end, and writes the packets that come of it."""
        for packet in self._stream.encode(frame):
            # How long a picture lasts tells the next one's time. This is for the last of all: the
            # shortest of late, so that a gap just before it is not taken for the rate.
            packet.duration = min(self._steps, default=_TICKS // 25)
            self._container.mux(packet)

    def close(self) -> None:
        """Finishes the file."""
        try:
            with self._file.failures():
                self._encode(None)
                self._container.close()
        finally:
            self._file.close()


def _drain(inbox: Mailbox[T]) -> Iterator[T]:
    """What comes out of the inbox, until it is closed."""
    with contextlib.suppress(Closed):
        while True:
            yield cast(T, inbox.get())


def _even(picture: np.ndarray) -> np.ndarray:
    """The picture, its last row and column doubled where H.264 needs even sides of 16 or more."""
    height, width = picture.shape[:2]
    down, right = max(height % 2, 16 - height), max(width % 2, 16 - width)
    if down <= 0 and right <= 0:
        return picture
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.copyMakeBorder(picture, 0, max(down, 0), 0, max(right, 0), border))
