"""Addresses of this and other machines, as URLs have them."""

from __future__ import annotations

from ipaddress import ip_address


def page_url(scheme: str, host: str, port: int) -> str:
    """The URL of a page, which ends in a slash.

    Args:
        scheme: ``http`` or ``https``.
        host: a name or an address; one of IPv6 gets its brackets.
        port: of the server.
    """
    return f"{scheme}://{host_in_url(host)}:{port}/"


def host_in_url(host: str) -> str:
    """A host as it stands before a port: an address of IPv6 in brackets.

    Args:
        host: a name or an address, without brackets.
    """
    return f"[{host}]" if ":" in host else host


def is_unspecified(host: str) -> bool:
    """Whether it stands for all addresses of a machine: ``0.0.0.0`` or ``::``.

    Args:
        host: a name or an address, without brackets.
    """
    try:
        return ip_address(host.partition("%")[0]).is_unspecified
    except ValueError:  # a name
        return False
