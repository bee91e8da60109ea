"""A network namespace behind a link that can be cut, for tests of what happens then."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Network:
    """A network namespace.

    Attributes:
        name: of the namespace.
        here: this side's address.
        there: the address within.
        device: the link's end within.
        plug: cuts the link (False), or repairs it; packets vanish, and nobody on this side notices.
    """

    name: str
    here: str
    there: str
    device: str
    plug: Callable[[bool], None]

    @property
    def prefix(self) -> tuple[str, ...]:
        """Words before a command that is to run within."""
        return ("ip", "netns", "exec", self.name)


@contextmanager
def a_network_of_its_own(subnet: int) -> Iterator[Network]:
    """A namespace with a link to this one, for as long as the block runs.

    Args:
        subnet: another one for each test that may run at the same time.
    """
    name, near, far = (f"md{os.getpid()}{end}" for end in "nab")
    here, there = (f"10.213.{subnet}.{host}" for host in (1, 2))
    commands = [
        f"ip netns add {name}",
        f"ip link add {near} type veth peer name {far} netns {name}",
        f"ip addr add {here}/30 dev {near}",
        f"ip link set {near} up",
        f"ip -n {name} link set lo up",
        f"ip -n {name} addr add {there}/30 dev {far}",
        f"ip -n {name} link set {far} up",
    ]

    def plug(is_in: bool) -> None:
        command = f"ip -n {name} link set {far} {'up' if is_in else 'down'}"
        subprocess.run(command.split(), check=True)

    try:
        for command in commands:
            try:
                subprocess.run(command.split(), check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError) as error:
                pytest.skip(f"no network namespace here: {error}")
        yield Network(name, here, there, far, plug)
    finally:
        if shutil.which("ip"):
            subprocess.run(["ip", "link", "del", near], capture_output=True, check=False)
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
