"""The values of a run, measured on real processes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from maskdet.detections import Detections
from maskdet.drawing.status_text import Status, bar_rows
from maskdet.errors import ModelError, SinkError
from maskdet.frame import Frame
from maskdet.live.session import run
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.settings.sources import SourceSettings
from maskdet.live.shutdown import Stop
from maskdet.live.status.status_reporter import people
from maskdet.live.status.summary import Report, in_words, write_summary
from maskdet.observation import Observation, PeopleCounts, sum_of_margins
from maskdet.sinks.output_files import ReservedName
from tests.doubles import ScriptedDetector

ROOT = Path(__file__).resolve().parents[3]


def output_of(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="one monotonic clock for all processes")
def test_the_start_of_the_process_is_before_its_first_line_of_python():
    before = time.monotonic()
    code = "from maskdet.live.status.summary import process_start; print(process_start())"
    started = float(output_of(code))
    assert before - 0.02 <= started <= time.monotonic()  # the system counts in 10 ms
    assert float(output_of(f"import time; time.sleep(0.3); {code}")) > started


def test_peak_memory_is_this_process_s_own_and_stays_when_it_is_given_back():
    ballast = b"x" * (300 * 2**20)  # of the parent, in which a child is born
    code = "from maskdet.live.status.summary import *; x = b'x' * {}; del x; print(peak_rss_mb())"
    small, large = (float(output_of(code.format(n * 2**20))) for n in (1, 200))
    assert 5 < small < 200 < large < 400
    assert small + 150 < large and len(ballast)


def test_a_run_that_never_began_has_figures_too():
    values = Report().values()
    assert set(values["frames"].values()) == {0} and values["first_result_s"] is None
    assert values["fps"] == {"capture": None, "detect": None} and values["peak_rss_mb"] > 0


def test_a_summary_that_cannot_be_written_is_reported(tmp_path: Path):
    with pytest.raises(SinkError, match="cannot write .*No such file or directory; check folder"):
        write_summary(tmp_path / "none/s.json", {})


def test_the_margin_stands_beside_the_count():
    counts = {"with_mask": 3, "without_mask": 1, "mask_weared_incorrect": 0, "unsure": 0}
    assert in_words({"unique": 4, **counts, "margin": 1}) == "4 people (± 1): mask 3, no mask 1"
    assert in_words({"unique": 4, **counts, "margin": 0}) == "4 people: mask 3, no mask 1"
    seen = PeopleCounts(now={"with_mask": 1}, day=counts, run=counts, margin=2, margin_today=1)
    assert people([seen]) == "people: 1 now, 4 (± 2) since the start"
    frame = Frame(np.zeros((48, 64, 3), np.uint8), 0, 0.0, 0.0, "door")
    observation = Observation(frame, Detections.empty(), people_counts=seen)
    rows = bar_rows(Status("door"), observation, narrow=False)
    texts = [part.text for row in rows for part in (*row.left, *row.right)]
    assert "people 1, today 4 ± 1" in texts
    assert sum_of_margins([3, 4]) == 5


def test_a_run_that_an_error_ends_has_its_length(capsys: pytest.CaptureFixture[str]):
    settings = MonitorSettings(sources=[SourceSettings(source="demo")], headless=True)
    with pytest.raises(ModelError, match="broken"):
        run(settings, Stop(None), ScriptedDetector(error=ModelError("broken")))
    assert re.search(r"processed 0 of \d+ frames? in \d", capsys.readouterr().err)


@pytest.mark.parametrize(("detection_s", "has_rate"), [(0.0, False), (0.6, True)])
def test_a_run_of_an_instant_has_no_rate(
    capsys: pytest.CaptureFixture[str], detection_s: float, has_rate: bool
):
    """The rate of three frames is chance; a run of a second or more has one."""
    settings = MonitorSettings(sources=[SourceSettings(source="demo")], headless=True, max_frames=3)
    run(settings, Stop(None), ScriptedDetector(delay=detection_s))
    reported = capsys.readouterr().err
    assert re.search(r"processed 3 of \d+ frames in \d+\.\d s", reported)
    assert ("fps" in reported) == has_rate


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_two_monitors_never_write_one_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "s.json"
    source = SourceSettings(source="demo")
    settings = MonitorSettings(sources=[source], headless=True, summary=path, max_frames=2)
    path.write_text("an older one")
    other = ReservedName(path)  # as a monitor that runs has it
    assert run(settings, Stop(None), ScriptedDetector()) == 0
    written = tmp_path / "s-2.json"
    assert path.read_text() == "an older one"
    assert json.loads(written.read_text())["frames"]["processed"] == 2
    line = f"{path} will be written by another monitor that runs; the summary goes to {written}\n"
    assert line in capsys.readouterr().err
    other.release()
    assert run(settings, Stop(None), ScriptedDetector()) == 0
    assert json.loads(path.read_text())["frames"]["processed"] == 2
    assert "another monitor" not in capsys.readouterr().err
    with pytest.raises(ModelError):
        run(settings, Stop(None), ScriptedDetector(error=ModelError("broken")))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["s-2.json", "s.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_a_killed_monitor_keeps_no_name(tmp_path: Path):
    path = tmp_path / "s.json"
    code = (
        "import os, signal; from pathlib import Path\n"
        "from maskdet.sinks.output_files import ReservedName\n"
        f"name = ReservedName(Path({str(path)!r})); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == -signal.SIGKILL
    name = ReservedName(path)
    assert name.path == path
    name.release()
    assert not list(tmp_path.iterdir())
