"""An MQTT broker, with discovery for Home Assistant."""

from __future__ import annotations

import contextlib
import json
import secrets
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from maskdet.alarm import Alarm, AlarmMessage
from maskdet.sinks.channels.broker_probe import tls_problem
from maskdet.sinks.channels.channel import REQUEST_TIMEOUT_S, ChannelError
from maskdet.sinks.channels.fields import fields_of
from maskdet.sinks.channels.home_assistant import OFF, OFFLINE, ON, ONLINE, Sensor, Topics
from maskdet.system.threads import Event, Lock

KEEP_ALIVE_S = 20
"""Seconds of silence after which the broker takes the monitor to be gone: one and a half times."""
FIRST_CONNECTION_S = 5.0
"""For the broker to answer at the start, before a message counts as failed."""
FAREWELL_TIMEOUT_S = 0.2


@dataclass(frozen=True)
class BrokerAccess:
    """A broker, and how to be let in.

    Attributes:
        host: of the broker.
        port: of the broker.
        user: to log in with; empty: none.
        password: likewise.
        tls: encrypts the connection.
        ca: file of certificates to trust; None: those of the system.
    """

    host: str
    port: int = 1883
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ca: str | None = None

    def tls_context(self) -> ssl.SSLContext | None:
        """The certificates to trust; None where nothing is encrypted."""
        return ssl.create_default_context(cafile=self.ca) if self.tls else None


