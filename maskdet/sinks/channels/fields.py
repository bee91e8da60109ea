"""The facts of a message by name, and templates that they are put into."""

from __future__ import annotations

import json
import re
from pathlib import PurePath
from typing import Any

from maskdet.alarm import Alarm, AlarmMessage
from maskdet.sinks.event_line import utc_text

VERSION = 1
"""Raised when a field changes its meaning or goes, not when one is added."""
_FIELD = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def fields_of(message: AlarmMessage) -> dict[str, Any]:
    """Fields for a web-hook, a command or a broker, before they are written as JSON."""
    alarm = message.alarm
    ended = alarm.changed if alarm.cleared is None else alarm.cleared
    return {
        "version": VERSION,
        "message_id": message.message_id,
        "phase": message.phase,
        "text": message.text,
        "alarm_id": alarm.alarm_id,
        "rule": alarm.rule,
        "kind": alarm.kind,
        "camera": alarm.camera,
        "title": alarm.title,
        "began": utc_text(alarm.began),
        "changed": utc_text(alarm.changed),
        "cleared": None if alarm.cleared is None else utc_text(alarm.cleared),
        "seconds": round(max(0.0, ended - alarm.began), 1),
        "person": alarm.track_id,
        "people": alarm.people,
        "states": list(alarm.states),
        "place": alarm.place or None,
        "others": len(message.others),
        "snapshot": PurePath(alarm.snapshot).name or None,
        "clip": PurePath(alarm.clip).name or None,
    }


EXAMPLE = AlarmMessage(
    "test",
    Alarm("test", "test", "people", "door", 0.0, 0.0, "a test", 0.0, 7, 1, ("without_mask",)),
    "test: a test",
)
"""A message of every field, to check templates with."""
FIELDS = tuple(fields_of(EXAMPLE))
"""The names that a template may use."""


def fill(template: str, message: AlarmMessage, *, as_json: bool) -> str:
    """A template with its ``{{field}}`` replaced.

    Args:
        template: text.
        message: what to put in.
        as_json: values are written as they stand within a JSON text: ``"text": "{{text}}"``.
    """
    values = fields_of(message)
    write = _inside_json if as_json else _plain
    return _FIELD.sub(lambda match: write(values.get(match[1])), template)


def check_template(template: str, *, as_json: bool) -> None:
    """Refuses a template that can never be filled well.

    Raises:
        ValueError: a field is unknown, or the result is not JSON.
    """
    for name in _FIELD.findall(template):
        if name not in FIELDS:
            raise ValueError(f"unknown field '{{{{{name}}}}}'; known are {', '.join(FIELDS)}")
    if "{{" in _FIELD.sub("", template):
        raise ValueError("a '{{' has no '}}' behind it")
    if as_json:
        try:
            json.loads(fill(template, EXAMPLE, as_json=True))
        except ValueError as error:
            raise ValueError(
                f"the template gives no JSON: {error}; put quotes around text, or set content_type"
            ) from None


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _inside_json(value: Any) -> str:
    """A value between the quotes of a JSON text, or a number without quotes."""
    return json.dumps(_plain(value), ensure_ascii=False)[1:-1]
