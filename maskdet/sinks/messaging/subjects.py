"""Subjects of events and alarms: ``maskdet.events.SITE.CAMERA.KIND``."""

from __future__ import annotations

from urllib.parse import quote, unquote

PREFIX = "maskdet.events"
"""The subject below which events are published, unless the settings give another."""
ALARM_PREFIX = "maskdet.alarms"
"""The subject below which alarms are published, likewise."""
NOBODY = "-"
"""In the place of the camera, where an event is about a whole run or a disk."""
ID_HEADER = "Nats-Msg-Id"
"""By which the server drops what it has had already."""
_PARTS = 3


def token(text: str) -> str:
    """A part of a subject: whatever NATS gives a meaning, or cannot carry, is percent-encoded."""
    return quote(text, safe="").replace(".", "%2E") or NOBODY


def subject(prefix: str, site: str, camera: str, kind: str) -> str:
    """The subject of an event or alarm."""
    return ".".join((prefix, token(site), token(camera), kind))


def site_of(subject_name: str) -> str:
    """The site that published an event, whatever the event itself states.

    A server can allow a site to publish below its own name alone, so a site cannot write in the
    name of another.
    """
    parts = subject_name.rsplit(".", _PARTS)
    return unquote(parts[1]) if len(parts) > _PARTS else ""
