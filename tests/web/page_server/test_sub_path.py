"""The page below a path behind a reverse proxy."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from maskdet.errors import ConfigError
from maskdet.web.page_server.sub_path import checked_root_path
from tests.web.proxy import proxying
from tests.web.servers import Command, encoded, serving_app

PNG = encoded(".png")
PREFIX = {"X-Forwarded-Prefix": "/mask"}


def get(url: str, **options: object) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=30, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("root_path", "strips", "headers"),
    [
        ("", True, PREFIX),
        ("", True, {"X-Forwarded-Prefix": "/mask/"}),
        ("", False, PREFIX),
        ("/mask", True, {}),
        ("/mask", False, {}),
        ("", True, {}),  # not configured, and all that the page loads works nevertheless
    ],
)
def test_everything_is_found_below_a_path(root_path: str, strips: bool, headers: dict[str, str]):
    with (
        serving_app(root_path=root_path) as client,
        proxying(str(client.base_url), strips=strips, headers=headers) as page,
    ):
        for path in ("/", "/docs", "/openapi.json", "/api/about", "/healthz", "/metrics"):
            assert get(page + path).status_code == 200, path
        for path in ("/static/page.css", "/static/page.js", "/static/icon.svg"):
            assert get(page + path).status_code == 200, path
        sent = {"f": ("a.png", PNG)}
        answer = httpx.post(
            f"{page}/api/detect", files=sent, headers={"Origin": origin(page)}, trust_env=False
        )
        assert answer.status_code == 200, answer.text
        if headers or root_path:
            assert get(f"{page}/openapi.json").json()["servers"] == [{"url": "/mask"}]
            location = get(f"{page}/docs/").headers["location"]
            assert urljoin(f"{page}/docs/", location) == f"{page}/docs"
        if strips:
            metrics = client.get("/metrics").text
            assert 'maskdet_requests_total{path="/api/detect",status="200"} 1.0' in metrics


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def test_a_path_named_as_one_of_ours_works_where_the_proxy_removes_it():
    with (
        serving_app() as client,
        proxying(str(client.base_url), "/api", headers={"X-Forwarded-Prefix": "/api"}) as page,
    ):
        assert get(f"{page}/api/about").status_code == 200
        assert get(f"{page}/static/page.css").status_code == 200


def test_a_redirect_stays_on_https():
    with serving_app() as client:
        sent = {**PREFIX, "X-Forwarded-Proto": "https", "Host": "localhost"}
        assert client.get("/docs/", headers=sent).headers["location"] == (
            "https://localhost/mask/docs"
        )


def test_two_proxies_add_up():
    with serving_app() as client:
        answer = client.get("/openapi.json", headers={"X-Forwarded-Prefix": "/site, /mask/"})
    assert answer.json()["servers"] == [{"url": "/site/mask"}]


@pytest.mark.parametrize(
    "sent", ["//evil.example", "/../x", "/a b", "http://x", "/\"'", "/x" * 999]
)
def test_what_is_no_path_is_not_believed(sent: str):
    with serving_app() as client:
        answer = client.get("/openapi.json", headers={"X-Forwarded-Prefix": sent})
        assert answer.status_code == 200 and "servers" not in answer.json()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000"])
def test_a_proxy_that_names_itself_as_host_is_no_other_site(host: str):
    """Nginx does so unless it is configured otherwise."""
    origin = {"Origin": "https://cams.example", "Host": host}
    with serving_app(names=["cams.example"], origins=["cams.example"]) as client:
        assert client.post("/api/detect", content=PNG, headers=origin).status_code == 200
    with serving_app() as client:
        refused = client.post("/api/detect", content=PNG, headers=origin)
        assert refused.status_code == 403 and "--allow-host" in refused.json()["detail"]
        forwarded = {**origin, "X-Forwarded-Host": "cams.example"}
        assert client.post("/api/detect", content=PNG, headers=forwarded).status_code == 200
        other = {**forwarded, "Origin": "https://evil.example"}
        assert client.post("/api/detect", content=PNG, headers=other).status_code == 403


def test_the_option_is_a_path():
    assert [checked_root_path(p) for p in ("", "/", "mask", "/mask/", "/a/b")] == [
        *("", "", "/mask", "/mask", "/a/b")
    ]
    for wrong in ("http://x", "/a b", "/../x"):
        with pytest.raises(ConfigError, match="--root-path"):
            checked_root_path(wrong)


def test_the_command_works_below_a_path(page: Command):
    with proxying(page.url, headers=PREFIX) as address:
        assert get(f"{address}/").status_code == get(f"{address}/docs").status_code == 200
