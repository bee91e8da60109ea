"""A part of the cluster that hangs or is gone on this machine, found before Ray waits for it."""

from __future__ import annotations

from collections.abc import Sequence

import psutil

from maskdet.cluster import machine
from maskdet.cluster.first_machine import find_answer
from maskdet.cluster.ray_client import ClusterError
from maskdet.system.console import as_typed


def require_answering(places: Sequence[machine.Place]) -> None:
    """Checks that what runs here of a cluster takes what Ray sends it.

    Ray waits half a minute for a part that does not, or a whole one for one that is gone, and then
    may end the process without a line.

    Args:
        places: of all machines that this one may be.

    Raises:
        ClusterError: a part hangs, or none runs though the cluster's list answers.
    """
    found = {place: process for place in places if (process := machine.find(place))}
    up = as_typed("cluster up")
    for place, process in found.items():
        if _hangs(process):
            raise ClusterError(
                f"the part of {place.name}, Ray's process {process.pid}, does not answer; end it "
                f"with {as_typed('cluster down')}, and start it again with {up}"
            )
    host, port = places[0].host, places[0].port
    if not found and find_answer(host, port) == "a cluster":
        raise ClusterError(
            f"no part of the cluster at {host}:{port} runs on this machine; start it: {up}"
        )


def _hangs(process: psutil.Process) -> bool:
    """Whether a process takes connections of gRPC and answers none."""
    try:
        ports = {
            (one.laddr.ip, one.laddr.port)
            for one in process.net_connections("tcp")
            if one.status == psutil.CONN_LISTEN
        }
    except psutil.Error:
        return False
    local = {"::": "::1", "0.0.0.0": "127.0.0.1"}
    answers = (find_answer(local.get(host, host), port) for host, port in sorted(ports))
    return bool(ports) and not any(answer == "a cluster" for answer in answers)
