"""A recording that is switched on and off while the monitor runs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from maskdet.errors import SinkError
from maskdet.observation import Observation
from maskdet.sinks.recording.file_recorder import Tap
from maskdet.sinks.recording.packet_ring import EncodedPacket
from maskdet.sinks.recording.recorder import Recorder
from maskdet.system.timeouts import run_with_timeout

log = logging.getLogger(__name__)

_BEGIN_TIMEOUT_S = 2.0
"""Seconds for a recording to begin by key, after which its disk is taken to hang."""


class SwitchedRecorder(Protocol):
    """A recorder, as `maskdet.sinks.recording.recorder.Recorder` is one.

    Attributes:
        blur: whether what is recorded from now on has no face that can be recognized.
        tap: takes each packet; None: nobody wants them.
    """

    blur: bool
    tap: Tap | None

    @property
    def paths(self) -> list[Path]:
        """The files written so far, the newest last; of very many, the newest ones."""

    @property
    def files(self) -> int:
        """Their number."""

    @property
    def failing(self) -> bool:
        """Whether, at the moment, nothing is recorded."""

    def write(self, observation: Observation) -> None:
        """Records an observation."""

    def close(self) -> None:
        """Finishes the file; may be called twice."""


class RecordingSwitch:
    """A sink that records while it is on; each time it goes on, into a file of its own.

    `toggle` and `blur` are for any thread: they take effect with the next observation, in the
    thread that writes, so that a recorder is never closed under its writer.

    Attributes:
        on: whether it is to record; read only.
        paths: the files so far; of very many, the newest ones.
        files: how many there were.
        refusal: why it could not begin when it was last switched on; empty where it could.
    """

    def __init__(
        self, new_recorder: Callable[[], SwitchedRecorder], *, on: bool = False, blur: bool = False
    ) -> None:
        """Makes the first recorder at once if it is on: a wrong path is reported at the start.

        Args:
            new_recorder: makes a recorder.
            on: whether it records from the start.
            blur: whether recorded faces are made unrecognizable.

        Raises:
            SinkError: there is nowhere to record to.
        """
        self._new_recorder = new_recorder
        self._tap: Tap | None = None
        self._recorder: SwitchedRecorder | None = None
        self.on = on
        self.refusal = ""
        self.blur = blur
        self.paths: list[Path] = []
        self.files = 0
        if self.on:
            self._recorder = new_recorder()

    @property
    def blur(self) -> bool:
        """Whether recorded faces are made unrecognizable."""
        return self._blur

    @blur.setter
    def blur(self, blur: bool) -> None:
        self._blur = blur

    @property
    def gives_packets(self) -> bool:
        """Whether what it encodes at the moment reaches `tap`."""
        return self.on and self._recorder is not None and not self.failing

    @property
    def tap(self) -> Tap | None:
        """Called with each packet, in the thread of who encodes or receives it."""
        return self._tap

    @tap.setter
    def tap(self, tap: Tap | None) -> None:
        self._tap = tap
        self._connect_tap()

    def add_tap(self, tap: Tap) -> None:
        """Calls that, too, with each packet."""
        first = self.tap

        def both(seconds: float, packet: EncodedPacket) -> None:
            if first is not None:
                first(seconds, packet)
            tap(seconds, packet)

        self.tap = both

    def want_key(self) -> None:
        """Makes one of the next images one that a player can begin with; for any thread."""
        if isinstance(recorder := self._recorder, Recorder):
            recorder.want_key()

    @property
    def failing(self) -> bool:
        """Whether it is on and yet records nothing at the moment."""
        recorder = self._recorder
        return self.on and recorder is not None and recorder.failing

    def begin(self) -> None:
        """Begins what does not wait for observations; called once, when everything is built."""

    def toggle(self) -> None:
        """Switches on or off."""
        self.refusal = ""
        self.on = not self.on

    def write(self, observation: Observation) -> None:
        """Records the observation, if it is on; where it cannot begin, reports it and goes off.

        That of a source's end has no image of its own.
        """
        if observation.is_end:
            return
        if self.on and self._recorder is None:
            self._begin()
        if self.on and self._recorder is not None:
            self._recorder.blur, self._recorder.tap = self.blur, self._tap
            self._recorder.write(observation)
        elif self._recorder is not None:
            self._end_by_key()

    def pause(self) -> None:
        """Finishes the file; the next observation, if it is on, begins another one.

        For a time in which none comes.

        Raises:
            SinkError: the recording does not work at the moment.
        """
        self.close()

    def resume(self) -> None:
        """Observations come again."""

    def reconnect(self) -> None:
        """Opens again what it receives itself: nothing."""

    def close(self) -> None:
        """Finishes the file.

        Raises:
            SinkError: the recording does not work at the moment.
        """
        self._end()

    def _connect_tap(self) -> None:
        if self._recorder is not None:
            self._recorder.tap = self._tap

    def _end(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            try:
                recorder.close()
            finally:
                self.paths += recorder.paths
                self.files += recorder.files

    def _begin(self) -> None:
        hung = "cannot record: the disk does not answer"
        try:
            self._recorder = run_with_timeout(
                _BEGIN_TIMEOUT_S, "recording", self._new_recorder, hung
            )
        except SinkError as error:
            self.on = False
            self.refusal = str(error)
            log.warning("%s", error)

    def _end_by_key(self) -> None:
        try:
            self._end()
        except SinkError as error:  # it can be switched on again
            log.warning("%s", error)
