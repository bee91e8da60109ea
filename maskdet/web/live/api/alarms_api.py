"""Alarms: listing, their pictures and videos, acknowledging, snoozing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cv2
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse

from maskdet.alarm import Alarm, AlarmControl
from maskdet.images.decoding import ImageError, read_image
from maskdet.web.live.access.guard import Guard
from maskdet.web.live.access.sessions import Session
from maskdet.web.live.api.answers import (
    AlarmAnswer,
    AlarmsAnswer,
    Done,
    SnoozeAnswer,
    SnoozeRequest,
)
from maskdet.web.live.api.archive_api import BINARY, VIDEO, video_file
from maskdet.web.live.api.state_api import REFUSED, UNKNOWN, WRONG, Responses
from maskdet.web.live.feed import encode_jpeg

THUMBNAIL_WIDTH = 480
"""Pixels."""
_IMAGE: Responses = {200: {"description": "A picture.", "content": {"image/jpeg": BINARY}}}


def add_alarms(app: FastAPI, guard: Guard, control: AlarmControl | None) -> None:
    """Routes that show alarms."""

    @app.get("/api/alarms", responses=REFUSED, dependencies=[Depends(guard.viewer)])
    def list_alarms() -> AlarmsAnswer:
        """The newest alarms, the newest first; none where none are set up."""
        if control is None:
            return AlarmsAnswer(alarms=[], rules=[], snoozed=[])
        return AlarmsAnswer(
            alarms=[_answer(alarm) for alarm in control.alarms()],
            rules=list(control.rules()),
            snoozed=[SnoozeAnswer(**vars(one)) for one in control.snoozes()],
        )

    @app.get(
        "/api/alarms/{alarm}/image",
        response_class=Response,
        responses=REFUSED | UNKNOWN | WRONG | _IMAGE,
    )
    def image(
        request: Request,
        alarm: str,
        width: Annotated[int, Query(ge=16, le=4096)] = THUMBNAIL_WIDTH,
        session: Session = Depends(guard.viewer),
    ) -> Response:
        """The picture of an alarm, not wider than that, as JPEG."""
        data = _smaller(_file(_find(control, alarm).snapshot), width)
        guard.record(request, session.user, "alarm image", alarm=alarm)
        return Response(data, media_type="image/jpeg")

    @app.get(
        "/api/alarms/{alarm}/clip",
        response_class=FileResponse,
        responses=REFUSED | UNKNOWN | WRONG | VIDEO,
    )
    def clip(request: Request, alarm: str, session: Session = Depends(guard.viewer)) -> Response:
        """The video of an alarm, whole or the part that a player asks for."""
        path = _file(_find(control, alarm).clip)
        guard.record_view(request, session, "alarm clip", alarm=alarm)
        return video_file(path)

    _add_changes(app, guard, control)


def _add_changes(app: FastAPI, guard: Guard, control: AlarmControl | None) -> None:
    """Routes by which an operator changes them."""

    @app.post("/api/alarms/{alarm}/acknowledge", responses=REFUSED | UNKNOWN | WRONG)
    def acknowledge(
        request: Request, alarm: str, session: Session = Depends(guard.changing)
    ) -> Done:
        """Takes note of an alarm."""
        _find(control, alarm)
        guard.require_record(request, session, "acknowledge", alarm=alarm)
        if control is not None:
            control.acknowledge(alarm, session.user)
        return Done()

    @app.post("/api/snooze", responses=REFUSED | UNKNOWN | WRONG)
    def snooze(
        request: Request, wanted: SnoozeRequest, session: Session = Depends(guard.changing)
    ) -> Done:
        """Has a rule, or all, of a camera, or all, be quiet for some minutes; 0 ends that."""
        if control is None:
            raise HTTPException(404, "no alarm rules are set: alarms in the settings")
        if wanted.rule and wanted.rule not in control.rules():
            raise HTTPException(
                404, f"there is no such rule; there are: {', '.join(control.rules())}"
            )
        about = {"rule": wanted.rule, "camera": wanted.camera}
        minutes = f"{wanted.minutes:g}"
        guard.require_record(request, session, "snooze", minutes=minutes, **about)
        control.snooze(60 * wanted.minutes, **about)
        return Done()


def _find(control: AlarmControl | None, alarm: str) -> Alarm:
    found = control.find(alarm) if control is not None else None
    if found is None:
        raise HTTPException(404, "there is no such alarm")
    return found


def _file(name: str) -> Path:
    """The file that an alarm names, if it is there."""
    path = Path(name)
    if not name or not path.is_file():
        raise HTTPException(404, "there is no such file of that alarm; it may have been deleted")
    return path


def _smaller(path: Path, width: int) -> bytes:
    """An image file as JPEG of a width, at most."""
    try:
        image = read_image(path)
    except ImageError:  # deleted or cut short since the alarm
        raise HTTPException(404, "the picture of that alarm cannot be read") from None
    scale = min(1.0, width / image.shape[1])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return encode_jpeg(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _answer(alarm: Alarm) -> AlarmAnswer:
    return AlarmAnswer(
        id=alarm.alarm_id,
        rule=alarm.rule,
        kind=alarm.kind,
        camera=alarm.camera,
        title=alarm.title,
        began=alarm.began,
        cleared=alarm.cleared,
        people=alarm.people,
        place=alarm.place,
        repeats=alarm.repeats,
        muted=alarm.muted,
        acknowledged=alarm.acknowledged,
        acknowledged_by=alarm.acknowledged_by,
        has_image=bool(alarm.snapshot),
        has_clip=bool(alarm.clip),
    )
