"""Folders of images, and folders that are none: a whole disk, the kernel's files."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from maskdet.errors import SourceError
from maskdet.images import folder as folder_module
from maskdet.images.folder import list_folder
from tests.helpers.monitors import ROOT


def fill(folder: Path, images: int, others: int) -> None:
    for number in range(images):
        (folder / f"{number}.jpg").touch()
    for number in range(others):
        (folder / f"{number}.txt").write_text("0 0.5 0.5 1 1")


def test_a_folder_of_far_more_other_files_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, images=1, others=14)
    with pytest.raises(SourceError) as error:
        list_folder(tmp_path, 10)
    assert str(error.value) == (
        f"{tmp_path} has more than 10 files that are not pictures; give the folder of the pictures "
        "alone"
    )
    assert len(list_folder(tmp_path).others) == 14


def test_labels_beside_images_are_none_of_them(tmp_path: Path) -> None:
    fill(tmp_path, images=20, others=60)
    found = list_folder(tmp_path, 10)
    assert (len(found.images), len(found.others)) == (20, 60)
    assert [Path(path).stem for path in found.images[:3]] == ["0", "1", "2"]


def test_a_long_search_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(folder_module, "REPORT_INTERVAL_S", 0.0)
    fill(tmp_path, images=3, others=0)
    with caplog.at_level(logging.WARNING):
        list_folder(tmp_path)
    assert f"searching {tmp_path} for pictures: 2 files so far" in caplog.text


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="the kernel's files of Linux")
def test_files_of_the_kernel_are_not_waited_for() -> None:
    """/proc/kmsg gives nothing before the kernel has something to report."""
    assert list_folder("/proc/self/fdinfo").images == ()
    found = folder_module._kind_of_entry("/proc/kmsg")
    assert found in ("other", "")


@pytest.mark.timeout(120)
def test_the_monitor_refuses_a_whole_disk(tmp_path: Path) -> None:
    for part in range(30):
        (tmp_path / f"{part}").mkdir()
        for number in range(350):
            (tmp_path / f"{part}/{number}.so").touch()
    command = [sys.executable, "monitor.py", "--source", str(tmp_path), "--headless"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 3 and "Traceback" not in done.stderr
    assert f"{tmp_path} has more than 10000 files that are not pictures" in done.stderr
