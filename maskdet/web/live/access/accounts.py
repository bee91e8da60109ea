"""Users of the live page: a file with names, roles and hashes of passwords, readable by one.

Hashes are Argon2id's, by argon2-cffi, which is imported when a password is first needed.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from maskdet.errors import ConfigError, reason_of
from maskdet.system.atomic_files import write_whole
from maskdet.system.console import as_typed
from maskdet.system.threads import Lock

Role = Literal["viewer", "operator"]
ROLES: tuple[Role, ...] = get_args(Role)
MIN_PASSWORD_CHARACTERS = 10
MAX_PASSWORD_CHARACTERS = 1024
"""Longer ones are refused before they cost anything."""
_NAME = re.compile(r"[\w.@+-]{1,64}")
_MAX_BYTES = 1_000_000
_RIGHTS = 0o600


@dataclass(frozen=True)
class Account:
    """A user.

    Attributes:
        name: of the user.
        role: a viewer sees, an operator also acknowledges, snoozes, exports and deletes.
        password: its hash.
    """

    name: str
    role: Role
    password: str


class Accounts:
    """The users of a file, which is read again when it changes."""

    def __init__(self, path: Path) -> None:
        """Reads nothing yet.

        Args:
            path: of the file.
        """
        self.path = path
        self._lock = Lock()
        self._stamp: tuple[int, int] | None = None
        self._accounts: dict[str, Account] = {}

    def all(self) -> list[Account]:
        """Everybody, by name.

        Raises:
            ConfigError: the file is missing, unreadable, open to others, or no file of users.
        """
        return sorted(self._read().values(), key=lambda one: one.name)

    def get(self, name: str) -> Account | None:
        """A user; None where there is none of that name.

        Raises:
            ConfigError: as `all`.
        """
        return self._read().get(name)

    def verify(self, name: str, password: str) -> Account | None:
        """The user whose password that is; None otherwise, after as long a time.

        Raises:
            ConfigError: as `all`.
        """
        from argon2.exceptions import InvalidHashError, VerificationError

        if len(password) > MAX_PASSWORD_CHARACTERS:
            return None
        account = self.get(name)
        hashed = account.password if account else _nobodys_hash()
        try:
            _hasher().verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return None
        return account

    def add(self, name: str, role: Role, password: str) -> bool:
        """Adds a user, or changes role and password of one; returns whether it is a new one.

        Raises:
            ConfigError: a name or password that cannot be, or a file that cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"'{name:.70}' is not a name of a user; letters, digits and . _ @ + - are, up to 64"
            )
        if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
            raise ConfigError(
                f"the password has {len(password)} characters; use {MIN_PASSWORD_CHARACTERS} to "
                f"{MAX_PASSWORD_CHARACTERS}"
            )
        accounts = dict(self._read()) if self.path.exists() else {}
        is_new = name not in accounts
        accounts[name] = Account(name, role, _hasher().hash(password))
        self._write(accounts)
        return is_new

    def remove(self, name: str) -> None:
        """Removes a user.

        Raises:
            ConfigError: there is none of that name, or the file cannot be written.
        """
        accounts = dict(self._read())
        if accounts.pop(name, None) is None:
            names = ", ".join(sorted(accounts)) or "nobody"
            raise ConfigError(f"no user is named '{name:.70}' in {self.path}; there is {names}")
        self._write(accounts)

    def _read(self) -> dict[str, Account]:
        with self._lock:
            try:
                status = self.path.stat()
                stamp = status.st_mtime_ns, status.st_size
                if stamp == self._stamp:
                    return self._accounts
                if os.name == "posix" and status.st_mode & 0o077:
                    raise ConfigError(
                        f"{self.path} can be read by others; make it yours: chmod 600 {self.path}"
                    )
                text = self.path.read_text("utf-8") if status.st_size < _MAX_BYTES else ""
            except FileNotFoundError:
                raise ConfigError(
                    f"there is no file of users {self.path}, and everybody has to log in here; "
                    f"make it: {as_typed('users add')} NAME --role operator --file {self.path}"
                ) from None
            except (OSError, UnicodeError) as error:
                reason = getattr(error, "strerror", None) or "is not text"
                raise ConfigError(f"{self.path} cannot be read: {reason}") from None
            self._accounts, self._stamp = _parsed(text, self.path), stamp
            return self._accounts

    def _write(self, accounts: dict[str, Account]) -> None:
        users = [vars(one) for one in sorted(accounts.values(), key=lambda one: one.name)]
        text = json.dumps({"version": 1, "users": users}, indent=1, ensure_ascii=False)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(self.path, text + "\n", mode=_RIGHTS)
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be written: {reason_of(error)}") from None


def _parsed(text: str, path: Path) -> dict[str, Account]:
    try:
        accounts = [Account(**one) for one in json.loads(text)["users"]]
        for one in accounts:
            if one.role not in ROLES or not _NAME.fullmatch(one.name):
                raise ValueError
            if not isinstance(one.password, str):
                raise ValueError
    except (ValueError, KeyError, TypeError):
        raise ConfigError(
            f"{path} is not a file of users; `{as_typed('users add')}` writes one"
        ) from None
    return {one.name: one for one in accounts}


_memory: dict[str, Any] = {}


def _hasher() -> Any:
    from argon2 import PasswordHasher

    if "hasher" not in _memory:  # RFC 9106's second choice, in one thread: the others detect
        _memory["hasher"] = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
    return _memory["hasher"]


def _nobodys_hash() -> str:
    """A hash to compare with where there is no user: a name cannot be guessed by the time."""
    if "nobody" not in _memory:
        _memory["nobody"] = _hasher().hash(os.urandom(16).hex())
    return str(_memory["nobody"])
