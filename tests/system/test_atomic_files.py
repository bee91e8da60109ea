"""Files are whole or not there."""

import os
import stat
from pathlib import Path
from threading import Thread

import pytest

from maskdet.errors import SinkError
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


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_folder_that_takes_no_file_is_named_whatever_its_rights_say(tmp_path: Path):
    """Root may write anywhere by its rights: to /proc, and to what is mounted read-only."""
    with pytest.raises(SinkError, match=r"cannot write /proc/self/a\.json: .*check folder"):
        atomic_files.check_writable("/proc/self/a.json")
    with pytest.raises(SinkError, match="No such file"):
        atomic_files.check_writable(tmp_path / "none" / "a.json")
    atomic_files.check_writable(tmp_path / "some" / "a.json", folder="create")
    atomic_files.check_writable("-")
    assert os.listdir(tmp_path) == ["some"] and os.listdir(tmp_path / "some") == []


def test_sha256(tmp_path: Path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")  # the example of FIPS 180-2
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert atomic_files.sha256_of(path) == known
    atomic_files.verify_sha256(path, known.upper())


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_rights_and_links_stay(tmp_path: Path):
    """A settings file may hold passwords, and may lie elsewhere."""
    (tmp_path / "elsewhere").mkdir()
    path, link = tmp_path / "elsewhere" / "monitor.yaml", tmp_path / "monitor.yaml"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    atomic_files.write_whole(link, "new")
    assert link.is_symlink() and path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    atomic_files.write_whole(path, "newer", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["monitor.yaml"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid(), reason="root alone gives files away"
)
def test_the_owner_stays_where_root_changes_a_file(tmp_path: Path):
    path = tmp_path / "users.json"
    path.write_text("old")
    os.chown(path, 1234, 1235)
    atomic_files.write_whole(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 1235)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of POSIX")
def test_what_is_no_file_is_written_to_and_stays(tmp_path: Path):
    """As root, /dev/null instead of a file must not be replaced by one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        atomic_files.check_writable(pipe)
        atomic_files.write_output(pipe, "all")
        assert os.read(reader, 100) == b"all" and stat.S_ISFIFO(pipe.stat().st_mode)
    finally:
        os.close(reader)


@pytest.mark.timeout(60)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of POSIX")
def test_a_pipe_that_nobody_reads_is_named_and_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    pipe, content = tmp_path / "pipe", b"a" * 200_000  # more than a pipe holds
    os.mkfifo(pipe)
    writer = Thread(target=atomic_files.write_output, args=(pipe, content))
    writer.start()
    line = f"{pipe}: waiting until somebody reads this pipe\n"
    while (printed := capsys.readouterr().err) != line:
        assert not printed
    assert pipe.read_bytes() == content
    writer.join()
