"""Settings of the channels that alarms are sent to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, PositiveInt, Tag, model_validator

from maskdet.config import Settings
from maskdet.config_texts import OneLine, matching
from maskdet.live.settings.nats import Subject
from maskdet.live.settings.sources import Timeout
from maskdet.sinks.channels.fields import check_template
from maskdet.sinks.messaging.subjects import ALARM_PREFIX
from maskdet.system.secrets import is_reference

Phase = Literal["began", "updated", "cleared", "flapping", "clip"]
Phases = Annotated[tuple[Phase, ...], Field(min_length=1)]
ALL: tuple[Phase, ...] = ("began", "updated", "cleared", "flapping", "clip")
_PASSWORD_IN_ADDRESS = re.compile(r"://[^/@\s]*:[^/@\s]+@")
_REFERENCE = "write ${NAME}, and set NAME in the environment or in the file of alarms.secrets"

Name = Annotated[OneLine, Field(max_length=60), matching("[^/]+", "a name without /")]
Text = Annotated[str, Field(min_length=1)]
_HOST = r"[^\s:/@]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+(%\w+)?"
Host = Annotated[
    str, matching(_HOST, "a name or number alone, as 10.0.0.5; port, user and tls are other keys")
]


class _Channel(Settings):
    """One channel.

    Attributes:
        name: unique among channels.
    """

    name: Name


class WebHookSettings(_Channel):
    """An HTTP request for each message.

    Attributes:
        send: which messages.
        url: where to; may hold ``${NAME}``.
        method: of HTTP.
        template: the body, with ``{{field}}``; None: all fields as JSON.
        content_type: of the body.
        headers: further ones; values may hold ``${NAME}``.
        secret: ``${NAME}`` of the key that messages are signed with; None: unsigned.
        attach: sends snapshot and clip along.
        ca: file of certificates to trust; None: the system's.
        timeout_seconds: for the answer.
    """

    kind: Literal["web_hook"] = "web_hook"
    send: Phases = ALL
    url: Annotated[
        str, matching(r"(https?://|\$\{)(.|\n)*", "an address that begins with http:// or https://")
    ]
    method: Literal["POST", "PUT", "PATCH", "GET"] = "POST"
    template: str | None = None
    content_type: str = "application/json"
    headers: dict[str, str] = {}
    secret: str | None = None
    attach: bool = False
    ca: Path | None = None
    timeout_seconds: Timeout = 10.0

    @model_validator(mode="after")
    def _template_and_secrets_fit(self) -> Self:
        if self.template is not None:
            as_json = self.content_type.startswith("application/json")
            check_template(self.template, as_json=as_json)
        _require_reference("secret", self.secret)
        _refuse_password(self.url)
        return self


class MqttSettings(_Channel):
    """A broker, with discovery for Home Assistant.

    Attributes:
        send: which messages.
        host: of the broker.
        port: of the broker; None: 1883, with TLS 8883.
        user: to log in with.
        password: ``${NAME}`` of the password.
        tls: encrypts the connection.
        ca: file of certificates to trust; None: the system's.
        node: name of this monitor, unique on its broker.
        discovery: prefix of Home Assistant's discovery; empty: nothing is announced.
    """

    kind: Literal["mqtt"] = "mqtt"
    send: Phases = ALL
    host: Host
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    user: str = ""
    password: str | None = None
    tls: bool = False
    ca: Path | None = None
    node: Text = "maskdet"
    discovery: str = "homeassistant"

    @model_validator(mode="after")
    def _secrets_fit(self) -> Self:
        _require_reference("password", self.password)
        if self.password is not None and not self.user:
            raise ValueError("password needs user, too")
        return self


class NatsChannelSettings(_Channel):
    """The NATS server of the setting ``nats``, with its login and the name of the site.

    Attributes:
        send: which messages.
        subject: prefix of the subjects that alarms are published to.
    """

    kind: Literal["nats"] = "nats"
    send: Phases = ALL
    subject: Subject = ALARM_PREFIX


class NotifySettings(_Channel):
    """E-mail or a chat service.

    Attributes:
        send: which messages.
        url: ``${NAME}`` of the address, as apprise has it: it holds a password or token.
        attach: sends snapshot or clip along, where the service takes it.
    """

    kind: Literal["notify"] = "notify"
    send: Phases = ("began", "cleared", "flapping")
    url: Text
    attach: bool = True

    @model_validator(mode="after")
    def _secrets_fit(self) -> Self:
        _require_reference("url", self.url)
        return self


class CommandSettings(_Channel):
    """A program for each message, which it gets as JSON on standard input.

    Attributes:
        send: which messages.
        command: program and arguments, in which ``{{field}}`` is replaced; no shell reads them.
        timeout_seconds: after which it is ended.
    """

    kind: Literal["command"] = "command"
    send: Phases = ALL
    command: Annotated[tuple[Text, ...], Field(min_length=1)]
    timeout_seconds: Timeout = 30.0

    @model_validator(mode="after")
    def _templates_fit(self) -> Self:
        for text in self.command:
            check_template(text, as_json=False)
        return self


class SoundSettings(_Channel):
    """A sound.

    Attributes:
        send: which messages.
        file: WAV file; None: three tones.
    """

    kind: Literal["sound"] = "sound"
    send: Phases = ("began",)
    file: Path | None = None


class HttpOutputSettings(_Channel):
    """A relay with an address for on and one for off; on while an alarm is open.

    Attributes:
        on: requested with the first open alarm; may hold ``${NAME}``.
        off: requested when the last is cleared.
        method: of HTTP.
    """

    kind: Literal["http_output"] = "http_output"
    on: str = ""
    off: str = ""
    method: Literal["GET", "POST", "PUT"] = "GET"

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.on or self.off):
            raise ValueError("needs on, off or both")
        _refuse_password(self.on)
        _refuse_password(self.off)
        return self


class SerialOutputSettings(_Channel):
    r"""A relay on a serial line; on while an alarm is open.

    Attributes:
        port: ``/dev/ttyUSB0``, ``COM3`` …
        on: text written with the first open alarm, with escapes such as ``\xa0``.
        off: text written when the last is cleared.
        baud: of the line.
    """

    kind: Literal["serial_output"] = "serial_output"
    port: Text
    on: Text
    off: str = ""
    baud: PositiveInt = 9600


class PinOutputSettings(_Channel):
    """A GPIO pin of a Raspberry Pi; on while an alarm is open.

    Attributes:
        pin: number of the GPIO.
        active_high: on is 3.3 V; false: 0 V.
    """

    kind: Literal["pin_output"] = "pin_output"
    pin: Annotated[int, Field(ge=0, le=53)]
    active_high: bool = True


def _kind_of(value: Any) -> str | None:
    """The kind of a channel, in a settings file or made already."""
    return value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)


ChannelSettings = Annotated[
    Annotated[WebHookSettings, Tag("web_hook")]
    | Annotated[MqttSettings, Tag("mqtt")]
    | Annotated[NatsChannelSettings, Tag("nats")]
    | Annotated[NotifySettings, Tag("notify")]
    | Annotated[CommandSettings, Tag("command")]
    | Annotated[SoundSettings, Tag("sound")]
    | Annotated[HttpOutputSettings, Tag("http_output")]
    | Annotated[SerialOutputSettings, Tag("serial_output")]
    | Annotated[PinOutputSettings, Tag("pin_output")],
    Discriminator(
        _kind_of,
        custom_error_type="channel_kind",
        custom_error_message=(
            "kind must be web_hook, mqtt, nats, notify, command, sound, http_output, "
            "serial_output or pin_output"
        ),
    ),
]


def _require_reference(name: str, value: str | None) -> None:
    """Refuses a secret that stands in the settings; the message does not repeat it."""
    if value is not None and not is_reference(value):
        raise ValueError(f"{name} is a secret and must not stand here: {_REFERENCE}")


def _refuse_password(url: str) -> None:
    if any("${" not in found for found in _PASSWORD_IN_ADDRESS.findall(url)):
        raise ValueError(f"the address holds a password, which must not stand here: {_REFERENCE}")
