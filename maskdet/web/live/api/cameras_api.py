"""Cameras: adding, removing, pausing and restarting one while the others go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastapi import Depends, FastAPI, HTTPException, Request

from maskdet.errors import MaskdetError
from maskdet.web.live.access.guard import Guard
from maskdet.web.live.access.sessions import Session
from maskdet.web.live.api.answers import CameraAnswer, CameraRequest, Done
from maskdet.web.live.api.state_api import REFUSED, UNKNOWN, WRONG, Responses
from maskdet.web.live.parts import Action, Control, Parts
from maskdet.web.page_server.refusals import Problem

T = TypeVar("T")
_CONFLICT: Responses = {409: {"model": Problem, "description": "It cannot be changed so."}}
_UNREADABLE: Responses = {400: {"model": Problem, "description": "The body is not JSON."}}
_CHANGES = REFUSED | UNKNOWN | WRONG | _CONFLICT


def add_changes(app: FastAPI, guard: Guard, parts: Parts) -> None:
    """Routes by which an operator changes the list of cameras, and each of them."""

    @app.post("/api/new-camera", responses=REFUSED | WRONG | _CONFLICT | _UNREADABLE)
    def add(
        request: Request, wanted: CameraRequest, session: Session = Depends(guard.changing)
    ) -> CameraAnswer:
        """Adds a camera or stream until the monitor ends; it need not be reachable yet.

        Its address is in no answer and in no log.
        """
        control = _control(parts)
        given = wanted.source, wanted.name, wanted.options
        name = _tried(422, lambda: control.check(*given))
        guard.require_record(request, session, "add camera", camera=name)
        number = _tried(409, lambda: control.add(*given))
        return next(one for one in parts.cameras() if one.id == number)

    def change(request: Request, session: Session, camera: int, action: Action) -> Done:
        control, found = _control(parts), parts.hub.cameras.get(camera)
        if found is None:
            raise HTTPException(404, f"there is no camera {camera}")
        guard.require_record(request, session, f"{action} camera", camera=found.name)
        _tried(409, lambda: control.change(found.name, action))
        return Done()

    @app.post("/api/cameras/{camera}/pause", responses=_CHANGES)
    def pause(request: Request, camera: int, session: Session = Depends(guard.changing)) -> Done:
        """Closes the camera until it is resumed or restarted: no alarm, and no down-time."""
        return change(request, session, camera, "pause")

    @app.post("/api/cameras/{camera}/resume", responses=_CHANGES)
    def resume(request: Request, camera: int, session: Session = Depends(guard.changing)) -> Done:
        """Opens a camera that is paused; nothing happens where it is not."""
        return change(request, session, camera, "resume")

    @app.post("/api/cameras/{camera}/restart", responses=_CHANGES)
    def restart(request: Request, camera: int, session: Session = Depends(guard.changing)) -> Done:
        """Ends the process that reads the camera, and opens it again."""
        return change(request, session, camera, "restart")

    @app.post("/api/cameras/{camera}/remove", responses=_CHANGES)
    def remove(request: Request, camera: int, session: Session = Depends(guard.changing)) -> Done:
        """Ends the camera until the monitor is started again; its recording is closed."""
        return change(request, session, camera, "remove")


def _control(parts: Parts) -> Control:
    if parts.control is None:
        raise HTTPException(409, "the cameras of this monitor cannot be changed while it runs")
    return parts.control


def _tried(status: int, change: Callable[[], T]) -> T:
    try:
        return change()
    except MaskdetError as error:
        raise HTTPException(status, "; ".join(str(error).splitlines())) from None
