"""The live page in a real browser: picture, alarms, logins, cameras and servers that go away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from maskdet.web.live.server import LiveServer
from tests.web.chromium import Browser, needs_chromium
from tests.web.live.browsing import alarms_of, happened, open_page, plays
from tests.web.live.pages import (
    PASSWORD,
    ScriptedAlarms,
    alarm,
    answer,
    serving_live,
)

pytestmark = [needs_chromium, pytest.mark.timeout(240)]

REPORT = "<style>p { color: rgb(1, 2, 3) }</style><p>12 people</p><script>document.title=1</script>"


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        *((390, "dark"), (1280, "light")),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in ((390, "light"), (1280, "dark"))),
    ],
)
def test_it_fits_and_can_be_read(browser: Browser, folder: Path, width: int, scheme: str):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    with (
        serving_live(
            folder, names=("door", "a long name of a gate " * 4), alarms=alarms_of(folder)
        ) as page,
        page.running(10, "door"),
    ):
        page.cameras[1] = answer(1, page.cameras[1].name, signal="no signal", reason="refused")
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        page.notices.append("the TLS certificate /etc/a-long-folder/cert.pem expires in 4 days")
        open_page(browser, page)
        browser.until(lambda: "expires in 4 days" in browser.text("#notices"))
        browser.be_wide(width)
        browser.until(lambda: browser.all("#alarm-list .card img"))
        overflow = "return document.documentElement.scrollWidth - innerWidth"
        assert browser.js(overflow) <= 0
        page.see(events=[happened("appeared"), happened("gone", duration=3725.0)])
        browser.until(lambda: browser.all("#event-list tr"))
        table = "const t = document.querySelector('.scroll'); return t.scrollWidth - t.clientWidth"
        assert browser.js(table) <= 0
        ground = browser.js("return getComputedStyle(document.body).backgroundColor")
        ink = browser.js("return getComputedStyle(document.body).color")
        dark = sum(int(v) for v in ground[4:-1].split(",")) < 128 * 3
        assert dark == (scheme == "dark") and contrast(ground, ink) > 7
        small = [
            one.text
            for one in browser.all("button, .button, select, input")
            if one.is_displayed() and one.size["height"] < 43
        ]
        assert not small  # as large as a finger
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def contrast(one: str, other: str) -> float:
    """WCAG's ratio of two colors as a browser names them."""

    def light(color: str) -> float:
        parts = np.array([float(v) for v in color[4:-1].split(",")]) / 255
        linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def press(browser: Browser, key: str, times: int = 1) -> None:
    for _ in range(times):
        ActionChains(browser.driver).send_keys(key).perform()


def tab_to(browser: Browser, label: str) -> None:
    """Goes on with the Tab key until that is reached."""
    focused = (
        "const one = document.activeElement;"
        "return one.getAttribute('aria-label') ?? one.id ?? one.textContent"
    )
    for _ in range(60):
        press(browser, Keys.TAB)
        if label in (browser.js(focused) or ""):
            return
    pytest.fail(f"{label} is not reached by Tab")


def test_alarms_are_acknowledged_and_snoozed_by_keyboard(browser: Browser, folder: Path):
    alarms = alarms_of(folder)
    with serving_live(folder, alarms=alarms) as page, page.running(5):
        open_page(browser, page)
        browser.until(lambda: browser.text("#new") == "1" and browser.all("#alarm-list .card"))
        loaded = "return document.querySelector('#alarm-list img').naturalWidth"
        browser.find("#alarm-list img").location_once_scrolled_into_view  # noqa: B018
        browser.until(lambda: browser.js(loaded) == 160)
        tab_to(browser, "Acknowledge: no mask")
        press(browser, Keys.ENTER)
        browser.until(lambda: browser.text("#new") == "0")
        assert alarms.kept["a1"].acknowledged is not None
        assert browser.driver.title == "maskdet live"
        browser.find("#rule").send_keys("too many")
        browser.find("#snooze button").send_keys(Keys.ENTER)
        browser.until(lambda: "too many: snoozed until" in browser.text("#snoozed"))
        assert not browser.complaints()


def test_a_new_alarm_comes_up(browser: Browser, folder: Path):
    alarms = ScriptedAlarms()
    with serving_live(folder, alarms=alarms) as page:
        open_page(browser, page)
        browser.until(lambda: browser.text("#alarm-list") == "No alarm so far.")
        alarms.kept["a9"] = alarm("a9", title="no mask: person 9")
        alarms.version += 1
        browser.until(lambda: "no mask: person 9" in browser.text("#alarm-list"))
        assert browser.driver.title == "(1) maskdet live"
        alarms.kept["a9"] = replace(alarms.kept["a9"], cleared=time.time())
        alarms.version += 1
        browser.until(lambda: "going on" not in browser.text("#alarm-list"))


