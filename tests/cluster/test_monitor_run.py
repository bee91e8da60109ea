"""A monitor outlives its group for a while: taken over, ended, or ending on its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from maskdet.cluster import process_identity, ray_client
from maskdet.cluster.group import GROUP_TIMEOUT_S
from maskdet.cluster.monitor_run import END_TIMEOUT_S, ORPHAN_TIMEOUT_S, MonitorRun
from maskdet.commands.cluster import monitor_child
from maskdet.live import conclusion, teardown

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform == "win32", reason="a cluster's machines have POSIX"),
]

GROUP = """
import sys, time
from pathlib import Path
from maskdet.cluster.monitor_run import MonitorRun
run = MonitorRun(Path(sys.argv[1]), sys.argv[2], orphan_timeout_s=float(sys.argv[3]))
run.poll()
print(run.pid, flush=True)
time.sleep(1000)
"""
SETTINGS = (
    "{sources: [demo], headless: true, side: 320, looks: 1, device: cpu, detect: {fps: 2}, "
    "status: status.json, heartbeat: alive}"
)


@pytest.fixture
def machine() -> Iterator[subprocess.Popen[bytes]]:
    """A process in the place of the machine's part of Ray."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def orphan(
    tmp_path: Path, machine: subprocess.Popen[bytes], request: pytest.FixtureRequest
) -> Iterator[psutil.Process]:
    """A monitor that processes frames, whose group was killed with -9."""
    MonitorRun(tmp_path, "").write_settings(SETTINGS)
    words = [sys.executable, "-c", GROUP, tmp_path, process_identity.identity(machine.pid)]
    words.append(str(getattr(request, "param", ORPHAN_TIMEOUT_S)))
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as group:
        assert group.stdout is not None
        process = psutil.Process(int(group.stdout.readline()))
        try:
            wait_until((tmp_path / "status.json").exists)
        finally:
            group.kill()
    yield process
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


def wait_until(done: Callable[[], object], seconds: float = 30) -> float:
    began = time.monotonic()
    while not done():
        assert time.monotonic() < began + seconds
        time.sleep(0.05)
    return time.monotonic() - began


def runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_process_that_has_ended_is_not_found_though_its_parent_takes_no_note(
    machine: subprocess.Popen[bytes],
):
    """In a container, one that nobody waits for stays in the list of processes."""
    named = process_identity.identity(machine.pid)
    assert process_identity.find(named) is not None
    machine.kill()
    wait_until(lambda: psutil.Process(machine.pid).status() == psutil.STATUS_ZOMBIE)
    assert process_identity.find(named) is None


def test_the_next_group_takes_the_monitor_over_and_ends_it(
    orphan: psutil.Process, tmp_path: Path, machine: subprocess.Popen[bytes]
):
    run = MonitorRun(tmp_path, process_identity.identity(machine.pid))
    run.adopt()
    assert run.pid == orphan.pid and run.starts == 1
    processed = run.status()["sources"][0]["processed"]
    wait_until(lambda: run.status()["sources"][0]["processed"] > processed)
    run.poll()
    assert run.pid == orphan.pid  # no second one
    run.end()
    wait_until(lambda: not runs(orphan))
    assert "processed" in (tmp_path / "monitor.log").read_text()  # in its own way
    run.poll()
    assert run.pid not in (None, orphan.pid)
    run.end()


def test_a_monitor_that_is_not_taken_over_ends_before_another_begins(
    orphan: psutil.Process, tmp_path: Path, machine: subprocess.Popen[bytes]
):
    run = MonitorRun(tmp_path, process_identity.identity(machine.pid))
    run.poll()
    assert run.pid != orphan.pid and not runs(orphan)
    run.end()


def test_it_ends_with_the_machine_s_part(orphan: psutil.Process, machine: subprocess.Popen[bytes]):
    assert runs(orphan)
    machine.kill()
    machine.wait()
    assert wait_until(lambda: not runs(orphan)) < ORPHAN_TIMEOUT_S / 2


def test_a_monitor_is_given_the_time_that_its_outputs_have():
    """It killed itself after four seconds: rows that waited for a busy disk were lost."""
    assert monitor_child.END_TIMEOUT_S is END_TIMEOUT_S
    assert conclusion._SUMMARY_TIMEOUT_S + teardown.SINKS_TIMEOUT_S < END_TIMEOUT_S


def test_a_monitor_goes_on_until_a_group_that_starts_slowly_was_started_again():
    """After twenty seconds it ended itself on a busy machine, as its next group began."""
    assert ORPHAN_TIMEOUT_S > GROUP_TIMEOUT_S + ray_client._RESTART_TIMEOUT_S


@pytest.mark.parametrize("orphan", [3.0], indirect=True)
def test_it_ends_by_itself_where_no_group_comes_and_not_while_one_is_there(
    orphan: psutil.Process, tmp_path: Path
):
    (tmp_path / "monitor.owner").write_text(process_identity.identity(os.getpid()))
    time.sleep(4.0)
    assert runs(orphan)
    (tmp_path / "monitor.owner").unlink()
    assert wait_until(lambda: not runs(orphan)) > 2
