"""``maskdet …``, ``python -m maskdet …``: all commands; ``monitor`` is ``monitor.py``, too."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from maskdet.system.processes.signals import end_at_ctrl_c, ended_by_ctrl_c

with ended_by_ctrl_c():
    import typer

    from maskdet.commands.cli.alarms import app as alarms
    from maskdet.commands.cli.archive import archive
    from maskdet.commands.cli.benchmark import benchmark
    from maskdet.commands.cli.cluster.app import app as cluster
    from maskdet.commands.cli.convert import convert
    from maskdet.commands.cli.detect import detect
    from maskdet.commands.cli.doctor import doctor
    from maskdet.commands.cli.evaluate import calibrate, evaluate
    from maskdet.commands.cli.events import collect_events, delete_events, export_events, report
    from maskdet.commands.cli.export import export
    from maskdet.commands.cli.inspect import inspect
    from maskdet.commands.cli.models import app as models
    from maskdet.commands.cli.serve import serve
    from maskdet.commands.cli.settings import settings
    from maskdet.commands.cli.train import train
    from maskdet.commands.cli.users import app as users
    from maskdet.commands.monitor import HELP, Version, examples, live_page_words, monitor
    from maskdet.commands.monitor import main as run_monitor
    from maskdet.commands.options import HELP_NAMES, run_app
    from maskdet.system.extras import leave_out_unused
    from maskdet.system.native_libraries import require_opencv

_IS_MODULE = Path(sys.argv[0]).parts[-2:] == ("maskdet", "__main__.py")
NAME = "python -m maskdet" if _IS_MODULE else "maskdet"
"""The program as the person called it."""
COMMANDS: dict[Callable[..., int | None], str] = {
    detect: "Images in; annotated images, boxes and states out.",
    archive: "Folders of recordings in; people and faces of each out.",
    benchmark: "Speed, latency, start-up and memory on this machine.",
    doctor: "What works on this machine, and the fix of what does not.",
    serve: "A page and an HTTP API for pictures; --live: for cameras.",
    report: "People, masks and cameras of some days, as a page.",
    export_events: "Writes the content of an event store as CSV and JSON.",
    delete_events: "Deletes a day, or a person's visit, from an event store.",
    collect_events: "Collects the events of many sites into one store.",
    train: "Trains a network; can be stopped and resumed.",
    evaluate: "Measures a model on annotated pictures: COCO metrics …",
    calibrate: "Measures a model on validation pictures for its card.",
    export: "Writes another runtime's files beside a model's weights.",
    convert: "Data sets into other formats; old models into new ones.",
    inspect: "Counts, mistakes and odd boxes of a data set.",
}
"""Commands, and the line about each in the list: it fits a terminal of 80 columns."""

app = typer.Typer(
    rich_markup_mode=None,
    help="Sees, live and on any camera, who wears a face mask correctly.",
    epilog=f"Begin with: {NAME} monitor --source demo",
    context_settings={"max_content_width": 100, **HELP_NAMES},
)
app.command(
    help=HELP,
    epilog=examples(f"{NAME} monitor"),
    short_help="The live monitor: window, recording, event log.",
)(monitor)
for command, summary in COMMANDS.items():
    app.command(short_help=summary)(command)
app.add_typer(alarms, name="alarms", short_help="test sends a message to each alarm channel.")
app.add_typer(cluster, name="cluster", short_help="Cameras on several machines: up, status, add …")
app.add_typer(models, name="models", short_help="The models: size, accuracy; get fetches one.")
app.add_typer(users, name="users", short_help="Who may log in to the live page: add, list, remove.")
app.command(short_help="Prints a settings file, with every default.")(settings)


@app.callback()
def _common(version: Version = False) -> None:
    require_opencv()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit status.

    Args:
        arguments: what stands after the command's name; None: those of the process.
    """
    if arguments is not None:
        return _run(list(arguments))
    leave_out_unused()
    status = _run(sys.argv[1:])
    end_at_ctrl_c()  # all is written: what follows is the interpreter's end
    return status


def _run(words: list[str]) -> int:
    if words[:1] == ["monitor"]:  # it ends in a way of its own
        return run_monitor(words[1:], f"{NAME} monitor")
    if words[:1] == ["serve"] and "--live" in words:
        return run_monitor(live_page_words(words[1:]), f"{NAME} serve --live")
    return run_app(app, NAME, words or ["--help"], interrupted=130)


if __name__ == "__main__":
    sys.exit(main())
