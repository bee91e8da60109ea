"""An ASGI app as every page here begins with it."""

from __future__ import annotations

from fastapi import FastAPI

import maskdet
from maskdet.web.page_server.refusals import answer_errors


def described_app(title: str, summary: str, description: str = "") -> FastAPI:
    """An app without routes; each refusal of it is a line of JSON.

    FastAPI's own pages about an API come from other servers; ours are `static/api.html`.

    Args:
        title: of the API's description, ``/openapi.json``.
        summary: a sentence about it.
        description: more about it, for those who write programs.
    """
    app = FastAPI(
        title=title,
        summary=summary,
        description=description,
        version=maskdet.__version__,
        docs_url=None,
        redoc_url=None,
    )
    answer_errors(app)
    return app
