"""The processes of an archive run: each gets one recording after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from maskdet.commands.archive.progress import RunOutcomes, RunProgress
from maskdet.commands.archive.run_state import RunState, Task
from maskdet.commands.archive.workers.worker_process import (
    MAX_ATTEMPTS,
    SILENCE_TIMEOUT_S,
    WorkerProcess,
)
from maskdet.errors import MaskdetError, ModelError, SinkError, reason_of
from maskdet.system.threads import Closed, Condition, wait_ready

_MAX_FAILED_STARTS = 5
"""Processes in a row that end before they are ready."""
_POLL_S = 0.2


@dataclass
class _Slot:
    """A place for a process, and what it works on."""

    worker: WorkerProcess
    heard: float
    task: Task | None = None
    sha256: str = ""


class Scheduler:
    """Keeps processes busy until every recording is done, or somebody ends the run."""

    def __init__(
        self,
        run_state: RunState,
        progress: RunProgress,
        setup: Mapping[str, Any],
        model: str,
    ) -> None:
        """Starts nothing yet.

        Args:
            run_state: of the run.
            progress: is reported to.
            setup: the first line of each process.
            model: the model's checksum, which each process has to have, too.
        """
        self._run_state, self._progress = run_state, progress
        self._outcomes = RunOutcomes(run_state, progress)
        self._setup, self._model = setup, model
        self._condition = Condition()
        self._slots: list[_Slot] = []
        self._failed_starts = 0

    def run(self, workers: int, stop: Callable[[], bool]) -> None:
        """Processes all tasks.

        Args:
            workers: number of processes.
            stop: whether to end before that.

        Raises:
            MaskdetError: model or disk fail; recordings that do are named, and the rest goes on.
        """
        try:
            for _ in range(min(workers, len(self._run_state.tasks))):
                self._start()
            while self._slots and not stop():
                boxes = [slot.worker.messages for slot in self._slots]
                ready = wait_ready(boxes, _POLL_S)
                for slot in [slot for slot in self._slots if slot.worker.messages in ready]:
                    self._hear(slot)
                for slot in list(self._slots):
                    if time.monotonic() - slot.heard > SILENCE_TIMEOUT_S:
                        self._replace(slot, f"hung for {SILENCE_TIMEOUT_S:.0f} s")
                self._progress.poll()
        finally:
            for slot in self._slots:
                slot.worker.kill()

    def _start(self) -> None:
        try:
            worker = WorkerProcess(self._setup, self._condition)
        except OSError as error:
            raise SinkError(
                f"no process can be started: {reason_of(error)}; choose fewer --workers"
            ) from None
        self._slots.append(_Slot(worker, time.monotonic()))

    def _hear(self, slot: _Slot) -> None:
        try:
            message = slot.worker.messages.get(0)
        except Closed:
            self._replace(slot, "ended")
            return
        if message is None:
            return
        slot.heard = time.monotonic()
        match message["kind"]:
            case "ready":
                self._check_model(message["model"])
                self._failed_starts = 0
                self._next(slot)
            case "progress" if slot.task is not None:
                self._progress.share(slot.task, message["share"])
            case "hashed" if slot.task is not None:
                self._process(slot, slot.task, message["sha256"])
            case "done" if slot.task is not None:
                self._outcomes.finish(slot.task, slot.sha256, message["totals"])
                self._next(slot)
            case "failed" if slot.task is not None:
                self._outcomes.fail(slot.task, message["text"])
                self._next(slot)
            case "fatal":
                raise _as_error(message["text"], message["status"])

    def _next(self, slot: _Slot) -> None:
        """Gives a process the next recording, or ends it where there is none left."""
        if not self._run_state.tasks:
            slot.task = None
            slot.worker.kill()
            self._slots.remove(slot)
            return
        slot.task = self._run_state.tasks.pop(0)
        slot.worker.order({"order": "hash", "path": slot.task.recording.path})

    def _process(self, slot: _Slot, task: Task, sha256: str) -> None:
        slot.sha256 = sha256
        key = self._run_state.key_to_process(task, sha256)
        if key is None:
            self._progress.skipped(task)
            self._next(slot)
            return
        recording = task.recording
        slot.worker.order(
            {"order": "process", "path": recording.path, "name": recording.name, "key": key}
        )

    def _replace(self, slot: _Slot, how: str) -> None:
        """A process has ended, or is ended: another one takes its place and its recording."""
        status = slot.worker.kill()
        self._slots.remove(slot)
        why = f"the process that read it {how} (status {status})"
        if slot.task is None:
            self._failed_starts += 1
            if self._failed_starts >= _MAX_FAILED_STARTS:
                raise ModelError(
                    f"{_MAX_FAILED_STARTS} processes in a row ended before they were ready "
                    f"(status {status}); check memory and --model, or choose fewer --workers"
                )
        else:
            self._retry(slot.task, why)
        if self._run_state.tasks:
            self._start()

    def _retry(self, task: Task, why: str) -> None:
        task.attempts += 1
        path = task.recording.path
        if task.attempts < MAX_ATTEMPTS:
            self._progress.retried(task, why)
            self._run_state.tasks.insert(0, task)
        else:
            self._outcomes.fail(
                task, f"{path}: {why} {MAX_ATTEMPTS} times; convert or remove the file"
            )

    def _check_model(self, model: str) -> None:
        if model != self._model:
            raise ModelError("the model's files have changed since the run began; run it again")


def _as_error(text: str, status: int) -> Exception:
    """The error that ended a process, which ends the run, too."""
    if status == SinkError.exit_code:
        return SinkError(text)
    return MaskdetError(text)
