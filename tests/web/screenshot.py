"""Makes the README's picture of the page: ``python -m tests.web.screenshot docs/page.png``."""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.web.chromium import Browser
from tests.web.servers import COLLINS, HOPPER, serving

_WIDTH, _HEIGHT, _MARGIN = 1120, 900, 15


def take(folder: Path) -> bytes:
    """A PNG of the page at a desktop's width, down to the end of its first picture."""
    with serving() as command:
        browser = Browser(folder, command.url, camera_sees=HOPPER)
        try:
            browser.open()
            browser.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
            _be(browser, _HEIGHT)
            browser.find("#sample").click()
            browser.settled(1)
            browser.choose(COLLINS, HOPPER)
            browser.js("document.activeElement.blur()")
            end = browser.js(
                "return document.querySelector('article').getBoundingClientRect().bottom + scrollY"
            )
            _be(browser, round(end) + _MARGIN)
            browser.js("scrollTo(0, 0)")
            shot = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        finally:
            browser.driver.quit()
    return base64.b64decode(shot["data"])


def _be(browser: Browser, height: int) -> None:
    metrics = {"width": _WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        picture = Image.open(io.BytesIO(take(Path(scratch))))
    picture.convert("RGB").save(sys.argv[1], optimize=True)
