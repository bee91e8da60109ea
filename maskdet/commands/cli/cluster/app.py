"""``maskdet cluster``: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskdet.errors import ConfigError

app = typer.Typer(
    rich_markup_mode=None,
    help="Cameras on several machines: each machine runs the monitor for its share of them.",
)

ClusterFile = Annotated[
    Path, typer.Option("--config", metavar="FILE", help="The cluster's settings in YAML.")
]
DEFAULT_FILE = Path("cluster.yaml")


@app.command(short_help="Starts this machine's part; on the first machine first.")
def up(
    config: ClusterFile = DEFAULT_FILE,
    node: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Which machine of the file this one is; default: by its address."
        ),
    ] = None,
    foreground: Annotated[
        bool,
        typer.Option("--foreground", help="Stays, and starts again what ends: for a service."),
    ] = False,
) -> int:
    """Starts this machine's part; run it on every machine, on the first one of the file first.

    On the first machine it also places the cameras as the file says: run it again after a change.
    """
    _require()
    from maskdet.commands.cluster.run import up

    return up(config, node, foreground=foreground)


@app.command()
def status(
    config: ClusterFile = DEFAULT_FILE,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> int:
    """Prints machines, cameras, age of the last frame, load."""
    _require()
    from maskdet.commands.cluster.run import status

    return status(config, as_json=as_json)


@app.command(short_help="Serves a page of all machines and cameras.")
def page(
    config: ClusterFile = DEFAULT_FILE,
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Default: page.address, else 127.0.0.1:8002."),
    ] = None,
) -> int:
    """Serves a page of all machines and cameras; beyond this machine it needs users."""
    _require()
    from maskdet.system.extras import require

    require("serve")
    from maskdet.commands.cluster.page import page

    return page(config, address)


@app.command()
def add(
    camera: Annotated[str, typer.Argument(metavar="CAMERA", help="Its name.")],
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="ADDRESS",
            help="Of the camera, written into the file; default: the file has it.",
        ),
    ] = None,
    config: ClusterFile = DEFAULT_FILE,
    node: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this machine runs it.")
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="KEY=VALUE", help="Repeatable: machines must have it."),
    ] = None,
) -> int:
    """Adds a camera while the others run."""
    _require()
    from maskdet.commands.cluster.run import add

    wanted = {
        **({} if node is None else {"node": node}),
        **({"labels": dict(map(_label, labels))} if labels else {}),
    }
    return add(config, camera, source, wanted)


@app.command()
def drain(
    node: Annotated[str, typer.Argument(metavar="NAME", help="The machine.")],
    config: ClusterFile = DEFAULT_FILE,
    undo: Annotated[bool, typer.Option("--undo", help="It takes cameras again.")] = False,
) -> int:
    """Moves a machine's cameras to others; it gets no more."""
    _require()
    from maskdet.commands.cluster.run import drain

    return drain(config, node, undo=undo)


@app.command()
def down(config: ClusterFile = DEFAULT_FILE) -> int:
    """Ends all monitors, and every machine's part of the cluster."""
    _require()
    from maskdet.commands.cluster.run import down

    return down(config)


def _require() -> None:
    from maskdet.system.extras import require

    require("cluster")


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key or not value:
        raise ConfigError(f"--label {text}: expected KEY=VALUE, as in site=north")
    return key, value
