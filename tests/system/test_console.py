"""Ends of a command: status and last line."""

import errno
import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from maskdet.errors import ConfigError, DatasetError, ModelError, SinkError, SourceError
from maskdet.system.console import counted, ending, say
from maskdet.system.processes.signals import unwound_by_signals


def raising(error: BaseException):
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "lines"),
    [
        (ConfigError("one\ntwo"), 2, ["x: one", "x: two"]),
        (ModelError("m"), 2, ["x: m"]),
        (DatasetError("d"), 2, ["x: d"]),
        (SinkError("s"), 2, ["x: s"]),
        (
            OSError(errno.EROFS, "Read-only file system", "/home/x/.bashrc"),
            2,
            ["x: /home/x/.bashrc cannot be used: Read-only file system; check its rights"],
        ),
        (SourceError("rtsp://u:pw@h/1 is gone"), 3, ["x: rtsp://u:***@h/1 is gone"]),
        (KeyboardInterrupt(), 130, []),
    ],
)
def test_each_end_has_its_status_and_lines(
    error: BaseException, status: int, lines: list[str], capsys: pytest.CaptureFixture[str]
):
    assert ending("x", raising(error), interrupted=130) == status
    captured = capsys.readouterr()
    assert captured.err.splitlines() == lines and captured.out == ""


