"""Who may see a page: users and audit log of its settings."""

from __future__ import annotations

from pathlib import Path

from maskdet.commands.live_page.users import default_file
from maskdet.errors import ConfigError
from maskdet.system.console import as_typed
from maskdet.web.live.access.accounts import Accounts
from maskdet.web.live.access.audit import AuditLog
from maskdet.web.live.access.guard import Guard


def new_guard(users: Path | None, log: Path | None, is_open: bool) -> Guard:
    """Who may see the page; where others can reach it, what they do is logged.

    Raises:
        ConfigError: others can reach it, and nobody can log in; or a file cannot be used.
    """
    accounts = _accounts(users, is_open)
    if log is None and accounts is not None and is_open:
        log = accounts.path.with_name("audit.jsonl")
    return Guard(accounts, AuditLog(log))


def _accounts(users: Path | None, is_open: bool) -> Accounts | None:
    """Who may log in; None where nobody has to.

    Raises:
        ConfigError: others can reach the page, and nobody can log in.
    """
    if users is None and not is_open:
        return None
    accounts = Accounts(users or default_file())
    if not accounts.all():
        raise ConfigError(
            f"nobody can log in: {accounts.path} has no user; add one: "
            f"{as_typed('users add')} NAME --role operator --file {accounts.path}"
        )
    from argon2 import PasswordHasher  # missing, it is to be missed at the start  # noqa: F401

    return accounts
