"""One turn of the placement: from reports of the groups to orders for them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from maskdet.cluster.group import digest_of
from maskdet.cluster.planning.placement import MAX_CAMERAS, Camera, Node, place
from maskdet.cluster.planning.table import NO_SIGNAL_AGE_S, Known, Report, table_of

_FIRST_REPORT_S = 10.0
"""Seconds that a machine has for its first report; until then its cameras are left to it."""
_MOVE_INTERVAL_S = 60.0
"""Seconds between two moves for the sake of load; each costs the camera a pause."""
_STANDBY_TIMEOUT_S = 10.0
"""Seconds for a camera's next machine to have its images, before the other lets it go anyhow: some
cameras serve one viewer alone."""


@dataclass(frozen=True)
class Order:
    """Cameras that a group is to run, and how.

    Attributes:
        cameras: their names.
        text: the monitor's settings file.
        standby: cameras that it is to open, but not to process: another machine has them still.
    """

    cameras: tuple[str, ...]
    text: str
    standby: tuple[str, ...] = ()


class Planner:
    """Keeps camera -> machine; what it knows comes from the settings and from the reports.

    Attributes:
        is_moving: whether cameras are on their way to their machines.
    """

    def __init__(
        self,
        machines: Sequence[Node],
        cameras: Sequence[Camera],
        text_of: Callable[[str, Sequence[str], Sequence[str]], str],
    ) -> None:
        """Knows nothing yet of what runs.

        Args:
            machines: all that may join; what is measured of them is not known yet.
            cameras: all that are wanted.
            text_of: makes the settings file of a monitor from the names of its machine, of its
                cameras, and of those on standby.
        """
        self._machines, self._cameras, self._text_of = machines, cameras, text_of
        self._once = {camera.name for camera in cameras if not camera.opens_twice}
        self._texts: dict[str, tuple[tuple[tuple[str, ...], ...], str]] = {}
        self._moving: dict[tuple[str, str], float] = {}
        self._where: dict[str, str] = {}
        self._reports: dict[str, Report] = {}
        self._reported: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._alive: set[str] = set()
        self._is_settled = False
        self.is_moving = False
        self._move_due = time.monotonic() + _MOVE_INTERVAL_S

    def turn(self, alive: set[str], reports: Mapping[str, Report]) -> dict[str, Order]:
        """Orders for the groups whose monitors are to change, by machine.

        Args:
            alive: names of the machines that have joined and answer Ray.
            reports: of the groups that answered in time.
        """
        now = time.monotonic()
        for name in alive:
            self._seen.setdefault(name, now)
        for name in self._seen.keys() - alive:
            del self._seen[name]
        self._alive = alive
        self._reports = {n: r for n, r in self._reports.items() if n in alive} | dict(reports)
        self._reported |= dict.fromkeys(reports, now)
        silent = {n for n in alive if n not in self._reports}
        waiting = {n for n in silent if now - self._seen[n] < _FIRST_REPORT_S}
        for name, report in reports.items():  # what a placement before this one has decided
            for camera in report["cameras"]:
                self._where.setdefault(camera, name)
        if waiting:
            return {}
        self._is_settled = True
        max_moves = 1 if now >= self._move_due else 0
        before = self._where
        self._where = place(self._cameras, self._nodes(alive - silent), before, max_moves=max_moves)
        if max_moves:
            self._move_due = now + _MOVE_INTERVAL_S
        return dict(self._orders())

    def _nodes(self, names: set[str]) -> list[Node]:
        return [
            replace(
                one,
                cores=self._reports[one.name]["cores"],
                load_cores=self._reports[one.name]["load_cores"],
            )
            for one in self._machines
            if one.name in names
        ]

    def _orders(self) -> Iterator[tuple[str, Order]]:
        """Orders for the machines that are to change what they run, and can now."""
        mine: dict[str, list[str]] = {name: [] for name in self._reports}
        for camera in self._cameras:  # in the file's order, whatever the order of moves was
            if camera.name in self._where:
                mine[self._where[camera.name]].append(camera.name)
        held = {
            camera: name for name, report in self._reports.items() for camera in report["cameras"]
        }
        kept = self._kept(held)
        self.is_moving = bool(self._moving) or not held.keys() >= self._where.keys()
        for name, report in self._reports.items():
            order = self._order(name, tuple(mine[name]), report, held, kept)
            if order is not None:
                yield name, order

    def _kept(self, held: Mapping[str, str]) -> set[str]:
        """Cameras that stay where they are until their next machines have images of them.

        Those that leave a machine do so together.
        """
        now = time.monotonic()
        targets = {camera: self._where.get(camera) for camera in held.keys() - self._once}
        moves = {(c, to): held[c] for c, to in targets.items() if to not in (None, held[c])}
        self._moving = {move: self._moving.get(move, now) for move in moves}
        busy = {holder for move, holder in moves.items() if not self._can_let_go(move)}
        return {camera for (camera, _), holder in moves.items() if holder in busy}

    def _can_let_go(self, move: tuple[str, str]) -> bool:
        """Whether a camera's next machine has images of it, or has had the time."""
        camera, target = move
        if time.monotonic() - self._moving[move] > _STANDBY_TIMEOUT_S:
            return True
        rows = self._reports.get(target, {}).get("status", ())
        ages = [row.get("standby_age_s") for row in rows if row["name"] == camera]
        if not any(age is not None and age < NO_SIGNAL_AGE_S for age in ages):
            return False
        self._moving[move] = -math.inf  # for good: no order is taken back
        return True

    def _order(
        self,
        node: str,
        mine: tuple[str, ...],
        report: Report,
        held: Mapping[str, str],
        kept: set[str],
    ) -> Order | None:
        """The order for a machine; None: there is nothing to change.

        Args:
            node: the machine.
            mine: cameras that it is to run.
            report: of its group.
            held: machines by cameras that they still run.
            kept: cameras that stay where they are for now.
        """
        elsewhere = {camera for camera in mine if held.get(camera, node) != node}
        free = [camera for camera in mine if camera not in elsewhere]
        free += [one for one in report["cameras"] if one in kept and one not in mine]
        standby = [camera for camera in mine if camera in elsewhere - self._once]
        if not (free or standby or report["cameras"] or report["standby"]):
            return None
        cameras = tuple(free[:MAX_CAMERAS])  # more than that a monitor does not take
        waiting = tuple(standby[: MAX_CAMERAS - len(cameras)])
        text = self._text(node, cameras, waiting)
        return None if digest_of(text) == report["digest"] else Order(cameras, text, waiting)

    def _text(self, node: str, cameras: tuple[str, ...], standby: tuple[str, ...]) -> str:
        """The settings file, made once: a thousand cameras take a second."""
        if self._texts.get(node, ((), ""))[0] != (cameras, standby):
            self._texts[node] = (cameras, standby), self._text_of(node, cameras, standby)
        return self._texts[node][1]

    def table(self) -> dict[str, Any]:
        """Machines and cameras as `maskdet cluster status` shows them; plain values."""
        now = time.monotonic()
        return table_of(
            Known(
                self._machines,
                self._cameras,
                self._where,
                self._reports,
                {name: round(now - moment, 1) for name, moment in self._reported.items()},
                self._alive,
                self._is_settled,
            )
        )