class Mqtt:
    """Publishes alarms and the state of each rule and camera; a `Channel`.

    Announcements, states and availability are retained, so that a Home Assistant that starts later
    finds them; they are sent again whenever the connection comes back (the broker may have lost
    what it kept) and whenever Home Assistant reports its start. The broker itself publishes
    `offline` for a monitor that is killed.
    """

    def __init__(
        self,
        broker: BrokerAccess,
        *,
        sensors: Sequence[Sensor],
        node: str = "maskdet",
        prefix: str = "homeassistant",
        open_alarms: Iterable[Alarm] = (),
        reconnect_seconds: tuple[int, int] = (1, 30),
    ) -> None:
        """Begins to connect; a broker that is away is tried again indefinitely.

        Args:
            broker: to connect to.
            sensors: rules and cameras to announce; none: a guest, who publishes messages and
                leaves what the monitor of that name keeps there alone.
            node: name of this monitor, unique on its broker.
            prefix: of Home Assistant's discovery; empty: nothing is announced.
            open_alarms: of the run before, which are not cleared yet.
            reconnect_seconds: between two attempts, at first and at most.
        """
        self._address = (broker.host, broker.port)
        self._topics = Topics(node, sensors, prefix)
        self._lock, self._connected = Lock(), Event()
        self._refusal, self._has_failed, self._is_first = "", False, True
        self._open: dict[Sensor, set[str]] = {sensor: set() for sensor in sensors}
        for alarm in open_alarms:
            self._open.get(Sensor(alarm.rule, alarm.camera), set()).add(alarm.alarm_id)
        self._on_way: tuple[str, list[Any]] = ("", [])
        self._tls = broker.tls_context()
        self._client = _new_client(broker, node, self._tls)
        self._is_guest = not sensors
        if not self._is_guest:
            self._client.will_set(self._topics.status, OFFLINE, qos=1, retain=True)
        self._client.reconnect_delay_set(*reconnect_seconds)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.connect_async(*self._address, keepalive=KEEP_ALIVE_S)
        self._client.loop_start()

    def send(self, message: AlarmMessage) -> None:
        """Publishes a message and waits for the broker's receipt.

        An attempt again waits for the receipt of what is under way already: nothing comes twice.
        """
        if not self._is_connected():
            raise self._problem()
        number, receipts = self._on_way
        if number != message.message_id or not number:
            receipts = self._publish(message)
            self._on_way = (message.message_id, receipts)
        until = time.monotonic() + REQUEST_TIMEOUT_S
        while not all(map(_has_arrived, receipts)):
            if time.monotonic() > until or not self._connected.is_set():
                raise ChannelError(f"{self._where}: no receipt", "check the broker")
        self._on_way = ("", [])

    def close(self) -> None:
        """Reports that the monitor is gone and disconnects."""
        if self._connected.is_set() and not self._is_guest:
            farewell = self._client.publish(self._topics.status, OFFLINE, qos=1, retain=True)
            with contextlib.suppress(RuntimeError, ValueError):
                farewell.wait_for_publish(FAREWELL_TIMEOUT_S)
        self._client.disconnect()  # its thread ends; waiting for that takes up to a second

    def _is_connected(self) -> bool:
        """Whether there is a connection; the first one, or a failure of it, is waited for."""
        until = time.monotonic() + (FIRST_CONNECTION_S if self._is_first else 0.1)
        while not self._connected.wait(0.05) and not (self._refusal or self._has_failed):
            if time.monotonic() > until:
                break
        self._is_first = False
        return self._connected.is_set()

    @property
    def _where(self) -> str:
        return "broker {}:{}".format(*self._address)

    def _publish(self, message: AlarmMessage) -> list[Any]:
        """Hands the message to the library; returns what reports its receipts."""
        text = json.dumps(fields_of(message), ensure_ascii=False)
        receipts = [self._client.publish(self._topics.news, text, qos=1)]
        alarm = message.alarm
        sensor = Sensor(alarm.rule, alarm.camera)
        if message.phase == "test" or sensor not in self._open:
            return receipts
        with self._lock:
            if message.phase == "cleared":
                self._open[sensor].discard(alarm.alarm_id)
            else:
                self._open[sensor].add(alarm.alarm_id)
        facts = self._client.publish(self._topics.facts(sensor), text, qos=1, retain=True)
        return [*receipts, facts, self._publish_state(sensor)]

    def _publish_state(self, sensor: Sensor) -> Any:
        with self._lock:
            state = ON if self._open[sensor] else OFF
        return self._client.publish(self._topics.state(sensor), state, qos=1, retain=True)

    def _introduce(self) -> None:
        """Publishes everything that a broker or Home Assistant that knows nothing needs."""
        for sensor in self._open:
            if self._topics.prefix:
                config = json.dumps(self._topics.announcement(sensor), ensure_ascii=False)
                self._client.publish(self._topics.config(sensor), config, qos=1, retain=True)
            self._publish_state(sensor)
        self._client.publish(self._topics.status, ONLINE, qos=1, retain=True)

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, more: Any) -> None:
        if reason.is_failure:
            self._refusal = f"the broker refuses: {reason}"
            return
        self._refusal, self._has_failed = "", False
        if self._is_guest:
            self._connected.set()
            return
        if self._topics.prefix:
            topics = (self._topics.home_assistant_status, self._topics.all_configs)
            client.subscribe([(topic, 1) for topic in topics])
        self._introduce()
        self._connected.set()

    def _on_connect_fail(self, client: Any, data: Any) -> None:
        self._has_failed = True

    def _on_disconnect(self, client: Any, data: Any, flags: Any, reason: Any, more: Any) -> None:
        self._connected.clear()
        self._has_failed = True  # closed without an answer, too

    def _on_message(self, client: Any, data: Any, message: Any) -> None:
        """Home Assistant has started, or an announcement of a rule that is no more is there."""
        if message.topic == self._topics.home_assistant_status:
            if message.payload == ONLINE.encode():
                self._introduce()
        elif message.payload and message.topic not in map(self._topics.config, self._open):
            client.publish(message.topic, b"", qos=1, retain=True)

    def _problem(self) -> ChannelError:
        """Why there is no connection, found by trying one."""
        problem, advice = self._refusal, ""
        if not problem:
            problem, advice = tls_problem(self._address, self._tls)
        advice = advice or "check host, port, tls, user, password and ca"
        return ChannelError(f"{self._where}: {problem}", advice)


def _has_arrived(receipt: Any) -> bool:
    """Waits a moment for the broker's receipt."""
    with contextlib.suppress(RuntimeError, ValueError):  # the connection was lost
        receipt.wait_for_publish(0.1)
        return bool(receipt.is_published())
    return False


def _new_client(broker: BrokerAccess, node: str, tls: ssl.SSLContext | None) -> Any:
    """The library's client, which has a name of its own and connects to nothing yet."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2, f"maskdet-{node}-{secrets.token_hex(4)}")
    if broker.user:
        client.username_pw_set(broker.user, broker.password)
    if tls is not None:
        client.tls_set_context(tls)
    return client
