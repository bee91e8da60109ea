"""``python -m maskdet doctor``: what of this machine works, and the exact fix of what does not."""

from maskdet.commands.doctor.run import run

__all__ = ["run"]
