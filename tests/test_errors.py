"""Errors of the system and of libraries, as a line of a message has them."""

from __future__ import annotations

import errno
import os

import pytest

from maskdet.errors import one_line, reason_of


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.mp4"), os.strerror(errno.ENOSPC)),
        (OSError("no reader\n  for it"), "no reader for it"),
        (ValueError("one\nline"), "one line"),
        (TimeoutError(), "TimeoutError"),
    ],
    ids=["of the system", "an OSError of a library", "of a library", "without a text"],
)
def test_why_something_failed_is_one_line(error: Exception, expected: str):
    assert reason_of(error) == expected


def test_a_long_text_is_cut():
    assert len(one_line(ValueError("x" * 999))) == 200
