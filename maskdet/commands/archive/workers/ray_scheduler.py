"""An archive run on a Ray cluster, by Ray Data: one recording a task, wherever there is room."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from maskdet import __version__
from maskdet.commands.archive.progress import RunOutcomes, RunProgress
from maskdet.commands.archive.run_state import RunState, Task
from maskdet.commands.archive.workers.ray_worker import ArchiveWorker, Row, hash_recording
from maskdet.errors import ConfigError, MaskdetError, ModelError, reason_of
from maskdet.system.threads import Closed, Mailbox, Worker

AUTO = "auto"
"""Instead of an address: the cluster that this machine is part of."""
LOCAL = "local"
"""Instead of an address: a cluster of this machine alone, for this run."""
_MAX_TASKS_AHEAD = 2000
"""Recordings that are handed to Ray at a time; it keeps notes of each."""
_POLL_S = 0.2
_ANSWER_TIMEOUT_S = 3.0
_END_TIMEOUT_S = 10.0
_STORE_BYTES = 200_000_000
"""Of the objects of a cluster of this machine alone; recordings do not go through it."""
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing leaves the machines
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",  # a thread that goes on after the end would begin a cluster
}


class RayScheduler:
    """Gives the recordings of a run to a Ray cluster.

    What is done, and what is kept, is decided here, as in a run without Ray; a node, or a worker,
    that dies costs the recordings that it was working on, which Ray gives to another.
    """

    def __init__(
        self, run_state: RunState, progress: RunProgress, setup: Mapping[str, Any], model: str
    ) -> None:
        """Connects nothing yet.

        Args:
            run_state: of the run.
            progress: is reported to.
            setup: the first line of each process.
            model: the model's checksum.
        """
        self._run_state, self._progress = run_state, progress
        self._outcomes = RunOutcomes(run_state, progress)
        self._setup, self._model = json.dumps(setup), model

    def run(self, workers: int | None, stop: Callable[[], bool]) -> None:
        """Processes all tasks; the cluster is connected, see `connected`.

        Args:
            workers: processes at a time in the whole cluster; None: one a processor core of it.
            stop: whether to end before that.

        Raises:
            MaskdetError: model, disk or cluster fail; recordings that do are named, and the rest
                goes on.
        """
        import ray

        cores = int(ray.cluster_resources().get("CPU", 1))
        number = max(1, min(workers or cores, cores))
        while self._run_state.tasks and not stop():
            tasks = self._run_state.tasks[:_MAX_TASKS_AHEAD]
            del self._run_state.tasks[: len(tasks)]
            self._hash_and_process(tasks, number, stop)

    def _hash_and_process(
        self, tasks: Sequence[Task], workers: int, stop: Callable[[], bool]
    ) -> None:
        """Finds out which contents are new, and processes each of them once."""
        checksums: dict[int, str] = {}
        keys: dict[int, str] = {}
        hashing = [{"number": i, "path": task.recording.path} for i, task in enumerate(tasks)]
        for row in self._rows(_hashes, hashing, workers, stop):
            number, sha256 = row["number"], row["sha256"]
            if not sha256:
                self._outcomes.fail(tasks[number], row["text"])
            elif (key := self._run_state.key_to_process(tasks[number], sha256)) is None:
                self._progress.skipped(tasks[number])
            else:
                checksums[number], keys[number] = sha256, key
        processing = [
            {"number": i, "path": one.path, "name": one.name, "key": key}
            for i, key in keys.items()
            for one in (tasks[i].recording,)
        ]
        make = _results(self._setup, self._model)
        for row in self._rows(make, processing, workers, stop):
            number = row["number"]
            self._take(tasks[number], checksums[number], row)
            del keys[number]
        if not stop():
            for number in keys:
                path = tasks[number].recording.path
                self._outcomes.fail(tasks[number], f"{path}: Ray gave no result of it; run again")

    def _rows(
        self,
        make: Callable[[Sequence[Row], int], Any],
        items: Sequence[Row],
        workers: int,
        stop: Callable[[], bool],
    ) -> Iterator[Row]:
        """The rows of a data set as they come; it is read by a thread, as Ray cannot be hurried."""
        if not items:
            return
        found: Mailbox[Row] = Mailbox(len(items))

        def read() -> None:
            for row in make(items, workers).iter_rows():
                if not found.put(row):
                    return

        reader = Worker("archive on Ray", read, [found])
        reader.start()
        try:
            with contextlib.suppress(Closed):
                while not stop():
                    if (row := found.get(_POLL_S)) is not None:
                        yield row
                    self._progress.poll()
        except Exception as error:
            raise _named(error) from None
        finally:
            found.close()
            if stop():
                disconnect()  # ends what the thread waits for
            reader.join(_END_TIMEOUT_S)

    def _take(self, task: Task, sha256: str, row: Row) -> None:
        if row["is_fatal"]:
            raise ModelError(row["text"])
        if row["text"]:
            self._outcomes.fail(task, row["text"])
            return
        self._outcomes.finish(task, sha256, json.loads(row["totals"]))


def _hashes(items: Sequence[Row], workers: int) -> Any:
    return _data(items).map(hash_recording, num_cpus=1, concurrency=workers)


def _results(setup: str, model: str) -> Callable[[Sequence[Row], int], Any]:
    """Results by actors, which Ray starts again, wherever they, or their nodes, are killed."""

    def make(items: Sequence[Row], workers: int) -> Any:
        from ray.data import ActorPoolStrategy

        number = min(workers, len(items))
        return _data(items).map(
            ArchiveWorker,
            fn_constructor_args=(setup, model, __version__),
            compute=ActorPoolStrategy(size=number, max_tasks_in_flight_per_actor=1),
            num_cpus=1,
        )

    return make


def _data(items: Sequence[Row]) -> Any:
    from ray.data import from_items

    return from_items(list(items), override_num_blocks=len(items))


@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """A connection to a cluster, ended at the end.

    Args:
        address: ``auto``: the cluster that this machine is part of; ``HOST:PORT`` of the cluster's
            first machine; `LOCAL`.

    Raises:
        ConfigError: there is no such cluster.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import ray

    _require_answer(address)
    own = {"num_cpus": os.cpu_count(), "object_store_memory": _STORE_BYTES}
    options: dict[str, Any] = own | {"include_dashboard": False} if address == LOCAL else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL, **options)
    except Exception as error:  # whatever the library raises, it is about the address
        is_away = address == AUTO and isinstance(error, ConnectionError)
        reason = "this machine is part of no Ray cluster" if is_away else _line(error)
        raise ConfigError(
            f"--ray {address}: {reason}; start one (ray start --head), or choose local"
        ) from None
    _silence()
    try:
        yield
    finally:
        disconnect()


def _require_answer(address: str) -> None:
    """Finds out soon that nothing answers at an address, for which Ray takes a minute.

    Raises:
        ConfigError: nothing does, or it is not an address.
    """
    if address in (LOCAL, AUTO):
        return
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or "/" in host:
        raise ConfigError(f"--ray {address}: expected auto, local, or HOST:PORT of a Ray cluster")
    try:
        socket.create_connection((host, int(port)), _ANSWER_TIMEOUT_S).close()
    except (OSError, OverflowError) as error:
        reason = reason_of(error)
        raise ConfigError(
            f"--ray {address}: {reason}; check the address of the cluster's first machine"
        ) from None


def disconnect() -> None:
    """Ends the connection, and what runs for it; may be called twice."""
    import ray

    ray.shutdown()


def _silence() -> None:
    """Ray Data shows bars and writes about each of its steps; the run has its own lines."""
    from ray.data import DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)


def _named(error: Exception) -> Exception:
    if isinstance(error, MaskdetError):
        return error
    return ModelError(f"Ray gave up: {_line(error)}; run again, what is done is kept")


def _line(error: BaseException) -> str:
    """An error of Ray, which may have many lines, in one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{(lines or [type(error).__name__])[-1]:.200}"
