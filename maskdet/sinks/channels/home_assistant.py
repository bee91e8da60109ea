"""Descriptions by which Home Assistant shows each rule and camera as a sensor."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maskdet import __version__

ON, OFF = "ON", "OFF"
ONLINE, OFFLINE = "online", "offline"


@dataclass(frozen=True)
class Sensor:
    """A binary sensor: on while an alarm of a rule and camera is open.

    Attributes:
        rule: name of the rule.
        camera: name of the source; empty: of none.
    """

    rule: str
    camera: str

    @property
    def name(self) -> str:
        """The name that people read."""
        return f"{self.rule} ({self.camera})" if self.camera else self.rule

    @property
    def topic_part(self) -> str:
        """The name in topics and numbers."""
        return topic_part(f"{self.rule}_{self.camera}" if self.camera else self.rule)


class Topics:
    """The topics of one monitor."""

    def __init__(self, node: str, sensors: Sequence[Sensor], prefix: str) -> None:
        """Gives each sensor topics of its own.

        Args:
            node: name of this monitor, unique on its broker.
            sensors: all of them.
            prefix: of Home Assistant's discovery.
        """
        self.node, self.prefix = topic_part(node), prefix.strip("/")
        self._name = node
        self.sensors: dict[Sensor, str] = {}
        taken: set[str] = set()
        for sensor in sensors:
            part, number = sensor.topic_part, 2
            while part in taken:
                part, number = f"{sensor.topic_part}_{number}", number + 1
            taken.add(part)
            self.sensors[sensor] = part

    @property
    def status(self) -> str:
        """Whether the monitor is there."""
        return f"maskdet/{self.node}/status"

    @property
    def news(self) -> str:
        """Every message, as JSON."""
        return f"maskdet/{self.node}/alarm"

    @property
    def home_assistant_status(self) -> str:
        """Where Home Assistant reports that it has started."""
        return f"{self.prefix}/status"

    @property
    def all_configs(self) -> str:
        """Filter of the announcements of this monitor, those of earlier settings included."""
        return f"{self.prefix}/binary_sensor/{self.node}/+/config"

    def state(self, sensor: Sensor) -> str:
        """`ON` or `OFF`."""
        return f"maskdet/{self.node}/{self.sensors[sensor]}/state"

    def facts(self, sensor: Sensor) -> str:
        """The newest message of a sensor, as JSON."""
        return f"maskdet/{self.node}/{self.sensors[sensor]}/attributes"

    def config(self, sensor: Sensor) -> str:
        """Where a sensor is announced."""
        return f"{self.prefix}/binary_sensor/{self.node}/{self.sensors[sensor]}/config"

    def announcement(self, sensor: Sensor) -> dict[str, Any]:
        """Description of a sensor for Home Assistant."""
        return {
            "name": sensor.name,
            "unique_id": f"maskdet_{self.node}_{self.sensors[sensor]}",
            "state_topic": self.state(sensor),
            "payload_on": ON,
            "payload_off": OFF,
            "json_attributes_topic": self.facts(sensor),
            "availability_topic": self.status,
            "payload_available": ONLINE,
            "payload_not_available": OFFLINE,
            "device_class": "problem",
            "qos": 1,
            "device": {
                "identifiers": [f"maskdet_{self.node}"],
                "name": self._name,
                "manufacturer": "maskdet",
                "sw_version": __version__,
            },
            "origin": {"name": "maskdet", "sw_version": __version__},
        }


def topic_part(text: str) -> str:
    """A name as a part of a topic: ASCII letters, digits and underscores."""
    part = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return part or "_".join(f"{ord(letter):x}" for letter in text) or "none"
