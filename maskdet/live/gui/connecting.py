"""The only camera of a run, while it is opened: who waits for what, and how to end that."""

from __future__ import annotations

import time

from maskdet.drawing.overlay import Overlay
from maskdet.drawing.status_text import Status
from maskdet.drawing.text_renderer import MIN_SCREEN_TEXT, text_size
from maskdet.errors import SourceError
from maskdet.live.gui.screens import screen_size
from maskdet.live.gui.window import Window
from maskdet.sources import opening
from maskdet.sources.opening import waiting_words
from maskdet.sources.options import longest_wait_s
from maskdet.sources.reconnecting import LiveSource
from maskdet.system.console import say_named
from maskdet.system.timeouts import interruptible

_SIZE = (960, 540)
_KEY_WAIT_MS = 20


def open_camera(source: LiveSource, open_timeout: float, window: Window | None) -> None:
    """Opens a camera; one that takes its time is named, and the window can be closed meanwhile.

    Args:
        source: not open yet; closed where it is not opened.
        open_timeout: of its options, seconds.
        window: shows the wait, if there is a display; not open yet.

    Raises:
        SourceError: it cannot be opened, or gives no answer.
        KeyboardInterrupt: the user has ended the wait, in the window, too.
    """
    wait = _Wait(source.name, open_timeout, window)
    try:
        interruptible(f"opening {source.name}", source.open, wait)
    except BaseException:
        source.close()
        raise


class _Wait:
    """The wait for a camera that is opened; called often."""

    def __init__(self, name: str, open_timeout: float, window: Window | None) -> None:
        self._name, self._window = name, window
        self._began = time.monotonic()
        self._longest = longest_wait_s(open_timeout)
        self._is_reported = False

    def __call__(self) -> None:
        waited = time.monotonic() - self._began
        if waited > self._longest:
            raise SourceError(f"{self._name}: no answer in {self._longest} seconds; is it on?")
        if waited < opening.QUIET_S:
            return
        if not self._is_reported:
            self._is_reported = True
            say_named(f"{self._name}: {waiting_words(self._longest)} (Ctrl-C ends it)")
        if self._window is not None:
            self._show(self._window, round(waited))

    def _show(self, window: Window, waited: int) -> None:
        width, height = map(min, screen_size(), _SIZE)
        if min(window.size) > 0:
            width, height = window.size
        text = text_size(width, height, least=MIN_SCREEN_TEXT)
        message = f"waiting for the camera to answer: {waited} of {self._longest} seconds at most"
        image = Overlay().waiting(message, Status(source=self._name), (width, height), text)
        Overlay().notice(image, "q: quit", text)
        window.show(image)
        if window.key(_KEY_WAIT_MS) in ("q", "esc") or window.closed:
            raise KeyboardInterrupt
