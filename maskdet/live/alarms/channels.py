"""Channels, made as the settings say."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from maskdet.alarm import Alarm, AlarmPhase
from maskdet.errors import ConfigError, reason_of
from maskdet.live.settings import alarm_channels as settings
from maskdet.live.settings.alarm_channels import ChannelSettings
from maskdet.sinks.channels.channel import Channel
from maskdet.sinks.channels.home_assistant import Sensor
from maskdet.system.extras import require
from maskdet.system.secrets import Secrets

_SWITCHES = (
    settings.HttpOutputSettings,
    settings.SerialOutputSettings,
    settings.PinOutputSettings,
)


class ChannelMaker:
    """Makes channels of their settings."""

    def __init__(
        self,
        secrets: Secrets,
        new_nats: Callable[[str, str], Channel],
        sensors: Sequence[Sensor] = (),
        open_alarms: Iterable[Alarm] = (),
    ) -> None:
        """Takes what several kinds of channels need.

        Args:
            secrets: for ``${NAME}``.
            new_nats: makes a channel of that kind, of its name and subject.
            sensors: rules and cameras, for brokers.
            open_alarms: of the run before.
        """
        self._new_nats = new_nats
        self._secrets, self._sensors = secrets, sensors
        self._open_alarms = list(open_alarms)
        self._makers: Mapping[type, Callable[[Any], Channel]] = {
            settings.WebHookSettings: self._web_hook,
            settings.MqttSettings: self._mqtt,
            settings.NatsChannelSettings: self._nats,
            settings.NotifySettings: self._notify,
            settings.CommandSettings: self._command,
            settings.SoundSettings: self._sound,
            settings.HttpOutputSettings: self._http_output,
            settings.SerialOutputSettings: self._serial_output,
            settings.PinOutputSettings: self._pin_output,
        }

    def make(self, one: ChannelSettings) -> Channel:
        """The channel; nothing is sent yet.

        Raises:
            ConfigError: a secret or a package is missing.
        """
        return self._makers[type(one)](one)

    def _fill(self, one: ChannelSettings, key: str, text: str | None) -> str:
        return self._secrets.fill(text or "", f"channel '{one.name}', {key}")

    def _web_hook(self, one: settings.WebHookSettings) -> Channel:
        from maskdet.sinks.channels.web_hook import WebHook

        return WebHook(
            self._fill(one, "url", one.url),
            method=one.method,
            template=one.template,
            content_type=one.content_type,
            headers={name: self._fill(one, name, text) for name, text in one.headers.items()},
            secret=self._fill(one, "secret", one.secret),
            attach=one.attach,
            ca=_certificates(one, one.ca),
            timeout_s=one.timeout_seconds,
        )

    def _mqtt(self, one: settings.MqttSettings) -> Channel:
        require("alerts", "paho")
        from maskdet.sinks.channels.mqtt import BrokerAccess, Mqtt

        broker = BrokerAccess(
            one.host,
            one.port or (8883 if one.tls else 1883),
            user=one.user,
            password=self._fill(one, "password", one.password),
            tls=one.tls,
            ca=_certificates(one, one.ca),
        )
        return Mqtt(
            broker,
            sensors=self._sensors,
            node=one.node,
            prefix=one.discovery,
            open_alarms=self._open_alarms,
        )

    def _nats(self, one: settings.NatsChannelSettings) -> Channel:
        return self._new_nats(one.name, one.subject)

    def _notify(self, one: settings.NotifySettings) -> Channel:
        require("alerts", "apprise")
        from maskdet.sinks.channels.notify import Notify

        return Notify(self._fill(one, "url", one.url), attach=one.attach)

    def _command(self, one: settings.CommandSettings) -> Channel:
        from maskdet.sinks.channels.command import CommandChannel

        return CommandChannel(one.command, timeout_s=one.timeout_seconds)

    def _sound(self, one: settings.SoundSettings) -> Channel:
        from maskdet.sinks.channels.sound import Sound

        return Sound(None if one.file is None else str(one.file))

    def _http_output(self, one: settings.HttpOutputSettings) -> Channel:
        from maskdet.sinks.channels.switch import HttpOutput, Switch

        addresses = self._fill(one, "on", one.on), self._fill(one, "off", one.off)
        return Switch(HttpOutput(*addresses, method=one.method), self._open_numbers())

    def _serial_output(self, one: settings.SerialOutputSettings) -> Channel:
        require("alerts", "serial")
        from maskdet.sinks.channels.switch import SerialOutput, Switch

        return Switch(SerialOutput(one.port, one.on, one.off, baud=one.baud), self._open_numbers())

    def _pin_output(self, one: settings.PinOutputSettings) -> Channel:
        from maskdet.sinks.channels.switch import PinOutput, Switch

        return Switch(PinOutput(one.pin, active_high=one.active_high), self._open_numbers())

    def _open_numbers(self) -> list[str]:
        return [alarm.alarm_id for alarm in self._open_alarms]


def phases_of(one: ChannelSettings) -> frozenset[AlarmPhase]:
    """The messages that a channel sends; outputs need to know when alarms begin and end."""
    if isinstance(one, _SWITCHES):
        return frozenset({"began", "updated", "cleared"})
    return frozenset(one.send)


def _certificates(one: ChannelSettings, file: Path | None) -> str | None:
    """The file of certificates to trust, if one is named.

    Raises:
        ConfigError: it is not there, or holds none.
    """
    if file is None:
        return None
    if not file.is_file():
        raise ConfigError(f"channel '{one.name}': {file} is not there; check the setting ca")
    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        raise ConfigError(
            f"channel '{one.name}': {file} holds no certificate; the setting ca is a PEM file, "
            "with lines BEGIN CERTIFICATE"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"channel '{one.name}': {file} cannot be read: {reason_of(error)}; check its rights"
        ) from None
    return str(file)
