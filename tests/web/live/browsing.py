"""Parts that tests of the live page in a browser share."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from maskdet.detections import MaskState
from maskdet.observation import PersonEvent
from tests.web.chromium import Browser
from tests.web.live.pages import Page, ScriptedAlarms, alarm

PLAYED = (
    "const v = document.querySelector('.screen video'); return v && v.readyState >= 2 && "
    "v.videoWidth ? v.currentTime : 0"
)


def alarms_of(folder: Path) -> ScriptedAlarms:
    shown = {"snapshot": str(folder / "alarm.jpg")}
    clip = {"clip": str(next((folder / "clips").iterdir()))}
    old = alarm("a2", title="camera gone: gate", cleared=time.time(), acknowledged=1.0)
    return ScriptedAlarms(alarm(**shown, **clip), old)


def plays(browser: Browser) -> None:
    """Waits until the video goes on."""
    browser.until(lambda: browser.js(PLAYED) > 0)
    before = browser.js(PLAYED)
    browser.until(lambda: browser.js(PLAYED) > before + 0.3)


def open_page(
    browser: Browser, page: Page, path: str = "/", ready: str = "#cameras figure"
) -> None:
    browser.driver.delete_all_cookies()
    browser.open(page.url + path)
    browser.until(lambda: browser.all(ready))


def happened(kind: Any, **more: Any) -> PersonEvent:
    return PersonEvent(kind, 3, 1.0, time.time(), MaskState.without_mask, 0.9, **more)
