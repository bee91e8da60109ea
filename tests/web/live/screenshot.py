"""Makes the picture of docs/live.md: ``python -m tests.web.live.screenshot docs/live.png``."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from tests.web.chromium import Browser
from tests.web.servers import ROOT

_WIDTH = 1000
_RULE = (
    "alarms.rules=[{name: no mask in the hall, when: people, states: [without_mask], "
    "for_seconds: 1}]"
)


def take(folder: Path) -> bytes:
    """A PNG of the page of the demo, down to the end of its alarms."""
    words = ("monitor.py", "--headless", "--source", "demo", "--serve", "127.0.0.1:0")
    options = ("--set", f"snapshots={folder}", "--set", _RULE, "--set", "sources.0.name=hall")
    with subprocess.Popen(
        [sys.executable, *words, *options], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr
            found = (re.match(r"live page: (\S+)/", line) for line in process.stderr)
            return _picture(folder, next(one[1] for one in found if one))
        finally:
            process.terminate()


def _picture(folder: Path, url: str) -> bytes:
    browser = Browser(folder, url, None)
    try:
        browser.open()
        _be(browser, 900)
        browser.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        browser.until(lambda: len(browser.all("#alarm-list .card img")) > 1)
        end = "return document.querySelector('#alarms').getBoundingClientRect().bottom + scrollY"
        _be(browser, round(browser.js(end)) + 16)
        time.sleep(2)
        shot = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        return base64.b64decode(shot["data"])
    finally:
        browser.driver.quit()


def _be(browser: Browser, height: int) -> None:
    metrics = {"width": _WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        picture = Image.open(io.BytesIO(take(Path(scratch))))
    picture.convert("RGB").quantize(256).save(sys.argv[1], optimize=True)
