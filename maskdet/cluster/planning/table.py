"""The table of a cluster's machines and cameras, and what is wrong with each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from maskdet.cluster.group import GROUP_TIMEOUT_S
from maskdet.cluster.planning.placement import MAX_CAMERAS, Camera, Node
from maskdet.contracts import NO_SIGNAL_S

_STATUS_AGE_S = 1.0
"""Age of a monitor's status, at most, where all is well: it is written once a second."""
NO_SIGNAL_AGE_S = NO_SIGNAL_S + _STATUS_AGE_S
"""Age of the last frame, by such a status, from which a camera has no signal."""
_LATE_REPORT_S = 5.0
"""Age of a group's last report from which the table has it as a problem."""

Report = Mapping[str, Any]
"""Of a group; see `maskdet.cluster.group.MachineGroup.report`."""


@dataclass(frozen=True)
class Known:
    """The state of a cluster as its placement knows it at one moment.

    Attributes:
        machines: all that may join.
        cameras: all that are wanted.
        where: machines by camera.
        reports: the newest one of each group whose machine is there.
        ages_s: seconds since each group has reported; those that never have are not in it.
        alive: names of the machines that have joined and answer.
        is_settled: whether it has placed cameras yet.
    """

    machines: Sequence[Node]
    cameras: Sequence[Camera]
    where: Mapping[str, str]
    reports: Mapping[str, Report]
    ages_s: Mapping[str, float]
    alive: set[str]
    is_settled: bool


def table_of(known: Known) -> dict[str, Any]:
    """Machines and cameras as `maskdet cluster status` shows them; plain values."""
    return {
        "version": 1,
        "time": round(time.time(), 3),
        "settled": known.is_settled,
        "nodes": [_node_row(known, one) for one in known.machines],
        "cameras": [_camera_row(known, one) for one in known.cameras],
    }


def _node_row(known: Known, machine: Node) -> dict[str, Any]:
    name = machine.name
    report = known.reports.get(name, {})
    state = "up" if report else "starting" if name in known.alive else "down"
    keys = ("cores", "load_cores", "machine_share", "problem", "version")
    pids = ("group_pid", "monitor_pid", "monitor_starts")
    age = known.ages_s.get(name)
    row = {
        "name": name,
        "state": "drained" if not machine.is_open and state == "up" else state,
        "cameras": len(report.get("cameras", ())),
        "report_age_s": age,
        **{key: report.get(key) for key in (*keys, *pids)},
    }
    if age is not None and age > _LATE_REPORT_S and state != "starting":
        row["problem"] = _late(age, is_down=not report)
    elif age is None and state == "down":
        row["problem"] = "has not joined: run cluster up on it, or check the link to it"
    return row


def _camera_row(known: Known, camera: Camera) -> dict[str, Any]:
    name, node = camera.name, known.where.get(camera.name)
    report = known.reports.get(node or "", {})
    found: Report = next((one for one in report.get("status", ()) if one["name"] == name), {})
    age = found.get("silent_s")
    if age is not None:
        age += known.ages_s.get(node or "", 0.0)  # of a group that does not answer
    state = _camera_state(known, node, found, age)
    return {
        "name": name,
        "node": node,
        "state": state,
        "problem": _why_waiting(known, camera) if state == "waiting for a machine" else "",
        "age_s": None if age is None else round(age, 2),
        "capture_fps": found.get("capture_fps"),
        "detect_fps": found.get("detect_fps"),
        "processed": found.get("processed"),
        "people": found.get("people") if state == "running" else None,
    }


def _camera_state(known: Known, node: str | None, found: Report, age_s: float | None) -> str:
    """State of a camera, from what its machine reports of it, and the age of its last frame."""
    if node is None:
        return "waiting for a machine" if known.is_settled else "starting"
    if found.get("state") == "standby":
        return "moving"
    if age_s is None:
        return "connecting" if found else "starting"
    if found.get("state") == "paused":
        return "paused"
    return "running" if age_s <= NO_SIGNAL_AGE_S else "no signal"


def _why_waiting(known: Known, camera: Camera) -> str:
    """Why no machine that may run a camera does."""
    fitting = [one for one in known.machines if replace(one, is_open=True).takes(camera)]
    down = [one.name for one in fitting if one.name not in known.reports]
    drained = [one.name for one in fitting if not one.is_open and one.name in known.reports]
    reasons = [f"{_are(drained)} drained"] if drained else []
    if down:
        reasons.append(f"{_are(down)} down, or behind a cut link, where it may run unseen")
    return "; ".join(reasons) or f"its machines have {MAX_CAMERAS} cameras each, the most"


def _are(names: Sequence[str]) -> str:
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"


def _late(age_s: float, *, is_down: bool) -> str:
    """The problem of a machine that has reported and no longer does."""
    if is_down:
        return (
            f"has not answered for {age_s:.0f} s: it is off, its part of the cluster has ended, or "
            "the link to it is cut"
        )
    return (
        f"its group has not reported for {age_s:.0f} s, as it hangs or the link loses packets; it "
        f"is started again after {GROUP_TIMEOUT_S:.0f} s"
    )
