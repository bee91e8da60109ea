"""Answers of the API, and to the pictures it is given, under fuzzers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from maskdet.web.image_codec import decode
from tests.web.servers import ROOT, Command, encoded


@pytest.mark.timeout(300)
def test_the_api_keeps_what_its_description_says(page: Command, tmp_path: Path):
    """Schemathesis, with all its checks, against the real server."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{page.url}/openapi.json"),
            *("--max-examples", "15", "--seed", "1", "--phases", "examples,coverage,fuzzing"),
            *("--mode", "all", "--request-timeout", "60", "--no-color"),
        ],
        cwd=tmp_path,  # it leaves its examples where it runs
        env=os.environ
        | {"SCHEMATHESIS_HOOKS": "tests.web.fuzz_hooks", "PYTHONPATH": str(ROOT), "CI": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "5 passed" in done.stdout
    with page.client() as client:
        assert client.get("/healthz").json() == {"status": "ok"}


@settings(max_examples=150)
@given(st.sampled_from([".png", ".jpg", ".webp"]), st.data())
def test_damaged_pictures_are_refused_or_read_and_nothing_else(suffix: str, data: st.DataObject):
    whole = encoded(suffix, 40, 30)
    kept = data.draw(st.integers(0, len(whole)))
    harmed = bytearray(whole[: kept if data.draw(st.booleans()) else len(whole)])
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=4)):
        if at < len(harmed):
            harmed[at] = data.draw(st.integers(0, 255))
    try:
        (image, _), _ = decode(bytes(harmed), "x", 1_000_000)
    except HTTPException as refused:
        assert refused.status_code in (400, 413, 415) and refused.detail.startswith("x: ")
    else:
        assert image.dtype == np.uint8 and image.ndim == 3
