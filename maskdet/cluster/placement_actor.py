"""The placement: a detached actor that keeps every camera on a machine.

What it knows comes from its settings and from the groups, so killing it loses nothing: Ray starts
it again with the same settings.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from maskdet.cluster import detector_actor, ray_client
from maskdet.cluster.group import GROUP_TIMEOUT_S
from maskdet.cluster.monitor_settings import monitor_settings
from maskdet.cluster.page_address import live_page_url
from maskdet.cluster.planning.planner import Planner
from maskdet.cluster.settings import ClusterSettings
from maskdet.system.threads import Event, Lock, Worker

_PAUSE_S = 0.3
_MOVING_PAUSE_S = 0.1
"""While cameras are on their way from one machine to another."""
_REPORT_TIMEOUT_S = 0.7
"""Seconds for all groups to answer; of one that does not, the report before counts."""


class Placement:
    """Asks all groups, again and again, what they run, and orders what they should."""

    def __init__(self, settings: dict[str, Any]) -> None:
        """Begins.

        Args:
            settings: the cluster's, as plain values.
        """
        made = ClusterSettings.model_validate(settings)
        self._addresses = {node.name: node.address or "" for node in made.nodes}
        self._serve = made.monitor.serve
        self._settings = made
        self._planner = Planner(*made.places(), partial(monitor_settings, made))
        self._lock, self._over = Lock(), Event()
        self._pending: dict[str, Any] = {}
        self._reported: dict[str, float] = {}
        self._problem = ""
        self._table = self._new_table()
        Worker("placement", self._place).start()

    def table(self) -> dict[str, Any]:
        """Machines and cameras, as of the last turn; plain values."""
        return {**self._table, "placement_pid": os.getpid(), "problem": self._problem}

    def end(self) -> None:
        """Gives no further orders."""
        self._over.set()
        with self._lock:
            pass

    def _place(self) -> None:
        """The thread."""
        while not self._over.is_set():
            with self._lock:
                try:
                    self._turn()
                    self._problem = ""
                except ray_client.RayError as error:
                    self._problem = ray_client.line_of(error)
            self._over.wait(_MOVING_PAUSE_S if self._planner.is_moving else _PAUSE_S)

    def _turn(self) -> None:
        found = ray_client.machines()
        alive = found.keys() & self._addresses.keys()
        for name in alive:
            self._addresses[name] = self._addresses[name] or found[name]
        groups = {name: ray_client.group(name) for name in sorted(alive)}
        for name in sorted(self._settings.detecting & alive):
            detector_actor.start(name, self._settings.monitor)
        reports = ray_client.reports(groups, _REPORT_TIMEOUT_S)
        self._restart_hung(groups, reports)
        # What a group reports from before it has done an order must not bring another order.
        self._pending = {n: ref for n, ref in self._pending.items() if not ray_client.is_done(ref)}
        orders = self._planner.turn(alive, reports)
        for name, order in orders.items():
            if name not in self._pending:
                self._pending[name] = groups[name].assign.remote(
                    order.cameras, order.text, order.standby
                )
        self._table = self._new_table()

    def _restart_hung(self, groups: Mapping[str, Any], reports: Mapping[str, Any]) -> None:
        """Kills groups that have reported and stopped to: Ray starts each again, once."""
        now = time.monotonic()
        self._reported |= dict.fromkeys(reports, now)
        for name, reported in list(self._reported.items()):
            if name not in groups:
                del self._reported[name]  # its machine is down
            elif now - reported > GROUP_TIMEOUT_S:
                del self._reported[name]
                ray_client.restart_group(groups[name])

    def _new_table(self) -> dict[str, Any]:
        table = self._planner.table()
        for row in table["nodes"]:
            row["page"] = live_page_url(self._serve, self._addresses[row["name"]])
        return table
