"""Marks of the runs that share a store's file: what one has open is its own while it goes on."""

from __future__ import annotations

import glob
from pathlib import Path

from maskdet.sinks.output_files import ReservedName, is_reserved

RUN_LENGTH = 12
"""Letters of a run's name that the numbers of its alarms begin with."""


class RunMark:
    """Shows other monitors that a run goes on; a kill takes it away, too.

    Attributes:
        others: runs that went on when this one began.
    """

    def __init__(self, store: Path, run: str) -> None:
        """Sets the mark, and removes those of runs that were killed.

        Args:
            store: its file, in a folder that is there.
            run: what names this run.
        """
        own = run[:RUN_LENGTH]
        self._name = ReservedName(store.with_name(f"{store.name}.{own}"))
        self.others: set[str] = set()
        for mark in store.parent.glob(f".{glob.escape(store.name)}.*.lock"):
            other = mark.name[len(store.name) + 2 : -len(".lock")]
            if other != own and is_reserved(mark):
                self.others.add(other)

    def release(self) -> None:
        """Takes the mark away; may be called twice."""
        self._name.release()
