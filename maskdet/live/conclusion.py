"""The end of a run: what was written is named, the summary saved, the exit status decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from maskdet.contracts import Sink
from maskdet.errors import MaskdetError, SinkError, SourceError, reason_of
from maskdet.live.alarms.building import store_path
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.status.summary import Report, write_summary
from maskdet.live.teardown import LAST_TIMEOUT_S
from maskdet.sinks.event_log import EventLog
from maskdet.sinks.output_files import ReservedName
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from maskdet.sinks.store.event_store import EventStore
from maskdet.system.atomic_files import check_writable
from maskdet.system.console import counted, say, say_named
from maskdet.system.folders import make_folder
from maskdet.system.timeouts import has_hung_threads, run_all_with_timeout

_SUMMARY_LATEST_S = 0.9
"""Seconds after the end of the main loop where something has hung: quitting takes less than one."""
_SUMMARY_TIMEOUT_S = 3.0
"""Seconds for it where nothing has: a busy disk is not one that hangs."""
_MAX_NAMED_FILES = 10
"""Recorded files that are named one by one."""
_LOOK_TIMEOUT_S = 0.5
"""Seconds for the look at which recorded files are still there."""


def report_outputs(
    settings: MonitorSettings, outputs: Iterable[Sink], alarms: Mapping[str, int] | None
) -> None:
    """Names the event log, the store and the rules that had alarms, and what they got.

    Args:
        settings: of the run.
        outputs: event log and stores.
        alarms: number of those that have begun, by their rules; None: there are no rules.
    """
    for output in outputs:
        if isinstance(output, EventLog) and str(settings.events.file) != "-":
            say(f"wrote {counted(output.lines, 'event')} to {output.name}")
        if isinstance(output, EventStore) and output.rows:
            say(f"kept people and totals in {settings.store.file}")
    if alarms is not None:
        by_rule = ", ".join(f"{rule} {count}" for rule, count in alarms.items())
        kept = f": {by_rule}; kept in {store_path(settings)}" if alarms else ""
        say(f"{counted(sum(alarms.values()), 'alarm')}{kept}")


def report_recorded(recordings: Sequence[tuple[str, RecordingSwitch]]) -> None:
    """Names what was recorded, and of which of several cameras; of many segments the last.

    What has been deleted since, as retention does, is counted and not named.
    """
    gone = _gone([path for _, recording in recordings for path in recording.paths])
    for name, recording in recordings:
        of = f"{name}: " if len(recordings) > 1 else ""
        there = [path for path in recording.paths if path not in gone]
        are_all_there = len(there) == len(recording.paths)
        if there and recording.files > _MAX_NAMED_FILES:
            still = "" if are_all_there else f"; {len(there)} of them are still there"
            say(f"{of}recorded {recording.files} files, the last of them {there[-1]}{still}")
            continue
        for path in there:
            say(f"{of}recorded {path}")
        if not are_all_there:
            deleted = recording.files - len(there)
            more = "more " if there else ""
            verb = "is" if deleted == 1 else "are"
            say(f"{of}recorded {counted(deleted, f'{more}file')}, which {verb} no longer there")


def _gone(paths: Sequence[Path]) -> set[Path]:
    """Those that are no longer there; a disk that hangs keeps nobody waiting."""
    gone: set[Path] = set()
    looks = {"recordings": lambda: gone.update(p for p in paths if not p.exists())}
    is_hanging = has_hung_threads() or run_all_with_timeout(_LOOK_TIMEOUT_S, looks)
    return set() if is_hanging else gone


def exit_status(errors: Sequence[MaskdetError], report: Report, was_asked: bool) -> int:
    """That of the first error, else 0 where the run has done its job.

    A run without a single processed frame has not, unless it was cut short; neither has one that
    could not read a picture.

    Args:
        errors: of sources and sinks that failed on the way.
        report: of the run.
        was_asked: whether someone ended it.
    """
    if errors:
        return errors[0].exit_code
    if report.stats.processed:
        return SourceError.exit_code if report.unread else 0
    if was_asked:
        say("no frame was processed before the end that was asked for", "warning")
        return 0
    came = report.stats.captured
    why = f"{came} came, none was ready in time" if came else "no source gave one"
    say_named(f"no frame was processed: {why}; check --source and --max-seconds", "error")
    return SourceError.exit_code


class SummaryFile:
    """The file of a run's values, which is written at its end."""

    def __init__(self, path: Path | None) -> None:
        """Plans it; None: none is wanted."""
        self._path = path
        self._name: ReservedName | None = None

    def reserve(self) -> None:
        """Checks at the start what would otherwise fail at the end, and keeps others off it.

        Raises:
            SinkError: it cannot be written.
        """
        if self._path is None:
            return
        folder = self._path.parent
        try:
            make_folder(folder)
            check_writable(self._path)
        except OSError as error:
            raise SinkError(
                f"cannot write {self._path}: the folder {folder} is not there "
                f"and cannot be made: {reason_of(error)}; check its path and rights"
            ) from None
        self._name = ReservedName(self._path)
        if self._name.path != self._path:
            say(
                f"{self._path} will be written by another monitor that runs; the summary goes to "
                f"{self._name.path}"
            )

    def end(self, report: Report, *, is_wanted: bool) -> None:
        """Writes it, if it is wanted, and leaves it to others; unless the disk hangs.

        Raises:
            SinkError: the file cannot be written, or the disk does not answer in time.
        """
        if self._path is None or (self._name is None and not is_wanted):
            return
        timeout, in_haste = _SUMMARY_TIMEOUT_S, has_hung_threads()
        if in_haste:  # a busy disk may not have it in that time, but takes it
            timeout = max(LAST_TIMEOUT_S, _SUMMARY_LATEST_S - report.closing)
        values = report.values() if is_wanted else None
        job = partial(self._write, self._path, values, sync=not in_haste)
        if run_all_with_timeout(timeout, {"writing the summary": job}):
            raise SinkError(f"cannot write {self._path}: the disk does not answer")

    def _write(self, path: Path, values: dict[str, Any] | None, *, sync: bool) -> None:
        try:
            if values is not None:
                write_summary(self._name.path if self._name else path, values, sync=sync)
        finally:
            if self._name is not None:
                self._name.release()
