"""The software Vulkan driver that Debian's package chromium brings."""

from __future__ import annotations

from pathlib import Path

import pytest

_DRIVER = Path("/usr/lib/chromium/vk_swiftshader_icd.json")


def swiftshader_driver() -> Path:
    """Its description, for ``VK_DRIVER_FILES``; without it the test is skipped."""
    if not _DRIVER.is_file():
        pytest.skip("needs SwiftShader: apt-get install chromium libvulkan1")
    return _DRIVER
