"""The machines that a cluster's file names, and which of them this one is."""

from __future__ import annotations

import socket
from pathlib import Path

import psutil

from maskdet.cluster import machine
from maskdet.cluster.settings import ClusterSettings, NodeSettings, beside
from maskdet.errors import ConfigError


def place_of_this_machine(settings: ClusterSettings, file: Path, node: str | None) -> machine.Place:
    """The place of this machine.

    Args:
        settings: of the cluster.
        file: of the settings.
        node: the machine's name; None: the one with an address of this machine.

    Raises:
        ConfigError: there is no such machine, or it cannot be known which one this is.
    """
    if node is not None:
        return place_of(settings, file, find_node(settings, file, node))
    own = [one for one in settings.nodes if one.address in _own_addresses()]
    found = settings.nodes if len(settings.nodes) == 1 else own
    if len(found) != 1:
        names = "|".join(one.name for one in settings.nodes)
        raise ConfigError(f"{file}: which of its machines is this one? --node {names}")
    return place_of(settings, file, found[0])


def _own_addresses() -> set[str]:
    numbers = {a.address for group in psutil.net_if_addrs().values() for a in group}
    return numbers | {socket.gethostname(), socket.getfqdn()}


def find_node(settings: ClusterSettings, file: Path, name: str) -> NodeSettings:
    """The machine of a name.

    Raises:
        ConfigError: there is none; the message lists those there are.
    """
    for node in settings.nodes:
        if node.name == name:
            return node
    names = ", ".join(one.name for one in settings.nodes)
    raise ConfigError(f"{file}: no machine is called '{name}'; there are: {names}")


def place_of(settings: ClusterSettings, file: Path, node: NodeSettings) -> machine.Place:
    """The place of a machine, with the files that it keeps."""
    return machine.Place(
        name=node.name,
        host=settings.host,
        port=settings.port,
        is_first=node is settings.nodes[0],
        token=beside(file, settings.token),
        state=beside(file, settings.state),
    )
