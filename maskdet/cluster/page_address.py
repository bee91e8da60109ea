"""Addresses of the live pages that the machines' own monitors serve."""

from __future__ import annotations

from maskdet.live.settings.serve import PageSettings, split_address
from maskdet.system.network_addresses import is_unspecified, page_url


def live_page_url(serve: PageSettings, machine: str) -> str | None:
    """Where browsers find the live page of one machine's monitor; None: it serves none.

    A page that listens on loopback has a loopback address here, too: no other machine reaches it.

    Args:
        serve: the setting `serve` of all monitors.
        machine: address of the machine in the network; empty: not known.
    """
    host, port = split_address(serve.address or "") or ("", 0)
    if not port or not host:
        return None  # port 0 is a free one that the monitor alone knows
    if is_unspecified(host):
        host = machine
    if not host:
        return None
    return page_url("https" if serve.certificate is not None else "http", host, port)
