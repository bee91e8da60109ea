"""Videos, the report and the export: what was."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from maskdet.errors import MaskdetError
from maskdet.web.live.access.guard import Guard
from maskdet.web.live.access.sessions import Session
from maskdet.web.live.api.answers import ClipAnswer, Done
from maskdet.web.live.api.state_api import REFUSED, UNKNOWN, WRONG, Responses
from maskdet.web.live.parts import Clips, Parts, Report
from maskdet.web.responses import attachment

_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'none'"
)
Day = Annotated[str | None, Query(max_length=40, description="2026-01-31, today, yesterday.")]
_HTML: Responses = {
    200: {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}
}
_CSV: Responses = {
    200: {"description": "A table.", "content": {"text/csv": {"schema": {"type": "string"}}}}
}
BINARY = {"schema": {"type": "string", "format": "binary"}}
VIDEO: Responses = {
    200: {"description": "A video.", "content": {"video/mp4": BINARY, "video/x-matroska": BINARY}},
    206: {"description": "A part of it.", "content": {"video/mp4": BINARY}},
}


def add_clips(app: FastAPI, guard: Guard, clips: Clips | None) -> None:
    """Videos: listing, playing, deleting."""

    @app.get("/api/clips", responses=REFUSED, dependencies=[Depends(guard.viewer)])
    def list_clips() -> list[ClipAnswer]:
        """All that can be played, the newest first."""
        return list(clips.clips()) if clips else []

    @app.get(
        "/api/clips/{name}",
        response_class=FileResponse,
        responses=REFUSED | UNKNOWN | WRONG | VIDEO,
    )
    def clip(request: Request, name: str, session: Session = Depends(guard.viewer)) -> FileResponse:
        """A video, whole or the part that a player asks for."""
        path = clips.path(name) if clips else None
        if path is None:
            raise HTTPException(404, "there is no such clip")
        guard.record_view(request, session, "clip", clip=name)
        return video_file(path)

    @app.post("/api/clips/{name}/delete", responses=REFUSED | UNKNOWN | WRONG)
    def delete(request: Request, name: str, session: Session = Depends(guard.changing)) -> Done:
        """Deletes a video."""
        if clips is None or clips.path(name) is None:
            raise HTTPException(404, "there is no such clip")
        guard.require_record(request, session, "delete clip", clip=name)
        if not clips.delete(name):
            raise HTTPException(503, "the clip cannot be deleted; see the rights of its folder")
        return Done()


def add_reports(app: FastAPI, guard: Guard, parts: Parts) -> None:
    """The report, and events as a table."""

    @app.get(
        "/api/report",
        response_class=Response,
        responses=REFUSED | UNKNOWN | WRONG | _HTML,
    )
    def report(
        request: Request,
        session: Session = Depends(guard.viewer),
        first: Annotated[Day, Query(alias="from")] = None,
        last: Annotated[Day, Query(alias="to")] = None,
    ) -> HTMLResponse:
        """People and masks of some days, as a page; by default of the last 31."""
        page = _made(parts.report, first, last)
        guard.record(request, session.user, "report", first=first or "", last=last or "")
        headers = {"Content-Security-Policy": _REPORT_POLICY, "X-Frame-Options": "SAMEORIGIN"}
        return HTMLResponse(page, headers=headers)

    @app.get("/api/export", response_class=Response, responses=REFUSED | UNKNOWN | WRONG | _CSV)
    def export(
        request: Request,
        session: Session = Depends(guard.operator),
        first: Annotated[Day, Query(alias="from")] = None,
        last: Annotated[Day, Query(alias="to")] = None,
    ) -> Response:
        """Events of some days, as CSV."""
        table = _made(parts.export, first, last)
        data = table.encode()
        digest = hashlib.sha256(data).hexdigest()
        days = {"first": first or "", "last": last or ""}
        guard.require_record(request, session, "export", sha256=digest, **days)
        headers = {**attachment("maskdet-events.csv"), "X-Content-SHA256": digest}
        return Response(data, 200, headers, "text/csv")


def _made(make: Report | None, first: str | None, last: str | None) -> str:
    """A report or table of some days.

    Raises:
        HTTPException: there is no store (404), or a day is none (422).
    """
    if make is None:
        raise HTTPException(404, "there is no event store; start with --store FILE")
    try:
        return make(first or None, last or None)
    except MaskdetError as error:
        raise HTTPException(422, str(error)) from None


def video_file(path: Path) -> FileResponse:
    """A video, or the part of it that is asked for."""
    kind = "video/x-matroska" if path.suffix.lower() == ".mkv" else "video/mp4"
    return FileResponse(path, media_type=kind)
