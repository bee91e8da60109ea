"""Texts of alarms: short, plain, with what a person needs to act."""

from __future__ import annotations

from collections.abc import Sequence

from maskdet.alarm import Alarm, AlarmPhase
from maskdet.detections import MaskState
from maskdet.people.alarms.rule import AlarmRule

_OF_CAMERA = {
    "camera_gone": "camera {camera} gives no image",
    "camera_covered": "camera {camera} is covered, dark or out of focus",
    "camera_moved": "camera {camera} shows another scene: it was moved or turned",
    "disk_full": "the disk is nearly full",
}


def title(
    rule: AlarmRule, camera: str, states: Sequence[MaskState], track_id: int | None, people: int
) -> str:
    """The title of an alarm: ``no mask: person 7 in zone door, camera hall``."""
    if rule.kind != "people":
        return _OF_CAMERA[rule.kind].format(camera=camera)
    worn = " or ".join(state.title for state in states) or "people"
    who = f"person {track_id}" if track_id is not None else f"{people} people"
    where = f" in zone {rule.zone}" if rule.zone else ""
    over = f" across line {rule.line}" if rule.line else ""
    way = f" ({rule.direction})" if rule.direction else ""
    return f"{worn}: {who}{where}{over}{way}, camera {camera}"


def headline(alarm: Alarm) -> str:
    """The rule and what it found; a rule named as the state that it watches stands there once."""
    is_named_so = alarm.title.casefold().startswith(f"{alarm.rule}:".casefold())
    return alarm.title if is_named_so else f"{alarm.rule}: {alarm.title}"


def text(phase: AlarmPhase, alarm: Alarm, others: int = 0) -> str:
    """The line that a message shows."""
    line = headline(alarm)
    if phase == "cleared":
        lasted = max(0.0, (alarm.cleared or alarm.changed) - alarm.began)
        line = f"cleared after {duration(lasted)}: {line}"
    elif phase == "flapping":
        line = f"{line}; it comes and goes, no further messages until it is steady"
    elif phase == "updated" and alarm.repeats:
        line = f"again: {line}"
    if others:
        line = f"{line} (and {others} more since the last message)"
    return line


def duration(seconds: float) -> str:
    """Seconds for people: ``45 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
