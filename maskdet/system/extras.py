"""Optional packages: which extra of this project brings each, and how to install it here."""

from __future__ import annotations

import json
import sys
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from maskdet.errors import ConfigError
from maskdet.system.file_names import in_shell
from maskdet.system.resources import checkout

EXTRAS = {
    "train": (
        *("tensorflow", "keras", "h5py", "matplotlib", "pycocotools", "defusedxml"),
        *("google_crc32c", "tensorboardX"),
    ),
    "serve": (
        *("fastapi", "starlette", "anyio", "uvicorn", "python_multipart", "prometheus_client"),
        *("websockets", "argon2"),
    ),
    "alerts": ("paho", "apprise", "serial"),
    "nats": ("nats", "nkeys"),
    "postgres": ("psycopg",),
    "cluster": ("ray",),
    "onnx": ("onnx", "onnxruntime", "tf2onnx"),
    "openvino": ("openvino",),
    "jax": ("jax",),
}
"""The modules that each extra of pyproject.toml brings."""
_unused_left_out = False


def extra_of(module: str | None) -> str | None:
    """The extra that brings a module (``keras.ops``), None where no extra does."""
    top = (module or "").partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if top in modules), None)


def require(extra: str, *modules: str) -> None:
    """Makes sure that modules are installed, before any work is done that would be lost.

    Args:
        extra: the extra that brings them.
        modules: what is needed of it; none: all of it.

    Raises:
        ConfigError: one is not installed; the line names the extra that has it.
    """
    for module in modules or EXTRAS[extra]:
        if find_spec(module) is None:
            raise ConfigError(missing_line(module, extra))


def missing_line(module: str, extra: str) -> str:
    """One line for a module that is not installed: what is missing, and the command that helps."""
    command = install_command(extra)
    return f"{module} is not installed; it comes with maskdet's extra {extra!r}: {command}"


def install_command(extra: str) -> str:
    """The shell command that adds an extra of this project to this installation.

    It names where this installation came from, never a bare name: on a public index that name may
    belong to somebody else.
    """
    root = checkout()
    if root is not None:
        here = "" if root == Path.cwd() else f"cd {in_shell(str(root))} && "
        if sys.platform == "win32":  # whose shells join two commands in ways of their own
            return f"{_pip()} install -e {in_shell(f'{root}[{extra}]')}"
        return f"{here}{_pip()} install -e '.[{extra}]'"
    address = _installed_from()
    if address is None:
        return f"repeat the installation with [{extra}] behind what was installed"
    wanted = in_shell(f"maskdet[{extra}] @ {address}")
    if (Path(sys.prefix) / "uv-receipt.toml").is_file():
        return f"uv tool install {wanted}"
    return f"{_pip()} install {wanted}"


def _pip() -> str:
    """The command that installs packages into the Python that runs this program."""
    python = in_shell(sys.executable or "python")
    return f"{python} -m pip" if find_spec("pip") else f"uv pip --python {python}"


def _installed_from() -> str | None:
    """The address of the wheel, folder or repository, as the installer noted it (PEP 610)."""
    try:
        note = json.loads(distribution("maskdet").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    address, repository = note.get("url"), note.get("vcs_info")
    if address and repository:
        return f"{repository['vcs']}+{address}@{repository['commit_id']}"
    return address


def leave_out_unused() -> None:
    """Has Keras imported without what it wants for functions that nothing here calls.

    That spares a command two seconds at its start. For processes of our own alone: a program that
    uses maskdet as a library may give Keras tables of pandas, which it would not know until the
    process ends.
    """
    global _unused_left_out
    _unused_left_out = True


def is_unused_left_out() -> bool:
    """Whether this process imports Keras so."""
    return _unused_left_out
