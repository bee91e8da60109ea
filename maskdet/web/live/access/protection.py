"""The layers before every answer of a page that cameras stand on."""

from __future__ import annotations

from fastapi import FastAPI

from maskdet.web.live.access.body_limit import BodyLimit
from maskdet.web.page_server.public_address import PublicAddress
from maskdet.web.page_server.security import Gate
from maskdet.web.page_server.sub_path import SubPath


def protect(app: FastAPI, address: PublicAddress, option: str, own_paths: frozenset[str]) -> None:
    """Puts the size limit, the check of host and origin, and the proxy's path before an app.

    Args:
        app: the page.
        address: names and path by which browsers ask for it.
        option: by which a further name is allowed, for messages.
        own_paths: first parts of the app's own paths.
    """
    app.add_middleware(BodyLimit)
    app.add_middleware(Gate, names=address.names, origins=address.origins, option=option)
    app.add_middleware(SubPath, root_path=address.root_path, own_paths=own_paths)
