"""Answers of the live page's API to a fuzzer."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.web.live.pages import PASSWORD
from tests.web.servers import ROOT

LOGIN = base64.b64encode(f"oleg:{PASSWORD}".encode()).decode()


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.web.live.api.fuzz_target", str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stdin and process.stderr
        try:
            yield process.stdout.readline().strip()
            process.stdin.close()
            assert (process.stderr.read(), process.wait(30)) == ("", 0)  # and no traceback
        finally:
            process.kill()


@pytest.mark.timeout(600)
def test_the_api_keeps_what_its_description_says(url: str, tmp_path: Path):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"),
            *("--max-examples", "10", "--seed", "1", "--mode", "all"),
            *("--phases", "examples,coverage,fuzzing", "--request-timeout", "20", "--no-color"),
            *("--header", f"Authorization: Basic {LOGIN}"),
            *("--exclude-path", "/api/cameras/{camera}/mjpeg"),
            *("--exclude-path", "/api/login"),  # wrong passwords would lock its own out
        ],
        cwd=tmp_path,
        env=os.environ
        | {
            "SCHEMATHESIS_HOOKS": "tests.web.live.api.fuzz_hooks",
            "PYTHONPATH": str(ROOT),
            "CI": "1",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "25 passed" in done.stdout, done.stdout[-800:]
    assert httpx.get(f"{url}/healthz", trust_env=False).json() == {"status": "ok"}
