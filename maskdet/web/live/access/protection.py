"""The layers before every answer of a page that cameras stand on."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import FastAPI

from maskdet.web.live.access.body_limit import BodyLimit
from maskdet.web.security import Gate
from maskdet.web.sub_path import SubPath


def protect(
    app: FastAPI,
    names: Iterable[str],
    origins: Iterable[str],
    option: str,
    root_path: str,
    own_paths: frozenset[str],
) -> None:
    """Puts the size limit, the check of host and origin, and the proxy's path before an app.

    Args:
        app: the page.
        names: host names beside ``localhost`` and addresses under which it may be asked.
        origins: hosts whose pages may ask, whatever host the proxy before us names.
        option: by which a further name is allowed, for messages.
        root_path: below which a proxy puts the page, if it does not say so itself.
        own_paths: first parts of the app's own paths.
    """
    app.add_middleware(BodyLimit)
    app.add_middleware(Gate, names=list(names), origins=list(origins), option=option)
    app.add_middleware(SubPath, root_path=root_path, own_paths=own_paths)
