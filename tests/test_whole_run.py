"""A run of all tests leaves out what is slow and says so; in CI nothing is skipped in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.whole_run import made_once

ROOT = Path(__file__).resolve().parents[1]
TESTS = """
import pytest

def test_quick(): pass

@pytest.mark.slow
def test_slow(): pass

@pytest.mark.skip(reason="needs a thing")
def test_without_a_thing(): pass
"""
HANGS = """
import ctypes, pytest

@pytest.fixture
def hangs_at_its_end():
    yield
    ctypes.PyDLL(None).sleep(60)

def test_failed(hangs_at_its_end):
    assert False

def test_after_it(): pass
"""
CONFTEST = "from tests.whole_run import *  # noqa: F403\n"
SETTINGS = (
    "[pytest]\ntestpaths = tests\nmarkers = slow: x\n"
    "addopts = -p no:cacheprovider -p xdist.plugin\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/conftest.py").write_text(CONFTEST)
    (tmp_path / "tests/test_it.py").write_text(TESTS)
    return tmp_path


def run(project: Path, *options: str) -> tuple[int, str]:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import pytest; sys.exit(pytest.main())"
    mine = ("PYTEST_", "MASKDET_TESTS_")  # options and the process number of the run around this
    env = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # others take seconds to import
    done = subprocess.run(
        [sys.executable, "-c", code, *options],
        cwd=project,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


@pytest.mark.slow
def test_slow_tests_wait_until_they_are_asked_for(project: Path) -> None:
    status, shown = run(project, "-n0", "-rs")
    assert status == 0 and "1 passed, 1 skipped, 1 deselected" in shown
    assert "pytest -m slow runs them" in shown and "needs a thing" in shown
    assert "1 passed, 2 deselected" in run(project, "-n0", "-m", "slow")[1]
    assert "2 passed, 1 skipped" in run(project, "-n0", "tests/test_it.py")[1]


@pytest.mark.slow
def test_side_by_side_each_test_runs_once(project: Path) -> None:
    for number in range(5):  # each worker begins at another file, and all run the same
        (project / f"tests/test_{number}.py").write_text("def test_it(): pass\n")
    status, shown = run(project, "-rs")
    assert status == 0 and "6 passed, 1 skipped" in shown and "worker" in shown


@pytest.mark.slow
def test_ci_skips_nothing_in_silence(project: Path) -> None:
    status, shown = run(project, "-n0", "--no-skips")
    assert status == 1 and "--no-skips forbids" in shown and "needs a thing" in shown
    assert "1 passed, 1 deselected, 1 error" in shown


def test_a_failed_test_that_hangs_at_its_end_is_named(project: Path) -> None:
    (project / "tests/test_it.py").write_text(HANGS)
    limits = ("-o", "faulthandler_timeout=1", "-o", "faulthandler_exit_on_timeout=true")
    status, shown = run(project, "-n1", *limits)
    assert status == 1 and "crashed while running 'tests/test_it.py::test_failed'" in shown
    assert "2 failed, 1 passed" in shown and "in hangs_at_its_end" in shown


def test_what_one_process_makes_the_others_take(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    made = []
    one = made_once(tmp_path_factory, "made-once", made.append)
    assert made_once(tmp_path_factory, "made-once", made.append) == one == made[0]
    assert len(made) == 1

    def fails(folder: Path) -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        made_once(tmp_path_factory, "made-never", fails)
    with pytest.raises(AssertionError, match="could not be made"):
        made_once(tmp_path_factory, "made-never", fails)
