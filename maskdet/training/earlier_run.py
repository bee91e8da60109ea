"""Remains of an earlier training run in a folder."""

from __future__ import annotations

from pathlib import Path

from maskdet.errors import ConfigError
from maskdet.model.card import CARD_NAME
from maskdet.model.registry import CHECKPOINT


def require_no_checkpoint(folder: Path, model: str | None = None) -> None:
    """Makes sure that a new run spoils no older one, and no model.

    Args:
        folder: of the run.
        model: name of the model's folder in it; None: models do not matter.

    Raises:
        ConfigError: there is one.
    """
    for file in (folder / CHECKPOINT, *([folder / model / CARD_NAME] if model else [])):
        if file.exists():
            raise ConfigError(
                f"{file} is there already: a run has begun here; add --resume, or choose another "
                "--output"
            )
