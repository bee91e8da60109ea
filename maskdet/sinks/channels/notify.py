"""E-mail and chat services, through apprise."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path

from maskdet.alarm import AlarmMessage
from maskdet.sinks.channels.channel import ChannelError

_lines_of_message: ContextVar[list[str] | None] = ContextVar("lines of a message", default=None)
"""Where the lines about a message go; apprise's threads have it from ours."""


class Notify:
    """Sends messages to one service by its apprise address; a `Channel`."""

    def __init__(self, url: str, *, attach: bool = True) -> None:
        """Sends nothing yet.

        Args:
            url: as apprise has it: ``mailto://…``, ``tgram://…``, ``ntfy://…``
            attach: sends the snapshot along, where the service takes it.
        """
        self._url, self._attach = url, attach

    def send(self, message: AlarmMessage) -> None:
        """Sends a message."""
        import apprise  # late: it takes half a second

        files = [message.alarm.snapshot] if message.phase == "began" else []
        if message.phase == "clip":
            files = [message.alarm.clip]
        there = [one for one in files if self._attach and one and Path(one).is_file()]
        kinds = apprise.NotifyType
        kind = kinds.SUCCESS if message.phase == "cleared" else kinds.WARNING
        with _listening() as lines:
            service = apprise.Apprise()
            if not service.add(self._url):
                raise ChannelError("apprise knows no such address", "see apprise's services")
            title = f"maskdet: {message.alarm.rule}"
            done = service.notify(message.text, title, notify_type=kind, attach=there or None)
        if not done:
            raise ChannelError(_reason(lines), "check the address, its password and the network")

    def close(self) -> None:
        """Holds nothing."""


@contextlib.contextmanager
def _listening() -> Iterator[list[str]]:
    """Takes what apprise logs about this message: other channels may send at the same time."""
    lines: list[str] = []

    class _Taker(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            mine = _lines_of_message.get()
            if mine is None or mine is lines:
                lines.append(record.getMessage())

    log, taker = logging.getLogger("apprise"), _Taker(logging.WARNING)
    log.propagate = False  # permanently: it would be put back under another channel
    log.addHandler(taker)
    token = _lines_of_message.set(lines)
    try:
        yield lines
    finally:
        _lines_of_message.reset(token)
        log.removeHandler(taker)


def _reason(lines: Sequence[str]) -> str:
    """The line that says most: apprise's own first, the cause behind it."""
    return "; ".join(" ".join(line.split())[:150] for line in lines[:2]) or "it was not sent"
