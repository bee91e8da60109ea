"""A program of the user's own, run for each message."""

from __future__ import annotations

import json
from collections.abc import Sequence

from maskdet.alarm import AlarmMessage
from maskdet.errors import reason_of
from maskdet.sinks.channels.channel import ChannelError
from maskdet.sinks.channels.fields import fields_of, fill
from maskdet.system.processes.external_command import run_command


class CommandChannel:
    """Runs a program with the message as JSON on its standard input; a `Channel`.

    No shell reads it: what a camera is called cannot become a command.
    """

    def __init__(self, arguments: Sequence[str], *, timeout_s: float = 30.0) -> None:
        """Runs nothing yet.

        Args:
            arguments: program and arguments, in which ``{{field}}`` is replaced.
            timeout_s: after which it is ended.
        """
        self._arguments, self._timeout = tuple(arguments), timeout_s

    def send(self, message: AlarmMessage) -> None:
        """Runs the program; exit status 0 means that it has done its work."""
        values = fields_of(message) | {
            "snapshot": message.alarm.snapshot or None,  # whole paths: it runs on this machine
            "clip": message.alarm.clip or None,
        }
        arguments = [fill(one, message, as_json=False) for one in self._arguments]
        program = arguments[0]
        try:
            done = run_command(
                arguments,
                stdin=json.dumps(values, ensure_ascii=False).encode(),
                environment={"MASKDET_PHASE": message.phase, "MASKDET_RULE": message.alarm.rule},
                timeout_s=self._timeout,
            )
        except OSError as error:
            reason = f"{program} cannot be started: {reason_of(error)}"
            raise ChannelError(reason, "check the setting command") from None
        if done.status is None:
            reason = f"{program} was ended after {self._timeout:g} s"
            raise ChannelError(reason, "raise timeout_seconds, or let it end sooner")
        if done.status:
            detail = f": {done.last_line}" if done.last_line else ""
            reason = f"{program} ended with status {done.status}{detail}"
            raise ChannelError(reason, "it has to end with status 0")

    def close(self) -> None:
        """Holds nothing."""
