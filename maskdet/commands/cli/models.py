"""``maskdet models`` and ``maskdet models get``: their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskdet.system.console import as_typed
from maskdet.system.resources import user_models

app = typer.Typer(rich_markup_mode=None, invoke_without_command=True)


@app.callback()
def models(
    context: typer.Context,
    readme: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Writes the table into that README.")
    ] = None,
    speed: Annotated[
        bool, typer.Option("--speed", help="Measures each on this machine; takes seconds.")
    ] = False,
) -> None:
    """Lists the models: size, accuracy on the validation pictures, where they are.

    The marked one is the default. Those that are not on this machine are fetched by models get.
    """
    if context.invoked_subcommand is not None:
        return
    from maskdet.commands import models as listing
    from maskdet.runtimes.spec import MODELS

    if readme is not None:
        listing.write_readme(readme, listing.table(listing.HEAD, listing.rows(MODELS)))
    listing.show(MODELS, user_models(), speed=speed)


@app.command()
def get(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A name of `maskdet models`, or a model's address."),
    ],
    origin: Annotated[
        str | None,
        typer.Option("--from", metavar="FOLDER_OR_URL", help="Where its files or folder lie."),
    ] = None,
) -> None:
    """Fetches a model, verifies its checksums, and keeps it for this user."""
    from maskdet.commands.get_model import get as fetch
    from maskdet.runtimes.spec import MODELS

    folder = fetch(name, origin, MODELS, user_models())
    print(f"{folder}: verified; use it with: {as_typed('monitor')} --model {folder.name}")
