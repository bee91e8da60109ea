"""The live page as an ASGI app: routes, and what stands before them."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from maskdet.web.live.access.guard import Guard
from maskdet.web.live.access.protection import protect
from maskdet.web.live.api.alarms_api import add_alarms
from maskdet.web.live.api.archive_api import add_clips, add_reports
from maskdet.web.live.api.cameras_api import add_changes
from maskdet.web.live.api.picture_api import add_pictures
from maskdet.web.live.api.state_api import add_service, add_session, add_state
from maskdet.web.live.camera_metrics import CameraMetrics
from maskdet.web.live.parts import Parts
from maskdet.web.page_server.described_app import described_app
from maskdet.web.page_server.public_address import PublicAddress
from maskdet.web.page_server.security import POLICY

_STATIC = Path(__file__).with_name("static")
_SHARED = Path(__file__).parents[1] / "static"
_POLICY = f"{POLICY}; frame-src 'self'"
_DESCRIPTION = (
    "Where users log in, a program sends name and password with each request (HTTP Basic). "
    "Where nobody has to, what changes something needs the header X-CSRF-Token with the token of "
    "/api/session. Video is a WebSocket, /api/cameras/{camera}/video: a JSON text with codec, "
    "width and height, then bytes: the head of a fragmented MP4, then a fragment for each picture; "
    "all three begin again where the picture's size or the encoder changes."
)


def create_app(
    parts: Parts,
    guard: Guard,
    address: PublicAddress,
) -> FastAPI:
    """The whole page as an ASGI app.

    Args:
        parts: what it shows.
        guard: who may see it.
        address: names and path by which browsers ask for it.
    """
    app = described_app(
        "maskdet live",
        "Cameras, people, alarms and clips of a running monitor.",
        _DESCRIPTION,
    )
    _add_pages(app)
    add_session(app, guard)
    add_state(app, guard, parts)
    add_service(app, guard, parts, CameraMetrics(parts))
    add_changes(app, guard, parts)
    add_pictures(app, guard, parts.hub)
    add_alarms(app, guard, parts.alarms)
    add_clips(app, guard, parts.clips)
    add_reports(app, guard, parts)
    own_paths = frozenset({"/api", "/docs", "/healthz", "/live", "/metrics", "/static"})
    protect(app, address, "serve.allow_hosts", own_paths)
    return app


def _add_pages(app: FastAPI) -> None:
    """The page and the API's description; neither holds anything of a camera."""

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(_STATIC / "index.html", headers={"Content-Security-Policy": _POLICY})

    @app.get("/docs", include_in_schema=False)
    def docs() -> FileResponse:
        return FileResponse(_STATIC / "api.html")

    app.mount("/static", StaticFiles(directory=_SHARED))
    app.mount("/live", StaticFiles(directory=_STATIC))
