"""Hosts and ports as URLs have them."""

from __future__ import annotations

import pytest

from maskdet.system.network_addresses import is_unspecified, page_url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("hall.example", "http://hall.example:8001/"),
        ("10.0.0.5", "http://10.0.0.5:8001/"),
        ("fd00::5", "http://[fd00::5]:8001/"),
    ],
)
def test_an_address_with_colons_has_brackets(host: str, url: str):
    assert page_url("http", host, 8001) == url


@pytest.mark.parametrize(
    ("host", "is_all"),
    [("0.0.0.0", True), ("::", True), ("::%eth0", True), ("::1", False), ("hall.example", False)],
)
def test_all_addresses_of_a_machine_are_known(host: str, is_all: bool):
    assert is_unspecified(host) == is_all
