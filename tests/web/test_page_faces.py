"""Linked faces, options, sample picture and the camera's reasons, on the page below a path."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.web.chromium import Browser, needs_chromium
from tests.web.proxy import proxying
from tests.web.servers import COLLINS, HOPPER, Command, decoded, serving

pytestmark = [needs_chromium, pytest.mark.timeout(300)]
SAMPLE = "maskdet/web/static/sample.jpg"
LIT = "return [...document.querySelectorAll(arguments[0])].findIndex(e => e.matches('.lit'))"


@pytest.fixture(scope="module")
def chromium(page: Command, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser on the page as it is behind a proxy, below a path."""
    headers = {"X-Forwarded-Prefix": "/mask"}
    with proxying(page.url, headers=headers) as address:
        browser = Browser(tmp_path_factory.mktemp("chromium"), address, camera_sees=HOPPER)
        yield browser
        browser.driver.quit()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    chromium.open()
    yield chromium
    assert chromium.complaints() == []


@pytest.fixture
def sample(browser: Browser) -> Browser:
    browser.find("#sample").click()
    browser.settled(1)
    return browser


def lit(browser: Browser) -> tuple[int, int]:
    """The number, from 0, of the row and of the box that are lit; -1: none."""
    return browser.js(LIT, "tbody tr"), browser.js(LIT, ".face")


def test_the_sample_picture_has_faces_of_each_kind(sample: Browser):
    assert sample.text("h2") == "sample.jpg" and len(sample.all("tbody tr")) >= 4


def test_boxes_have_the_numbers_of_their_rows_and_lie_on_their_faces(sample: Browser):
    sample.find("#json").click()
    (image,) = json.loads(sample.downloaded("boxes.json"))["images"]
    numbers = [str(number) for number in range(1, len(image["detections"]) + 1)]
    assert [row.text for row in sample.all("tbody button")] == numbers
    assert [badge.text for badge in sample.all(".face b")] == numbers
    shown = sample.find("figure img").rect
    scale = shown["width"] / image["width"]
    assert shown["height"] == pytest.approx(image["height"] * scale, abs=1)
    for face, record in zip(sample.all(".face"), image["detections"], strict=True):
        x1, y1, x2, y2 = (side * scale for side in record["box"])
        rect = face.rect
        assert (rect["x"] - shown["x"], rect["y"] - shown["y"]) == pytest.approx((x1, y1), abs=2)
        assert (rect["width"], rect["height"]) == pytest.approx((x2 - x1, y2 - y1), abs=2)


def test_pointing_at_a_row_or_a_box_lights_both(sample: Browser):
    mouse = ActionChains(sample.driver, duration=0)
    mouse.move_to_element(sample.all("tbody tr")[2]).perform()
    assert lit(sample) == (2, 2)
    mouse.move_to_element(sample.all(".face")[1]).perform()
    assert lit(sample) == (1, 1)
    mouse.move_to_element(sample.find("h1")).perform()
    assert lit(sample) == (-1, -1)


def test_a_click_keeps_a_face_lit_until_the_next(sample: Browser):
    mouse, away = ActionChains(sample.driver, duration=0), sample.find("h1")
    windows = len(sample.driver.window_handles)
    sample.all(".face")[3].click()
    mouse.move_to_element(away).perform()
    assert lit(sample) == (3, 3)
    assert sample.js("return document.activeElement.textContent") == "4"
    assert len(sample.driver.window_handles) == windows  # the picture around it is a link
    sample.all("tbody tr")[0].click()
    sample.js("document.activeElement.blur()")
    mouse.move_to_element(away).perform()
    assert lit(sample) == (0, 0)
    sample.all("tbody tr")[0].click()
    sample.js("document.activeElement.blur()")
    mouse.move_to_element(away).perform()
    assert lit(sample) == (-1, -1)


