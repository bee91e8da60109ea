"""The monitor's settings as the live page shows them: without anything that is secret."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from maskdet.live.settings.monitor import MonitorSettings
from maskdet.system.redaction import mask_address, mask_password

MASK = "***"
_SECRET_KEY = re.compile(
    r"pass|token|secret|auth|cookie|header|credential|signature|key|template", re.I
)
_REFERENCE = re.compile(r"\$\{\w+\}")
"""Names a secret, and is none."""
_PLAIN_SCHEMES = {"http", "https", "mqtt", "mqtts", "rtsp", "rtsps", "tcp", "udp"}


def masked(settings: MonitorSettings) -> dict[str, Any]:
    """All settings as JSON has them, secrets masked."""
    values = settings.model_dump(mode="json")
    sources = [
        {
            **one,
            "source": mask_address(one["source"]),
            "detect_source": one["detect_source"] and mask_address(one["detect_source"]),
            "name": _text(one["name"]),
        }
        for one in values.pop("sources")
    ]
    sources = [{**one, "ffmpeg": {key: MASK for key in one["ffmpeg"]}} for one in sources]
    return {"sources": sources, **_masked(values)}


def _masked(value: Any, key: str = "") -> Any:
    is_secret = bool(_SECRET_KEY.search(key))
    if isinstance(value, dict):
        return {name: _masked(one, key if is_secret else str(name)) for name, one in value.items()}
    if key == "command" and isinstance(value, list):  # the program's arguments may hold a token
        return [*value[:1], *(MASK for _ in value[1:])]
    if isinstance(value, list):
        return [_masked(one, key) for one in value]
    if isinstance(value, str) and _REFERENCE.fullmatch(value):
        return value
    if isinstance(value, str) and value and is_secret:
        return MASK
    return _address(value) if isinstance(value, str) and "://" in value else _text(value)


def _text(value: Any) -> Any:
    return mask_password(value) if isinstance(value, str) else value


def _address(text: str) -> str:
    """An address of a service often holds a token in its path: only scheme and host stay."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        return MASK
    if parts.scheme.lower() not in _PLAIN_SCHEMES:
        return f"{parts.scheme}://{MASK}"
    return f"{parts.scheme}://{host}/{MASK}"
