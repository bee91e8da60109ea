"""Refusals of a page's API: one form for all of them."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel


class Problem(BaseModel):
    """Why a request was refused, in one line."""

    detail: str


def answer_errors(app: FastAPI) -> None:
    """Every refusal as ``{"detail": one line}``."""

    @app.exception_handler(RequestValidationError)
    def wrong_parameter(request: Request, error: RequestValidationError) -> JSONResponse:
        reasons = (f"{what['loc'][-1]}: {what['msg']}" for what in error.errors())
        return JSONResponse({"detail": "; ".join(reasons)}, 422)
