"""A start of a machine's part that ends whole: one at a time, and undone when it is ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from maskdet.cluster import machine, monitor_run
from maskdet.errors import ConfigError
from maskdet.system.console import as_typed
from maskdet.system.processes.signals import StopRequest

_LOCK_NAME = "start.lock"


class Interruption(StopRequest):
    """A request to stop that ends what is under way; a second one cannot end the undoing."""

    def _ends_at_once(self) -> bool:
        return self.number is None


@contextmanager
def only_start(place: machine.Place) -> Iterator[None]:
    """Holds off every other start of this machine's part; ends with its process, if not before.

    Raises:
        ConfigError: another one is under way, or the folder cannot be made.
    """
    machine.prepare_temporary(place.temporary)
    if os.name == "nt":
        yield
        return
    import fcntl

    path = place.temporary.parent / f"{place.name}.{_LOCK_NAME}"
    try:
        with path.open("w") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError:
        raise ConfigError(
            f"{place.name} is being started already; wait for the end of that "
            f"{as_typed('cluster up')}"
        ) from None


@contextmanager
def undone_if_ended(place: machine.Place) -> Iterator[None]:
    """Ends this machine's part where its start fails or is ended; one that ran before goes on."""
    ran_before = machine.find(place) is not None
    try:
        yield
    except BaseException:
        if not ran_before:
            end_part(place)
        raise


def end_part(place: machine.Place) -> None:
    """Ends this machine's part alone with its monitor; of the first one the placement, too."""
    process = machine.find(place)
    machine.end([process] if process else [])
    if place.is_first:
        machine.end_rest(place)
    monitor_run.wait_for_end(place.state / place.name)
