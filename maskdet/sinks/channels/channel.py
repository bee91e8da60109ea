"""A way that messages of alarms leave: what each channel promises, and how it reports a failure."""

from __future__ import annotations

from typing import Protocol

from maskdet.alarm import AlarmMessage
from maskdet.errors import RetriedError

REQUEST_TIMEOUT_S = 10.0
"""For another machine to answer."""


class ChannelError(RetriedError):
    """A message could not be sent; it is tried again."""


class Channel(Protocol):
    """Sends messages, one after the other, in a thread of its own."""

    def send(self, message: AlarmMessage) -> None:
        """Sends a message and returns once it has arrived; may take long, or hang.

        Raises:
            ChannelError: it has not arrived; it is tried again later.
        """

    def close(self) -> None:
        """Ends what `send` may be waiting for; called from another thread, perhaps twice."""
