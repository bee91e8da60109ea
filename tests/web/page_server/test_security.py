"""By which names a page may be asked for."""

from __future__ import annotations

from maskdet.web.page_server.security import names_of_page


def test_an_allowed_name_counts_without_its_port_and_what_is_none_is_left_out() -> None:
    names = names_of_page("0.0.0.0", ["cameras.example:8443", "door.example", "[", "::1"])

    assert names[0] == "0.0.0.0" and names[3:] == ["cameras.example", "door.example"]
