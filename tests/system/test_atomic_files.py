"""Files are whole or not there."""

import os
import stat
from pathlib import Path

import pytest

from maskdet.system import atomic_files


def test_a_file_is_written_and_replaced_and_nothing_is_left_beside_it(tmp_path: Path):
    path = tmp_path / "a.json"
    atomic_files.write_whole(path, "grün\n")
    assert path.read_bytes() == "grün\n".encode()
    atomic_files.write_whole(path, b"\x00\x01")
    assert path.read_bytes() == b"\x00\x01"
    assert os.listdir(tmp_path) == ["a.json"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask  # as any other new file


def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "a.json"
    atomic_files.write_whole(path, "old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        atomic_files.write_whole(path, "new")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.json"]
    with pytest.raises(FileNotFoundError):
        atomic_files.write_whole(tmp_path / "none" / "a.json", "new")


def test_sha256(tmp_path: Path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")  # the example of FIPS 180-2
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert atomic_files.sha256_of(path) == known
    atomic_files.verify_sha256(path, known.upper())
