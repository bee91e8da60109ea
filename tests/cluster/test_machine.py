"""A machine's part of a cluster: the folder of Ray's files, a second try, names."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from maskdet.cluster import machine
from maskdet.errors import ConfigError
from maskdet.system.processes.external_command import Outcome

pytestmark = pytest.mark.timeout(240)


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_rays_files_lie_where_nobody_else_gets(tmp_path: Path) -> None:
    """Others may make a folder of that name in /tmp before us."""
    own = tmp_path / "maskdet-ann-6380"
    machine.prepare_temporary(own / "ray")
    assert stat.S_IMODE(own.stat().st_mode) == 0o700 and (own / "ray").is_dir()
    own.chmod(0o777)
    machine.prepare_temporary(own / "ray")
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    link = tmp_path / "maskdet-ann-6381"
    link.symlink_to(own)
    (tmp_path / "maskdet-ann-6382").write_text("")
    for taken in (link, tmp_path / "maskdet-ann-6382"):
        with pytest.raises(ConfigError, match="is not a folder of this user; remove it"):
            machine.prepare_temporary(taken / "ray")
    if os.geteuid() == 0:
        os.chown(own, 1234, 1234)
        with pytest.raises(ConfigError, match="is not a folder of this user"):
            machine.prepare_temporary(own / "ray")


@pytest.mark.skipif(os.name != "posix", reason="a program under another name")
@pytest.mark.parametrize("took_too_long", [False, True])
def test_a_start_in_which_ray_answered_too_late_is_undone_and_tried_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    took_too_long: bool,
) -> None:
    """Ray's program is a stand-in here, as a real one answers in time; test_cluster.py has that."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place = machine.Place("a", "127.0.0.1", port, True, tmp_path / "token", tmp_path)
    (tmp_path / "raylet").symlink_to("/bin/sh")
    words = [tmp_path / "raylet", "-c", "read it", "maskdet-a,1", f"127.0.0.1:{port}"]
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: Any, **options: Any) -> Outcome:
        started.append(subprocess.Popen(words, stdin=subprocess.PIPE))
        if len(started) > 1:
            return Outcome(0, "")
        if took_too_long:
            return Outcome(None, "")
        return Outcome(1, "ray.exceptions.RpcError: RPC error:")

    monkeypatch.setattr(machine, "run_command", run)
    try:
        machine.start(place, as_first=True)
        first, second = started
        assert first.poll() is not None and second.poll() is None
        assert machine.find(place) == psutil.Process(second.pid)
        assert stat.S_IMODE(place.temporary.parent.stat().st_mode) == 0o700
        line = "Ray has not started within 90 s; it is started once more\n"
        assert capsys.readouterr().err == (line if took_too_long else "")
    finally:
        for one in started:
            one.kill()
            one.communicate()


def test_a_start_that_takes_too_long_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = machine.Place("a", "127.0.0.1", 1, True, tmp_path / "token", tmp_path)
    monkeypatch.setattr(machine, "run_command", lambda *_, **__: Outcome(None, ""))
    with pytest.raises(ConfigError) as found:
        machine.start(place, as_first=True)
    assert str(found.value) == (
        "Ray cannot be started for a at 127.0.0.1:1: it took more than 90 s, on a machine that is "
        "busy, say, and was undone; run it again when the machine is less busy: maskdet cluster up"
    )


LISTENING = """
import socket, sys, time
kept = socket.create_server(("127.0.0.1", 0))
print(kept.getsockname()[1], flush=True)
while len(sys.argv) > 1:
    connection = kept.accept()[0]
    connection.recv(99)
    connection.sendall(bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))  # a list of Ray's, to who asks
time.sleep(600)
"""


@contextmanager
def listening(*answers: str) -> Iterator[tuple[psutil.Process, int]]:
    words = [sys.executable, "-c", LISTENING, *answers]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield psutil.Process(process.pid), int(process.stdout.readline())
        finally:
            process.kill()


def test_a_part_that_hangs_or_is_gone_is_named_before_ray_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For one that was stopped Ray waits half a minute, and ends the process without a line."""
    pytest.importorskip("ray", reason="the extra cluster is not installed")
    from maskdet.cluster.hanging_part import require_answering
    from maskdet.cluster.ray_client import ClusterError

    with listening() as (hanging, _), listening("answers") as (alive, port):
        place = machine.Place("a", "127.0.0.1", port, True, tmp_path / "token", tmp_path)
        with pytest.raises(ClusterError, match="no part of the cluster at .* start it: maskdet cl"):
            require_answering([place])
        monkeypatch.setattr(machine, "find", lambda _: hanging)
        with pytest.raises(ClusterError, match=f"part of a, Ray's process {hanging.pid}, does not"):
            require_answering([place])
        monkeypatch.setattr(machine, "find", lambda _: alive)
        require_answering([place])
    monkeypatch.undo()
    require_answering([place])  # nothing runs: who joins finds that out


def test_machines_of_one_name_are_found_without_dead_ones() -> None:
    pytest.importorskip("ray", reason="the extra cluster is not installed")
    from maskdet.cluster import ray_client

    def row(number: int, name: str, alive: bool = True) -> dict[str, Any]:
        resources = {"CPU": 1.0, f"maskdet-{name}": 1.0}
        return {"Alive": alive, "Resources": resources, "NodeManagerAddress": f"10.0.0.{number}"}

    rows = [row(1, "a"), row(2, "b"), row(3, "b", alive=False), row(4, "bb")]
    assert ray_client.addresses_of(rows, "b") == ["10.0.0.2"]
    assert ray_client.addresses_of([*rows, row(5, "b")], "b") == ["10.0.0.2", "10.0.0.5"]
    assert ray_client.addresses_of(rows, "c") == []
