"""Files that somebody has begun to see: what the audit log has a line of already."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from maskdet.system.threads import Lock

VIEW_S = 3600.0
"""Seconds for which the parts of a file belong to one view of it."""
_MAX_VIEWS = 10_000


class Views:
    """Views of files, of which the next part is not a new one; for any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nobody has seen anything yet."""
        self._clock = clock
        self._lock = Lock()
        self._began: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def is_new(self, view: tuple[str, ...]) -> bool:
        """Whether a view begins.

        Args:
            view: who sees what.
        """
        now = self._clock()
        with self._lock:
            began = self._began.get(view)
            if began is not None and now - began <= VIEW_S:
                return False
            self._began.pop(view, None)
            self._began[view] = now
            while len(self._began) > _MAX_VIEWS:
                self._began.popitem(last=False)
        return True
