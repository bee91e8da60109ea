"""The page of a cluster: its answers, and what a browser shows of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.web.chromium import Browser, needs_chromium
from tests.web.cluster.pages import camera, node, serving_cluster, table
from tests.web.live.pages import PASSWORD

LOST = {"state": "waiting for a machine", "people": None}
WHY = "gate is down, or behind a cut link, where it may run unseen"
LONG = "a long name of a gate " * 3


def full() -> dict[str, Any]:
    return table(
        node("office", page="http://127.0.0.1:8001/"),
        node("hall", page="http://10.0.0.6:8001/", problem="ended with status 1: disk full"),
        node("gate", state="down", cameras=0, load_cores=None, machine_share=None,
             report_age_s=75.0, page="http://127.0.0.1:8001/"),
        node("spare", state="drained", cameras=0),
        camera("door", "office"),
        camera(LONG, "hall", state="no signal", age_s=31.0, people=None),
        camera("stairs", None, state="waiting for a machine", age_s=None, capture_fps=None,
               detect_fps=None, processed=None, people=None, problem=WHY),
    )  # fmt: skip


def test_the_answer_has_all_machines_and_cameras_and_no_process_numbers(tmp_path: Path):
    with serving_cluster(tmp_path) as page, page.client() as client:
        empty = client.get("/api/cluster").json()
        assert empty["as_of"] is None and empty["nodes"] == [] and empty["problem"] == ""
        page.table = full()
        answer = client.get("/api/cluster").json()
        assert [one["name"] for one in answer["nodes"]] == ["office", "hall", "gate", "spare"]
        door, lost, waiting = answer["cameras"]
        assert door["people"]["without_mask"] == 1 and door["node"] == "office"
        assert lost["state"] == "no signal" and waiting["node"] is None
        assert "471" not in client.get("/api/cluster").text  # no number of a process
        page.table = {**full(), "time": answer["as_of"], "problem": "the placement's own"}
        assert client.get("/api/cluster").json()["problem"] == "the placement's own"
        page.problem = "no cluster answers at 127.0.0.1:1; start it: maskdet cluster up"
        late = client.get("/api/cluster").json()
        assert late["problem"] == page.problem and late["as_of"] == answer["as_of"]
        assert late["cameras"] == answer["cameras"]
        assert client.get("/healthz").status_code == 200
        paths = client.get("/openapi.json").json()["paths"]
        assert {"/api/cluster", "/api/session", "/api/login", "/api/logout"} <= set(paths)


def test_a_stranger_sees_nothing_but_the_form(tmp_path: Path):
    with serving_cluster(tmp_path, users={"anna": "viewer"}) as page, page.client() as client:
        page.table = full()
        refused = client.get("/api/cluster")
        assert refused.status_code == 401 and "office" not in refused.text
        assert "office" not in client.get("/").text
        assert client.get("/api/cluster", auth=("anna", PASSWORD)).status_code == 200
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 421


@needs_chromium
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_it_fits_and_names_what_is_wrong(browser: Browser, tmp_path: Path, width: int, scheme: str):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    with serving_cluster(tmp_path) as page:
        page.table = full()
        browser.open(page.url + "/")
        browser.be_wide(width)
        browser.until(lambda: browser.all("#camera-list tr"))
        assert browser.js("return document.documentElement.scrollWidth - innerWidth") <= 0
        assert browser.text("#machines-up") == "3 of 4"
        assert browser.text("#cameras-running") == "1 of 3"
        assert browser.text("#now") == "2"
        assert "disk full" in browser.text("#machines li:nth-child(2)")
        assert "last report 75 s ago" in browser.text("#machines li:nth-child(3)")
        links = [one.get_attribute("href") for one in browser.all("#machines a[href]")]
        assert links == ["http://127.0.0.1:8001/", "http://10.0.0.6:8001/"]
        alone = browser.text("#machines li:nth-child(3)")
        assert "open on that machine alone" in alone  # its loopback is not this machine's
        (lost,) = [one for one in browser.all("#camera-list tr") if LONG.strip() in one.text]

        def is_shown() -> bool:
            page.table = full()  # a placement reports all the time; a slow browser comes later
            return "no signal" in lost.text and "31 s ago" in lost.text

        browser.until(is_shown)
        assert WHY in browser.text("#camera-list")
        small = [
            one.text
            for one in browser.all('button, .button, input[type="search"], label.row, td a[href]')
            if one.is_displayed() and one.size["height"] < 43
        ]
        assert not small  # as large as a finger
        assert not browser.complaints()
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@needs_chromium
def test_it_goes_on_as_machines_cameras_and_the_cluster_come_and_go(
    browser: Browser, tmp_path: Path
):
    with serving_cluster(tmp_path) as page:
        browser.open(page.url + "/")
        browser.until(lambda: "Waiting for the first report" in browser.text("#connection"))
        page.table = full()
        browser.until(lambda: browser.text("#cameras-running") == "1 of 3")
        page.table = table(node("office"), camera("stairs", "office"), camera("door", "office"))
        browser.until(lambda: browser.text("#cameras-running") == "2 of 2")
        names = [one.text for one in browser.all("#camera-list th")]
        assert names == ["stairs", "door"]
        browser.find("#filter").send_keys("STAIRS")
        browser.until(lambda: browser.text("#shown") == "1 of 2")
        assert [one.text for one in browser.all("#camera-list th") if one.text] == ["stairs"]
        browser.find("#filter").send_keys(Keys.CONTROL, "a", Keys.DELETE)
        browser.find("#only-lost").click()
        browser.until(lambda: browser.text("#shown") == "0 of 2")
        page.table = table(node("office"), camera("stairs", "office"), camera("door", None, **LOST))
        browser.until(lambda: browser.text("#shown") == "1 of 2")
        assert [one.text for one in browser.all("#camera-list th") if one.text] == ["door"]
        browser.find("#only-lost").click()
        page.table = table(node("office"))
        browser.until(lambda: "has no cameras" in browser.text("#no-cameras"))
        assert not browser.find("#filter").is_displayed()
        page.table = table(node("office"), camera("stairs", "office"))
        browser.until(lambda: browser.find("#filter").is_displayed())
        page.problem = "no cluster answers at 127.0.0.1:1; start it: maskdet cluster up"
        page.table = {**page.table, "time": time.time() - 60}
        browser.until(lambda: "ago." in browser.text("#connection"))
        assert browser.text("#problem") == page.problem
        assert browser.text("#connection").startswith("Values are from ")

        def is_a_minute_old() -> bool:
            page.table = {**page.table, "time": time.time() - 60}  # however slow the browser is
            return "60 s ago" in browser.text("#camera-list tr")

        browser.until(is_a_minute_old)
        page.problem, page.table["time"] = "", time.time() + 1
        browser.until(lambda: browser.text("#connection").startswith("Live, as of"))
    browser.until(lambda: "does not answer" in browser.text("#connection"))
    assert "Values are from" in browser.text("#connection")


@needs_chromium
def test_who_logs_in_sees_it_and_who_logs_out_does_not(browser: Browser, tmp_path: Path):
    with serving_cluster(tmp_path, users={"anna": "viewer"}) as page:
        page.table = full()
        browser.driver.delete_all_cookies()
        browser.open(page.url + "/")
        browser.until(lambda: browser.find("#login").is_displayed())
        browser.find("#name").send_keys("anna")
        browser.find("#password").send_keys("wrong", Keys.ENTER)
        browser.until(lambda: browser.text("#refused") == "Wrong name or password.")
        browser.find("#password").clear()
        browser.find("#password").send_keys(PASSWORD, Keys.ENTER)
        browser.until(lambda: browser.all("#machines li"))
        assert browser.text("#user") == "anna, viewer"
        browser.find("#logout").click()
        browser.until(lambda: browser.find("#login").is_displayed())
        assert not browser.find("#page").is_displayed()
