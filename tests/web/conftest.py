"""The picture page as users start it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.web.servers import Command, serving


@pytest.fixture(scope="session")
def page() -> Iterator[Command]:
    """The command as it starts without options, with the model that ships."""
    with serving() as command:
        yield command
        assert command.end() == (0, "")  # nothing that the tests did made it complain


@pytest.fixture
def client(page: Command) -> Iterator[httpx.Client]:
    with page.client() as client:
        yield client
