"""Settings of the live page, and of a cluster's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from maskdet.config import Settings

DEFAULT_ADDRESS = "127.0.0.1:8001"
"""Where the page is served if no address is named: this machine alone."""
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^\s:/\[\]@]*):(?P<port>\d{1,5})")


class PageSettings(Settings):
    """A page in a browser; a plain text in its place stands for its `address`.

    Attributes:
        address: ``HOST:PORT``; beyond 127.0.0.1 it needs `users`. None: no page.
        users: file of `maskdet users`; where there is one, everybody has to log in.
        audit: file to which a line is added for whatever somebody sees, exports or changes.
        certificate: PEM file of a TLS certificate with its chain.
        key: PEM file of its private key.
        allow_hosts: names by which browsers reach the page, beside this machine's own.
        root_path: below which a proxy puts the page.
    """

    SHORT_FORM: ClassVar[str] = "address"

    address: str | None = None
    users: Path | None = None
    audit: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    allow_hosts: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    root_path: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, value: Any) -> Any:
        if value is None:
            return {}
        return {"address": value} if isinstance(value, str) else value

    @field_validator("address")
    @classmethod
    def _is_host_and_port(cls, address: str | None) -> str | None:
        if address is not None and split_address(address) is None:
            raise ValueError("must be HOST:PORT, such as 127.0.0.1:8001, 0.0.0.0:8001 or [::]:8001")
        return address

    @model_validator(mode="after")
    def _certificate_and_key_come_together(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("TLS needs both: certificate and key")
        return self


class ServeSettings(PageSettings):
    """The live page; a plain text in its place stands for its `address`.

    Attributes:
        fps: frames a second of each camera's image, at most.
        width: pixels; wider images are made smaller for the page.
    """

    fps: Annotated[float, Field(ge=0.2, le=60)] = 15.0
    width: Annotated[int, Field(ge=160, le=3840)] = 1280


def split_address(address: str) -> tuple[str, int] | None:
    """Host and port of ``HOST:PORT``; None where it is none. Port 0 is any free one."""
    found = _ADDRESS.fullmatch(address.strip())
    if found is None or int(found["port"]) > 65535:
        return None
    return found["host"].strip("[]") or "0.0.0.0", int(found["port"])
