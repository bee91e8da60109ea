"""Texts of settings that have to look some way; a mistake is named in words."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field


def _require_one_line(text: str) -> str:
    """Refuses what a line of a log or an image cannot show; joiners of scripts may be there."""
    if not text.strip() or any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in text):
        raise ValueError("expected a line of visible text, without line breaks, tabs and the like")
    return text


OneLine = Annotated[str, Field(min_length=1), AfterValidator(_require_one_line)]
"""A name that users see in logs, images and reports."""


def matching(pattern: str, words: str) -> AfterValidator:
    """A validator of texts by a pattern.

    Args:
        pattern: a regular expression for the whole text.
        words: what it asks for, behind "expected".
    """

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(f"expected {words}")
        return text

    return AfterValidator(check)
