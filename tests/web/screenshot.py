"""Makes the README's picture of the page: ``python -m tests.web.screenshot docs/page.png``."""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from pathlib import Path

import cv2
from PIL import Image

from maskdet.demo import clip_path
from tests.web.chromium import Browser
from tests.web.servers import COLLINS, HOPPER, serving

_WIDTH, _MARGIN = 960, 30


def take(folder: Path) -> bytes:
    """A PNG of the page at a desktop's width, down to the end of its first picture."""
    entrance = folder / "entrance.jpg"
    cv2.imwrite(str(entrance), cv2.VideoCapture(str(clip_path())).read()[1])
    with serving() as command:
        browser = Browser(folder, command.url, camera_sees=HOPPER)
        try:
            browser.open()
            browser.choose(COLLINS, HOPPER)
            browser.choose(entrance)
            end = browser.js("return document.querySelector('article').offsetHeight + scrollY")
            top = browser.js("return document.querySelector('article').offsetTop")
            height = top + end + _MARGIN // 2
            metrics = {"width": _WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": True}
            browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            browser.js("scrollTo(0, 0)")
            shot = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        finally:
            browser.driver.quit()
    return base64.b64decode(shot["data"])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        picture = Image.open(io.BytesIO(take(Path(scratch))))
    picture.convert("RGB").save(sys.argv[1], optimize=True)
