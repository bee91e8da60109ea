"""Everything that the page asks for is described: other programs can do what it does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from maskdet.web.live import app
from tests.web.live.pages import serving_live

STATIC = Path(app.__file__).with_name("static")
CALL = re.compile(r"""\bask\(\s*([`"'])(?P<path>.+?)\1(?:,\s*"(?P<method>[A-Z]+)")?""")
ADDRESS = re.compile(r"""[`"'](?P<path>api/[^`"'?\s]*)""")
BASE = re.compile(r"(?:const |this\.)address = `(api/[^`]+)`")
NOT_HTTP = {"/api/cameras/{}/video"}
"""WebSockets, which OpenAPI has no words for: explained in its description."""


def template(path: str) -> str:
    """A path with each parameter as ``{}``, without a query."""
    return "/" + re.sub(r"\$?\{[^{}]*\}|(?<=/)\d+(?=/)", "{}", path.partition("?")[0])


def asked_for() -> set[tuple[str, str]]:
    """Method and path of every request that the page can make."""
    found = set()
    for file in [*STATIC.glob("*.js"), STATIC / "index.html"]:
        text = re.sub(r"encodeURIComponent\((.*?)\)", r"\1", file.read_text("utf-8"))
        base = BASE.search(text)
        if base is not None:
            text = text.replace("${address}", base[1]).replace("${this.address}", base[1])
        calls = {template(m["path"]): m["method"] or "GET" for m in CALL.finditer(text)}
        found |= {(method.lower(), path) for path, method in calls.items()}
        plain = {template(m["path"]) for m in ADDRESS.finditer(text)} - set(calls)
        found |= {("get", path) for path in plain if base is None or path != template(base[1])}
    return found


def fits(path: str, described: str) -> bool:
    """Whether a path is described; what the page puts in may be a word of the description."""
    return re.fullmatch(re.escape(path).replace(r"\{\}", "[^/]+"), described) is not None


@pytest.fixture
def description(tmp_path: Path) -> dict[str, Any]:
    with serving_live(tmp_path) as page, page.client() as client:
        return dict(client.get("/openapi.json").json())


def test_the_reader_finds_what_the_page_asks_for():
    asked = asked_for()
    assert {
        ("get", "/api/state"),
        ("post", "/api/login"),
        ("post", "/api/snooze"),
        ("get", "/api/cameras/{}/mjpeg"),
        ("get", "/api/cameras/{}/snapshot"),
        ("get", "/api/alarms/{}/image"),
        ("get", "/api/alarms/{}/clip"),
        ("post", "/api/alarms/{}/acknowledge"),
        ("post", "/api/clips/{}/delete"),
        ("post", "/api/cameras/{}/{}"),
        ("get", "/api/report"),
        ("get", "/api/export"),
    } <= asked
    assert ("get", "/api/alarms/{}") not in asked


def test_everything_that_the_page_asks_for_is_described(description: dict[str, Any]):
    described = {
        (method, re.sub(r"\{\w+\}", "{}", path))
        for path, methods in description["paths"].items()
        for method in methods
    }
    missing = {
        path
        for method, path in asked_for()
        if not any(fits(path, there) for how, there in described if how == method)
    }
    assert missing == NOT_HTTP
    assert "/api/cameras/{camera}/video" in description["info"]["description"]


def test_every_description_says_what_it_answers(description: dict[str, Any]):
    for path, methods in description["paths"].items():
        for method, about in methods.items():
            assert about.get("description"), (method, path)
            assert "200" in about["responses"], (method, path)
            assert path == "/healthz" or "401" in about["responses"], (method, path)
