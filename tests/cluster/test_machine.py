"""A machine's part of a cluster is started by the real Ray."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from maskdet.cluster import machine
from maskdet.system.external_command import Outcome, run_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def test_a_start_in_which_ray_answered_itself_too_late_is_undone_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", os.devnull)  # set below; put back at the end
    machine.prepare_token(tmp_path / "token", make=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place = machine.Place("a", "127.0.0.1", port, True, tmp_path / "token", tmp_path)
    first: list[int] = []
    statuses: list[int | None] = []

    def run(*arguments: Any, **options: Any) -> Outcome:
        """The real program, of which the first run is said to have failed at its end."""
        outcome = run_command(*arguments, **options)
        statuses.append(outcome.status)
        if len(statuses) > 1:
            return outcome
        raylet = machine.find(place)
        assert raylet is not None
        first.append(raylet.pid)
        return replace(outcome, status=1, last_line="ray.exceptions.RpcError: RPC error:")

    monkeypatch.setattr(machine, "run_command", run)
    try:
        machine.start(place, as_first=True)
        started = machine.find(place)
        assert statuses == [0, 0] and machine.is_alive(started)
        assert started is not None and [started.pid] != first
    finally:
        left = machine.find(place)
        machine.end([] if left is None else [left])
        machine.end_rest(place)
