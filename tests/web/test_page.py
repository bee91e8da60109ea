"""The page in a real browser, with the model that ships, on the demo's real faces."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.detections import Detections, MaskState
from maskdet.drawing.overlay import annotate
from maskdet.runtimes import load_detector
from maskdet.sources import CLIP
from tests.images.pictures import write_frames
from tests.web.chromium import Browser, needs_chromium
from tests.web.servers import COLLINS, HOPPER, Command, decoded

MARKS = dict(zip(MaskState, "✓✕!○", strict=True))
pytestmark = [needs_chromium, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def chromium(page: Command, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("chromium"), page.url, camera_sees=HOPPER)
    yield browser
    browser.driver.quit()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The page, just opened; in the end the browser has nothing to complain about."""
    chromium.open()
    yield chromium
    assert chromium.complaints() == []


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face as PNG, so that its download can be compared pixel by pixel."""
    path = tmp_path_factory.mktemp("pictures") / "hopper.png"
    path.write_bytes(cv2.imencode(".png", decoded(HOPPER.read_bytes()))[1].tobytes())
    return path


@cache
def look(path: Path) -> tuple[np.ndarray, Detections]:
    """Faces that the model that ships, whichever it is, finds on a picture."""
    image = decoded(path.read_bytes())
    return image, load_detector(looks="auto").detect([image])[0]


def expected(path: Path) -> np.ndarray:
    return annotate(*look(path))


def counted(*paths: Path) -> str:
    """The counts as the page writes them."""
    counts = sum((Counter(look(path)[1].counts()) for path in paths), Counter())
    parts = [
        f"{MARKS[state]} {n} {state.title}" for state in MaskState if (n := counts[state.name])
    ]
    assert parts, "the demo's faces were not found"
    return " ".join(parts)


def test_pictures_are_shown_with_boxes_counts_and_table(browser: Browser):
    browser.choose(HOPPER, COLLINS)
    assert [title.text for title in browser.all("h2")] == ["hopper.jpg", "collins.jpg"]
    assert browser.text("#totals") == counted(HOPPER, COLLINS)
    assert browser.text("article:first-child header .counts") == counted(HOPPER)
    _, found = look(HOPPER)
    state, (x1, y1, x2, y2) = MaskState(found.states[0]), found.boxes[0].round().astype(int)
    cells = [cell.text for cell in browser.all("article:first-child tr:first-child td")]
    assert cells[:2] == ["1", f"{MARKS[state]} {state.title}"]
    assert cells[2:] == [f"{found.scores[0]:.2f}", f"{x1}, {y1} {x2 - x1} × {y2 - y1}"]
    browser.js("for (const number of document.querySelectorAll('.face')) number.remove()")
    browser.js("document.querySelector('figure img').style.maxHeight = 'none'")
    browser.js("document.querySelector('figure img').scrollIntoView()")
    shown = decoded(browser.find("article:first-child figure img").screenshot_as_png).astype(int)
    plain, drawn = (
        cv2.resize(image, shown.shape[1::-1])
        for image in (decoded(HOPPER.read_bytes()), expected(HOPPER))
    )
    marked = (plain != drawn).any(axis=2)
    assert np.abs(shown - drawn)[marked].mean() < 20 < 40 < np.abs(shown - plain)[marked].mean()
    assert browser.find("#status").get_attribute("textContent") == (
        f"2 of 2 pictures processed, {len(found) + len(look(COLLINS)[1])} faces"
    )


def test_a_download_is_the_picture_that_detect_draws(browser: Browser, picture: Path):
    browser.choose(picture)
    browser.find(".download").click()
    pixels = decoded(browser.downloaded("hopper-annotated.png"))
    assert (pixels == expected(picture)).all()
    assert (pixels != decoded(picture.read_bytes())).any()


def test_all_of_them_as_zip_and_as_json(browser: Browser, picture: Path, tmp_path: Path):
    (tmp_path / "größe 1.jpg").write_bytes(COLLINS.read_bytes())
    browser.choose(picture, tmp_path / "größe 1.jpg", picture)
    browser.find("#zip").click()
    with zipfile.ZipFile(io.BytesIO(browser.downloaded("annotated.zip"))) as archive:
        assert archive.testzip() is None
        names = ["hopper-annotated.png", "größe 1-annotated.jpg", "hopper-annotated-2.png"]
        assert archive.namelist() == [*names, "boxes.json"]
        assert (decoded(archive.read(names[2])) == expected(picture)).all()
        zipped = json.loads(archive.read("boxes.json"))
    browser.find("#json").click()
    saved = json.loads(browser.downloaded("boxes.json"))
    counts = [len(image["detections"]) for image in saved["images"]]
    assert saved == zipped and counts == [len(look(p)[1]) for p in (picture, COLLINS, picture)]
    assert "annotated" not in saved["images"][0]


def test_names_that_a_zip_cannot_have_twice_are_numbered(browser: Browser):
    browser.driver.execute_async_script(
        """
        const done = arguments[0];
        (async () => {
          const sample = await (await fetch("static/sample.jpg")).blob();
          const dropped = new DataTransfer();
          for (const name of ["a.jpg", "A.JPG", "two\\nlines.jpg"]) {
            dropped.items.add(new File([sample], name, { type: "image/jpeg" }));
          }
          document.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped }));
          done();
        })();
        """
    )
    browser.settled(3)
    browser.find("#zip").click()
    with zipfile.ZipFile(io.BytesIO(browser.downloaded("annotated.zip"))) as archive:
        names = archive.namelist()
    expected_names = ["a-annotated.jpg", "A-annotated-2.jpg", "two\nlines-annotated.jpg"]
    assert names == [*expected_names, "boxes.json"]


def test_a_line_says_that_the_first_picture_of_an_animation_was_processed(
    browser: Browser, tmp_path: Path
):
    browser.choose(write_frames(tmp_path / "moving.webp"))
    (line,) = [one.text for one in browser.all(".state") if one.text]
    assert line == "Of the file's 5 pictures the first was looked at."


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_scrolls_down_and_never_sideways(browser: Browser, tmp_path: Path, width: int):
    long = tmp_path / f"{'a-very-long-name_without-any-space' * 3}.jpg"
    long.write_bytes(HOPPER.read_bytes())
    (tmp_path / "wrong.png").write_text("no picture")
    entrance = tmp_path / "entrance.jpg"
    cv2.imwrite(str(entrance), cv2.VideoCapture(str(CLIP)).read()[1])
    browser.be_wide(width)
    browser.choose(long, tmp_path / "wrong.png", entrance)
    longest = "for (const chip of document.querySelectorAll('td .chip')) chip.textContent = "
    browser.js(longest + "'! incorrect'")
    widths = "return [innerWidth, document.documentElement.scrollWidth, visualViewport.width]"
    assert browser.js(widths) == [width] * 3
    table = (
        "return [...document.querySelectorAll('.facts')].map(b => b.scrollWidth - b.clientWidth)"
    )
    assert not any(browser.js(table))
    buttons = browser.all("button:not([hidden]), .button:not([hidden])")
    assert all(button.size["height"] >= 44 for button in buttons if button.is_displayed())
    browser.complaints()


def test_it_works_by_keyboard_alone(browser: Browser, picture: Path):
    def tab_to(what: str) -> None:
        """Presses the tabulator key until that has the focus, and shows it."""
        for _ in range(20):
            press("Tab", 9)
            if browser.js("return document.activeElement.matches(arguments[0])", what):
                break
        style = (
            "getComputedStyle(document.activeElement.closest('.button, button, a')).outlineStyle"
        )
        assert browser.js(f"return {style}") == "solid", f"{what} has no focus to be seen"

    def press(key: str, code: int, text: str = "", **more: object) -> None:
        event = {"key": key, "code": key, "windowsVirtualKeyCode": code, **more}
        for kind in ("keyDown", "keyUp"):
            typed = {"text": text} if text and kind == "keyDown" else {}
            sent = {"type": kind, **event, **typed}
            browser.driver.execute_cdp_cmd("Input.dispatchKeyEvent", sent)

    browser.js("document.querySelector('#min_score').focus()")
    press("Enter", 13, "\r")
    assert browser.find("#about").is_displayed()  # a form of one page: Enter sends nothing
    invalid = browser.js("return document.querySelector('#choose:invalid')")
    assert not invalid  # a screen reader would call it wrong
    tab_to("#choose")
    browser.js("window.asked = 0; choose.onclick = (e) => { e.preventDefault(); asked += 1; }")
    press("Enter", 13, "\r")
    assert browser.js("return asked") == 1  # the system's own dialog would have opened
    browser.driver.switch_to.active_element.send_keys(str(picture))
    browser.settled(1)
    tab_to(".download")
    press("Enter", 13, "\r")
    assert decoded(browser.downloaded("hopper-annotated.png")).shape == (600, 512, 3)
    browser.js("document.activeElement.blur(); document.getSelection().empty()")
    tab_to("#clear")
    press(" ", 32, " ")
    assert browser.all("article") == [] and not browser.find("#all").is_displayed()
    assert browser.js("return document.activeElement.id") == "choose"


def test_a_picture_is_pasted(browser: Browser, picture: Path):
    permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    browser.driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": permissions})
    trouble = browser.driver.execute_async_script(
        """
        const [content, done] = arguments;
        const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
        const item = new ClipboardItem({ "image/png": new Blob([bytes], { type: "image/png" }) });
        navigator.clipboard.write([item]).then(() => done(""), (error) => done(String(error)));
        """,
        b64encode(picture.read_bytes()).decode(),
    )
    assert trouble == ""
    key = {"key": "v", "code": "KeyV", "windowsVirtualKeyCode": 86, "modifiers": 2}
    paste = {"type": "rawKeyDown", **key, "commands": ["paste"]}
    browser.driver.execute_cdp_cmd("Input.dispatchKeyEvent", paste)
    browser.settled(1)
    assert browser.text("#totals") == counted(picture)
    x1, y1 = look(picture)[1].boxes[0, :2].round().astype(int)
    assert browser.text("td:nth-child(4)").startswith(f"{x1}, {y1} ")


def test_pictures_are_dropped(browser: Browser):
    data = {"items": [], "files": [str(HOPPER), str(COLLINS)], "dragOperationsMask": 1}
    at = {"x": 500, "y": 200, "data": data}
    for kind in ("dragEnter", "dragOver"):
        browser.driver.execute_cdp_cmd("Input.dispatchDragEvent", {"type": kind, **at})
    assert browser.find("#drop").get_attribute("class") == "over"
    browser.driver.execute_cdp_cmd("Input.dispatchDragEvent", {"type": "drop", **at})
    browser.settled(2)
    assert browser.text("#totals") == counted(HOPPER, COLLINS)
    assert browser.find("#drop").get_attribute("class") == ""


def test_the_camera_takes_a_picture(browser: Browser):
    browser.find("#camera").click()
    browser.until(browser.find("#take").is_enabled)
    browser.find("#take").click()
    browser.settled(1)
    assert browser.text("h2") == "camera-1.jpg"
    assert len(browser.all("tbody tr")) >= 1  # the camera sees the demo's face
    assert not browser.find("#viewfinder").is_displayed()
    assert browser.js("return document.querySelector('video').srcObject") is None  # it is off


def test_without_scripts_the_form_gives_the_picture_back(browser: Browser, picture: Path):
    disable = "Emulation.setScriptExecutionDisabled"
    browser.driver.execute_cdp_cmd(disable, {"value": True})
    try:
        browser.driver.refresh()
        browser.find("#choose").send_keys(str(picture))
        browser.find("noscript button").click()
        pixels = decoded(browser.downloaded("hopper-annotated.png"))
    finally:
        browser.driver.execute_cdp_cmd(disable, {"value": False})
    assert (pixels == expected(picture)).all()


def test_the_api_is_described_to_people(browser: Browser):
    browser.open("/docs")
    browser.until(lambda: browser.all("#operations article"))
    text = browser.text("main")
    assert "POST /api/annotate" in text and "?kind= png, same; default png" in text
    assert "?min_score= number from 0.05 to 1. Lowest score of a face that is shown" in text
    origin = browser.js("return location.origin")
    assert f"curl -F pictures=@door.png -OJ {origin}/api/annotate" in text
