"""The address by which browsers ask for a page, as far as the page has to know it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from maskdet.web.page_server.security import names_of_page
from maskdet.web.page_server.sub_path import checked_root_path


@dataclass(frozen=True)
class PublicAddress:
    """Names and path of a page; without any, it is asked by ``localhost`` and addresses alone.

    Attributes:
        names: host names beside ``localhost`` and addresses under which it may be asked.
        origins: hosts whose pages may ask, whatever host the proxy before us names.
        root_path: below which a proxy puts the page, if its headers do not have it.
    """

    names: Sequence[str] = ()
    origins: Sequence[str] = ()
    root_path: str = ""

    @classmethod
    def of(cls, host: str, allow_hosts: Sequence[str], root_path: str) -> Self:
        """The address of a server.

        Args:
            host: at which it listens.
            allow_hosts: names by which it is asked for, beside this machine's own.
            root_path: as the option names it.

        Raises:
            ConfigError: the root path is not a path.
        """
        return cls(names_of_page(host, allow_hosts), allow_hosts, checked_root_path(root_path))
