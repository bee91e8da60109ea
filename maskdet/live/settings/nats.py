"""Settings of the uplink: events to a NATS server, for a store of several sites."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from maskdet.config import Settings
from maskdet.config_texts import matching
from maskdet.system.secrets import is_reference

ADDRESS = re.compile(r"(nats|tls|ws|wss)://[^\s,@/]+|\$\{\w+\}")
Subject = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*",
        "words of letters, digits, - and _ with dots between them, as maskdet.events",
    ),
]
"""A prefix of subjects."""
_LOGIN = re.compile(r"://[^/,\s]*@")


def check_addresses(text: str) -> tuple[str, ...]:
    """Addresses of servers, one or several with commas between them.

    Raises:
        ValueError: one is none, or holds a password.
    """
    if _LOGIN.search(text):
        raise ValueError("no user or password in the address: use user and password, or token")
    addresses = tuple(part.strip() for part in text.split(","))
    for one in addresses:
        if not ADDRESS.fullmatch(one):
            raise ValueError(f"'{one}' is not an address: nats://HOST:4222 or tls://HOST:4222")
    return addresses


class NatsSettings(Settings):
    """The uplink; a plain text in its place stands for its `server`.

    Attributes:
        server: ``nats://HOST:4222``, ``tls://HOST:4222``, several with commas; None: no uplink.
        site_name: of this site in the collecting store; empty: this machine's name.
        subject: prefix of the subjects that events are published to.
        user: to log in with.
        password: ``${NAME}`` of the password.
        token: ``${NAME}`` of a token to log in with.
        credentials: file of a user's JWT and key (``.creds``).
        ca: file of certificates to trust; None: the system's.
        certificate: file of this machine's own certificate, for servers that ask for one.
        key: file of its key.
        secrets: file of ``NAME=value`` lines; None: the environment.
        max_waiting: events that wait in the store while the server is away; the oldest are given up
            for newer ones.
    """

    SHORT_FORM: ClassVar[str] = "server"

    server: str | None = None
    site_name: Annotated[str, Field(max_length=100)] = ""
    subject: Subject = "maskdet.events"
    user: str = ""
    password: str | None = None
    token: str | None = None
    credentials: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    secrets: Path | None = None
    max_waiting: Annotated[int, Field(ge=100)] = 500_000

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, value: Any) -> Any:
        if value is None:
            return {}
        return {"server": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _address_and_login_fit(self) -> Self:
        if self.server is not None:
            check_addresses(self.server)
        for name in ("password", "token"):
            value = getattr(self, name)
            if value is not None and not is_reference(value):
                raise ValueError(
                    f"{name}: write ${{NAME}}, and set NAME in the environment or in the file of "
                    "nats.secrets"
                )
        if self.key is not None and self.certificate is None:
            raise ValueError("key needs certificate")
        return self

    @property
    def site(self) -> str:
        """The site's name; without one, that of the machine."""
        return self.site_name or socket.gethostname()
