"""Ray as the cluster uses it: connecting, actors by name, calls with a time limit."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError
from ray.exceptions import RayError as RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from maskdet.cluster.first_machine import Answer, find_answer
from maskdet.cluster.group import MachineGroup
from maskdet.cluster.machine import MACHINE_RESOURCE
from maskdet.errors import SourceError
from maskdet.system.console import as_typed

NAMESPACE = "maskdet"
GROUP_SHARE = 0.5
"""Of its machine's resource that a group takes: there is room for a detector beside it."""
_PLACEMENT = "placement"
_ANSWER_TIMEOUT_S = 2.0
_RESTART_TIMEOUT_S = 20.0
"""Seconds within which an actor that was killed answers again; two on a quiet machine."""
_REPLACE_TIMEOUT_S = 5.0
"""Seconds without any placement while one takes the place of another."""
_END_TIMEOUT_S = 15.0
_RETRY_S = 0.2
_DEATH_TIMEOUT_S = 10.0
"""Seconds after which a machine that does not answer counts as dead, six, and some more."""


class ClusterError(SourceError):
    """The cluster does not answer as it should."""


@contextlib.contextmanager
def connected(host: str, port: int) -> Iterator[None]:
    """Makes this process part of the cluster for a while.

    Nothing is to be printed meanwhile: Ray prints there what happens to machines.

    Raises:
        ClusterError: none answers there, or this machine is no part of it.
    """
    on_sigterm = signal.getsignal(signal.SIGTERM)  # Ray sets its own, and then none
    try:
        with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
            join(host, port)
            yield
    finally:
        ray.shutdown()
        signal.signal(signal.SIGTERM, on_sigterm)


