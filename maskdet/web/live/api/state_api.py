"""The API's answers about now: session, cameras, people, events, settings, metrics."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response

import maskdet
from maskdet.observation import PersonEvent, sum_by_state
from maskdet.web.live.access.guard import COOKIE, Guard
from maskdet.web.live.access.sessions import MAX_S, Session
from maskdet.web.live.api.answers import (
    CameraAnswer,
    Done,
    EventAnswer,
    Health,
    Login,
    SessionAnswer,
    StateAnswer,
)
from maskdet.web.live.camera_metrics import CONTENT_TYPE, CameraMetrics
from maskdet.web.live.parts import Parts
from maskdet.web.page_server.refusals import Problem

Responses = dict[int | str, dict[str, Any]]
REFUSED: Responses = {
    401: {"model": Problem, "description": "Nobody is logged in."},
    403: {"model": Problem, "description": "Not allowed, or sent by a page of another site."},
    429: {"model": Problem, "description": "Too many failed logins."},
    503: {"model": Problem, "description": "Not at the moment."},
}
UNKNOWN: Responses = {404: {"model": Problem, "description": "There is none of that name."}}
WRONG: Responses = {
    400: {"model": Problem, "description": "What was sent is not UTF-8."},
    422: {"model": Problem, "description": "A wrong parameter."},
}
_TEXT: Responses = {
    200: {"description": "Text.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


def add_session(app: FastAPI, guard: Guard) -> None:
    """Logging in and out."""

    def answer(session: Session) -> SessionAnswer:
        return SessionAnswer(
            user=session.user,
            role=session.role,
            csrf=session.csrf,
            has_login=guard.accounts is not None,
            version=maskdet.__version__,
        )

    @app.get("/api/session", responses=REFUSED)
    def session(session: Session = Depends(guard.viewer)) -> SessionAnswer:
        """Who asks; 401 without a login."""
        return answer(session)

    @app.post("/api/login", responses=REFUSED | WRONG)
    def login(request: Request, response: Response, wanted: Login) -> SessionAnswer:
        """Logs in: the answer brings a cookie, and the token of requests that change something."""
        if guard.accounts is None:
            return answer(guard.viewer(request))
        token, session = guard.login(request, wanted.name, wanted.password)
        response.set_cookie(
            COOKIE,
            token,
            max_age=round(MAX_S),
            path=request.scope.get("root_path") or "/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return answer(session)

    @app.post("/api/logout", responses=REFUSED)
    def logout(
        request: Request,
        response: Response,
        session: Session = Depends(guard.viewer),
    ) -> Done:
        """Logs out."""
        guard.check_token(request, session)
        guard.logout(request, session)
        response.delete_cookie(COOKIE, path=request.scope.get("root_path") or "/")
        return Done()


def add_state(app: FastAPI, guard: Guard, parts: Parts) -> None:
    """State at this moment: cameras, people, alarms."""
    seeing = [Depends(guard.viewer)]

    @app.get("/api/state", responses=REFUSED)
    def state(session: Session = Depends(guard.viewer)) -> StateAnswer:
        """All that changes from second to second, in one answer."""
        return _state_of(parts, session)

    @app.get("/api/cameras", responses=REFUSED, dependencies=seeing)
    def cameras() -> list[CameraAnswer]:
        """Every camera: signal, rates, faces, people."""
        return list(parts.cameras())

    @app.get("/api/cameras/{camera}", responses=REFUSED | UNKNOWN | WRONG, dependencies=seeing)
    def camera(camera: int) -> CameraAnswer:
        """One camera."""
        found = {one.id: one for one in parts.cameras()}
        if camera not in found:
            raise HTTPException(404, f"there is no camera {camera}")
        return found[camera]

    @app.get("/api/events", responses=REFUSED | WRONG, dependencies=seeing)
    def events(
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> list[EventAnswer]:
        """Latest events of people, the newest first; after an event of that number."""
        return [_event_of(*event) for event in parts.hub.events(after, limit)]


def add_service(app: FastAPI, guard: Guard, parts: Parts, metrics: CameraMetrics) -> None:
    """Settings, counters, and whether the page is served."""

    @app.get("/api/settings", responses=REFUSED)
    def settings(request: Request, session: Session = Depends(guard.viewer)) -> dict[str, Any]:
        """The monitor's settings; passwords are masked."""
        guard.record(request, session.user, "settings")
        return parts.settings()

    @app.get(
        "/metrics",
        response_class=Response,
        responses=REFUSED | _TEXT,
        dependencies=[Depends(guard.viewer)],
    )
    def scrape() -> Response:
        """Counters of each camera in Prometheus' text format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/healthz")
    def healthz() -> Health:
        """Whether the page is served."""
        return Health()


def _state_of(parts: Parts, session: Session) -> StateAnswer:
    cameras, alarms = list(parts.cameras()), parts.alarms
    recent = alarms.alarms() if alarms is not None else ()
    return StateAnswer(
        utc=time.time(),
        cameras=cameras,
        people=sum_by_state(one.people or {} for one in cameras),
        people_today=parts.hub.people_today(),
        alarms_open=len(alarms.alarms(1000, only_open=True)) if alarms is not None else 0,
        alarms_new=sum(one.acknowledged is None for one in recent),
        alarms_version=alarms.version if alarms is not None else 0,
        can_report=parts.report is not None,
        has_alarms=alarms is not None,
        has_clips=parts.clips is not None,
        notices=list(parts.notices()) if session.role == "operator" else [],
    )


def _event_of(number: int, camera: str, event: PersonEvent) -> EventAnswer:
    return EventAnswer(
        number=number,
        camera=camera,
        kind=event.kind,
        person=event.track_id,
        utc=event.utc,
        state=event.state.name,
        previous=event.previous.name if event.previous is not None else None,
        place=event.place,
        direction=event.direction,
        seconds=round(event.duration, 1),
        reason=event.reason,
    )
