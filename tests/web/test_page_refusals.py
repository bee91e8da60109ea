"""Messages of the page about files that it cannot process, beside those that it can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.chromium import Browser, needs_chromium
from tests.web.servers import COLLINS, HOPPER, Command

pytestmark = [needs_chromium, pytest.mark.timeout(300)]
STATES = "return [...document.querySelectorAll('.state')].map(line => line.textContent)"


@pytest.fixture(scope="module")
def chromium(page: Command, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("chromium"), page.url, camera_sees=None)
    yield browser
    browser.driver.quit()


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    chromium.open()
    return chromium


def drop(browser: Browser, *files: Path, text: str = "") -> None:
    items = [{"mimeType": "text/plain", "data": text}] if text else []
    data = {"items": items, "files": [*map(str, files)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        event = {"type": kind, "x": 500, "y": 200, "data": data}
        browser.driver.execute_cdp_cmd("Input.dispatchDragEvent", event)


def summed_up(browser: Browser) -> str:
    """The line above the pictures, which everybody can see."""
    line = browser.find("#status")
    assert line.is_displayed() and line.size["height"] > 10
    return line.text


def counted(faces: int) -> str:
    return "1 face" if faces == 1 else f"{faces} faces"


def test_a_wrong_file_is_reported_and_the_others_go_on(browser: Browser, tmp_path: Path):
    (tmp_path / "notes.png").write_text("no picture")
    browser.choose(tmp_path / "notes.png", COLLINS)
    assert browser.text(".failed .state").startswith("Not a PNG, JPEG, WebP, HEIC or AVIF picture")
    faces = len(browser.all("tbody tr"))
    assert summed_up(browser) == f"1 of 2 pictures processed, 1 failed, {counted(faces)}"
    (complaint,) = browser.complaints()
    assert "415" in complaint


def test_one_picture_is_one(browser: Browser):
    browser.choose(HOPPER)
    assert (
        summed_up(browser) == f"1 of 1 picture processed, {counted(len(browser.all('tbody tr')))}"
    )


def test_a_folder_that_is_dropped_is_named_as_one(browser: Browser, tmp_path: Path):
    """The message blamed the server, which answers."""
    drop(browser, tmp_path, HOPPER)
    browser.settled(2)
    folder, picture = browser.js(STATES)
    assert folder.startswith("This is a folder, or a file that was moved or changed; ")
    assert picture == ""


def test_a_file_that_has_gone_since_is_named_as_that(browser: Browser, tmp_path: Path):
    gone = tmp_path / "gone.jpg"
    gone.write_bytes(HOPPER.read_bytes())
    browser.choose(gone)
    gone.unlink()
    browser.find("#blur").click()  # asks again
    browser.until(lambda: browser.all(".failed"))
    assert "a file that was moved or changed; choose the picture again" in browser.js(STATES)[0]


def test_a_server_that_has_gone_is_still_named(browser: Browser):
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.driver.execute_cdp_cmd("Network.enable", {})
    emulate = "Network.emulateNetworkConditions"
    browser.driver.execute_cdp_cmd(emulate, {"offline": True, **conditions})
    try:
        browser.choose(HOPPER)
    finally:
        browser.driver.execute_cdp_cmd(emulate, {"offline": False, **conditions})
    assert browser.js(STATES) == ["The server does not answer; is it still running?"]


def test_an_address_that_is_dropped_or_pasted_is_no_picture(browser: Browser):
    drop(browser, text="https://example.test/a.jpg")
    browser.until(lambda: browser.find("#status").text)
    assert summed_up(browser) == "No picture was dropped; save it as a file, then drop that."
    browser.js(
        "document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: new DataTransfer()}))"
    )
    assert summed_up(browser) == "No picture was pasted; copy a picture, not its address."
    browser.choose(HOPPER)
    assert summed_up(browser).startswith("1 of 1 picture processed")