def join(host: str, port: int) -> None:
    """Makes this process part of the cluster until `ray.shutdown`; only from the main thread.

    Raises:
        ClusterError: none answers there, or this machine is no part of it.
    """
    address = f"{host}:{port}"
    answer = find_answer(host, port)
    if answer != "a cluster":
        raise ClusterError(no_cluster(address, answer))
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        with _without_stderr():
            ray.init(
                address=address,
                namespace=NAMESPACE,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
            )
    except (RayError, ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise ClusterError(
            f"cannot join the cluster at {address}: {line_of(error)}; is this machine one of its "
            f"own, with the same token file? On it run: {as_typed('cluster up')}"
        ) from None
    signal.signal(signal.SIGTERM, on_sigterm)


@contextlib.contextmanager
def _without_stderr() -> Iterator[None]:
    """Drops the log of Ray's native part while it connects: an error is raised, too."""
    with open(os.devnull, "wb") as nothing:
        kept = os.dup(2)
        os.dup2(nothing.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def no_cluster(address: str, answer: Answer) -> str:
    """The line about what answers at an address in the place of a cluster."""
    if answer == "nothing":
        return f"no cluster answers at {address}; start it: {as_typed('cluster up')}"
    if answer == "silence":
        return (
            f"nothing comes back from {address}: the machine is off, the network between is cut, "
            "or a firewall drops what is sent to that port"
        )
    return (
        f"no cluster answers at {address}, but another program, or one that hangs; choose another "
        "port in 'address', or end that program"
    )


def machines() -> dict[str, str]:
    """Machines that are part of the cluster and answer: their addresses by their names."""
    return {
        resource.removeprefix(MACHINE_RESOURCE): str(node["NodeManagerAddress"])
        for node in ray.nodes()
        if node["Alive"]
        for resource in node["Resources"]
        if resource.startswith(MACHINE_RESOURCE)
    }


def wait_until_alone(name: str) -> None:
    """Checks that one machine alone has joined under a name.

    Raises:
        ClusterError: two have, and none of them goes within seconds, as one that has died does.
    """
    deadline = time.monotonic() + _DEATH_TIMEOUT_S
    while len(addresses := addresses_of(ray.nodes(), name)) > 1:
        if time.monotonic() > deadline:
            raise ClusterError(
                f"{' and '.join(addresses)} have joined as {name}; each machine needs a name of "
                f"its own (--node), or end the other one first: {as_typed('cluster down')} on it"
            )
        time.sleep(_RETRY_S)


def addresses_of(nodes: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    """The addresses of all machines that are part of the cluster under a name.

    Args:
        nodes: Ray's rows of all machines.
        name: of a machine.
    """
    return [str(node["NodeManagerAddress"]) for node in _alive(nodes, name)]


def _alive(nodes: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    own = MACHINE_RESOURCE + name
    return [one for one in nodes if one["Alive"] and own in one["Resources"]]


def group(node: str) -> Any:
    """The group of a machine; made where there is none."""
    return (
        ray.remote(MachineGroup)
        .options(
            name=f"group-{node}",
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            max_restarts=-1,
            num_cpus=0,
            resources={f"{MACHINE_RESOURCE}{node}": GROUP_SHARE},
            max_concurrency=4,  # a report does not wait for a monitor that ends
        )
        .remote(node)
    )


def reports(groups: Mapping[str, Any], timeout_s: float) -> dict[str, dict[str, Any]]:
    """The reports of those groups that answer in time, by machine."""
    asked = {name: one.report.remote() for name, one in groups.items()}
    if not asked:
        return {}
    ready, _ = ray.wait(list(asked.values()), num_returns=len(asked), timeout=timeout_s)
    found = {}
    for name, ref in asked.items():
        if ref in ready:
            try:
                found[name] = ray.get(ref)
            except RayActorError:  # it is being started again
                continue
    return found


def restart_group(one: Any) -> None:
    """Kills a group that does not answer, its process with it; Ray starts it again."""
    ray.kill(one, no_restart=False)


def is_done(ref: Any) -> bool:
    """Whether a call has returned or failed."""
    return bool(ray.wait([ref], timeout=0)[0])


def placement() -> Any | None:
    """The placement; None where there is none."""
    try:
        return ray.get_actor(_PLACEMENT, NAMESPACE)
    except ValueError:
        return None


def replace_placement(kind: type, settings: Mapping[str, Any]) -> Any:
    """Puts a placement with these settings in the place of the one there is.

    Args:
        kind: its class.
        settings: what that is made with; its first machine has the placement while it answers.

    Raises:
        ClusterError: the one before does not go.
    """
    end_placement()
    first = [node["NodeID"] for node in _alive(ray.nodes(), settings["nodes"][0]["name"])]
    options = ray.remote(kind).options(
        name=_PLACEMENT,
        namespace=NAMESPACE,
        lifetime="detached",
        max_restarts=-1,
        max_concurrency=4,
        # Behind a link that is cut it would give orders of its own, and more once that is back.
        scheduling_strategy=NodeAffinitySchedulingStrategy(first[0], soft=True) if first else None,
        num_cpus=0.001,  # an actor of none runs on any machine, whatever its strategy (Ray 2.60)
    )
    deadline = time.monotonic() + _RESTART_TIMEOUT_S
    while True:
        try:
            return options.remote(dict(settings))
        except ValueError:  # the name is free once Ray has noticed the end
            if time.monotonic() > deadline:
                raise ClusterError("the placement before does not end; try again") from None
            time.sleep(_RETRY_S)


def end_placement() -> None:
    """Ends the placement, so that no group gets another order."""
    if (before := placement()) is None:
        return
    with contextlib.suppress(RayError, GetTimeoutError):  # it may be starting again just now
        ray.get(before.end.remote(), timeout=_ANSWER_TIMEOUT_S)
    ray.kill(before, no_restart=True)


def end_machines(names: Sequence[str], local: Sequence[str]) -> list[str]:
    """Ends the monitors of all machines, and Ray on those that are not this one.

    Args:
        names: of all machines.
        local: names of those that are this one: Ray is needed here until all is done.

    Returns:
        The names of the machines that did not answer.
    """
    alive = machines()
    groups = {name: group(name) for name in names if name in alive}
    ended = {name: one.end.remote() for name, one in groups.items()}
    if ended:
        ray.wait(list(ended.values()), num_returns=len(ended), timeout=_END_TIMEOUT_S)
    asked = {name: one.end_node.remote() for name, one in groups.items() if name not in local}
    if asked:
        ray.wait(list(asked.values()), num_returns=len(asked), timeout=_END_TIMEOUT_S)
    done = {name for name, ref in ended.items() if is_done(ref)} | set(local)
    return [name for name in names if name in alive and name not in done]


def placement_table() -> dict[str, Any]:
    """The table of the placement; waits while it is started again, or replaced.

    Raises:
        ClusterError: there is none, or it does not answer in time.
    """
    began = time.monotonic()
    while True:
        waited = time.monotonic() - began
        if (actor := placement()) is not None:
            try:
                left = max(0.1, _RESTART_TIMEOUT_S - waited)
                table: dict[str, Any] = ray.get(actor.table.remote(), timeout=left)
                return table
            except (GetTimeoutError, RayActorError) as error:
                if waited > _RESTART_TIMEOUT_S:
                    raise ClusterError(f"the cluster does not answer: {line_of(error)}") from None
        elif waited > _REPLACE_TIMEOUT_S:
            up = as_typed("cluster up")
            raise ClusterError(f"no cameras are placed; run {up} on the first machine")
        time.sleep(_RETRY_S)


def line_of(error: Exception) -> str:
    """The first line of an error of Ray's, which may have fifty."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]
