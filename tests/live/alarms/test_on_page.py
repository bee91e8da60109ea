"""Alarms as the live page answers for them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.commands.live_page.alarm_answers import THUMBNAIL_WIDTH, PageAlarms
from maskdet.live.alarms.desk import AlarmDesk
from maskdet.people.alarms.rule import AlarmRule
from maskdet.people.alarms.rules import AlarmRules
from maskdet.sinks.channels.dispatcher import Dispatcher
from maskdet.sinks.store.alarm_store import AlarmStore
from tests.live.alarms.test_desk import show
from tests.people.alarms.scripts import somebody
from tests.sinks.channels.servers import wait_until

pytestmark = pytest.mark.timeout(60)


def test_the_page_lists_shows_acknowledges_and_snoozes(tmp_path: Path):
    picture = tmp_path / "a.jpg"
    cv2.imwrite(str(picture), np.zeros((720, 1280, 3), np.uint8))
    desk = AlarmDesk(
        AlarmRules([AlarmRule("bare"), AlarmRule("other", zone="x")], run="one"),
        AlarmStore(tmp_path / "a.db", "one"),
        lambda done: Dispatcher({}, done),
        wants={},
        snapshot=lambda *_: str(picture),
    )
    desk.start()
    page = PageAlarms(desk)
    show(desk, 0, somebody(1))
    wait_until(lambda: page.alarms()[0].has_image)
    (alarm,) = page.alarms()
    assert (alarm.id, alarm.rule, alarm.camera, alarm.ended) == ("one-1", "bare", "hall", None)
    data = page.image("one-1")
    assert data is not None
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (270, THUMBNAIL_WIDTH, 3)
    assert page.acknowledge("one-1", "ann") and not page.acknowledge("one-2", "ann")
    assert page.alarms()[0].acknowledged_by == "ann" and list(page.rules) == ["bare", "other"]
    assert not page.snooze("none", 5, "ann") and page.snooze("", 5, "ann")
    show(desk, 1, somebody(1), somebody(2))
    assert page.alarms()[0].text.endswith("(not sent: snoozed)")
    assert page.snoozed()[0].rule == "" and page.snooze("", 0, "ann") and not page.snoozed()
    picture.unlink()
    assert page.image("one-1") is None and page.image("none") is None
    desk.close()
