"""The state of a link to a server: reported when it fails, and when it fails for another reason."""

from __future__ import annotations

import logging

from maskdet.sinks.retry_state import RetryState

log = logging.getLogger(__name__)

_MAX_REASONS = 20


class LinkState(RetryState):
    """A `RetryState` whose reasons may follow one another: first no server, then no stream."""

    def __init__(self, what: str, retry_seconds: float) -> None:
        """All is well.

        Args:
            what: the link, as messages begin.
            retry_seconds: between two attempts at first; doubled up to a minute.
        """
        super().__init__(what, retry_seconds)
        self._link = what
        self._reasons: set[str] = set()

    def fail(self, reason: str, advice: str) -> None:
        """It failed; reported unless this reason has been since it worked."""
        if not self.active:
            self._reasons.clear()
        elif reason not in self._reasons and len(self._reasons) < _MAX_REASONS:
            log.warning("%s still fails: %s; %s", self._link, reason, advice)
        self._reasons.add(reason)
        super().fail(reason, advice)
