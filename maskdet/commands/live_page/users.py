"""``maskdet users``: who may log in to the live page."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from maskdet.errors import ConfigError
from maskdet.system.console import as_typed, print_data, say
from maskdet.web.live.access.accounts import Accounts, Role


def default_file() -> Path:
    """The users' file where no other is named: in this user's folder of settings."""
    from platformdirs import user_config_path

    return user_config_path("maskdet", appauthor=False) / "users.json"


def add(name: str, role: Role, file: Path | None) -> int:
    """Adds a user, or changes role and password of one.

    Raises:
        ConfigError: a name or password that cannot be, or a file that cannot be written.
    """
    accounts = Accounts(file or default_file())
    is_new = accounts.add(name, role, _password(name))
    say(f"{'added' if is_new else 'changed'} {name}, {role}, in {accounts.path}")
    return 0


def remove(name: str, file: Path | None) -> int:
    """Removes a user, who is logged out at once.

    Raises:
        ConfigError: there is none of that name.
    """
    accounts = _existing(file)
    accounts.remove(name)
    say(f"removed {name} from {accounts.path}")
    return 0


def list_all(file: Path | None) -> int:
    """Prints names and roles.

    Raises:
        ConfigError: there is no such file.
    """
    for one in _existing(file).all():
        print_data(f"{one.name}\t{one.role}\n")
    return 0


def _existing(file: Path | None) -> Accounts:
    path = file or default_file()
    if not path.exists():
        more = "" if file is None else f" --file {file}"
        raise ConfigError(
            f"there are no users yet: {path} is not there; add one: {as_typed('users add')} NAME "
            f"--role operator{more}"
        )
    return Accounts(path)


def _password(name: str) -> str:
    """Asks for a password twice, or reads one line of standard input that is not a terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"Password of {name}: ")
    if getpass.getpass("The same again: ") != first:
        raise ConfigError("the two passwords differ; nothing was changed")
    return first
