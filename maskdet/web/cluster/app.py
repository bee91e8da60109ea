"""The page of a cluster as an ASGI app, whose visitors are decided as on the live page."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from maskdet.web import live
from maskdet.web.cluster.answers import ClusterAnswer, answer_of
from maskdet.web.live.access.guard import Guard
from maskdet.web.live.access.protection import protect
from maskdet.web.live.api.answers import Health
from maskdet.web.live.api.state_api import REFUSED, add_session
from maskdet.web.page_server.described_app import described_app
from maskdet.web.page_server.public_address import PublicAddress

_STATIC = Path(__file__).with_name("static")
_LIVE = Path(live.__file__).with_name("static")
_SHARED = Path(__file__).parents[1] / "static"

Newest = Callable[[], tuple[dict[str, Any] | None, str]]
"""The newest table of the placement, None before the first; and why there is no newer one."""


def create_app(
    newest: Newest,
    guard: Guard,
    address: PublicAddress,
) -> FastAPI:
    """The whole page as an ASGI app.

    Args:
        newest: what it shows.
        guard: who may see it.
        address: names and path by which browsers ask for it.
    """
    app = described_app(
        "maskdet cluster",
        "Machines and cameras of a cluster.",
    )

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(_STATIC / "index.html")

    @app.get("/api/cluster", responses=REFUSED, dependencies=[Depends(guard.viewer)])
    def cluster() -> ClusterAnswer:
        """Every machine and every camera, and since when that is known."""
        return answer_of(*newest(), time.time())

    @app.get("/healthz")
    def healthz() -> Health:
        """Whether the page is served."""
        return Health()

    add_session(app, guard)
    app.mount("/static", StaticFiles(directory=_SHARED))
    app.mount("/live", StaticFiles(directory=_LIVE))
    app.mount("/cluster", StaticFiles(directory=_STATIC))
    own_paths = frozenset({"/api", "/cluster", "/healthz", "/live", "/static"})
    protect(app, address, "page.allow_hosts", own_paths)
    return app
