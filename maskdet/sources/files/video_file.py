"""Video files: every frame that can be decoded, at its own time, in its own shape."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from maskdet.errors import SourceError, reason_of
from maskdet.frame import Frame
from maskdet.images.combing import CombRemover
from maskdet.sources.files.deinterlacing import Deinterlacer
from maskdet.sources.files.joined_video import Part, next_part
from maskdet.sources.files.video_damage import Damage
from maskdet.sources.files.video_geometry import (
    as_shown,
    is_field,
    matrix_of,
    matrix_of_tag,
    turned,
)
from maskdet.sources.files.video_opening import is_cut_avi, note_tracks, open_video
from maskdet.sources.files.video_times import order_margin, start_of, time_of
from maskdet.system.console import counted

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

log = logging.getLogger(__name__)

GUESSED_FPS = 25.0
"""Frames a second where neither the file nor the settings state them."""
_NO_TIMESTAMPS = 0x0080
"""FFmpeg's flag of formats without time stamps, AVFMT_NOTIMESTAMPS: raw H.264, raw MJPEG …"""
_MAX_LENGTH_S = 4e7
"""Seconds, more than a year, above which a file's header is wrong."""
_KEY_FRAME_DISTANCE_S = 20.0
"""Seconds before a place in which a transport stream has a key frame: they are in no index."""
_SEEK_BACK_S = 10.0
"""The same where a person looks for a place, and would wait for what is decoded before it."""
_SHORT_CLOCKS = ("mpegts", "mpeg", "hls")
_CLOCK_S = 2**33 / 90_000
"""Seconds until the clock of those formats begins again. FFmpeg takes one that was set back, as
where two recordings are joined, for that: a leap of most of it."""
_MAX_FAILED_READS = 1000
"""Failed reads in a row, without a packet between them, after which a file is at its end."""


