"""The TLS certificate of the live page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from maskdet.commands.doctor.finding import Finding, Health, broken, ok
from maskdet.config import load_settings
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.web.live.certificate import check_certificate, expiry, expiry_warning

NAME = "TLS"


def check(config: Path) -> Iterator[Finding]:
    """Reads the monitor's settings, and the certificate that they name.

    Raises:
        ConfigError: the settings are wrong, or the files do not serve.
    """
    serve = load_settings(MonitorSettings, config).serve
    if serve.certificate is None or serve.key is None:
        return
    check_certificate(serve.certificate, serve.key)
    ends, warning = (
        expiry(serve.certificate, serve.key),
        expiry_warning(serve.certificate, serve.key),
    )
    if ends is not None and ends < time.time():
        yield broken(NAME, *warning.split("; ", 1))
    elif warning:
        text, fix = warning.split("; ", 1)
        yield Finding(NAME, Health.WARNING, text, fix)
    else:
        until = "" if ends is None else f" until {time.strftime('%Y-%m-%d', time.gmtime(ends))}"
        yield ok(NAME, f"{serve.certificate} holds{until}")
