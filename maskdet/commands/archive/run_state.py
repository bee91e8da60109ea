"""The state of a run: which recordings are done, which are to come, which could not be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from maskdet.commands.archive.archive_store import ArchiveStore, Result
from maskdet.commands.archive.keys import key_of
from maskdet.commands.archive.recordings import Recording
from maskdet.commands.archive.result_file import path_of_result

Status = Literal["done", "copy", "failed", "missing"]


@dataclass
class Task:
    """A recording, and what counts for it.

    Attributes:
        recording: the file.
        settings: those that count for it, as JSON.
        attempts: processes that ended while they worked on it.
    """

    recording: Recording
    settings: str
    attempts: int = 0


@dataclass(frozen=True)
class Outcome:
    """The outcome of one recording.

    Attributes:
        recording: the file.
        status: `copy`: another recording has the same content, and was counted; `missing`: the
            run ended before its turn.
        reason: why it failed, or of what it is a copy.
        result: its totals, of a copy too.
        file: its event lines.
    """

    recording: Recording
    status: Status
    reason: str = ""
    result: Result | None = None
    file: Path | None = None


class RunState:
    """Decides what is to be done, and keeps what was.

    Attributes:
        tasks: recordings to process, the next one first.
        known: recordings that were done when the run began.
        processed: recordings that this run has processed.
        failures: recordings that could not be processed.
    """

    def __init__(
        self,
        store: ArchiveStore,
        results: Path,
        model: str,
        tasks: Sequence[Task],
    ) -> None:
        """Finds out what is done already.

        Args:
            store: of the archive.
            results: the folder of result files.
            model: the model's checksum.
            tasks: all recordings of the run, in the order of the folders.

        Raises:
            SinkError: the store cannot be read.
        """
        self._store, self._results, self._model = store, results, model
        self._recordings = [task.recording for task in tasks]
        self._keys: dict[str, str] = {}
        self._reasons: dict[str, str] = {}
        self._failed_keys: dict[str, str] = {}
        self._begun: set[str] = set()
        self.tasks: list[Task] = []
        self.known = self.processed = 0
        for task in tasks:
            sha256 = store.checksum_of(task.recording)
            if sha256 is not None and self._is_done(self._key(task, sha256)):
                self.known += 1
            else:
                self.tasks.append(task)

    @property
    def failures(self) -> int:
        """Recordings that could not be processed."""
        return len(self._reasons)

    def key_to_process(self, task: Task, sha256: str) -> str | None:
        """The key under which a recording is to be processed; None: its content is done, or begun.

        Raises:
            SinkError: the store cannot be written.
        """
        key = self._key(task, sha256)
        if task.recording.is_unchanged():
            self._store.add_checksum(task.recording, sha256)
        if key in self._begun and task.attempts == 0:
            return None
        if self._is_done(key):
            self.known += 1
            return None
        self._begun.add(key)
        return key

    def finish(self, task: Task, sha256: str, totals: Mapping[str, Any]) -> str:
        """Keeps a result; returns why it is not kept: the file has changed meanwhile, or ``""``.

        Raises:
            SinkError: the store cannot be written.
        """
        if not task.recording.is_unchanged():
            reason = f"{task.recording.path} changed while it was read; run again when it is whole"
            self.fail(task, reason)
            return reason
        result = Result(**{**totals, "notes": tuple(totals["notes"])})
        key = self._key(task, sha256)
        self._store.add(key, sha256, self._model, task.settings, result)
        self.processed += 1
        return ""

    def fail(self, task: Task, reason: str) -> None:
        """Notes that a recording could not be processed; the next run tries it again."""
        self._reasons[task.recording.path] = reason
        if key := self._keys.get(task.recording.path):
            self._failed_keys.setdefault(key, task.recording.name)

    def outcomes(self) -> list[Outcome]:
        """The outcome of every recording, in the order of the folders."""
        owners: dict[str, Recording] = {}
        return [self._outcome(recording, owners) for recording in self._recordings]

    def _outcome(self, recording: Recording, owners: dict[str, Recording]) -> Outcome:
        reason = self._reasons.get(recording.path)
        if reason is not None:
            return Outcome(recording, "failed", reason)
        key = self._keys.get(recording.path)
        result = None if key is None else self._store.result_of(key)
        if result is None and key in self._failed_keys:
            reason = f"same content as {self._failed_keys[key]}, which could not be processed"
            return Outcome(recording, "failed", reason)
        if key is None or result is None:
            return Outcome(recording, "missing", "not reached before the end")
        file = path_of_result(self._results, key)
        outcome = Outcome(recording, "done", result=result, file=file)
        if (owner := owners.setdefault(key, recording)) is recording:
            return outcome
        return replace(outcome, status="copy", reason=f"same content as {owner.name}")

    def _key(self, task: Task, sha256: str) -> str:
        key = self._keys[task.recording.path] = key_of(sha256, self._model, task.settings)
        return key

    def _is_done(self, key: str) -> bool:
        """Whether there is a row, and its file: without that, it is processed again."""
        is_there = path_of_result(self._results, key).is_file()
        return is_there and self._store.result_of(key) is not None
