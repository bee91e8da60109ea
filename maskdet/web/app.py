"""The page's routes and the API's, documented by ``/openapi.json``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import anyio
from anyio import CapacityLimiter
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

import maskdet
from maskdet.contracts import Detector
from maskdet.model.decision import DecisionRule
from maskdet.web.batcher import Batcher, run_each
from maskdet.web.page_server.described_app import described_app
from maskdet.web.page_server.public_address import PublicAddress
from maskdet.web.page_server.refusals import Problem
from maskdet.web.page_server.security import Gate
from maskdet.web.page_server.sub_path import SubPath
from maskdet.web.processing import Annotated, ImageProcessor, ProcessedImage
from maskdet.web.request_limits import Limits
from maskdet.web.request_options import (
    Blur,
    MinScore,
    RequestOptions,
    form_properties,
    with_fields,
)
from maskdet.web.responses import Images, attachment, image_of, zip_of
from maskdet.web.server_metrics import CONTENT_TYPE, RequestCounter, ServerMetrics
from maskdet.web.uploads import check_pixels, read_uploads

STATIC = Path(__file__).with_name("static")
Process = Callable[[Request, Annotated, RequestOptions], Awaitable[list[ProcessedImage]]]
"""Processes the pictures of a request."""
_WORKER_THREADS = 8  # that decode, draw and encode: the largest batch the detector can get
_FILE = {"type": "string", "format": "binary"}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "Pictures as files of a form, under any name; or one picture as the body.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "pictures": {"type": "array", "items": _FILE, "minItems": 1},
                        **form_properties(),
                    },
                    "required": ["pictures"],
                    "additionalProperties": False,  # but files may come under any name
                }
            },
            **{
                kind: {"schema": _FILE}
                for kind in (
                    *("image/png", "image/jpeg", "image/webp", "image/heic", "image/avif"),
                    "application/octet-stream",
                )
            },
        },
    }
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The form is malformed, or a picture damaged."},
    403: {"model": Problem, "description": "Sent by a page of another site."},
    408: {"model": Problem, "description": "The request came too slowly."},
    413: {"model": Problem, "description": "Too many bytes, pixels or pictures."},
    415: {"model": Problem, "description": "Not a PNG, JPEG, WebP, HEIC or AVIF picture."},
    422: {"model": Problem, "description": "No picture, or a wrong parameter."},
    500: {"model": Problem, "description": "The detector failed."},
}
_ATTACHMENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One picture: the annotated picture. Several: a zip of them and boxes.json.",
        "headers": {"Content-Disposition": {"schema": {"type": "string"}}},
        "content": {
            kind: {"schema": _FILE}
            for kind in ("image/png", "image/jpeg", "image/webp", "application/zip")
        },
    }
}
_METRICS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Text.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


class About(BaseModel):
    """The detector of this server, and its limits."""

    version: str
    model: str
    device: str
    max_bytes: int
    max_pixels: int
    max_pictures: int
    min_scores: dict[str, float]

    @classmethod
    def of(cls, detector: Detector, rule: DecisionRule, limits: Limits) -> Self:
        """Describes a server.

        Args:
            detector: behind it.
            rule: decides which faces are shown, where a request does not.
            limits: of a request.
        """
        return cls(
            version=maskdet.__version__,
            model=detector.name,
            device=detector.device,
            max_bytes=limits.bytes,
            max_pixels=limits.pixels,
            max_pictures=limits.images,
            min_scores=rule.limits,
        )


class Health(BaseModel):
    """Whether pictures are answered."""

    status: Literal["ok", "detector stopped"]


def create_app(
    processor: ImageProcessor,
    batcher: Batcher,
    metrics: ServerMetrics,
    *,
    about: About,
    limits: Limits,
    address: PublicAddress,
) -> FastAPI:
    """The whole server as an ASGI app.

    Args:
        processor: looks at uploads.
        batcher: behind it; asked for its health.
        metrics: what is counted.
        about: the detector, as a visitor may know it.
        limits: of a request.
        address: names and path by which browsers ask for it.
    """
    app = described_app(
        "maskdet",
        "Who on a picture wears a face mask correctly.",
        "Nothing that is sent is stored.",
    )
    _answer_those_who_left(app)
    _add_pages(app)
    _add_api(app, _limited(processor, metrics, limits))
    _add_state(app, about, batcher, metrics)
    app.add_middleware(Gate, names=address.names, origins=address.origins)
    paths = {
        path for route in app.routes if (path := getattr(route, "path", "/static")) != "/static"
    }
    app.add_middleware(RequestCounter, metrics=metrics, paths=frozenset(paths))
    own_paths = frozenset(f"/{path.split('/')[1]}" for path in (*paths, "/static"))
    app.add_middleware(SubPath, root_path=address.root_path, own_paths=own_paths)
    return app


def _add_pages(app: FastAPI) -> None:
    """The page, and the API's description for people."""

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/docs", include_in_schema=False)
    def docs() -> FileResponse:
        return FileResponse(STATIC / "api.html")

    app.mount("/static", StaticFiles(directory=STATIC))