def test_clips_are_played_in_place_and_deleted(browser: Browser, folder: Path):
    alarms = alarms_of(folder)
    with serving_live(folder, alarms=alarms) as page:
        open_page(browser, page)
        browser.until(lambda: browser.all("#clip-list .grow"))
        played = "return document.querySelector('.played')?.currentTime > 0.2"
        for button in ("#clip-list .grow", "#alarm-list .card button"):
            browser.find(button).click()
            browser.until(lambda: browser.js(played))
            alarms.kept["a3"] = alarm("a3", title="while it plays")
            alarms.version += 1
            assert browser.js(played)  # it is not ended by what is new
            browser.js("document.querySelector('.played').remove()")
        browser.until(lambda: "while it plays" in browser.text("#alarm-list"))
        browser.find("#clip-list .operator").click()
        browser.driver.switch_to.alert.accept()
        browser.until(lambda: browser.text("#clip-list") == "No clip so far.")
        assert not list((folder / "clips").iterdir())
        assert not browser.complaints()


def test_the_report_keeps_its_style_and_runs_no_script(browser: Browser, folder: Path):
    asked = []

    def report(*days: str | None) -> str:
        asked.append(days)
        return REPORT

    with serving_live(folder, report=report) as page:
        open_page(browser, page)
        browser.until(lambda: browser.find("#report").is_displayed())
        browser.js("document.querySelector('#from').value = '2026-01-30'")
        browser.find("#days button").click()
        frame = browser.find("#report-page")
        browser.driver.switch_to.frame(frame)
        browser.until(lambda: browser.all("p"))
        assert browser.js("return getComputedStyle(document.querySelector('p')).color") == (
            "rgb(1, 2, 3)"
        )
        assert browser.js("return document.title") == ""
        browser.driver.switch_to.default_content()
        assert asked == [("2026-01-30", None)]


def test_logging_in_and_out(browser: Browser, folder: Path):
    users, alarms = {"vera": "viewer", "oleg": "operator"}, alarms_of(folder)
    with serving_live(folder, users=users, alarms=alarms) as page, page.running(10):
        open_page(browser, page, ready="#login:not([hidden])")
        assert not browser.find("#page").is_displayed()
        assert not browser.all(".screen video, .screen img")
        browser.find("#name").send_keys("vera")
        browser.find("#password").send_keys("not the password", Keys.ENTER)
        browser.until(lambda: browser.text("#refused") == "Wrong name or password.")
        style = "return getComputedStyle(document.querySelector('#refused'), '::first-letter')"
        assert browser.js(f"{style}.textTransform") == "uppercase"
        browser.find("#password").clear()
        browser.find("#password").send_keys(PASSWORD, Keys.ENTER)
        plays(browser)
        browser.until(lambda: browser.text("#user") == "vera, viewer")
        browser.until(lambda: browser.all("#alarm-list .card"))
        assert not [one for one in browser.all(".operator") if one.is_displayed()]
        browser.find("#logout").click()
        browser.until(lambda: browser.find("#login").is_displayed())
        browser.until(lambda: page.hub.viewers == 0)
        assert not browser.find("#page").is_displayed()
        assert not browser.all(".screen video, .screen canvas")  # nothing is left for the next one


@pytest.mark.slow
def test_a_camera_that_is_away_says_so(browser: Browser, folder: Path):
    with serving_live(folder) as page, page.running():
        open_page(browser, page)
        plays(browser)
        assert not browser.find(".cover").is_displayed()
        gone = {"signal": "no signal", "reason": "connection refused", "silent_s": 12.3}
        page.cameras[0] = answer(0, "door", **gone)
        browser.until(lambda: browser.find(".cover").is_displayed())
        assert browser.text(".cover") == "NO SIGNAL: connection refused, for 12 s"
        assert browser.text("#connection") == "1 of 1 cameras without signal"
        page.cameras[0] = answer(0, "door", recording_failed=True)
        browser.until(lambda: not browser.find(".cover").is_displayed())
        plays(browser)
        assert "NOT RECORDED: the monitor's log has the reason" in browser.text(".rates")


@pytest.mark.slow
def test_a_monitor_that_is_away_is_waited_for(browser: Browser, folder: Path):
    """It ends, and another one begins at the same address."""
    with serving_live(folder) as page:
        with page.running():
            open_page(browser, page)
            plays(browser)
        port = int(page.url.rpartition(":")[2])
        page.hub.close()
        page.server.stop()
        browser.until(lambda: "does not answer" in browser.text("#connection"))
        assert browser.text(".cover") == "The monitor does not answer."
        with restarted(folder, port):
            plays(browser)
            browser.until(lambda: browser.text("#connection") == "Live, 1 camera")
            assert not browser.find(".cover").is_displayed()


@contextmanager
def restarted(folder: Path, port: int) -> Iterator[None]:
    """Another page at that port."""
    original = LiveServer.__init__

    def at_port(self: LiveServer, host: str, _: int, **options: Any) -> None:
        original(self, host, port, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LiveServer, "__init__", at_port)
        with serving_live(folder) as page, page.running():
            yield
