"""A recording that is switched on and off while the monitor runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from maskdet.errors import SinkError
from maskdet.live.recording import Recorder
from maskdet.observation import Observation


class RecordingSwitch:
    """A sink that records while it is on; each time it goes on, into a file of its own.

    `toggle` and `blur` are for any thread: they take effect with the next observation, in the
    thread that writes, so that a recorder is never closed under its writer.

    Attributes:
        on: whether it records; read only.
        blur: whether recorded faces are made unrecognisable.
        paths: the files so far.
    """

    def __init__(
        self, new_recorder: Callable[[], Recorder], *, on: bool = False, blur: bool = False
    ) -> None:
        """Makes the first recorder at once if it is on, so that a wrong path is told at the start.

        Args:
            new_recorder: makes a recorder.
            on: whether it records from the start.
            blur: see the attribute.

        Raises:
            SinkError: there is nowhere to record to.
        """
        self._new_recorder = new_recorder
        self._recorder = new_recorder() if on else None
        self._failed = False
        self.on = on
        self.blur = blur
        self.paths: list[Path] = []

    def toggle(self) -> None:
        """Switches on or off; a recording that failed stays off."""
        self.on = not self.on and not self._failed

    def write(self, observation: Observation) -> None:
        """Records the observation, if it is on.

        Raises:
            SinkError: it cannot be written; the switch is off then.
        """
        try:
            if self.on:
                if self._recorder is None:
                    self._recorder = self._new_recorder()
                self._recorder.blur = self.blur
                self._recorder.write(observation)
            elif self._recorder is not None:
                self._finish()
        except SinkError:
            self.on, self._failed = False, True
            with contextlib.suppress(SinkError):  # the first error is the one to tell
                self._finish()
            raise

    def close(self) -> None:
        """Finishes the file."""
        self._finish()

    def _finish(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            try:
                recorder.close()
            finally:
                self.paths += recorder.paths