def _add_api(app: FastAPI, process: Process) -> None:
    """Pictures in, answers out."""

    @app.post(
        "/api/detect",
        responses=_PROBLEMS,
        openapi_extra=_BODY,
        response_model_exclude_none=True,
    )
    async def detect(
        request: Request,
        annotated: Annotated = "none",
        min_score: MinScore = None,
        blur: Blur = False,
    ) -> Images:
        """Boxes, scores and states of each picture; the annotated pictures too, if wanted."""
        options = RequestOptions(min_score=min_score, blur=blur)
        return Images(
            images=[image_of(seen) for seen in await process(request, annotated, options)]
        )

    @app.post(
        "/api/annotate",
        responses=_PROBLEMS | _ATTACHMENT,
        openapi_extra=_BODY,
        response_class=Response,
    )
    async def annotate(
        request: Request,
        kind: Literal["png", "same"] = "png",
        min_score: MinScore = None,
        blur: Blur = False,
    ) -> Response:
        """The annotated picture as an attachment: a PNG, or the same kind of file as sent.

        HEIC and AVIF pictures come back as JPEG, which every program shows.
        """
        seen = await process(request, kind, RequestOptions(min_score=min_score, blur=blur))
        if len(seen) == 1:
            headers = attachment(seen[0].annotated_name)
            return Response(seen[0].annotated, 200, headers, seen[0].kind.media_type)
        content = await anyio.to_thread.run_sync(zip_of, seen)
        return Response(content, 200, attachment("annotated.zip"), "application/zip")


def _limited(processor: ImageProcessor, metrics: ServerMetrics, limits: Limits) -> Process:
    """Processing of one request: so many at a time, counted, each within its limits."""
    in_memory = CapacityLimiter(limits.requests)
    threads = CapacityLimiter(_WORKER_THREADS)

    async def process(
        request: Request, annotated: Annotated, options: RequestOptions
    ) -> list[ProcessedImage]:
        async with in_memory:
            uploads, fields = await read_uploads(request, limits)
            await anyio.to_thread.run_sync(check_pixels, uploads, limits)
            wanted = with_fields(options, fields)
            process_upload = partial(processor.process, annotated=annotated, options=wanted)
            seen = await run_each(process_upload, uploads, threads)
        for one in seen:
            metrics.image(one.detections)
        return seen

    return process


def _add_state(app: FastAPI, about: About, batcher: Batcher, metrics: ServerMetrics) -> None:
    """Adds the routes by which others ask about this server."""

    @app.get("/api/about")
    def describe() -> About:
        """The model, and the limits of a request."""
        return about

    @app.get("/healthz", responses={503: {"model": Health, "description": "Start it again."}})
    def healthz(response: Response) -> Health:
        """Whether pictures are answered."""
        if batcher.is_alive:
            return Health(status="ok")
        response.status_code = 503
        return Health(status="detector stopped")

    @app.get("/metrics", response_class=Response, responses=_METRICS)
    def scrape() -> Response:
        """Counters in Prometheus' text format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)


def _answer_those_who_left(app: FastAPI) -> None:
    """A client that does not wait for its answer is not a fault of ours."""

    @app.exception_handler(ClientDisconnect)
    def gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=499)  # nobody reads it; the terminal is spared a traceback
