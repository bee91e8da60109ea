"""Folders of recordings in; event lines, totals and a summary out, each recording once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing, redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import Any

from maskdet.commands.archive.archive_store import ArchiveStore
from maskdet.commands.archive.keys import (
    checksum_of_model,
    counting_settings,
    resolve_model,
    settings_of,
)
from maskdet.commands.archive.progress import RunProgress
from maskdet.commands.archive.recordings import Found, Recording, find_recordings
from maskdet.commands.archive.result_file import remove_parts, results_folder
from maskdet.commands.archive.run_state import RunState, Task
from maskdet.commands.archive.summary import totals_of, write_summary
from maskdet.commands.archive.workers.scheduler import Scheduler
from maskdet.errors import SinkError, SourceError, reason_of
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.system.console import counted, say, say_line
from maskdet.system.folders import make_folder
from maskdet.system.native_libraries import silent_stderr
from maskdet.system.processes.signals import StopRequest

_MAX_DEFAULT_WORKERS = 8
Process = Callable[[RunState, RunProgress], None]
_GPU_KINDS = ("keras", "litert_gpu")


def run(
    folders: Sequence[Path],
    settings: MonitorSettings,
    output: Path,
    workers: int | None = None,
    cluster: str | None = None,
) -> int:
    """Processes what is not done, and writes the summary of all, whatever ends the run.

    Args:
        folders: of recordings.
        settings: those of the monitor; sources, window, outputs and alarms do not count.
        output: the archive's folder, which later runs go on with.
        workers: processes; None: see `default_workers`, or one a core of the cluster.
        cluster: address of a Ray cluster, as `ray_scheduler.connected` takes it; None: no cluster.

    Returns:
        The exit status: 0; 3 where a recording or a folder could not be read; 130 after Ctrl-C,
        143 after SIGTERM.

    Raises:
        ConfigError: there is no recording.
        ModelError: there is no such model, or it does not run.
        SinkError: the archive cannot be written, or another run writes to it.
    """
    stop = StopRequest()
    with stop.listening():
        found = find_recordings(folders, output)
        _report(found, settings)
        spec = resolve_model(settings)
        model = checksum_of_model(spec)
        with closing(ArchiveStore(output)) as store:
            results = _open_results(output)
            tasks = [_task(recording, settings) for recording in found.recordings]
            run_state = RunState(store, results, model, tasks)
            setup = {"settings": settings.model_dump(mode="json"), "results": str(results)}
            process: Process
            if cluster is None:
                number = workers or default_workers(spec.kind)
                process = partial(_on_one_machine, setup, model, number, stop)
            else:
                process = partial(_on_cluster, setup, model, workers, stop, cluster)
            try:
                _process(run_state, len(tasks), process)
            finally:
                outcomes = run_state.outcomes()
                write_summary(output, outcomes)
            say(_last_line(run_state, totals_of(outcomes)))
            say(f"wrote {output / 'summary.csv'} and {output / 'summary.json'}")
    if stop():
        return stop.status
    return SourceError.exit_code if run_state.failures or found.unreadable else 0


def default_workers(kind: str) -> int:
    """Processes by default: one a core, and one alone for a GPU, whose memory it takes.

    Args:
        kind: of the model, as `ModelSpec` has it.
    """
    return 1 if kind in _GPU_KINDS else min(_MAX_DEFAULT_WORKERS, os.cpu_count() or 1)


def _report(found: Found, settings: MonitorSettings) -> None:
    """Names what is not read, and what is set for recordings that are not there."""
    for line in found.lines:
        say_line(line)
    for line in found.unreadable:
        say_line(line, "error")
    _warn_of_unused_places(settings, found.recordings)


def _task(recording: Recording, settings: MonitorSettings) -> Task:
    return Task(recording, counting_settings(settings_of(settings, recording.name)))


def _process(run_state: RunState, total: int, process: Process) -> None:
    """Has what is not done processed, with lines about how far it is."""
    number = len(run_state.tasks)
    if run_state.known:
        are = "is" if total == 1 else "are"
        all_ = counted(total, "recording")
        say(f"{run_state.known} of {all_} {are} done already; {number} to process")
    if not number:
        return
    progress = RunProgress(run_state.tasks, total)
    try:
        process(run_state, progress)
    finally:
        progress.close()


def _on_one_machine(
    setup: dict[str, Any],
    model: str,
    workers: int,
    stop: StopRequest,
    run_state: RunState,
    progress: RunProgress,
) -> None:
    try:
        Scheduler(run_state, progress, setup, model).run(workers, stop)
    finally:  # on a cluster, workers elsewhere may not have ended
        with suppress(OSError):
            remove_parts(Path(setup["results"]))


def _on_cluster(
    setup: dict[str, Any],
    model: str,
    workers: int | None,
    stop: StopRequest,
    address: str,
    run_state: RunState,
    progress: RunProgress,
) -> None:
    from maskdet.commands.archive.workers.ray_scheduler import RayScheduler, connected

    # Ray takes the signals as it connects; its native part writes to standard error, and it
    # prints what its workers die of, which others make up for.
    with (
        open(os.devnull, "w") as nothing,
        redirect_stdout(nothing),
        silent_stderr(),
        connected(address),
        stop.listening(),
    ):
        RayScheduler(run_state, progress, setup, model).run(workers, stop)


def _open_results(output: Path) -> Path:
    """The folder of result files, without what runs that were killed have left there."""
    results = results_folder(output.absolute())
    try:
        make_folder(results, quiet=True)
        remove_parts(results)
    except OSError as error:
        raise SinkError(
            f"cannot write to {results}: {reason_of(error)}; check its rights"
        ) from None
    return results


def _warn_of_unused_places(settings: MonitorSettings, recordings: Sequence[Recording]) -> None:
    """Names zones and lines that count in no recording: a name may be misspelled."""
    names = {part for one in recordings for part in (one.name, Path(one.name).parts[0])}
    for place in (*settings.zones, *settings.lines):
        if place.source is not None and place.source not in names:
            say(
                f"'{place.name}' is drawn in the source '{place.source}', which is neither a "
                "recording nor a folder of recordings here; it counts nobody",
                "warning",
            )


def _last_line(run_state: RunState, totals: dict[str, Any]) -> str:
    """``processed 3 of 200 recordings; 195 were done before, …``."""
    people, faces = sum(totals["people"].values()), sum(totals["face_frames"].values())
    parts = [f"processed {run_state.processed} of {counted(totals['files'], 'recording')}"]
    others = (
        (run_state.known, "done already"),
        (totals["copies"], "with the content of another, counted once"),
        (totals["failed"], "could not be processed"),
        (totals["missing"], "not reached"),
    )
    parts += [f"{number} {what}" for number, what in others if number]
    found = f"{counted(people, 'person', 'people')}, {counted(faces, 'face-frame')}"
    return "; ".join(parts) + f"; all of them: {found}"
