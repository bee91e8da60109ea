"""A real browser for tests of the page: Debian's Chromium, without a window, on loopback alone."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import cv2
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="Chromium is not installed (apt: chromium chromium-driver)"
)
T = TypeVar("T")
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--window-size=1000,900", "--use-fake-ui-for-media-stream"),
    "--host-resolver-rules=MAP insecure.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class Browser:
    """A browser whose camera, if it has one, sees a picture.

    Attributes:
        driver: Selenium's.
        downloads: the folder that they go to.
    """

    def __init__(self, folder: Path, url: str, camera_sees: Path | None) -> None:
        self.downloads = folder / "downloads"
        self._url = url
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for flag in (*_FLAGS, f"--user-data-dir={folder / 'profile'}"):
            options.add_argument(flag)
        if camera_sees is not None:
            options.add_argument("--use-fake-device-for-media-stream")
            film = _film_of(camera_sees, folder)
            options.add_argument(f"--use-file-for-fake-video-capture={film}")
        options.add_experimental_option(
            "prefs", {"download.default_directory": str(self.downloads)}
        )
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(executable_path=DRIVER)
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_page_load_timeout(60)
        self.driver.set_script_timeout(60)
        self.driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})

    def open(self, path: str = "/") -> None:
        """Opens the page again, at a desktop's size, without downloads."""
        shutil.rmtree(self.downloads, ignore_errors=True)
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.driver.get(self._url + path)
        self.driver.get_log("browser")

    def complaints(self) -> list[str]:
        """Complaints of the browser since `open`: scripts, policy, files not found."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def be_wide(self, width: int, height: int = 740) -> None:
        """Becomes a phone of that size."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        return " ".join(self.find(selector).text.split())

    def js(self, code: str, *arguments: object) -> Any:
        return self.driver.execute_script(code, *arguments)

    def until(self, true: Callable[[], T]) -> T:
        """Waits until it is true."""
        return WebDriverWait(self.driver, 60, 0.1).until(lambda _: true())

    def choose(self, *paths: Path) -> None:
        """Chooses files; waits until each has been processed or refused."""
        count = len(self.all("article")) + len(paths)
        self.find("#choose").send_keys("\n".join(map(str, paths)))
        self.settled(count)

    def settled(self, count: int) -> None:
        """Waits until there are that many pictures, none of them under way."""
        script = (
            "return document.querySelectorAll('article').length == arguments[0] && [...document."
            "querySelectorAll('article')].every(a => a.className == 'failed' || a.querySelector("
            "'figure img').complete && !a.querySelector('figure').hidden)"
        )
        self.until(lambda: self.js(script, count))

    def downloaded(self, name: str) -> bytes:
        """A download's content, once it is whole."""
        path = self.downloads / name
        deadline = time.monotonic() + 60
        while not path.exists() or list(self.downloads.glob("*.crdownload")):
            there = [*self.downloads.glob("*")]
            assert time.monotonic() < deadline, f"{name} was not downloaded; there are {there}"
            time.sleep(0.1)
        return path.read_bytes()


def _film_of(picture: Path, folder: Path) -> Path:
    """A film of one still picture, in a size that cameras have."""
    film = folder / "camera.mjpeg"
    frame = cv2.copyMakeBorder(cv2.imread(str(picture)), 0, 0, 144, 144, cv2.BORDER_CONSTANT)
    frame = cv2.resize(frame, (640, 480))
    film.write_bytes(cv2.imencode(".jpg", frame)[1].tobytes() * 3)
    return film
