"""``maskdet settings``: its options."""

from __future__ import annotations

from typing import Annotated

import typer


def settings(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="monitor, cluster, training_settings, or a way to train: retinanet_light …",
        ),
    ] = "monitor",
) -> None:
    """Prints a settings file that ships: every setting with its default and what it means."""
    from maskdet.errors import ConfigError
    from maskdet.system.console import print_data
    from maskdet.system.resources import shipped

    files = {file.stem: file for file in sorted(shipped("configs").glob("*.yaml"))}
    if name.removesuffix(".yaml") not in files:
        raise ConfigError(f"no settings {name!r}; there are: {', '.join(files)}")
    print_data(files[name.removesuffix(".yaml")].read_text("utf-8"))
