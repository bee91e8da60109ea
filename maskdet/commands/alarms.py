"""``maskdet alarms test``: a test message to each channel, and what became of it."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from maskdet.config import load_settings
from maskdet.errors import ConfigError, MaskdetError
from maskdet.live.alarms.channels import ChannelMaker
from maskdet.live.messaging.uplink import new_alarm_channel
from maskdet.live.settings.alarm_channels import ChannelSettings
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.sinks.channels.fields import EXAMPLE
from maskdet.system.console import as_typed, say
from maskdet.system.secrets import Secrets
from maskdet.system.timeouts import exit_process, run_all_with_timeout

TIMEOUT_S = 35.0
"""For all channels together; the slowest, a program of the user's, has 30 seconds by default."""


def run(config: Path | None, channel: str | None, overrides: list[str]) -> int:
    """Sends a test message to one channel or to all, and prints a line for each.

    Args:
        config: the monitor's settings.
        channel: name of one; None: all.
        overrides: ``A.B=VALUE``, as the monitor takes them.

    Returns:
        0 where every message has arrived, else 2.

    Raises:
        ConfigError: the settings are wrong, or have no such channel.
    """
    settings = load_settings(MonitorSettings, config, overrides)
    wanted = settings.alarms
    names = [one.name for one in wanted.channels]
    if not names:
        where = f"in {config}" if config else "as no --config names a settings file"
        raise ConfigError(
            f"no channels are set {where}: they stand in alarms.channels, "
            f"{as_typed('settings')} prints an example of each"
        )
    if channel is not None and channel not in names:
        raise ConfigError(f"no channel is named '{channel}'; there is {', '.join(names)}")
    secrets = Secrets(wanted.secrets)
    maker = ChannelMaker(secrets, partial(new_alarm_channel, settings.nats))
    results: dict[str, str] = {}
    chosen = [one for one in wanted.channels if channel in (None, one.name)]
    jobs = {one.name: partial(_test, one, maker, results) for one in chosen}
    run_all_with_timeout(TIMEOUT_S, jobs)
    for one in chosen:
        problem = results.get(one.name, f"no answer within {TIMEOUT_S:.0f} s")
        say(secrets.mask(f"{one.name} ({one.kind}): {problem}"), "info")
    failed = [name for name in jobs if not results.get(name, "").startswith("delivered")]
    return exit_process(ConfigError.exit_code if failed else 0)


def _test(one: ChannelSettings, maker: ChannelMaker, results: dict[str, str]) -> None:
    began = time.monotonic()
    now = time.time()
    alarm = replace(EXAMPLE.alarm, rule="test", camera="", began=now, changed=now, cleared=now)
    text = f"a test of the channel '{one.name}' of maskdet"
    message = replace(EXAMPLE, alarm=alarm, text=text, message_id=f"test-{time.time_ns()}")
    try:
        channel = maker.make(one)
        try:
            channel.send(message)
        finally:
            channel.close()
    except MaskdetError as error:
        results[one.name] = f"failed: {error}"
    except Exception as error:  # of a library
        results[one.name] = f"failed: {type(error).__name__}: {error}"
    else:
        results[one.name] = f"delivered in {time.monotonic() - began:.1f} s"