def test_the_keyboard_goes_through_the_faces(sample: Browser):
    def press(key: str) -> None:
        sample.driver.switch_to.active_element.send_keys(key)

    last = len(sample.all("tbody tr")) - 1
    reached = [b for b in sample.all("tbody button") if b.get_attribute("tabindex") == "0"]
    assert len(reached) == 1  # a hundred faces are one stop of the tabulator
    sample.js("document.querySelector('tbody button').focus()")
    assert lit(sample) == (0, 0)
    for key, at in ((Keys.DOWN, 1), (Keys.END, last), (Keys.UP, last - 1), (Keys.HOME, 0)):
        press(key)
        assert lit(sample) == (at, at)
    name = sample.find("tbody button").accessible_name
    assert name.startswith("Face 1: ")
    press(Keys.SPACE)
    assert sample.find("tbody button").get_attribute("aria-pressed") == "true"
    press(Keys.ESCAPE)
    assert sample.find("tbody button").get_attribute("aria-pressed") == "false"


def test_the_threshold_changes_what_is_shown_at_once(sample: Browser):
    before = len(sample.all("tbody tr"))
    assert sample.text("#score").startswith("the model's own (0.")
    for value, holds in (("0.95", lambda n: n < before), ("0.05", lambda n: n >= before)):
        sample.js(
            "const s = document.getElementById('min_score'); s.value = arguments[0];"
            "s.dispatchEvent(new Event('input')); s.dispatchEvent(new Event('change'));",
            value,
        )
        sample.settled(1)
        sample.until(lambda: sample.find("article").get_attribute("class") == "")
        assert sample.text("#score") == value and holds(len(sample.all("tbody tr")))
        assert len(sample.all(".face")) == len(sample.all("tbody tr"))
    sample.find("#reset").click()
    sample.until(lambda: len(sample.all("tbody tr")) == before)
    assert sample.text("#score").startswith("the model's own")


def test_blurred_faces_are_blurred_on_the_page_and_in_the_download(browser: Browser):
    browser.find("#blur").click()
    browser.choose(HOPPER)
    browser.find("#json").click()
    (image,) = json.loads(browser.downloaded("boxes.json"))["images"]
    browser.find(".download").click()
    blurred = decoded(browser.downloaded("hopper-annotated.jpg")).astype(int)
    original = decoded(HOPPER.read_bytes()).astype(int)
    x1, y1, x2, y2 = (round(side) for side in image["detections"][0]["box"])
    inner = slice(y1 + 15, y2 - 15), slice(x1 + 15, x2 - 15)
    rough, smooth = (np.abs(np.diff(p[inner], axis=1)).mean() for p in (original, blurred))
    assert smooth < rough / 2


def test_later_pictures_are_shown_below_in_the_order_chosen(browser: Browser):
    browser.choose(HOPPER, COLLINS)
    browser.find("#sample").click()
    browser.settled(3)
    assert [t.text for t in browser.all("h2")] == ["hopper.jpg", "collins.jpg", "sample.jpg"]


def test_a_tall_picture_keeps_its_shape(browser: Browser, tmp_path: Path):
    tall = tmp_path / "tall.png"
    cv2.imwrite(str(tall), np.full((3000, 1500, 3), 90, np.uint8))
    browser.choose(tall)
    size = browser.find("figure img").size
    assert size["height"] == pytest.approx(2 * size["width"], abs=2)


def camera(browser: Browser) -> tuple[bool, str]:
    """Whether the camera is offered, and the text about it."""
    browser.until(lambda: browser.find("#camera").is_displayed())
    reason = "return document.getElementById('hindrance').textContent"
    return browser.find("#camera").is_enabled(), browser.js(reason)


def test_a_camera_that_is_there_is_offered(browser: Browser):
    assert camera(browser) == (True, "")


def test_without_a_camera_the_button_is_grayed_out_and_says_why(page: Command, tmp_path: Path):
    browser = Browser(tmp_path, page.url, camera_sees=None)
    try:
        browser.open()
        browser.until(lambda: not camera(browser)[0])
        assert camera(browser) == (False, "Camera: none was found.")
    finally:
        browser.driver.quit()


def test_by_plain_http_from_elsewhere_the_button_says_why(tmp_path: Path):
    with serving("--allow-host", "insecure.test") as command:
        url = command.url.replace("127.0.0.1", "insecure.test")
        browser = Browser(tmp_path, url, camera_sees=HOPPER)
        try:
            browser.open()
            browser.until(lambda: not camera(browser)[0])
            offered, reason = camera(browser)
            assert (
                not offered and "only on https pages and on localhost" in reason and url in reason
            )
        finally:
            browser.driver.quit()
