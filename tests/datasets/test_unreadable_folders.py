"""Folders of a data set that this user may not read: what they hold is left out, and named."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.processes import as_user

ROOT = Path(__file__).resolve().parents[2]
READ = """
import sys
from pathlib import Path
from maskdet.datasets import format_detection, image_files
from maskdet.datasets.problems import Problems
from maskdet.errors import DatasetError
problems, folder = Problems(), Path(sys.argv[1])
try:
    if sys.argv[2] == "labels":
        found = format_detection.read(folder, folder, problems=problems)[0].samples
    else:
        found = image_files.read_without_faces(folder, problems)
    print(len(found), *problems.note_lines())
except DatasetError as error:
    print(error)
"""


def read(folder: Path, what: str) -> str:
    command = as_user([sys.executable, "-c", READ, str(folder), what])
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("what", ["labels", "without faces"])
def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, what: str) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "classes.txt").write_text("with_mask\n")
    for name in ("open", "closed"):
        (tmp_path / name).mkdir()
        shutil.copy(ROOT / "tools/demo_clip/hopper.jpg", tmp_path / name / f"{name}.jpg")
        (tmp_path / name / f"{name}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "closed").chmod(0)
    try:
        lines = read(tmp_path, what)
        shutil.rmtree(tmp_path / "open")
        nothing = read(tmp_path, what)
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert lines.startswith("1 note: folders that cannot be searched")
    assert f"{tmp_path}/closed: Permission denied" in lines
    assert f"check the rights of {tmp_path}/closed: Permission denied" in nothing
