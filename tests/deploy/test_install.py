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
"""


def test_a_folder_with_blanks_and_other_letters(tmp_path: Path) -> None:
    folder = tmp_path / "mein Ördner 人 $x"
    folder.mkdir()
    shutil.copy(ROOT / "install.sh", folder)
    python = folder / "a python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    done = subprocess.run(
        ["sh", str(folder / "install.sh")],
        env={**os.environ, "PYTHON": str(python)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    calls = (folder / "calls.txt").read_text()
    assert "-m pip --disable-pip-version-check --quiet install --no-compile -e .\n" in calls
