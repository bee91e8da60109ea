"""MQTT and Home Assistant's discovery, against mosquitto: the mistakes of others, each a test."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from maskdet.alarm import Alarm
from maskdet.sinks.channels import mqtt
from maskdet.sinks.channels.channel import ChannelError
from maskdet.sinks.channels.home_assistant import Sensor, Topics, topic_part
from maskdet.sinks.channels.mqtt import BrokerAccess, Mqtt
from tests.helpers.ports import refusing_port
from tests.sinks.channels.messages import message
from tests.sinks.channels.servers import (
    Broker,
    Subscriber,
    make_certificate,
    wait_until,
)

pytestmark = pytest.mark.timeout(90)

HALL, YARD = Sensor("no mask", 'hall "1"'), Sensor("gone", "yard")
SENSORS = (HALL, YARD)
TOPICS = Topics("maskdet", SENSORS, "homeassistant")


@pytest.fixture(autouse=True)
def _wait_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has other work gets the time that it needs."""
    monkeypatch.setattr(mqtt, "FIRST_CONNECTION_S", 20.0)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    one = Broker(tmp_path).start()
    yield one
    one.stop()


@pytest.fixture
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., Mqtt]]:
    made: list[Mqtt] = []

    def make(port: int, open_alarms: Sequence[Alarm] = (), **access: Any) -> Mqtt:
        broker = BrokerAccess("127.0.0.1", port, **access)
        options = {"open_alarms": open_alarms, "reconnect_seconds": (1, 1)}
        made.append(Mqtt(broker, sensors=SENSORS, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()
        one._client.loop_stop()
    made.clear()
    gc.collect()  # the library leaves sockets of refused certificates to this


@pytest.fixture
def subscribe(broker: Broker) -> Iterator[Callable[..., Subscriber]]:
    made: list[Subscriber] = []

    def make(topic: str = "#") -> Subscriber:
        made.append(Subscriber(broker.port, topic))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_1_configuration_and_state_are_retained_for_who_starts_later(broker, connect, subscribe):
    connect(broker.port).send(message())
    late = subscribe()
    topics = [topic for one in (HALL, YARD) for topic in (TOPICS.state(one), TOPICS.config(one))]
    wait_until(lambda: all(late.of(topic) for topic in (*topics, TOPICS.facts(HALL))))
    assert late.of(TOPICS.state(HALL)) == ["ON"] and late.of(TOPICS.state(YARD)) == ["OFF"]
    assert all(retained for topic, _, retained in late.seen)
    config = json.loads(late.of(TOPICS.config(HALL))[0])
    assert config["state_topic"] == TOPICS.state(HALL)
    assert config["unique_id"] != json.loads(late.of(TOPICS.config(YARD))[0])["unique_id"]
    assert json.loads(late.of(TOPICS.facts(HALL))[0])["person"] == 7
    assert not late.of(TOPICS.news), "news of the past is no news"


def test_2_everything_is_sent_again_when_home_assistant_has_started(broker, connect, subscribe):
    connect(broker.port).send(message())
    home = subscribe()
    wait_until(lambda: home.of(TOPICS.status))
    before = len(home.of(TOPICS.config(HALL)))
    home.publish("homeassistant/status", "online")
    wait_until(lambda: len(home.of(TOPICS.config(HALL))) > before)
    wait_until(lambda: home.of(TOPICS.state(HALL))[1:] == ["ON"])
    home.publish("homeassistant/status", "offline")


def test_3_availability_is_really_published_and_ends_with_a_kill(broker, connect, subscribe):
    home = subscribe(TOPICS.status)
    code = (
        "import sys\n"
        "from maskdet.sinks.channels.mqtt import BrokerAccess, Mqtt\n"
        "from tests.sinks.channels.messages import message\n"
        "from maskdet.sinks.channels.home_assistant import Sensor\n"
        f"access = BrokerAccess('127.0.0.1', {broker.port})\n"
        "Mqtt(access, sensors=[Sensor('a', 'b')]).send(message())\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        wait_until(lambda: home.of(TOPICS.status)[-1:] == ["online"])
        process.kill()
    wait_until(lambda: home.of(TOPICS.status)[-1:] == ["offline"])
    one = connect(broker.port)
    wait_until(lambda: home.of(TOPICS.status)[-1:] == ["online"])
    one.close()
    wait_until(lambda: home.of(TOPICS.status)[-1:] == ["offline"])
    assert TOPICS.announcement(HALL)["availability_topic"] == TOPICS.status
    late = subscribe(TOPICS.status)
    wait_until(lambda: late.seen)
    assert late.seen == [(TOPICS.status, "offline", True)], "retained"


def test_4_a_broker_that_has_forgotten_everything_is_introduced_again(
    tmp_path: Path, broker, connect
):
    one = connect(broker.port)
    one.send(message())
    broker.stop()
    with pytest.raises(ChannelError, match="refused|no answer|no receipt"):
        wait_until(lambda: one.send(message("updated")))
    again = Broker(tmp_path, port=broker.port).start()
    try:
        home = Subscriber(again.port)
        wait_until(lambda: home.of(TOPICS.status)[-1:] == ["online"])
        assert set(home.of(TOPICS.state(HALL))) == {"ON"} and home.of(TOPICS.config(HALL))
        home.close()
    finally:
        again.stop()


def test_5_after_a_restart_nothing_is_doubled_and_old_rules_go(broker, connect, subscribe):
    home = subscribe()
    home.publish("homeassistant/binary_sensor/maskdet/old_rule/config", '{"a": 1}', retain=True)
    home.publish("homeassistant/binary_sensor/other/old_rule/config", '{"a": 1}', retain=True)
    was_open = message().alarm
    first = connect(broker.port)
    first.send(message())
    first.close()
    second = connect(broker.port, open_alarms=[was_open])
    wait_until(lambda: home.of(TOPICS.status)[-2:] == ["offline", "online"])
    assert home.of(TOPICS.state(HALL))[-1] == "ON", "the alarm of the run before is still open"
    configs = home.of(TOPICS.config(HALL))
    assert len(set(configs)) == 1, "the same sensor, not another one"
    second.send(message("cleared"))
    wait_until(lambda: home.of(TOPICS.state(HALL))[-1] == "OFF")
    late = subscribe("homeassistant/#")
    wait_until(lambda: late.of("homeassistant/binary_sensor/other/old_rule/config"))
    wait_until(lambda: late.of(TOPICS.config(YARD)))
    assert not late.of("homeassistant/binary_sensor/maskdet/old_rule/config")


def test_a_test_message_leaves_alone_what_the_running_monitor_keeps(broker, connect, subscribe):
    connect(broker.port).send(message())
    home = subscribe()
    wait_until(lambda: home.of(TOPICS.status) and home.of(TOPICS.state(HALL)))
    guest = Mqtt(BrokerAccess("127.0.0.1", broker.port), sensors=())
    guest.send(message("test"))
    guest.close()
    wait_until(lambda: home.of(TOPICS.news))
    home.publish("homeassistant/status", "online")
    wait_until(lambda: len(home.of(TOPICS.status)) > 1)
    assert set(home.of(TOPICS.status)) == {"online"} and set(home.of(TOPICS.state(HALL))) == {"ON"}
    assert all(home.of(TOPICS.config(sensor))[-1] for sensor in SENSORS)


def test_a_broker_that_is_away_at_the_start_gets_each_message_once(tmp_path: Path, connect):
    with refusing_port() as port:
        one, sent = connect(port), message()
        for _ in range(2):
            with pytest.raises(ChannelError, match="Connection refused"):
                one.send(sent)
    broker = Broker(tmp_path, port=port).start()
    try:
        home = Subscriber(port)

        def arrives() -> bool:
            try:
                one.send(sent)
            except ChannelError:
                return False
            return True

        wait_until(arrives)
        wait_until(lambda: home.of(TOPICS.news))
        assert [json.loads(text)["message_id"] for text in home.of(TOPICS.news)] == [
            sent.message_id
        ]
        home.close()
    finally:
        broker.stop()


def test_a_wrong_password_is_named_and_not_shown(tmp_path: Path, connect):
    passwords = tmp_path / "passwords"
    passwords.touch(0o600)
    subprocess.run(["mosquitto_passwd", "-b", passwords, "me", "right"], check=True)
    broker = Broker(tmp_path, "allow_anonymous false", f"password_file {passwords}", "user root")
    broker.start()
    try:
        with pytest.raises(ChannelError, match="Not authorized") as caught:
            connect(broker.port, user="me", password="geheim").send(message())
        assert "geheim" not in str(caught.value)
        connect(broker.port, user="me", password="right").send(message())
    finally:
        broker.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_on_one_side_alone_is_named_with_the_setting(tmp_path: Path, connect, broker: Broker):
    certificate, key = make_certificate(tmp_path, expired=False)
    (folder := tmp_path / "tls").mkdir()
    secure = Broker(folder, f"certfile {certificate}", f"keyfile {key}", "user root").start()
    try:
        with pytest.raises(ChannelError, match=r"it expects TLS.*; set tls: true"):
            connect(secure.port).send(message())
        with pytest.raises(ChannelError, match=r"no TLS on this port.*or leave tls out"):
            connect(broker.port, tls=True, ca=str(certificate)).send(message())
        connect(secure.port, tls=True, ca=str(certificate)).send(message())
    finally:
        secure.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_certificate_that_has_expired(tmp_path: Path, connect):
    certificate, key = make_certificate(tmp_path, expired=True)
    broker = Broker(tmp_path, f"certfile {certificate}", f"keyfile {key}", "user root").start()
    try:
        with pytest.raises(ChannelError, match="certificate has expired"):
            connect(broker.port, tls=True, ca=str(certificate)).send(message())
    finally:
        broker.stop()


def test_names_become_topics_without_clashing():
    sensors = [Sensor("a b", "x"), Sensor("a-b", "x"), Sensor("门", ""), Sensor("🙂", "")]
    topics = Topics("n/#+", sensors, "homeassistant")
    states = [topics.state(sensor) for sensor in sensors]
    assert len(set(states)) == 4 and not any(set("#+ ") & set(one) for one in states)
    assert topic_part("Door 1") == "door_1"
