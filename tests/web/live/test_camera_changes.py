"""Cameras are changed from the page: who may, what is logged, and the buttons in a browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.web.chromium import Browser, needs_chromium
from tests.web.live.browsing import open_page, plays
from tests.web.live.pages import PASSWORD, ScriptedControl, serving_live

pytestmark = pytest.mark.timeout(240)
CHANGES = ("pause", "resume", "restart", "remove")
NEW = {"source": "rtsp://ann:geheim@192.0.2.1/1"}


def log_of(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / "audit.jsonl").read_text().splitlines()]


def test_only_an_operator_with_the_pages_token_changes_cameras(folder: Path):
    users, control = {"vera": "viewer", "oleg": "operator"}, ScriptedControl()
    with serving_live(folder, users=users, control=control) as page:
        for name, status in (("vera", 403), ("oleg", 200)):
            with page.client() as client:
                login = client.post("/api/login", json={"name": name, "password": PASSWORD})
                token = {"X-CSRF-Token": login.json()["csrf"]}
                for action in ("pause", "resume", "restart"):
                    address = f"/api/cameras/0/{action}"
                    assert client.post(address).status_code == 403, "without the token"
                    assert client.post(address, headers=token).status_code == status
                assert client.post("/api/new-camera", json=NEW).status_code == 403
                added = client.post("/api/new-camera", json=NEW, headers=token)
                assert added.status_code == status and "geheim" not in added.text
        with page.client() as client:
            assert client.post("/api/cameras/0/pause").status_code == 401
            assert client.post("/api/new-camera", json=NEW).status_code == 401
    assert [action for _, action in control.done] == ["pause", "resume", "restart"]
    changes = [line for line in log_of(folder) if line["action"].endswith(" camera")]
    assert [line["action"] for line in changes] == [
        *("pause camera", "resume camera", "restart camera", "add camera")
    ]
    assert {line["user"] for line in changes} == {"oleg"}
    assert changes[-1]["camera"] == "rtsp://ann:***@192.0.2.1/1"
    assert "geheim" not in (folder / "audit.jsonl").read_text()


def test_what_cannot_be_done_is_one_line(folder: Path):
    with serving_live(folder, control=ScriptedControl()) as page, page.client() as client:
        token = {"X-CSRF-Token": client.get("/api/session").json()["csrf"]}
        for action in CHANGES:
            gone = client.post(f"/api/cameras/7/{action}", headers=token)
            assert (gone.status_code, gone.json()["detail"]) == (404, "there is no camera 7")
        last = client.post("/api/cameras/0/remove", headers=token)
        assert (last.status_code, last.json()["detail"]) == (409, "door is the only camera")
        file = client.post("/api/new-camera", json={"source": "/etc/passwd"}, headers=token)
        assert file.status_code == 422 and "only cameras" in file.json()["detail"]
        assert client.post("/api/new-camera", json={}, headers=token).status_code == 422
    assert "add camera" not in (folder / "audit.jsonl").read_text()


def test_nothing_is_changed_where_the_audit_log_cannot_be_written(folder: Path):
    control = ScriptedControl()
    with serving_live(folder, control=control) as page, page.client() as client:
        token = {"X-CSRF-Token": client.get("/api/session").json()["csrf"]}
        (folder / "audit.jsonl").unlink()
        (folder / "audit.jsonl").mkdir()
        assert client.post("/api/cameras/0/pause", headers=token).status_code == 503
        assert client.post("/api/new-camera", json=NEW, headers=token).status_code == 503
    assert control.done == [] and len(control.cameras) == 1


@needs_chromium
@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "dark"), pytest.param(1280, "light", marks=pytest.mark.slow)]
)
def test_the_buttons_by_keyboard(browser: Browser, folder: Path, width: int, scheme: str):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    control = ScriptedControl()
    with (
        serving_live(folder, names=("door", "gate"), control=control) as page,
        page.running(10, "door", "gate"),
    ):
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        open_page(browser, page)
        browser.be_wide(width)
        plays(browser)
        tab_to(browser, "Pause door")
        press(browser, Keys.ENTER)
        browser.until(lambda: browser.text(".cover") == "Paused.")
        assert browser.text("#connection") == "Live, 2 cameras, 1 paused"
        assert focused(browser) == "Resume door", "the keyboard stays where it is"
        browser.until(lambda: page.hub.cameras[0].feed.viewers == 0)
        black = "return getComputedStyle(document.querySelector('.cover')).backgroundColor"
        assert browser.js(black) == "rgb(0, 0, 0)", "the last picture is not shown"
        assert browser.js("return document.documentElement.scrollWidth - innerWidth") <= 0
        small = [b.text for b in browser.all(".changes button") if b.size["height"] < 43]
        assert not small
        press(browser, Keys.ENTER)
        browser.until(lambda: not browser.find(".cover").is_displayed())
        plays(browser)
        tab_to(browser, "Restart door")
        press(browser, Keys.SPACE)
        browser.until(lambda: len(control.done) == 3)
        assert control.done == [("door", "pause"), ("door", "resume"), ("door", "restart")]
        assert not browser.complaints()
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@needs_chromium
def test_a_viewer_and_a_file_have_no_buttons(browser: Browser, folder: Path):
    users, control = {"vera": "viewer"}, ScriptedControl()
    with serving_live(folder, users=users, control=control) as page, page.running(10):
        open_page(browser, page, ready="#login:not([hidden])")
        browser.find("#name").send_keys("vera")
        browser.find("#password").send_keys(PASSWORD, Keys.ENTER)
        browser.until(lambda: browser.text("#user") == "vera, viewer")
        browser.until(lambda: browser.all(".camera"))
        assert not [b for b in browser.all(".changes button") if b.is_displayed()]
    with serving_live(folder, names=("film",)) as page, page.running(10, "film"):
        open_page(browser, page)
        browser.until(lambda: browser.text(".rates"))
        assert not [b for b in browser.all(".changes button") if b.is_displayed()]


def focused(browser: Browser) -> str:
    return str(browser.js("return document.activeElement.getAttribute('aria-label')"))


def press(browser: Browser, key: str) -> None:
    ActionChains(browser.driver).send_keys(key).perform()


def tab_to(browser: Browser, label: str) -> None:
    for _ in range(40):
        press(browser, Keys.TAB)
        if focused(browser) == label:
            return
    pytest.fail(f"{label} is not reached by Tab")
