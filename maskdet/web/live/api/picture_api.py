"""A camera's picture: still, as MJPEG, and as video over a WebSocket."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Annotated

import anyio
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response, WebSocket
from fastapi.responses import StreamingResponse
from starlette.websockets import WebSocketDisconnect

from maskdet.web.live.access.guard import Guard
from maskdet.web.live.access.sessions import Session
from maskdet.web.live.api.state_api import REFUSED, UNKNOWN, WRONG, Responses
from maskdet.web.live.hub import Camera, LiveHub
from maskdet.web.live.viewers import STUCK_S, Message, ViewerQueue

MAX_VIEWERS = 64
"""Pictures that are watched at the same time; each of a page counts."""
_FIRST_S = 3.0
"""Seconds that a still picture may take."""
_CHECK_S = 5.0
"""Between two checks whether a viewer's session goes on."""
_BOUNDARY = "frame"
_POLICY_VIOLATION, _TRY_LATER = 1008, 1013
_IMAGE: Responses = {
    200: {
        "description": "A picture.",
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_STREAM: Responses = {
    200: {
        "description": "Pictures, one after another.",
        "content": {"multipart/x-mixed-replace": {"schema": {"type": "string"}}},
    }
}


def add_pictures(app: FastAPI, guard: Guard, hub: LiveHub) -> None:
    """The routes."""

    @app.get(
        "/api/cameras/{camera}/snapshot",
        response_class=Response,
        responses=REFUSED | UNKNOWN | WRONG | _IMAGE,
    )
    async def snapshot(
        request: Request, camera: int, session: Session = Depends(guard.viewer)
    ) -> Response:
        """The newest picture, as JPEG."""
        found = _watchable(hub, camera)
        await _record(guard, request, session, "snapshot", found.name)
        return Response(await _newest(found), media_type="image/jpeg")

    @app.get(
        "/api/cameras/{camera}/mjpeg",
        response_class=StreamingResponse,
        responses=REFUSED | UNKNOWN | WRONG | _STREAM,
    )
    async def mjpeg(
        request: Request,
        camera: int,
        session: Session = Depends(guard.viewer),
        frames: Annotated[int | None, Query(ge=1)] = None,
    ) -> StreamingResponse:
        """Pictures as MJPEG, which every browser and most programs show; ends after `frames`."""
        found = _watchable(hub, camera)
        await _record(guard, request, session, "watch", found.name)
        return StreamingResponse(
            _mjpeg(guard, request, session, found, frames),
            media_type=f"multipart/x-mixed-replace; boundary={_BOUNDARY}",
        )

    @app.websocket("/api/cameras/{camera}/video")
    async def video(socket: WebSocket, camera: int) -> None:
        session = await anyio.to_thread.run_sync(guard.session_if_any, socket)
        found = hub.cameras.get(camera)
        if session is None or found is None:
            await socket.close(_POLICY_VIOLATION)
            return
        await socket.accept()
        if hub.viewers >= MAX_VIEWERS:
            await socket.close(_TRY_LATER, "too many viewers")
            return
        await _video(guard, socket, session, found)


def _watchable(hub: LiveHub, number: int) -> Camera:
    """The camera of that number.

    Raises:
        HTTPException: there is none (404), or enough is watched already (503).
    """
    found = hub.cameras.get(number)
    if found is None:
        raise HTTPException(404, f"there is no camera {number}")
    if hub.viewers >= MAX_VIEWERS:
        raise HTTPException(503, f"{MAX_VIEWERS} pictures are watched already; close some")
    return found


async def _newest(camera: Camera) -> bytes:
    """The newest picture as JPEG.

    Raises:
        HTTPException: none comes in time (503).
    """
    viewer = camera.feed.open("jpeg")
    try:
        message = await viewer.next(_FIRST_S)
    finally:
        camera.feed.leave(viewer)
    if message is None:
        raise HTTPException(503, f"{camera.name}: there is no picture yet, or it is paused")
    return message.data


async def _mjpeg(
    guard: Guard, request: Request, session: Session, camera: Camera, frames: int | None
) -> AsyncIterator[bytes]:
    began, viewer, checked = time.monotonic(), camera.feed.open("jpeg"), time.monotonic()
    try:
        while not viewer.ended and frames != 0:
            message = await viewer.next(_CHECK_S)
            if time.monotonic() - checked > _CHECK_S:
                checked = time.monotonic()
                if not await anyio.to_thread.run_sync(guard.is_in, request):
                    return
            if message is not None:
                head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\n"
                head += f"Content-Length: {len(message.data)}\r\n\r\n"
                yield head.encode() + message.data + b"\r\n"
                frames = None if frames is None else frames - 1
    finally:
        camera.feed.leave(viewer)
        with anyio.CancelScope(shield=True):
            await _record_end(guard, request, session, camera.name, began)


async def _video(guard: Guard, socket: WebSocket, session: Session, camera: Camera) -> None:
    """Sends video until the viewer leaves, is logged out, or is stuck."""
    await _record(guard, socket, session, "watch", camera.name)
    began, viewer = time.monotonic(), camera.feed.open("video")
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_until_gone, socket, tasks.cancel_scope)
            tasks.start_soon(_send_video, guard, socket, viewer, tasks.cancel_scope)
    finally:
        camera.feed.leave(viewer)
        with anyio.CancelScope(shield=True):
            await _record_end(guard, socket, session, camera.name, began)


async def _until_gone(socket: WebSocket, scope: anyio.CancelScope) -> None:
    """Waits for the end; what a viewer sends means nothing."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
    scope.cancel()


async def _send_video(
    guard: Guard, socket: WebSocket, viewer: ViewerQueue, scope: anyio.CancelScope
) -> None:
    head, checked = b"", time.monotonic()
    while not viewer.ended:
        message = await viewer.next(_CHECK_S)
        if time.monotonic() - checked > _CHECK_S:
            checked = time.monotonic()
            if not await anyio.to_thread.run_sync(guard.is_in, socket):
                await socket.close(_POLICY_VIOLATION, "logged out")
                break
        if message is None:
            continue
        with anyio.move_on_after(STUCK_S) as sending:
            try:
                head = await _send(socket, message, head)
            except (WebSocketDisconnect, RuntimeError):
                break
        if sending.cancelled_caught:
            break
    scope.cancel()


async def _send(socket: WebSocket, message: Message, head: bytes) -> bytes:
    """Sends a fragment, before it what the player needs for it; returns that."""
    if message.head and message.head != head:
        head = message.head
        await socket.send_json(
            {"codec": message.codec, "width": message.width, "height": message.height}
        )
        await socket.send_bytes(head)
    await socket.send_bytes(message.data)
    return head


async def _record(
    guard: Guard, connection: Request | WebSocket, session: Session, action: str, camera: str
) -> None:
    await anyio.to_thread.run_sync(
        lambda: guard.record(connection, session.user, action, camera=camera)
    )


async def _record_end(
    guard: Guard, connection: Request | WebSocket, session: Session, camera: str, began: float
) -> None:
    seconds = round(time.monotonic() - began, 1)
    await anyio.to_thread.run_sync(
        lambda: guard.record(
            connection, session.user, "watch ended", camera=camera, seconds=seconds
        )
    )
