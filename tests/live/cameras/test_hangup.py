"""SIGHUP: the settings are read again, unless it is the terminal that has gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from maskdet.live.shutdown import Stop
from tests.helpers.monitors import ROOT

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither SIGHUP nor terminals"),
    pytest.mark.usefixtures("hears_hangups"),
]
RUN = """
import os, sys, time
from maskdet.live.shutdown import Stop

log = open(sys.argv[1], "a", buffering=1)
stop = Stop()
stop.on_hangup = lambda: print("again", file=log)
with stop.listening():
    stop.start()
    print("pid", os.getpid(), file=log)
    while not stop():
        time.sleep(0.02)
print("ended", file=log)
"""


def until(check: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_in_a_terminal_it_reads_again_and_ends_when_the_terminal_does(tmp_path: Path):
    log = tmp_path / "log"
    log.touch()
    inside = [sys.executable, "-c", RUN, str(log)]
    terminal = subprocess.Popen(
        [sys.executable, "-c", f"import pty; pty.spawn({inside!r})"],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        until(lambda: "pid" in log.read_text())
        os.kill(int(log.read_text().split()[1]), signal.SIGHUP)
        until(lambda: "again" in log.read_text())
        assert "ended" not in log.read_text()
    finally:
        terminal.kill()  # the terminal is closed
        terminal.wait()
    until(lambda: "ended" in log.read_text())
    assert log.read_text().count("again") == 1


def test_without_a_settings_file_it_is_the_end():
    stop = Stop()
    with stop.listening():
        stop.start()
        signal.raise_signal(signal.SIGHUP)
        assert stop() and stop.number == signal.SIGHUP
