"""The picture of the live page in a real browser: video, MJPEG, many cameras."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.web.chromium import Browser, needs_chromium
from tests.web.live.browsing import PLAYED, alarms_of, happened, open_page, plays
from tests.web.live.pages import serving_live

pytestmark = [needs_chromium, pytest.mark.timeout(240)]


def test_the_picture_plays_beside_what_is_seen(browser: Browser, folder: Path):
    with serving_live(folder, names=("door", "gate"), alarms=alarms_of(folder)) as page:
        page.see("door", events=[happened("crossed", place="line <b>", direction="in")])
        with page.running(15, "door", "gate"):
            open_page(browser, page)
            plays(browser)
            assert browser.text("#connection") == "Live, 2 cameras"
            assert (browser.text("#now"), browser.text("#now-states")) == ("2", "2 no mask")
            browser.until(lambda: browser.all("#event-list tr"))
            row = browser.text("#event-list tr")
            assert "door 3 crossed line <b> in no mask" in row
            late = browser.js(
                "const v = document.querySelector('.screen video');"
                "return v.buffered.end(v.buffered.length - 1) - v.currentTime"
            )
            assert late < 1.2
            assert page.hub.viewers == 2
            browser.driver.get("about:blank")
            browser.until(lambda: page.hub.viewers == 0)  # nobody watches: nothing is encoded
    assert not browser.complaints()


def test_events_are_listed_by_their_time_and_a_wide_screen_is_used(browser: Browser, folder: Path):
    """That somebody has gone is noticed seconds after it was so."""
    names = [f"camera {number}" for number in range(8)]
    with serving_live(folder, names=names) as page:
        late = happened("gone")
        page.see("camera 0", events=[happened("appeared")])
        page.see("camera 1", events=[replace(late, utc=late.utc - 5)])
        open_page(browser, page)
        browser.until(lambda: len(browser.all("#event-list tr")) == 2)
        first, second = (row.text for row in browser.all("#event-list tr"))
        assert "appeared" in first and "gone" in second
        browser.be_wide(2560, 1400)
        places = "[...document.querySelectorAll('.camera')].map(c => c.offsetLeft)"
        assert browser.js(f"return new Set({places}).size") >= 5


def test_the_picture_of_a_single_camera_stands_in_the_middle(browser: Browser, folder: Path):
    """Its height is limited, so that its card is wider than it."""
    with serving_live(folder) as page, page.running():
        open_page(browser, page)
        plays(browser)
        browser.be_wide(1000, 500)
        place = "const b = document.querySelector('{}').getBoundingClientRect();"
        center = f"{place} return b.x + b.width / 2"
        card, picture = (browser.js(center.format(of)) for of in (".camera", ".screen"))
        assert abs(card - picture) < 2
        width = f"{place} return b.width"
        assert browser.js(width.format(".screen")) < browser.js(width.format(".camera")) - 50


def test_mjpeg_where_video_cannot_be_played(browser: Browser, folder: Path):
    with serving_live(folder) as page, page.running():
        open_page(browser, page, "/?mjpeg")
        width = "return document.querySelector('.screen img')?.naturalWidth"
        browser.until(lambda: browser.js(width) == 640)
        alt = "return document.querySelector('.screen img').alt"
        browser.until(lambda: browser.js(alt) == "door: live picture, 1 person")
        encoded = page.hub.cameras[0].feed.encoded
        browser.until(lambda: page.hub.cameras[0].feed.encoded > encoded + 5)
        assert not browser.complaints()


def test_a_browser_without_h264_gets_mjpeg(browser: Browser, folder: Path):
    script = {"source": "MediaSource.isTypeSupported = () => false"}
    added = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
    try:
        with serving_live(folder) as page, page.running():
            open_page(browser, page)
            width = "return document.querySelector('.screen img')?.naturalWidth"
            browser.until(lambda: browser.js(width) == 640)
    finally:
        browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_many_cameras_as_mjpeg_leave_the_page_its_connections(browser: Browser, folder: Path):
    names = [f"camera {number}" for number in range(8)]
    with serving_live(folder, names=names) as page, page.running(5, *names):
        open_page(browser, page, "/?mjpeg")
        loaded = "return [...document.querySelectorAll('.screen img')].map((i) => i.naturalWidth)"
        browser.js("document.body.style.zoom = 0.3")  # all of them in view
        browser.until(lambda: browser.js(loaded) == [640] * 8)
        assert browser.text("#connection") == "Live, 8 cameras"
        number = len(browser.all("#event-list tr"))
        page.see("camera 0", events=[happened("appeared")])
        browser.until(lambda: len(browser.all("#event-list tr")) > number)


def test_a_picture_out_of_view_is_not_fetched(browser: Browser, folder: Path):
    names = [f"camera {number}" for number in range(8)]
    with serving_live(folder, names=names) as page, page.running(5, *names):
        open_page(browser, page)
        browser.be_wide(390)
        browser.until(lambda: browser.js(PLAYED) > 0)
        browser.until(lambda: page.hub.cameras[7].feed.viewers == 0 < page.hub.viewers)
        high = browser.js(
            "return [...document.querySelectorAll('.screen')].map((s) => s.offsetHeight)"
        )
        assert max(high) - min(high) <= 1  # or the page would jump where a picture comes and goes
        browser.js("document.querySelectorAll('.screen')[7].scrollIntoView()")
        browser.until(lambda: page.hub.cameras[7].feed.viewers == 1)
        browser.until(lambda: page.hub.cameras[0].feed.viewers == 0)


HANGING = (
    "window.WebSocket = class { close() {} };"
    "Object.defineProperty(HTMLImageElement.prototype, 'src', { get: () => '', set() {} })"
)
FIRST = "const s = document.querySelector('.screen'), old = s.querySelector('canvas'), "


@pytest.mark.parametrize("query", ["", "?mjpeg"])
def test_the_last_picture_stands_in_until_new_ones_come(browser: Browser, folder: Path, query: str):
    """A picture that was scrolled into view again was black until the first new one."""
    names = [f"camera {number}" for number in range(8)]
    has_new = (
        f"{FIRST} e = s.querySelector('video, img');"
        "return !old && (e?.videoWidth ?? e?.naturalWidth) > 0"
    )
    brightest = (
        f"{FIRST} d = old?.getContext('2d').getImageData(0, 0, old.width, old.height).data;"
        "return d ? d.reduce((most, v, i) => i % 4 < 3 ? Math.max(most, v) : most, 0) : 0"
    )
    with serving_live(folder, names=names) as page:
        feed = page.hub.cameras[0].feed

        def scroll_away() -> None:
            browser.until(lambda: browser.js(has_new))
            browser.js("document.querySelectorAll('.screen')[7].scrollIntoView()")
            browser.until(lambda: feed.viewers == 0)
            assert browser.js(brightest) > 60  # dark would be of no help

        with page.running(15, *names):
            open_page(browser, page, f"/{query}")
            browser.be_wide(390)
            scroll_away()
            browser.js("scrollTo(0, 0)")
            scroll_away()
            browser.js(HANGING)
            browser.js("scrollTo(0, 0)")
            browser.until(
                lambda: browser.js(f"{FIRST} n = s.querySelector('video, img'); return n")
            )
            assert browser.js(brightest) > 60
            browser.until(lambda: not browser.js(brightest))  # it must not pass for the live one
