"""A browser for the page of a cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.chromium import Browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("browser"), "", None)
    yield browser
    browser.driver.quit()
