"""The monitor's command line: ``python monitor.py``, or ``maskdet monitor``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskdet import __version__
from maskdet.commands.options import HELP_NAMES, run_app, setting_overrides
from maskdet.config import Override, load_settings
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.settings.serve import DEFAULT_ADDRESS
from maskdet.live.shutdown import ENDED_EARLY, Stop
from maskdet.model.registry import DEFAULT_MODEL
from maskdet.system.console import log_as, say
from maskdet.system.extras import require
from maskdet.system.native_libraries import require_opencv
from maskdet.system.processes.signals import end_at_ctrl_c
from maskdet.system.resources import own_settings_file
from maskdet.system.timeouts import exit_process

if TYPE_CHECKING:
    from maskdet.contracts import Detector
    from maskdet.live.assembly import LivePage

NAME = "monitor.py"

HELP = """See, live, who wears a face mask correctly.

Keys in the window: q or Esc quit, space pause, s snapshot, r record on/off, b blur on/off,
f full screen, . and , one frame on and back, arrows 5 seconds or one picture back and on,
z draw a zone, l draw a line, x remove the one at the mouse, p people of the last hour, h help.
Exit status: 0 ended as asked; 2 wrong use, settings or model; 3 the source failed.
"""


def main(arguments: Sequence[str] | None = None, name: str = NAME) -> int:
    """Runs the command; returns its exit status.

    Args:
        arguments: what stands after the command's name; None: those of the process.
        name: the command as the person typed it.
    """
    words = _with_address(sys.argv[1:] if arguments is None else arguments)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(help=HELP, epilog=examples(name), context_settings=HELP_NAMES)(monitor)
    status = exit_process(run_app(app, name, words, interrupted=0))
    if arguments is None:
        end_at_ctrl_c()  # all is written: what follows is the interpreter's end
    return status


def examples(name: str) -> str:
    """The uses that most want, at the end of the help, where a terminal shows them.

    Args:
        name: the command as the person types it.
    """
    rows = (
        ("", "the webcam"),
        ("door.mp4", "a video, as --source door.mp4"),
        ("rtsp://USER:PASS@CAMERA/1", "a network camera"),
        ("0 --record seen.mp4", "the webcam, recorded"),
        ("0 --store people.db", "people, for reports"),
    )
    width = max(len(words) for words, _ in rows)
    return "\b\nExamples:\n" + "\n".join(
        f"  {name} {words:{width}}  {what}" for words, what in rows
    )


def live_page_words(words: Sequence[str]) -> list[str]:
    """The monitor's words for those of ``maskdet serve --live``: no window, and a page."""
    rest, host, port = [], "127.0.0.1", DEFAULT_ADDRESS.rpartition(":")[2]
    left = [part for word in words for part in _split_option(word, ("--host", "--port"))]
    while left:
        word = left.pop(0)
        if word == "--host" and left:
            host = left.pop(0)
        elif word == "--port" and left:
            port = left.pop(0)
        elif word != "--live":
            rest.append(word)
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return ["--headless", "--serve", f"{bracketed}:{port}", *rest]


def _split_option(word: str, names: Sequence[str]) -> list[str]:
    name, is_one, value = word.partition("=")
    return [name, value] if is_one and name in names else [word]


def _with_address(words: Sequence[str]) -> list[str]:
    """``--serve`` alone means the default address: it may stand before another option."""
    found = list(words)
    for index, word in enumerate(found):
        following = found[index + 1] if index + 1 < len(found) else "-"
        if word == "--serve" and following.startswith("-"):
            found[index] = f"--serve={DEFAULT_ADDRESS}"
    return found


def _option(name: str, metavar: str, help_: str) -> Any:
    return typer.Option(f"--{name}", metavar=metavar, help=help_)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        print(f"maskdet {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", help="Prints the version.", callback=_print_version, is_eager=True),
]


