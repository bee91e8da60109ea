"""Lines for a person who ends a command that takes its time to stop."""

from __future__ import annotations

import os
import signal

import pytest

from maskdet.system.processes.signals import StopRequest


def test_a_request_to_stop_is_answered_at_once_and_once(
    capfd: pytest.CaptureFixture[str],
) -> None:
    stop = StopRequest("stopping after this step")
    with stop.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop() and capfd.readouterr().err == "stopping after this step\n"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            signal.sigtimedwait([], 1)  # a moment in which it is raised at the latest
    assert capfd.readouterr().err == "" and stop.status == 128 + signal.SIGTERM


def test_a_request_to_stop_without_a_standard_error_is_obeyed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stderr", None)
    stop = StopRequest("stopping")
    with stop.listening():
        os.kill(os.getpid(), signal.SIGTERM)
    assert stop()
