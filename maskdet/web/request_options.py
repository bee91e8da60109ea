"""Options of a request, from its address or from text fields of its form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from starlette.exceptions import HTTPException

MIN_SCORE_LIMIT = 0.05
"""The detector gives the faces down to this score; a request chooses among them."""

_MIN_SCORE = "Lowest score of a face that is shown; default: the model's own, for each state."
_BLUR = "Faces become a coarse mosaic in the annotated picture."
_SWITCH = ("true", "false")
_SCORE = {"type": "number", "minimum": MIN_SCORE_LIMIT, "maximum": 1.0}

MinScore = Annotated[
    float | None,
    WithJsonSchema(_SCORE),  # an address cannot hold null
    Query(ge=MIN_SCORE_LIMIT, le=1.0, description=_MIN_SCORE),
]
Blur = Annotated[bool, Query(description=_BLUR)]


class RequestOptions(BaseModel):
    """Options of a request.

    Attributes:
        min_score: lowest score of a face that is shown; None: the model's own.
        blur: faces become a coarse mosaic in the annotated picture.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_score: Annotated[float | None, Field(ge=MIN_SCORE_LIMIT, le=1.0)] = None
    blur: bool = False


def form_properties() -> dict[str, object]:
    """The form's text fields, for the API's description."""
    return {
        "min_score": {**_SCORE, "description": _MIN_SCORE},
        "blur": {"type": "string", "enum": list(_SWITCH), "description": _BLUR},
    }


def with_fields(options: RequestOptions, fields: Mapping[str, str]) -> RequestOptions:
    """The options of a request's address, changed by its form.

    Raises:
        RequestValidationError: a field has a wrong value.
        HTTPException: 422 there is no such field.
    """
    known = RequestOptions.model_fields
    if unknown := [name for name in fields if name not in known]:
        raise HTTPException(
            422, f"unknown field {unknown[0]!r:.60} in the form; fields are {' and '.join(known)}"
        )
    if fields.get("blur", "true") not in _SWITCH:
        raise HTTPException(422, "blur: write true or false")
    try:
        return RequestOptions.model_validate({**options.model_dump(), **fields})
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None