def monitor(
    sources: Annotated[list[str] | None, typer.Argument(metavar="SOURCE", hidden=True)] = None,
    source: Annotated[
        list[str] | None,
        _option(
            "source",
            "S",
            "Repeatable: 0, 1 … a webcam; /dev/video0; rtsp://…; http(s)://…; a video; a picture; "
            "a folder of pictures; demo, which needs no camera; choose, a list of the cameras. "
            "Default: the only webcam, or the one chosen before.",
        ),
    ] = None,
    model: Annotated[
        str | None, _option("model", "M", f"A folder under models/, or a path. ({DEFAULT_MODEL})")
    ] = None,
    labels: Annotated[
        str | None,
        _option("labels", "FILE", "Label map of a third-party or legacy model: .pbtxt or CSV."),
    ] = None,
    state: Annotated[
        list[str] | None,
        _option(
            "state",
            "NAME=STATE",
            "Repeatable: what class NAME of a third-party or legacy model means.",
        ),
    ] = None,
    config: Annotated[Path | None, _option("config", "FILE", "Settings in YAML.")] = None,
    overrides: Annotated[
        list[str] | None, _option("set", "A.B=VALUE", "Repeatable: changes one setting.")
    ] = None,
    device: Annotated[
        str | None, _option("device", "auto|cpu|gpu", "Where to detect. (auto)")
    ] = None,
    headless: Annotated[
        bool, typer.Option("--headless", help="No window; the default where there is no display.")
    ] = False,
    record: Annotated[
        str | None, _option("record", "FILE", "Annotated video: .mp4 or .mkv.")
    ] = None,
    events: Annotated[
        str | None, _option("events", "FILE", "One JSON line per processed frame; - is stdout.")
    ] = None,
    store: Annotated[
        str | None, _option("store", "FILE", "People and totals in an SQLite file, for reports.")
    ] = None,
    max_seconds: Annotated[str | None, _option("max-seconds", "S", "Ends after so long.")] = None,
    max_frames: Annotated[
        str | None, _option("max-frames", "N", "Ends after so many processed frames.")
    ] = None,
    summary: Annotated[
        str | None, _option("summary", "FILE", "Metrics of the run, as JSON, at its end.")
    ] = None,
    min_score: Annotated[
        str | None, _option("min-score", "X", "Lowest score shown, 0 to 1; default: the model's.")
    ] = None,
    serve: Annotated[
        str | None,
        _option(
            "serve",
            "[HOST:PORT]",
            f"The live page in a browser; alone: {DEFAULT_ADDRESS}, this machine only.",
        ),
    ] = None,
    version: Version = False,
) -> int:
    """Runs the monitor by its options; returns its exit status."""
    values = {
        "model": model,
        "labels": labels,
        "device": device,
        "headless": headless or None,
        "record": record,
        "events": events,
        "store": store,
        "max_seconds": max_seconds,
        "max_frames": max_frames,
        "summary": summary,
        "min_score": min_score,
        "serve": serve,
    }
    options = setting_overrides(values, state)
    # before --set: sources.0.read_timeout=2 is about a source that is named here
    specs = [{"source": spec} for spec in [*(source or ()), *(sources or ())]]
    named = [Override("--source", ("sources",), specs)] if specs else []
    overriding = [*named, *(overrides or ()), *options]
    try:
        return _run(config, overriding)
    except KeyboardInterrupt:  # typer would make 130 of it
        say(ENDED_EARLY)
        return 0


def _run(config: Path | None, overriding: Sequence[Override]) -> int:
    stop = Stop()
    with stop.listening():
        notes: list[str] = []
        settings = load_settings(MonitorSettings, config, overriding, notes)
        log_as(settings.log.format)
        for note in notes:
            say(note, "warning")
        stop.max_seconds = settings.max_seconds
        require_opencv()
        from maskdet.live.session import Hooks, run

        hooks = Hooks(
            settings_file=own_settings_file(config),
            open_page=_open_page if settings.serve.address is not None else None,
            reload=partial(load_settings, MonitorSettings, config, overriding, []),
            reach=_reach_detector,
        )
        return run(settings, stop, hooks=hooks)


def _reach_detector(place: str) -> Detector:
    """Imported late: few monitors have another machine process their frames."""
    require("cluster")
    from maskdet.cluster.remote_detector import RemoteDetector

    return RemoteDetector(place)


def _open_page(settings: MonitorSettings) -> LivePage:
    """Imported late: few runs have a page."""
    require("serve")
    from maskdet.commands.live_page.page import open_page

    return open_page(settings)
