"""``maskdet cluster up|status|add|drain|down``."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from maskdet.cluster import detector_actor, machine, monitor_run, ray_client
from maskdet.cluster.first_machine import find_answer, require_own
from maskdet.cluster.hanging_part import require_answering
from maskdet.cluster.placement_actor import Placement
from maskdet.cluster.settings import ClusterSettings, beside, read_cluster
from maskdet.commands.cluster.places import find_node, place_of, place_of_this_machine
from maskdet.commands.cluster.rejoin import cameras_before, start_again
from maskdet.commands.cluster.start_guard import (
    Interruption,
    end_part,
    only_start,
    undone_if_ended,
)
from maskdet.commands.cluster.table import lines_of, warnings_of
from maskdet.config import Override, load_settings, read_yaml
from maskdet.config_editing import append_item, set_in_item
from maskdet.errors import ConfigError, SourceError
from maskdet.sources.address import parse, scheme_of
from maskdet.system.console import as_typed, counted, print_data, say

_PLACE_TIMEOUT_S = 30.0
"""Seconds that `up` waits for the cameras to have their machines."""
_CONNECT_TIMEOUT_S = 5.0
"""Seconds that it waits for a camera that does not answer."""
_POLL_S = 0.5
_RESTART_PAUSE_S = 2.0
_SIGTERM_STATUS = 128 + signal.SIGTERM


def up(file: Path, node: str | None, *, foreground: bool) -> int:
    """Starts this machine's part; on the first one has the cameras placed as the file says."""
    settings = read_cluster(file)
    place = place_of_this_machine(settings, file, node)
    if place.is_first:
        _check_cameras(settings, file)
    detects = find_node(settings, file, place.name).detect_on is None
    stop = Interruption()
    with stop.listening():
        start = partial(_start, settings, place)
        try:
            _begin_part(place, start, foreground=foreground, detects=detects)
            while foreground and not stop():
                _wait_for_end(place)
                say(f"this machine's part of the cluster has ended; starting {place.name} again")
                time.sleep(_RESTART_PAUSE_S)
                start_again(place, start, detects=detects)
        except (KeyboardInterrupt, SystemExit):  # Ray makes the second one of SIGTERM
            if not foreground:
                say(f"ended by a signal; {place.name} has not been started", "warning")
                return stop.status if stop() else _SIGTERM_STATUS
        if foreground:
            end_part(place)
    return 0


def _begin_part(
    place: machine.Place, start: Callable[[], None], *, foreground: bool, detects: bool
) -> None:
    """Starts this machine's part; in the foreground, where it had cameras, until that works."""
    try:
        start()
    except ray_client.ClusterError:  # after a power cut, say
        if not (foreground and cameras_before(place.state / place.name)):
            raise
        start_again(place, start, detects=detects)


def _wait_for_end(place: machine.Place) -> None:
    process = machine.find(place)
    while machine.is_alive(process):
        time.sleep(_POLL_S)


def status(file: Path, *, as_json: bool) -> int:
    """Prints machines, their groups and cameras."""
    settings = read_cluster(file)
    with connected(settings, file):
        table = ray_client.placement_table()
    print_data(json.dumps(table, indent=2) + "\n" if as_json else "\n".join(lines_of(table)) + "\n")
    return 0


def add(file: Path, name: str, source: str | None, place: Mapping[str, Any]) -> int:
    """Adds a camera: by an address, which is written into the file, or by its name there.

    Args:
        file: the cluster's settings.
        name: the camera's.
        source: its address; None: the file has it already.
        place: `node` and `labels`, where they are given.
    """
    settings = read_cluster(file)
    names = [camera.name for camera in settings.cameras]
    if source is None and name not in names:
        if any(node.name == name for node in settings.nodes):
            raise ConfigError(
                f"{file}: '{name}' is a machine, not a camera; it joins by "
                f"{as_typed('cluster up')} on it"
            )
        known = ", ".join(names) or "none"
        raise ConfigError(f"{file}: no camera is called '{name}' (it has {known}); add an address")
    if source is not None and name in names:
        raise ConfigError(f"{file}: a camera is called '{name}' already; choose another name")
    camera = {"name": name, "source": source, **place}
    if source is not None:
        _check_source(camera)
    with connected(settings, file):
        if source is not None:
            settings = _append(file, camera)
        _replace_placement(settings)
        _report_placed(settings)
    return 0


def drain(file: Path, node: str, *, undo: bool) -> int:
    """Has a machine give its cameras away and take no more, or take cameras again."""
    settings = read_cluster(file)
    find_node(settings, file, node)
    with connected(settings, file):
        set_in_item(file, "nodes", {"name": node}, {"drained": not undo})
        settings = read_cluster(file)
        _replace_placement(settings)
        _report_placed(settings)
    return 0


