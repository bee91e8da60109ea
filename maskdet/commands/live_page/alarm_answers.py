"""The alarm book as the live page shows and answers it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from maskdet.alarm import Alarm, AlarmBook
from maskdet.web.live.answers import AlarmAnswer, SnoozeAnswer

MAX_ALARMS = 500
"""The newest of so many are listed."""
THUMBNAIL_WIDTH = 480
"""Pixels."""


class PageAlarms:
    """Alarms of a run and of the runs before it; implements the live page's `Alarms`."""

    def __init__(self, book: AlarmBook) -> None:
        """Reads the book at each call."""
        self._book = book

    @property
    def rules(self) -> Sequence[str]:
        """Names of the rules."""
        return self._book.rules()

    def alarms(self) -> list[AlarmAnswer]:
        """The newest, the newest first."""
        return [_answer(alarm) for alarm in self._book.alarms(MAX_ALARMS)]

    def snoozed(self) -> list[SnoozeAnswer]:
        """What is snoozed at the moment."""
        return [SnoozeAnswer(rule=one.rule, until=one.until) for one in self._book.snoozes()]

    def acknowledge(self, alarm: str, user: str) -> bool:
        """Somebody has seen it; False where there is no such alarm."""
        return self._book.acknowledge(alarm, user)

    def snooze(self, rule: str, minutes: float, user: str) -> bool:
        """Has a rule be quiet, all with an empty name; False where there is no such rule."""
        if rule and rule not in self._book.rules():
            return False
        self._book.snooze(minutes * 60, rule=rule)
        return True

    def image(self, alarm: str) -> bytes | None:
        """The thumbnail of an alarm, as JPEG."""
        known = self._book.find(alarm)
        if known is None or not known.snapshot:
            return None
        try:
            data = np.fromfile(known.snapshot, np.uint8)
        except OSError:  # deleted since
            return None
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if image is None:
            return None
        scale = min(1.0, THUMBNAIL_WIDTH / image.shape[1])
        size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        _, small = cv2.imencode(".jpg", cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        return small.tobytes()


def _answer(alarm: Alarm) -> AlarmAnswer:
    muted = f" (not sent: {alarm.muted})" if alarm.muted else ""
    return AlarmAnswer(
        id=alarm.alarm_id,
        rule=alarm.rule,
        camera=alarm.camera,
        text=alarm.title + muted,
        began=alarm.began,
        ended=alarm.cleared,
        acknowledged=alarm.acknowledged is not None,
        acknowledged_by=alarm.acknowledged_by,
        has_image=bool(alarm.snapshot),
        clip=Path(alarm.clip).name if alarm.clip else "",
    )
