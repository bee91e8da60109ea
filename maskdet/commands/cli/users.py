"""``maskdet users add``, ``list`` and ``remove``: their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(rich_markup_mode=None, help="Who may log in to the live page.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the user.")]
File = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="As serve.users names it; default: in your settings folder."),
]


@app.command(short_help="Adds a user, or changes role and password.")
def add(
    name: Name,
    role: Annotated[
        Literal["viewer", "operator"],
        typer.Option(help="viewer sees; operator also acknowledges, snoozes, exports, deletes."),
    ] = "viewer",
    file: File = None,
) -> int:
    """Adds a user, or changes role and password; asks for the password, or reads it from stdin."""
    from maskdet.commands.live_page.users import add
    from maskdet.system.extras import require

    require("serve", "argon2")
    return add(name, role, file)


@app.command("list")
def list_(file: File = None) -> int:
    """Prints everybody's name and role."""
    from maskdet.commands.live_page.users import list_all

    return list_all(file)


@app.command()
def remove(name: Name, file: File = None) -> int:
    """Removes a user, who is logged out at once."""
    from maskdet.commands.live_page.users import remove

    return remove(name, file)