class VideoFile:
    """A video file: every frame, as fast as it is read; damaged ones are skipped and counted.

    One that has grown when its end is reached, as it is still being recorded, is read on.

    A frame's time is its own time stamp, so a variable frame rate comes out right. Pixels that
    are not square are made so, and the image is turned by the file's matrix.

    Attributes:
        fps: frames a second, as set or as the file states them.
        length: seconds, as the file states it; None where it does not.
    """

    is_live = False

    def __init__(self, path: str, name: str, fps: float | None = None, rotate: int = 0) -> None:
        """Opens it.

        Args:
            path: of the file.
            name: what a person reads.
            fps: frames a second, instead of the file's own time stamps.
            rotate: see `SourceOptions`.

        Raises:
            SourceError: it cannot be opened, is not a video, or has sound alone.
        """
        self.name = name
        self._path = path
        self._rotate = rotate
        self._bytes = _size_of(path)
        self._container, self._stream = open_video(path)
        self._container_open: InputContainer | None = self._container
        own = _own_rate(self._container, self._stream)
        self._has_stamps = fps is None and not _is_raw(self._container)
        self.fps = fps or own
        if self.fps is None and not self._has_stamps:
            log.warning(
                "%s states no frame rate: %g frames a second are assumed; if that is wrong, set "
                "it: --set 'sources=[{source: FILE, fps: 12}]'",
                name,
                GUESSED_FPS,
            )
            self.fps = GUESSED_FPS
        note_tracks(name, self._container, self._stream)
        self._damage, self._combs = Damage(), CombRemover()
        self._start = start_of(self._container, self._stream)
        self.length = self._length()
        self._matrix = matrix_of_tag(self._stream)
        self._has_short_clock = self._container.format.name in _SHORT_CLOCKS
        self._is_behind = False
        self._frames = self._decoded()
        self._wanted = -1.0
        self._index = self._number = self._part_start = 0
        self._time = 0.0

    def read(self) -> Frame | None:
        """The next frame; None at the end.

        Raises:
            SourceError: not a single frame can be decoded, or the file is no longer readable.
        """
        while self._container_open is not None:
            decoded = next(self._frames, None)
            if decoded is None:
                self._end()
                return None
            position = self._position(decoded)
            self._matrix = matrix_of(decoded) or self._matrix
            self._time = position
            if position < self._wanted:
                continue
            self._wanted = -1.0
            self._damage.add_frame(position)
            image = self._combs.repaired(as_shown(decoded, self._stream, self._matrix))
            image = turned(image, self._rotate)
            frame = Frame(image, self._index, position, time.monotonic(), self.name)
            self._index += 1
            return frame
        return None

    def seek(self, position: float) -> None:
        """Goes to the frame at that position, in seconds; `read` gives it next.

        Called by the thread that reads.
        """
        position = max(0.0, position)
        distance = _SEEK_BACK_S if self._has_short_clock else 0.0
        self._go_to(max(0.0, position - distance), position - 0.5 / (self.fps or GUESSED_FPS))
        self._frames = self._decoded()

    def _go_to(self, position: float, wanted: float) -> None:
        """Has the frames of the file begin near a position; `read` skips those before `wanted`."""
        self._wanted = wanted
        self._damage.has_all_frames = False
        is_start = self._has_short_clock and not position
        if is_start or not self._has_stamps or self._is_behind:  # cannot be sought: from the start
            self._container, self._stream = open_video(self._path)
            self._start, self._is_behind = start_of(self._container, self._stream), False
            self._number = self._part_start = 0
        else:
            before = position - order_margin(self._stream, self.fps or GUESSED_FPS)
            offset = round((before + (self._start or 0.0)) / float(self._stream.time_base or 1))
            offset = max(offset, self._stream.start_time or 0)
            try:
                self._container.seek(offset, stream=self._stream)
            except OSError:
                return
        self._time = -1.0  # the next frame's own time stamp counts, an earlier one too

    def close(self) -> None:
        """Lets go of the file."""
        self._container_open = None  # `read` may be at work with it: it is freed after that
        self._damage.report(self.name)

    def _length(self) -> float | None:
        seconds: float | None = None
        if self._stream.frames and not self._has_stamps and self.fps:
            seconds = self._stream.frames / self.fps
        elif self._has_stamps and self._stream.duration and self._stream.time_base:
            seconds = float(self._stream.duration * self._stream.time_base)
        elif self._has_stamps and self._container.duration:
            is_matroska = self._container.format.name.startswith("matroska")  # states its last time
            before = max(0.0, self._start or 0.0) if is_matroska else 0.0
            seconds = self._container.duration / 1e6 - before
        return seconds if seconds and 0 < seconds < _MAX_LENGTH_S else None

    def _position(self, decoded: VideoFrame) -> float:
        number, self._number = self._number, self._number + 1
        if not self._has_stamps:
            return (number + self._damage.frames) / (self.fps or GUESSED_FPS)
        stamp = time_of(self._container, decoded)
        position = self._time + 1 / (self.fps or GUESSED_FPS) if number else 0.0
        if stamp is not None:
            if self._start is None:
                self._start = stamp
            own = max(0.0, stamp - self._start)
            if self._has_short_clock and self._time >= 0 and own - self._time > _CLOCK_S / 2:
                own = self._set_clock(own, position)
            position = position if number and own <= self._time else own
        return position

    def _set_clock(self, own: float, position: float) -> float:
        """Has a stream whose clock was set back go on at a position."""
        self._start = (self._start or 0.0) + own - position
        self._is_behind = True
        self.length = self.length and max(position, self.length - (own - position))
        log.warning(
            "%s: its clock was set at %.1f s; it is read on from there", self.name, position
        )
        return position

    def _decoded(self) -> Iterator[VideoFrame]:
        """Every frame that can be decoded; counts packets that cannot."""
        from av import EOFError as EndOfFile
        from av import FFmpegError

        failed, place, deinterlacer = 0, None, Deinterlacer()
        while failed < _MAX_FAILED_READS:
            try:
                for packet in self._container.demux(self._stream):
                    failed = 0
                    place = place if packet.is_discard else packet.pos or place
                    self._damage.add_packet(packet.size, is_hidden=packet.is_discard)
                    try:
                        for decoded in packet.decode():
                            is_alone = is_field(decoded, self._stream)
                            yield from [decoded] if is_alone else deinterlacer.frames(decoded)
                    except EndOfFile:
                        break
                    except FFmpegError:
                        self._damage.frames += packet.size > 0  # an empty one repeats a frame
                yield from deinterlacer.rest()
                if not (self._go_on_behind(place) or self._go_on_grown()):
                    return
            except OSError as error:  # the disk, or the network drive, is gone
                raise SourceError(
                    f"{self._path} cannot be read any further: {reason_of(error)}; "
                    f"read before: {counted(self._index, 'frame')}"
                ) from None
            except FFmpegError:
                failed += 1

    def _go_on_behind(self, place: int | None) -> bool:
        """Goes on with the video behind a byte of the file, if there is any."""
        part = next_part(self._path, Part(self._container, self._stream, self._part_start), place)
        if part is None:
            return False
        self._container, self._stream, self._part_start = part
        start, begin = start_of(*part[:2]), self._time + 1 / (self.fps or GUESSED_FPS)
        self._start = None if start is None else start - begin
        self._is_behind, self._matrix = True, matrix_of_tag(self._stream)
        rest = self._length()
        self.length = self.length and rest and max(self.length, begin + rest)
        return True

    def _go_on_grown(self) -> bool:
        """Goes on with what was written to the file since it was opened, if anything was."""
        size = _size_of(self._path)
        if size <= self._bytes or self._is_behind:
            return False
        self._bytes = size
        try:
            self._container, self._stream = open_video(self._path)
        except SourceError:  # it is something else by now
            return False
        self._number = 0
        reached = self._time
        distance = _KEY_FRAME_DISTANCE_S if self._container.format.name == "mpegts" else 0.0
        before = max(0.0, reached - distance)
        self._go_to(before, reached + 0.5 / (self.fps or GUESSED_FPS) if self._index else -1.0)
        self.length = self._length()
        return True

    def _end(self) -> None:
        is_beyond = self._wanted >= 0  # a place behind the last frame was sought
        if self._damage.packets == 0 and not is_beyond:
            raise SourceError(
                f"{self._path} holds no frame; it may be cut short, or still be recorded"
            )
        stated, is_cut = self._stream.frames, is_cut_avi(self._path)
        if self._index == 0 and not is_beyond:
            way = "convert it to H.264 (ffmpeg -i in -c:v libx264 out.mp4)"
            way = "it is shorter than its header states: copy it again" if is_cut else way
            raise SourceError(f"{self._path} holds no picture that can be decoded; {way}")
        skips = self._stream.codec_context.name == "hevc"
        self._damage.note_end(stated, self.length, self.fps, is_cut=is_cut, skips_silently=skips)
        self._damage.report(self.name)


def _size_of(path: str) -> int:
    """Bytes of a file; 0 where it is gone."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _is_raw(container: InputContainer) -> bool:
    """Whether its format has no time stamps, so that its demuxer's are made up."""
    return bool(container.format.flags & _NO_TIMESTAMPS) or container.format.name.endswith("_pipe")


def _own_rate(container: InputContainer, stream: VideoStream) -> float | None:
    """Frames a second as the file states them: of a raw stream, its codec's own timing."""
    raw = _is_raw(container)
    rates = [stream.codec_context.framerate] if raw else [stream.average_rate, stream.guessed_rate]
    return next((float(rate) for rate in rates if rate and 0 < rate < 1000), None)
