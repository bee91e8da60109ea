"""Which GPU LiteRT says it took, and whether one seems to be there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from maskdet.runtimes.gpu import gpu_probe
from maskdet.runtimes.gpu.gpu_probe import (
    Adapter,
    cuda_seems_there,
    gpu_seems_there,
    selected_adapter,
)

PREFIX = "I0000 00:00:1795489944.811486    8796 environment.cc:532] Selected adapter: "
# As LiteRT 2.3 writes them; whether the adapter counts as a GPU.
LINES = {
    "SwiftShader Device (Subzero), arch=swiftshader, vendor=google, backend=Vulkan, "
    "adapterType=CPU / Software": False,
    "llvmpipe (LLVM 15.0.6, 256 bits), arch=, vendor=mesa, backend=Vulkan, "
    "adapterType=CPU / Software": False,
    "Microsoft Basic Render Driver, arch=, vendor=microsoft, backend=D3D12, "
    "adapterType=Unknown": False,
    "Intel(R) Iris(R) Xe Graphics (TGL GT2), arch=gen-12lp, vendor=intel, backend=Vulkan, "
    "adapterType=Integrated GPU": True,
    "NVIDIA H100 PCIe, arch=, vendor=nvidia, backend=Vulkan, adapterType=Discrete GPU": True,
    "AMD Radeon 780M, arch=rdna-3, vendor=amd, backend=D3D12, adapterType=Integrated GPU": True,
    "Apple M2, arch=common-3, vendor=apple, backend=Metal, adapterType=Integrated GPU": True,
}


@pytest.mark.parametrize(("line", "counts"), LINES.items(), ids=lambda value: str(value)[:12])
def test_a_gpu_has_its_name_and_a_software_adapter_never_counts(line: str, counts: bool):
    found = selected_adapter(f"INFO: before\n{PREFIX}{line}\nINFO: after")
    assert found is not None
    assert found.name == line.split(", arch")[0] and found.counts is counts
    assert found.backend in ("Vulkan", "D3D12", "Metal")


def test_a_test_may_count_a_software_adapter(monkeypatch: pytest.MonkeyPatch):
    adapter = Adapter("SwiftShader", "Vulkan", True)
    assert not adapter.counts
    monkeypatch.setenv(gpu_probe.SOFTWARE_COUNTS, "1")
    assert adapter.counts


def test_a_log_without_adapter_names_none():
    assert selected_adapter("Warning: vkCreateInstance: Found no drivers!") is None


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's device files")
@pytest.mark.parametrize(
    ("file", "gpu", "cuda"),
    [
        ("dev/dri/card0", False, False),  # a server's screen
        ("dev/dri/renderD128", True, False),
        ("dev/nvidia0", True, True),
        ("dev/dxg", True, False),
        ("dev/kfd", False, True),
    ],
)
def test_a_driver_leaves_a_device_file(tmp_path: Path, file: str, gpu: bool, cuda: bool):
    assert not gpu_seems_there(tmp_path) and not cuda_seems_there(tmp_path)
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.touch()
    assert gpu_seems_there(tmp_path) is gpu and cuda_seems_there(tmp_path) is cuda
