"""``python -m maskdet``: the commands as they are typed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from maskdet.__main__ import main
from maskdet.commands import monitor as commands_monitor
from maskdet.live.shutdown import ENDED_EARLY

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["nope"], "No such command 'nope' (see maskdet --help)\n"),
        (["demo"], "; did you mean: maskdet monitor demo …\n"),
        (
            ["--source", "0"],
            "No such option: --source (see maskdet --help); did you mean: maskdet mo",
        ),
        (["rtsp://ann:geheim@cam/1"], "monitor 'rtsp://ann:***@cam/1' …\n"),
        (["--headless"], "; did you mean: maskdet monitor --headless …\n"),
        (["--hedless"], "No such option: --hedless"),
        (["detect"], "Missing argument 'PATH' (see maskdet detect --help)"),
        (["detect", "--json"], "requires an argument (see maskdet detect --help)"),
        (["users", "add", "--role"], "requires an argument (see maskdet users add --help)"),
        (
            ["detect", "x.jpg", "--device", "tpu"],
            "': 'tpu' is not one of 'auto', 'cpu', 'gpu' (see",
        ),
        (
            ["detect", "x.jpg", "--min-score", "2"],
            "': must be less than or equal to 1 (see",
        ),
        (["detect", "x.jpg", "--min-score", "low"], "must be a valid number (see"),
        (["detect", "x.jpg", "--model", "no-such-model"], "no model 'no-such-model'"),
        (["benchmark", "--seconds", "0"], "must be greater than or equal to 0.1"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(
    arguments: list[str], reported: str, capsys: pytest.CaptureFixture[str]
):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert captured.out == "" and line.startswith("maskdet: ") and reported in captured.err
    assert "geheim" not in line


def test_a_file_that_is_taken_for_an_option_is_named_with_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "-d 1.jpg").touch()
    monkeypatch.chdir(tmp_path)
    assert main(["detect", "-d 1.jpg"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "No such option: -d" in line and line.endswith("for the file of that name: './-d 1.jpg'")


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]):
    assert main(["--help"]) == 0
    commands = capsys.readouterr().out.partition("Commands:")[2]
    assert {"detect", "benchmark"} <= set(commands.split())


@pytest.mark.parametrize("group", ["", "alarms", "cluster", "models", "users"])
def test_lists_of_commands_cut_nothing_off_at_80_columns(
    group: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*group.split(), "--help"]) == 0
    lines = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert len(lines) > 0 and not [line for line in lines if "..." in line or len(line) > 80]


@pytest.mark.parametrize("name", ["", "cluster", "training_settings", "retinanet_light.yaml"])
def test_settings_files_that_ship_are_printed(name: str, capsys: pytest.CaptureFixture[str]):
    """After `pip install` nobody has a folder `configs` to copy them from."""
    assert main(["settings", *name.split()]) == 0
    file = ROOT / "configs" / f"{name.removesuffix('.yaml') or 'monitor'}.yaml"
    assert capsys.readouterr().out == file.read_text("utf-8")
    assert main(["settings", "../secret"]) == 2
    assert "no settings '../secret'; there are: cluster, " in capsys.readouterr().err


INSTALLED = "import sys; sys.argv[0] = '/usr/bin/maskdet'; import maskdet.__main__ as it; "


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (["-m", "maskdet"], "python -m maskdet"),
        (["-c", f"{INSTALLED}sys.exit(it.main())"], "maskdet"),  # as pip's script does
    ],
)
def test_a_line_begins_with_the_command_as_it_was_typed(
    start: list[str], name: str, tmp_path: Path
):
    (tmp_path / "x.png").write_bytes(b"no picture")
    words = ["monitor", "--headless", "--source", str(tmp_path / "x.png")]
    done = subprocess.run(
        [sys.executable, *start, *words], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode != 0 and done.stderr.startswith(f"{name} monitor: {tmp_path}")


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (["-m", "maskdet", "monitor"], "python -m maskdet"),
        (["-c", f"{INSTALLED}sys.exit(it.main())", "monitor"], "maskdet"),
        (["monitor.py"], "python -m maskdet"),  # a checkout's `maskdet` is on no PATH
    ],
)
def test_a_hint_begins_with_the_command_as_it_was_typed(
    start: list[str], name: str, tmp_path: Path
):
    words = ["--source", "demo", "--serve", "0.0.0.0:0", "--set", f"serve.users={tmp_path / 'u'}"]
    done = subprocess.run(
        [sys.executable, *start, *words], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    hint = f"make it: {name} users add NAME --role operator --file {tmp_path / 'u'}"
    assert done.returncode == 2 and hint in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no process a Ctrl-C alone")
@pytest.mark.parametrize(
    ("command", "imported"),
    [
        (["-m", "maskdet", "detect", "x.jpg"], "typing"),  # an early one of Python's
        (["-m", "maskdet", "detect", "x.jpg"], "typer"),
        (["monitor.py"], "contextlib"),
        (["monitor.py"], "typer"),
    ],
)
def test_ctrl_c_while_the_program_is_imported_shows_no_traceback(
    command: list[str], imported: str, tmp_path: Path
) -> None:
    slow = "import time\nprint('importing', flush=True)\ntime.sleep(60)\n"
    (tmp_path / f"{imported}.py").write_text(slow)
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it
    try:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stdout is not None and process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == -signal.SIGINT


def test_ctrl_c_before_a_run_of_the_monitor_is_an_end_as_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(commands_monitor, "load_settings", interrupted)
    assert commands_monitor.monitor(source=["demo"]) == 0
    assert capsys.readouterr().err == f"{ENDED_EARLY}\n"
