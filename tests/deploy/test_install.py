"""install.sh in a folder whose name has blanks, with a Python that only notes what it is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = """#!/bin/sh
echo "$@" >> calls.txt
if [ "$1 $2" = "-m venv" ]; then mkdir -p .venv/bin; cp "$0" .venv/bin/python; fi
case "$*" in *" install "*) [ ! -e no_network ] || exit 1; esac
"""


def _install(folder: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "install.sh", folder)
    python = folder / "a python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    return subprocess.run(
        ["sh", str(folder / "install.sh")],
        env={**os.environ, "PYTHON": str(python)},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_folder_with_blanks_and_other_letters(tmp_path: Path) -> None:
    folder = tmp_path / "mein Ördner 人 $x"
    folder.mkdir()
    done = _install(folder, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    calls = (folder / "calls.txt").read_text()
    assert "-m pip --disable-pip-version-check --quiet install --no-compile -e .\n" in calls


def test_an_installation_that_fails_says_so_and_goes_on_when_run_again(tmp_path: Path) -> None:
    (tmp_path / "no_network").touch()
    done = _install(tmp_path, tmp_path)
    assert done.returncode == 2
    assert "not complete" in done.stderr and "Run the same command again" in done.stderr
    assert "3/3" not in done.stdout
    (tmp_path / "no_network").unlink()
    assert _install(tmp_path, tmp_path).returncode == 0