def down(file: Path) -> int:
    """Ends every monitor, every machine's part, and the cluster.

    Where the first machine does not answer, it ends what runs of this machine's part.
    """
    settings = read_cluster(file)
    places = [place_of(settings, file, node) for node in settings.nodes]
    local = {place.name: found for place in places if (found := machine.find(place))}
    names = [node.name for node in settings.nodes]
    try:
        with connected(settings, file):
            absent = [name for name in names if name not in ray_client.machines()]
            ray_client.end_placement()
            left = ray_client.end_machines(names, list(local))
    except ray_client.ClusterError as error:
        if not local:
            raise
        say(f"{error}; this machine's part alone is ended", "warning")
        left, absent = [], []
    machine.end(local.values())
    machine.end_rest(places[0])
    for name in local:
        monitor_run.wait_for_end(places[0].state / name)
    for name in [*left, *(name for name in absent if name not in local)]:
        end_it = as_typed("cluster down")
        say(f"{name} did not answer; if it runs, run {end_it} on it", "warning")
    say("the cluster has ended")
    return 0


def _append(file: Path, camera: dict[str, Any]) -> ClusterSettings:
    """Writes a camera into the file, once it is known to be right; the settings with it."""
    cameras = [*(read_yaml(file).get("cameras") or ()), camera]
    load_settings(ClusterSettings, file, [Override("cluster add", ("cameras",), cameras)])
    append_item(file, "cameras", camera)
    return read_cluster(file)


def _check_cameras(settings: ClusterSettings, file: Path) -> None:
    """Refuses sources that cannot be opened: one would keep all cameras of its monitor away."""
    mistakes = []
    for camera in settings.cameras:
        try:
            _check_source(camera.model_dump(mode="json", exclude_unset=True))
        except ConfigError as error:
            mistakes.append(f"{file}: camera {error}")
    if mistakes:
        raise ConfigError("\n".join(mistakes))


def _check_source(camera: Mapping[str, Any]) -> None:
    """Refuses what cannot be opened anywhere; what another machine has is known there alone."""
    from maskdet.sources.opening import kind_of  # brings OpenCV, which `add` alone needs

    source = camera["source"]
    try:
        if scheme_of(source) not in ("", "file"):
            parse(source)
        elif not {"node", "labels"} & camera.keys():
            kind_of(source)
    except SourceError as error:
        raise ConfigError(f"{camera['name']}: {error}") from None


def _start(settings: ClusterSettings, place: machine.Place) -> None:
    """Starts what does not run of this machine's part; nothing is left where it fails."""
    with only_start(place), undone_if_ended(place):
        _start_part(settings, place)


def _start_part(settings: ClusterSettings, place: machine.Place) -> None:
    machine.prepare_token(place.token, make=place.is_first)
    answer = find_answer(place.host, place.port)
    address, has_cluster = f"{place.host}:{place.port}", answer == "a cluster"
    if answer == "another program" or (answer == "silence" and not place.is_first):
        raise ray_client.ClusterError(ray_client.no_cluster(address, answer))
    if not has_cluster and not place.is_first:
        raise ray_client.ClusterError(
            f"the first machine does not answer at {address}; run {as_typed('cluster up')} on it, "
            "and check the network between"
        )
    if not has_cluster:
        end_part(place)  # what is left of it where its list has died
        require_own(place.host, place.port)
    if machine.find(place) is None:
        machine.start(place, as_first=not has_cluster)
    require_answering([place])
    with ray_client.connected(place.host, place.port):
        ray_client.wait_until_alone(place.name)
        if place.is_first:
            ray_client.end_placement()
            detector_actor.end_all()  # the settings may be others
            _replace_placement(settings)
            _report_placed(settings)
        else:
            say(f"{place.name} is part of the cluster at {address}")


@contextmanager
def connected(settings: ClusterSettings, file: Path) -> Iterator[None]:
    """Makes this process part of the cluster of a settings file for a while.

    Raises:
        MaskdetError: none answers, or the token is missing.
    """
    machine.prepare_token(beside(file, settings.token), make=False)
    require_answering([place_of(settings, file, node) for node in settings.nodes])
    with ray_client.connected(settings.host, settings.port):
        yield


def _report_placed(settings: ClusterSettings) -> None:
    """Waits until the cameras have their machines, and prints how many run where."""
    began, table = time.monotonic(), ray_client.placement_table()
    while (waited := time.monotonic() - began) < _PLACE_TIMEOUT_S:
        states = {row["state"] for row in table["cameras"]}
        is_placed = table["settled"] and not states & {"starting", "moving"}
        is_placed &= not any(n["cameras"] for n in table["nodes"] if n["state"] == "drained")
        if is_placed and ("connecting" not in states or waited > _CONNECT_TIMEOUT_S):
            break
        time.sleep(_POLL_S)
        table = ray_client.placement_table()
    nodes = {row["name"]: row["cameras"] for row in table["nodes"] if row["cameras"]}
    where = ", ".join(f"{name} {count}" for name, count in nodes.items()) or "none yet"
    count = len(table["cameras"])
    say(f"{counted(count, 'camera')} in the cluster at {settings.address}, by machine: {where}")
    for line in warnings_of(table):
        say(line, "warning")


def _replace_placement(settings: ClusterSettings) -> None:
    values = settings.model_dump(mode="json", exclude_unset=True)
    ray_client.replace_placement(Placement, values)
