"""Names of the models that ship, and what is wrong with a name that is none of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from maskdet.system.redaction import mask_password

DEFAULT_MODEL = "retinanet-mobilenet"
"""What is opened where no model is named."""
CHECKPOINT = "checkpoint.npz"
"""The file with the whole state of a training, in its folder, in which its model will be."""


def missing_model_line(model: str, folder: Path, names: Iterable[str]) -> str:
    """The line about a model that is not there.

    Args:
        model: what was asked for.
        folder: where models have names.
        names: those that are there.
    """
    if "://" in model:
        return f"no model {mask_password(model)!r}: an address; download the file, and name it"
    run = Path(model).parent
    if run.name and (run / CHECKPOINT).is_file():
        return (
            f"no model {model!r} yet: the training in {run} has written none so far; it does at "
            "its first evaluation; one that was stopped goes on with --resume"
        )
    if not run.name:
        near = difflib.get_close_matches(model, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names) or 'none'}"
        return f"no model {model!r} under {folder} and no such path; {hint}"
    return f"no model {model!r}: there is no such path; check its spelling and the current folder"
