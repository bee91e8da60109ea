"""The live page on a phone: alarms by touch, and what is refused, or answered by a proxy."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.support.select import Select

from tests.web.chromium import Browser, needs_chromium
from tests.web.live.browsing import alarms_of, open_page
from tests.web.live.pages import Page, alarm, serving_live

pytestmark = [needs_chromium, pytest.mark.timeout(240)]

IN_VIEW = (
    "const place = arguments[0].getBoundingClientRect();"
    "return place.top >= 0 && place.bottom <= innerHeight && place.right <= innerWidth"
)
FOCUSED = "return document.activeElement.dataset.place ?? document.activeElement.tagName"
LOOP = "document.addEventListener('play', (event) => { event.target.loop = true; }, true)"
"""The clip is two seconds long, and a busy machine needs longer for what is done meanwhile."""
IS_PLAYING = "return document.querySelector('.played')?.paused === false"


def press(browser: Browser, selector: str) -> None:
    """Presses what is there once it is in the middle of the screen."""

    def pressed() -> bool:
        with contextlib.suppress(StaleElementReferenceException):  # the list was written again
            browser.js("arguments[0].scrollIntoView({ block: 'center' })", browser.find(selector))
            browser.find(selector).click()
            return True
        return False

    browser.until(pressed)


def button(kind: str, alarm_id: str) -> str:
    return f"button[data-place='{kind} {alarm_id}']"


def open_on_phone(browser: Browser, page: Page) -> None:
    open_page(browser, page)
    browser.be_wide(390)
    browser.until(lambda: browser.all("#alarm-list .card"))


def test_alarms_are_acknowledged_and_snoozed_by_touch(browser: Browser, folder: Path):
    alarms = alarms_of(folder)
    clip = str(next((folder / "clips").iterdir()))
    alarms.kept["a3"] = alarm("a3", title="no mask: person 12 in a-zone-of-a-long-name", clip=clip)
    with serving_live(folder, alarms=alarms) as page:
        open_on_phone(browser, page)
        press(browser, button("acknowledge", "a1"))
        browser.until(lambda: not browser.all(button("acknowledge", "a1")))
        assert browser.js(FOCUSED) == "acknowledge a1" and alarms.kept["a1"].acknowledged
        browser.js(LOOP)
        press(browser, button("play", "a3"))
        browser.until(lambda: browser.js(IS_PLAYING))
        press(browser, button("acknowledge", "a3"))
        browser.until(lambda: not browser.all(button("acknowledge", "a3")))
        assert browser.js(FOCUSED) == "acknowledge a3" and browser.js(IS_PLAYING)
        Select(browser.find("#rule")).select_by_value("too many")
        Select(browser.find("#minutes")).select_by_value("60")
        press(browser, "#snooze button")
        browser.until(lambda: "too many: snoozed until" in browser.text("#snoozed"))
        Select(browser.find("#minutes")).select_by_value("0")
        press(browser, "#snooze button")
        browser.until(lambda: browser.text("#snoozed") == "" and not alarms.snoozes())
        assert not browser.complaints()


def test_what_is_refused_is_seen_where_it_was_pressed(browser: Browser, folder: Path):
    with serving_live(folder, alarms=alarms_of(folder)) as page:
        open_on_phone(browser, page)
        log = folder / "audit.jsonl"
        log.unlink()
        log.mkdir()
        press(browser, button("acknowledge", "a1"))
        wanted = "The audit log cannot be written; nothing was done."
        browser.until(lambda: browser.text("#refusal") == wanted)
        assert browser.js(IN_VIEW, browser.find("#refusal"))
        assert browser.find(button("acknowledge", "a1")).is_displayed()
        shutil.rmtree(log)


def test_a_server_that_fails_for_a_while_is_waited_for(
    browser: Browser, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """As a proxy answers in the place of a monitor that is being started."""

    def fail() -> Any:
        raise RuntimeError

    with serving_live(folder) as page:
        open_page(browser, page)
        with monkeypatch.context() as patch:
            patch.setattr(page.hub, "people_today", fail)
            wanted = "The monitor answered 500. Trying again …"
            browser.until(lambda: browser.text("#connection") == wanted)
        browser.until(lambda: browser.text("#connection") == "Live, 1 camera")
