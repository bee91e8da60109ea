"""Settings of a cluster; `configs/cluster.yaml` lists all of them with their defaults."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator, model_validator

from maskdet.cluster.planning.placement import Camera, Node
from maskdet.config import Settings, load_settings
from maskdet.errors import ConfigError
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.settings.serve import PageSettings
from maskdet.live.settings.sources import SourceSettings
from maskdet.system.console import as_typed
from maskdet.system.resources import settings_file


def _check_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", name):
        raise ValueError("must be letters, digits, '.', '_', '-', as it names a folder, too")
    return name


def _check_address(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not host or re.search(r"\s", host) or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("must be HOST:PORT, as in 192.168.1.10:6380")
    return address


_OWN_KEYS = {"sources", "headless", "heartbeat", "status", "summary", "max_seconds", "max_frames"}
"""Settings of the monitor that the cluster decides."""


class NodeSettings(Settings):
    """A machine.

    Attributes:
        name: by which commands and cameras name it.
        address: its name or number in the network, by which it finds itself in the list.
        labels: what it can reach, or is: ``site: north``.
        drained: it gets no cameras.
        detect_on: the machine that processes its frames, where it is too weak itself; they are sent
            there as JPEG images.
    """

    name: Annotated[str, AfterValidator(_check_name)]
    address: str | None = None
    labels: dict[str, str] = {}
    drained: bool = False
    detect_on: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class CameraSettings(SourceSettings):
    """A camera: a source of the monitor, and which machines can reach it.

    Attributes:
        name: by which commands and events name it.
        labels: only machines that have all of these run it.
        node: only this machine runs it.
    """

    name: Annotated[str, Field(min_length=1, max_length=100)]
    labels: dict[str, str] = {}
    node: str | None = None

    @field_validator("standby")
    @classmethod
    def _the_cluster_sets_it(cls, standby: bool) -> bool:
        if standby:
            raise ValueError("the cluster sets it; leave it out")
        return standby

    def source_values(self) -> dict[str, Any]:
        """Settings of its source that were written, as the monitor's file has them."""
        values = self.model_dump(mode="json", exclude_unset=True, exclude={"labels", "node"})
        # One camera alone would end the monitor where it cannot be opened at first.
        return {"retry_first_connection": True, **values}


class ClusterSettings(Settings):
    """Machines, cameras, and how each machine's monitor runs.

    Attributes:
        address: HOST:PORT of the first machine, which all others reach.
        nodes: the machines; the first one keeps the list.
        cameras: what is processed, on whichever machine fits.
        monitor: the monitor's settings on every machine, as in its own file, without the sources.
        page: of all machines and cameras, in a browser; its files are relative to this file.
        token: file with the secret that machines of one cluster share; relative to this file.
        state: folder on each machine for its monitor's files; relative to this file.
    """

    address: Annotated[str, AfterValidator(_check_address)] = "127.0.0.1:6380"
    nodes: tuple[NodeSettings, ...]
    cameras: tuple[CameraSettings, ...] = ()
    monitor: MonitorSettings = MonitorSettings()
    page: PageSettings = PageSettings()
    token: Path = Path("cluster.token")
    state: Path = Path("maskdet-cluster")

    @field_validator("nodes")
    @classmethod
    def _nodes_have_names_of_their_own(
        cls, nodes: tuple[NodeSettings, ...]
    ) -> tuple[NodeSettings, ...]:
        if not nodes:
            raise ValueError("name at least one machine")
        _check_unique("machine", [node.name for node in nodes])
        return nodes

    @field_validator("cameras")
    @classmethod
    def _cameras_have_names_of_their_own(
        cls, cameras: tuple[CameraSettings, ...]
    ) -> tuple[CameraSettings, ...]:
        _check_unique("camera", [camera.name for camera in cameras])
        return cameras

    @field_validator("monitor")
    @classmethod
    def _monitor_leaves_the_rest_to_the_cluster(cls, monitor: MonitorSettings) -> MonitorSettings:
        own = sorted(monitor.model_fields_set & _OWN_KEYS)
        if own:
            raise ValueError(f"the cluster sets {', '.join(own)} of each monitor; leave it out")
        if monitor.detect.machine is not None:
            raise ValueError("'detect_on' of a machine sets detect.machine; leave it out")
        if str(monitor.events.file) == "-":
            raise ValueError("events go to a file on each machine, not to standard output (-)")
        return monitor

    @model_validator(mode="after")
    def _frames_go_to_a_machine_that_detects(self) -> ClusterSettings:
        detecting = {node.name for node in self.nodes if node.detect_on is None}
        for node in self.nodes:
            if node.detect_on is not None and node.detect_on not in detecting:
                raise ValueError(
                    f"machine '{node.name}': detect_on names '{node.detect_on}', which is "
                    "not a machine that detects itself"
                )
        return self

    @model_validator(mode="after")
    def _every_camera_has_a_machine(self) -> ClusterSettings:
        for camera in self.cameras:
            if camera.node is not None and camera.node not in {node.name for node in self.nodes}:
                raise ValueError(f"camera '{camera.name}': no machine is called '{camera.node}'")
            if not any(_fits(camera, node) for node in self.nodes):
                wanted = ", ".join(f"{k}: {v}" for k, v in camera.labels.items())
                where = f"machine '{camera.node}' has not" if camera.node else "no machine has"
                raise ValueError(f"camera '{camera.name}': {where} the labels {{{wanted}}}")
        return self

    @property
    def host(self) -> str:
        """Name or number of the first machine."""
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """Port at which the first machine answers."""
        return int(self.address.rpartition(":")[2])

    @property
    def detecting(self) -> set[str]:
        """Names of the machines that process frames of others."""
        return {node.detect_on for node in self.nodes if node.detect_on is not None}

    def places(self) -> tuple[list[Node], list[Camera]]:
        """Machines and cameras as the placement sees them."""
        return (
            [Node(one.name, one.labels, not one.drained) for one in self.nodes],
            [Camera(one.name, one.labels, one.node, one.opens_twice) for one in self.cameras],
        )


def read_cluster(file: Path) -> ClusterSettings:
    """The settings of a cluster's file.

    Raises:
        ConfigError: a line for each mistake; or there is no such file.
    """
    if not settings_file(file).exists():
        raise ConfigError(
            f"{file}: no such file; write one ({as_typed('settings cluster')} > {file}), or name "
            "yours with --config FILE"
        )
    return load_settings(ClusterSettings, file)


def beside(file: Path, path: Path) -> Path:
    """A path of the settings, which is relative to their file."""
    return file.resolve().parent / path.expanduser()


def _fits(camera: CameraSettings, node: NodeSettings) -> bool:
    return camera.node in (None, node.name) and camera.labels.items() <= node.labels.items()


def _check_unique(what: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two entries have the name '{twice[0]}'; each {what} needs its own")
