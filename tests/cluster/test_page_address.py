"""Addresses of the machines' own live pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maskdet.cluster.page_address import live_page_url
from maskdet.live.settings.serve import ServeSettings

TLS = {"certificate": Path("c.pem"), "key": Path("k.pem")}


@pytest.mark.parametrize(
    ("serve", "machine", "url"),
    [
        ({}, "10.0.0.5", None),
        ({"address": "0.0.0.0:8001"}, "10.0.0.5", "http://10.0.0.5:8001/"),
        ({"address": ":8001"}, "hall.example", "http://hall.example:8001/"),
        ({"address": "0.0.0.0:8001", **TLS}, "10.0.0.5", "https://10.0.0.5:8001/"),
        ({"address": "[::]:8001"}, "fd00::5", "http://[fd00::5]:8001/"),
        ({"address": "127.0.0.1:8001"}, "10.0.0.5", "http://127.0.0.1:8001/"),
        ({"address": "0.0.0.0:8001"}, "", None),
        ({"address": "0.0.0.0:0"}, "10.0.0.5", None),
    ],
)
def test_it_is_the_machine_s_unless_the_page_listens_elsewhere(
    serve: dict[str, Any], machine: str, url: str | None
):
    assert live_page_url(ServeSettings(**serve), machine) == url
