"""Messages for channels to send."""

from __future__ import annotations

import itertools
import time

from maskdet.alarm import Alarm, AlarmMessage, AlarmPhase
from maskdet.sinks.store.alarm_store import Delivery

_NUMBERS = itertools.count(1)


def message(phase: AlarmPhase = "began", alarm_id: str = "a-1", **facts: object) -> AlarmMessage:
    now = time.time()
    known = {"track_id": 7, "people": 1, "states": ("without_mask",), "place": "door"}
    alarm = Alarm(
        alarm_id,
        "no mask",
        "people",
        'hall "1"',
        now - 3,
        now,
        "no mask: person 7",
        **(known | facts),  # type: ignore[arg-type]
    )
    number = str(next(_NUMBERS))
    return AlarmMessage(phase, alarm, f"no mask: person 7 ({phase})", message_id=number)


def delivery(channel: str, of: AlarmMessage | None = None) -> Delivery:
    of = of or message()
    return Delivery(f"{of.message_id}/{channel}", channel, of, time.time())
