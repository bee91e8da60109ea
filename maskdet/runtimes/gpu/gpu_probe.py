"""GPUs that LiteRT may compute on: whether one seems to be there, its name, whether it is real."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SOFTWARE_COUNTS = "MASKDET_SOFTWARE_GPU"
"""Environment: set to 1, a software adapter counts as a GPU; for tests on machines without one."""

_SELECTED = re.compile(
    r"Selected adapter: (?P<name>.+?), arch=.*?, backend=(?P<backend>[^,\n]+), "
    r"adapterType=(?P<type>[^\n]+)"
)
_SOFTWARE = re.compile(
    r"swiftshader|llvmpipe|lavapipe|softpipe|basic render|software|\bwarp\b|^cpu\b", re.IGNORECASE
)
_LINUX = ("/dev/dri/renderD*", "/dev/nvidia[0-9]*", "/dev/dxg", "/dev/mali0", "/dev/kgsl-3d0")
"""What drivers of GPUs put there; ``dxg`` is Windows' GPU in its Linux."""


@dataclass(frozen=True)
class Adapter:
    """The adapter that WebGPU computes on.

    Attributes:
        name: as its driver states it.
        backend: the system's interface below: Vulkan, D3D12, Metal.
        software: whether it is a CPU that plays a GPU.
    """

    name: str
    backend: str
    software: bool

    @property
    def counts(self) -> bool:
        """Whether it is a GPU, or a test wants it taken for one."""
        return not self.software or software_counts()


def software_counts() -> bool:
    """Whether a test wants software adapters taken for GPUs."""
    return os.environ.get(SOFTWARE_COUNTS) == "1"


def selected_adapter(log: str) -> Adapter | None:
    """The adapter that LiteRT chose, if its log names it.

    LiteRT 2.3 has no call for it; its WebGPU accelerator (Dawn) logs it at every start.
    """
    found = _SELECTED.search(log)
    if found is None:
        return None
    name, kind = found["name"].strip(), found["type"].strip()
    software = bool(_SOFTWARE.search(kind) or _SOFTWARE.search(name))
    return Adapter(name, found["backend"].strip(), software)


def gpu_seems_there(root: Path = Path("/")) -> bool:
    """Whether it is worth asking for a GPU: cheap, and wrong rather than slow.

    Windows and macOS always have an interface to one; on Linux a driver leaves a device file.
    """
    if software_counts() or not sys.platform.startswith("linux"):
        return True
    return _any(root, _LINUX)


def cuda_seems_there(root: Path = Path("/")) -> bool:
    """Whether Keras may find a GPU, which only an import of seconds shows for sure: its driver."""
    return _any(root, ("/proc/driver/nvidia/version", "/dev/nvidia[0-9]*", "/dev/kfd"))


def _any(root: Path, patterns: Iterable[str]) -> bool:
    return any(next(root.glob(pattern.lstrip("/")), None) for pattern in patterns)
