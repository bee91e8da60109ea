"""Standard input, output and error that are full, closed, or read by nobody any more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "command", ["-m maskdet models", "-m maskdet --version", "monitor.py --help"]
)
def test_a_full_disk_behind_standard_output_is_one_line(command: str):
    done = _in_shell(f'"$0" {command} > /dev/full')
    assert done.returncode == 2
    assert "cannot write to standard output or a temporary file: No space left" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_command_whose_reader_goes_before_it_writes_ends_well():
    done = _in_shell('"$0" -m maskdet models | true; exit ${PIPESTATUS[0]}')
    assert (done.returncode, done.stderr) == (0, "")


def test_without_standard_streams_no_file_takes_their_place(tmp_path: Path):
    """Native code writes to number 2, whatever file has it."""
    code = (
        "import os, sys, typer; from pathlib import Path; from maskdet.commands import options\n"
        "def command():\n"
        "    sys.stdout.isatty(), print('lost'), print('lost', file=sys.stderr)\n"
        "    with open(sys.argv[1] + '/opened', 'w') as file:\n"
        "        print(file.fileno() > 2, os.readlink('/dev/fd/2'), file=file)\n"
        "app = typer.Typer(); app.command()(command)\n"
        "sys.exit(options.run_app(app, 'x', [], interrupted=0))"
    )
    picture, closed = "maskdet/web/static/sample.jpg", "<&- >&- 2>&-"
    detect = f"-m maskdet detect {picture} --output '{tmp_path}/drawn' --csv '{tmp_path}/f.csv'"
    done = _in_shell(f'"$0" {detect} {closed} && "$0" -c "{code}" "{tmp_path}" {closed}')
    assert done.returncode == 0
    assert (tmp_path / "opened").read_text() == f"True {os.devnull}\n"
    assert (tmp_path / "drawn" / "sample.jpg").exists() and (tmp_path / "f.csv").exists()


@pytest.mark.parametrize(
    "command",
    [
        "-m maskdet detect maskdet/web/static/sample.jpg --json -",
        "monitor.py --source demo --headless --max-frames 2 --events -",
    ],
)
def test_data_for_a_closed_standard_output_is_refused(command: str):
    done = _in_shell(f'"$0" {command} >&-')
    assert done.returncode == 2
    assert "standard output is closed; write to a file, or run it with > FILE" in done.stderr
    assert "internal error" not in done.stderr


def _in_shell(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command, sys.executable],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
