"""Models and settings that ship with the program, in a checkout or in an installed wheel."""

from __future__ import annotations

import difflib
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_IN_WHEEL = _PACKAGE / "shipped"
"""Where the wheel has them; pyproject.toml puts them there."""


def checkout() -> Path | None:
    """The folder of the checkout that this code runs from, None in an installed wheel."""
    root = _PACKAGE.parent
    is_one = not _IN_WHEEL.is_dir() and (root / "pyproject.toml").is_file()
    return root if is_one else None


def shipped(name: str) -> Path:
    """The folder ``models`` or ``configs``, in the wheel or at the top of the checkout."""
    return (_IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent) / name


def user_models() -> Path:
    """The folder that downloaded models of this user lie in; it need not exist."""
    from platformdirs import user_data_path  # late: only looked for where no shipped model fits

    return user_data_path("maskdet", appauthor=False) / "models"


def own_settings_file(path: str | Path | None) -> Path | None:
    """The settings file that a command may change: the user's, not one that ships in a wheel."""
    if path is None:
        return None
    found = settings_file(path)
    return None if _IN_WHEEL in found.resolve().parents else found


def settings_file(path: str | Path) -> Path:
    """A settings file: the path as it is, or what ships by that name (``configs/monitor.yaml``).

    Args:
        path: of any file; relative to the current folder, then to the shipped ones.
    """
    path = Path(path)
    if path.exists() or path.is_absolute():
        return path
    inside = shipped("configs") / path.name
    is_shipped = path.parent.name == "configs" and len(path.parts) == 2 and inside.is_file()
    return inside if is_shipped else path


def nearest_settings_file(path: Path) -> Path | None:
    """The settings file that was probably meant by one that is not there; None: none is near.

    Args:
        path: as it was typed.
    """
    if (shipped("configs") / path.name).is_file():
        return Path("configs") / path.name
    beside = sorted(one.name for one in path.parent.glob("*.y*ml"))
    near = difflib.get_close_matches(path.name, beside, n=1)
    return path.parent / near[0] if near else None