@pytest.fixture
def hears_ctrl_c():
    """A shell's background job ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hears_ctrl_c")
@pytest.mark.parametrize(
    ("number", "interrupted", "status", "by"),
    [
        (signal.SIGINT, 130, 130, "Ctrl-C"),
        (signal.SIGTERM, 130, 143, "SIGTERM"),
        (signal.SIGTERM, 0, 0, "SIGTERM"),
    ],
)
def test_a_signal_unwinds_a_command_undisturbed_by_the_next(
    number: int, interrupted: int, status: int, by: str, capsys: pytest.CaptureFixture[str]
):
    steps = []

    def command() -> int:
        with unwound_by_signals():
            try:
                signal.raise_signal(number)
            finally:
                signal.raise_signal(signal.SIGTERM)
                steps.append("cleaned up")
        return 0

    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    assert ending("x", command, interrupted=interrupted) == status
    assert capsys.readouterr().err == f"x: ended by {by}\n" and steps == ["cleaned up"]
    assert handlers == [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]


def test_a_signal_that_a_callback_swallows_still_ends_the_command(
    capsys: pytest.CaptureFixture[str],
):
    class Released:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    def command() -> int:
        with unwound_by_signals():
            Released()
            time.sleep(60)
        return 0

    assert ending("x", command, interrupted=130) == 143
    assert capsys.readouterr().err == "x: ended by SIGTERM\n"


def test_a_password_that_is_cut_off_is_masked_before(capsys: pytest.CaptureFixture[str]):
    error = RuntimeError("x" * 160 + " rtsp://u:geheim" + "9" * 40 + "@h/1")
    assert ending("x", raising(error), interrupted=130) == 1
    assert "geheim" not in capsys.readouterr().err


def test_a_good_end_keeps_its_own_status():
    assert ending("x", lambda: 7, interrupted=0) == 7


def test_passwords_stay_out_of_the_log(capsys: pytest.CaptureFixture[str]):
    root = logging.getLogger()
    before, root.handlers = root.handlers, []
    try:

        def command() -> int:
            logging.getLogger("maskdet.x").warning("lost %s", "rtsp://u:geheim@h/1")
            return 0

        ending("x", command, interrupted=0)
    finally:
        root.handlers = before
    assert capsys.readouterr().err == "x: lost rtsp://u:***@h/1\n"


def test_a_reader_that_goes_ends_it_quietly():
    code = (
        "import sys; from maskdet.system.console import ending\n"
        "sys.exit(ending('x', lambda: [print('line', flush=True) for _ in range(9**6)] and 0,"
        " interrupted=0))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == b"line\n"
    process.stdout.close()
    assert process.wait(20) == 0
    with process.stderr:
        assert process.stderr.read() == b""


_UNWRITABLE = {
    "a full disk": "2> /dev/full",
    "a reader that has gone": "2> >(exit)",  # and it has: the command gives it time to
    "none at all": "2>&-",
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("where", _UNWRITABLE)
@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("return 0", 0),
        ("raise SourceError('gone')", 3),
        ("raise RuntimeError('a bug')", 1),
    ],
)
def test_messages_that_cannot_be_written_change_nothing(where: str, end: str, status: int):
    code = (
        "import logging, sys, time; from maskdet.system.console import ending, say\n"
        "from maskdet.errors import SourceError\n"
        "def command():\n"
        "    time.sleep(.2)\n"
        "    for _ in range(300):\n"
        "        say('a line of some length, so that buffers fill')\n"
        "        logging.warning('another line')\n"
        "    print('done', flush=True)\n"
        f"    {end}\n"
        "sys.exit(ending('x', command, interrupted=0))"
    )
    done = subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" {_UNWRITABLE[where]}', sys.executable, code],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (status, "done\n")


def test_what_could_command_a_terminal_is_spelled_out(capsys: pytest.CaptureFixture[str]):
    say("cannot read \x1b]0;title\x07\x9b2J人脸\tx: no\nsecond line")
    assert capsys.readouterr().err == (
        "cannot read \\x1b]0;title\\x07\\x9b2J人脸\tx: no\nsecond line\n"
    )


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp932", "utf-8"])
def test_every_encoding_takes_what_is_printed(encoding: str):
    """A Windows file is cp1252; a name whose bytes are no UTF-8 has half a surrogate in it."""
    code = (
        "import sys; from maskdet.system.console import ending, say\n"
        "text = 'a – b … 3 × 4 → ≥ 名 \\udcfc'\n"
        "sys.exit(ending('x', lambda: (print(text), say(text)) and 0, interrupted=0))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        env=os.environ | {"PYTHONUTF8": "0", "PYTHONIOENCODING": encoding},
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode(encoding).splitlines()
    plain = "a - b ... 3 x 4 -> >= \\u540d \\udcfc"
    reported = {"ascii": plain, "cp1252": "a – b … 3 × 4 -> >= \\u540d \\udcfc"}
    assert encoding not in reported or lines == [reported[encoding]]
    assert len(lines) == 1 and "\\udcfc" in lines[0]
    assert len(done.stderr.decode(encoding).splitlines()) == 1


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize(
    "command", [["-m", "maskdet", "models"], ["-m", "maskdet"], ["monitor.py", "--help"]]
)
def test_a_command_writes_into_a_file_of_any_encoding(
    encoding: str, command: list[str], tmp_path: Path
):
    with (tmp_path / "out").open("wb") as file:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=Path(__file__).resolve().parents[2],
            stdout=file,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUTF8": "0", "PYTHONIOENCODING": encoding},
        )
    assert (done.returncode, done.stderr) == (0, b"")
    is_click_help = encoding == "ascii"  # click takes ASCII for a mistake, and writes UTF-8
    assert (tmp_path / "out").read_bytes().decode("utf-8" if is_click_help else encoding)


def test_data_is_utf_8_whatever_the_terminal_is():
    code = 'from maskdet.system.console import print_data; print_data(\'{"a": "é–名\\udcfc"}\\n\')'
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        env=os.environ | {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"},
    )
    assert json.loads(done.stdout) == {"a": "é–名\udcfc"}


def test_json_and_csv_are_printed_as_data():
    """Not by `print`, whose encoding is the terminal's."""
    sources = (Path(__file__).resolve().parents[2] / "maskdet").rglob("*.py")
    assert [p.name for p in sources if "print(json." in p.read_text("utf-8")] == []


def test_a_number_has_its_noun():
    found = [counted(n, "box", "boxes") for n in (0, 1, 2)] + [counted(1, "row"), counted(9, "row")]
    assert found == ["0 boxes", "1 box", "2 boxes", "1 row", "9 rows"]
