"""The settings file of one machine's monitor, made from the cluster's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maskdet.cluster.monitor_run import HEARTBEAT_FILE, STATUS_FILE
from maskdet.cluster.settings import ClusterSettings
from maskdet.config import write_yaml


def monitor_settings(
    settings: ClusterSettings, node: str, cameras: Sequence[str], standby: Sequence[str] = ()
) -> str:
    """The text of the file: what the cluster's file has for all monitors, and these cameras.

    Args:
        settings: the cluster's.
        node: the machine.
        cameras: names; the order is that of the cluster's file.
        standby: names of those that it opens and does not process yet.
    """
    wanted, waiting = {*cameras, *standby}, set(standby)
    chosen = [camera for camera in settings.cameras if camera.name in wanted]
    names = {camera.name for camera in chosen}
    values = settings.monitor.model_dump(mode="json", exclude_unset=True)
    detecting = next(one.detect_on for one in settings.nodes if one.name == node)
    if detecting is not None:
        values["detect"] = {
            **values.get("detect", {}),
            "machine": f"{detecting}@{settings.address}",
        }
    for group in ("zones", "lines"):
        if group in values:
            values[group] = [one for one in values[group] if _is_here(one, names)]
    return write_yaml(
        {
            "sources": [
                camera.source_values() | ({"standby": True} if camera.name in waiting else {})
                for camera in chosen
            ],
            "headless": True,
            "heartbeat": HEARTBEAT_FILE,
            "status": STATUS_FILE,
            **values,
        }
    )


def _is_here(place: dict[str, Any], names: set[str]) -> bool:
    """Whether a zone or line is of one of these cameras, or of all."""
    return place.get("source") is None or place["source"] in names
