"""Answers of a cluster's page."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

Counts = dict[str, int]


class MachineAnswer(BaseModel):
    """A machine of the cluster.

    Attributes:
        name: of the machine.
        state: up, drained, starting, down.
        cameras: number of cameras that it runs.
        cores: processor cores that it has; null where that is not known.
        load_cores: of these, its monitor needs so many.
        machine_share: share of the processor time that all its programs need, 0-1.
        monitor_starts: how often its monitor was started.
        problem: why it, or its monitor, does not run; empty: it does.
        version: of maskdet there.
        report_age_s: seconds since it has reported; null: it never has.
        page: address of its own live page; null: it serves none.
    """

    name: str
    state: str
    cameras: int = 0
    cores: int | None = None
    load_cores: float | None = None
    machine_share: float | None = None
    monitor_starts: int | None = None
    problem: str | None = None
    version: str | None = None
    report_age_s: float | None = None
    page: str | None = None


class CameraAnswer(BaseModel):
    """A camera of the cluster.

    Attributes:
        name: of the camera.
        node: machine that runs it; null: none does.
        state: running, no signal, paused, connecting, starting, waiting for a machine.
        problem: why no machine runs it; empty: one does.
        age_s: seconds since its last frame; null before the first.
        capture_fps: frames a second that it gives.
        detect_fps: frames a second that are processed.
        processed: frames that were processed so far.
        people: in the newest frame, by state; null where nobody is followed, or nothing comes.
    """

    name: str
    node: str | None = None
    state: str
    problem: str = ""
    age_s: float | None = None
    capture_fps: float | None = None
    detect_fps: float | None = None
    processed: int | None = None
    people: Counts | None = None


class ClusterAnswer(BaseModel):
    """Machines and cameras, as the placement reported them last.

    Attributes:
        utc: the page's clock, Unix time.
        as_of: Unix time of what follows; null: nothing was reported yet.
        problem: why nothing newer comes, or what the placement reports; empty: all is well.
        nodes: machines, as the cluster's file lists them.
        cameras: cameras, likewise.
    """

    utc: float
    as_of: float | None = None
    problem: str = ""
    nodes: list[MachineAnswer] = []
    cameras: list[CameraAnswer] = []


def answer_of(table: dict[str, Any] | None, problem: str, now: float) -> ClusterAnswer:
    """The answer for a table of the placement.

    Args:
        table: the newest there was; None: none yet.
        problem: why none is newer; empty: it is new.
        now: Unix time.
    """
    if table is None:
        return ClusterAnswer(utc=now, problem=problem)
    return ClusterAnswer(
        utc=now,
        as_of=table.get("time", now),
        problem=problem or table["problem"],
        nodes=table["nodes"],
        cameras=table["cameras"],
    )
