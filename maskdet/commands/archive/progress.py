"""Lines and a progress bar of an archive run, with the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from maskdet.commands.archive.run_state import RunState, Task
from maskdet.live.progress import clock as as_clock
from maskdet.system.console import counted, has_terminal, say, say_line

if TYPE_CHECKING:
    from maskdet.live.status.progress_bar import ProgressBars

LINE_INTERVAL_S = 10.0
_BAR_INTERVAL_S = 0.5
_BAR = "archive"


class RunProgress:
    """Prints a line for each recording that is done, and now and then one about the whole.

    The time left is estimated by bytes: how many of them this run has processed in its time.
    """

    def __init__(
        self, tasks: list[Task], total: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begins the run's time.

        Args:
            tasks: to process.
            total: recordings of the run, those that are done with them.
            clock: seconds that never go back.
        """
        self._total = total
        self._done = total - len(tasks)
        self._bytes_total = sum(task.recording.size for task in tasks)
        self._bytes_left = self._bytes_total
        self._skipped_bytes = 0
        self._bytes_read: dict[str, float] = {}
        self._clock = clock
        self._began = clock()
        self._is_terminal = has_terminal()
        self._bars: ProgressBars | None = None
        self._due = self._began + (_BAR_INTERVAL_S if self._is_terminal else LINE_INTERVAL_S)

    def share(self, task: Task, share: float) -> None:
        """A recording under way has come so far, 0 to 1."""
        self._bytes_read[task.recording.path] = share * task.recording.size

    def processed(self, task: Task, totals: Mapping[str, Any]) -> None:
        """A recording is done."""
        self._end(task)
        say_line(f"{self._done}/{self._total} {task.recording.name}: {_sentence(totals)}")
        for note in totals["notes"]:
            say_line(note, "warning")

    def skipped(self, task: Task) -> None:
        """A recording's content is done already, or another process works on the same."""
        self._end(task)
        self._skipped_bytes += task.recording.size
        say_line(
            f"{self._done}/{self._total} {task.recording.name}: its content is done or under way"
        )

    def failed(self, task: Task, reason: str) -> None:
        """A recording could not be processed; the reason names it."""
        self._end(task)
        self._skipped_bytes += task.recording.size
        say_line(f"{self._done}/{self._total} {reason}", "error")

    def retried(self, task: Task, why: str) -> None:
        """A recording is begun again."""
        self._bytes_read.pop(task.recording.path, None)
        say_line(f"{task.recording.name}: {why}; it is begun again", "warning")

    def poll(self) -> None:
        """Shows the state of the whole, if it is time for that."""
        if self._clock() < self._due:
            return
        self._due = self._clock() + (_BAR_INTERVAL_S if self._is_terminal else LINE_INTERVAL_S)
        if self._is_terminal:
            if self._bars is None:
                from maskdet.live.status.progress_bar import ProgressBars

                self._bars = ProgressBars()
            self._bars.show(_BAR, self._share(), self.text())
        else:
            say(self.text())

    def close(self) -> None:
        """Ends the bar."""
        if self._bars is not None:
            self._bars.close()

    def text(self) -> str:
        """``17 of 200 recordings, 34 %, about 12:10 left``."""
        share = self._share()
        left = self._seconds_left()
        rest = "" if left is None else f", about {as_clock(left)} left"
        total = counted(self._total, "recording")
        return f"{self._done} of {total}, {share:.0%} of what was left to do{rest}"

    def _end(self, task: Task) -> None:
        self._done += 1
        self._bytes_left -= task.recording.size
        self._bytes_read.pop(task.recording.path, None)

    def _under_way(self) -> float:
        """Bytes that have been read of the recordings that are not done."""
        return sum(self._bytes_read.values())

    def _share(self) -> float:
        if not self._bytes_total:
            return 1.0
        return 1 - (self._bytes_left - self._under_way()) / self._bytes_total

    def _seconds_left(self) -> float | None:
        left = self._bytes_left - self._under_way()
        processed = self._bytes_total - self._skipped_bytes - left
        if processed <= 0:
            return None
        return (self._clock() - self._began) * left / processed


def _sentence(totals: Mapping[str, Any]) -> str:
    """``3 people, 410 face-frames in 900 frames``."""
    faces = sum(totals["faces"].values())
    found = f"{counted(faces, 'face-frame')} in {counted(totals['frames'], 'frame')}"
    if totals["people"] is None:
        return found
    return f"{counted(sum(totals['people'].values()), 'person', 'people')}, {found}"


class RunOutcomes:
    """Where the outcome of each recording goes: into the state of the run, and into a line."""

    def __init__(self, run_state: RunState, progress: RunProgress) -> None:
        """Records nothing yet.

        Args:
            run_state: of the run.
            progress: is reported to.
        """
        self._run_state, self._progress = run_state, progress

    def finish(self, task: Task, sha256: str, totals: Mapping[str, Any]) -> None:
        """A recording is processed; what cannot be kept of it is a failure."""
        if reason := self._run_state.finish(task, sha256, totals):
            self._progress.failed(task, reason)
        else:
            self._progress.processed(task, totals)

    def fail(self, task: Task, reason: str) -> None:
        """A recording cannot be processed."""
        self._run_state.fail(task, reason)
        self._progress.failed(task, reason)
