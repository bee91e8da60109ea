"""Which machine runs which camera: decided by labels and measured load, from values alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

DEFAULT_COST_CORES = 0.1
"""Of a camera before any was measured: 640×480 at 5 processed frames a second."""
MAX_CAMERAS = 64
"""Of a machine: its monitor takes no more."""
MIN_IMBALANCE_SHARE = 0.05
"""Of a machine: smaller differences are no reason to move a camera that runs."""


@dataclass(frozen=True)
class Camera:
    """A camera that wants a machine.

    Attributes:
        name: of its own.
        labels: that a machine must have.
        node: the only machine; None: any.
        opens_twice: two machines can have it open at a time.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    node: str | None = None
    opens_twice: bool = True


@dataclass(frozen=True)
class Node:
    """A machine that answers.

    Attributes:
        name: of its own.
        labels: what it can reach.
        is_open: it takes cameras; False while it is drained.
        cores: how many it has.
        load_cores: what its monitor needs now, measured; None: not measured yet.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    is_open: bool = True
    cores: int = 1
    load_cores: float | None = None

    def takes(self, camera: Camera) -> bool:
        """Whether it may run a camera."""
        fits = camera.node in (None, self.name) and camera.labels.items() <= self.labels.items()
        return self.is_open and fits


class _Plan:
    """Cameras by machine, with the load to be expected there."""

    def __init__(self, nodes: Sequence[Node], where: Mapping[str, str]) -> None:
        self.nodes = {node.name: node for node in nodes}
        self.where: dict[str, str] = {}
        self.empty: set[str] = set()
        self._costs = self._measured(where)
        known = self._costs.values()
        self._mean_cost = sum(known) / len(known) if known else DEFAULT_COST_CORES
        self._load = dict.fromkeys(self.nodes, 0.0)
        self._count = dict.fromkeys(self.nodes, 0)

    def _measured(self, where: Mapping[str, str]) -> dict[str, float]:
        """Cores for each camera: its share of what its machine's monitor needs."""
        counts = Counter(where.values())
        loads = {name: node.load_cores for name, node in self.nodes.items()}
        return {
            camera: load / counts[name]
            for camera, name in where.items()
            if (load := loads.get(name)) is not None
        }

    def cost(self, camera: str) -> float:
        """Cores that a camera is expected to need."""
        return self._costs.get(camera, self._mean_cost)

    def put(self, camera: str, node: str) -> None:
        """Puts or moves a camera."""
        before = self.where.get(camera)
        if before is not None:
            self._load[before] -= self.cost(camera)
            self._count[before] -= 1
        self.where[camera] = node
        self._load[node] += self.cost(camera)
        self._count[node] += 1

    def share(self, node: str) -> float:
        """Share of a machine that its cameras are expected to need."""
        return self._load[node] / self.nodes[node].cores

    def count(self, node: str) -> int:
        """Number of its cameras."""
        return self._count[node]

    def order(self, node: str) -> tuple[float, int, str]:
        """Sorts machines, the one with most room first; steady where they are alike."""
        return round(self.share(node), 3), self.count(node), node


def place(
    cameras: Sequence[Camera],
    nodes: Sequence[Node],
    where: Mapping[str, str],
    *,
    max_moves: int = 0,
) -> dict[str, str]:
    """A machine for each camera that has one that fits; the others are left out.

    A camera stays where it is as long as that machine answers, is open and fits. The others go,
    those that fit the fewest machines first, to the machine with the smallest share of its cores
    in use.

    Args:
        cameras: all that are wanted.
        nodes: the machines that answer.
        where: the machine's name by the camera's, until now.
        max_moves: so many cameras may be moved from busy machines to idle ones. Onto a machine that
            has none of the cameras, any number is moved at once.
    """
    plan = _Plan(nodes, where)
    homeless = []
    for camera in cameras:
        before = plan.nodes.get(where.get(camera.name, ""))
        if before is not None and before.takes(camera):
            plan.put(camera.name, before.name)
        else:
            homeless.append(camera)
    choices = {c.name: [node.name for node in nodes if node.takes(c)] for c in cameras}
    for camera in sorted(homeless, key=lambda c: (len(choices[c.name]), c.name)):
        free = [name for name in choices[camera.name] if plan.count(name) < MAX_CAMERAS]
        if free:
            plan.put(camera.name, min(free, key=plan.order))
    _balance(plan, choices, max_moves)
    return plan.where


def _balance(plan: _Plan, choices: Mapping[str, Sequence[str]], max_moves: int) -> None:
    plan.empty = {
        name for name, node in plan.nodes.items() if node.is_open and not plan.count(name)
    }
    while (move := _best_move(plan, choices, plan.empty)) is not None:
        plan.put(*move)
    for _ in range(max_moves):
        move = _best_move(plan, choices, set(plan.nodes))
        if move is None:
            return
        plan.put(*move)


def _best_move(
    plan: _Plan, choices: Mapping[str, Sequence[str]], targets: set[str]
) -> tuple[str, str] | None:
    """The move from the busiest machine that evens out most; None: none is worth a pause."""
    there: dict[str, list[str]] = {name: [] for name in plan.nodes}
    for camera, name in sorted(plan.where.items()):
        there[name].append(camera)
    for busy in sorted(plan.nodes, key=plan.order, reverse=True) if targets else ():
        for camera in there[busy]:
            idle = [
                name
                for name in choices[camera]
                if name in targets and name != busy and plan.count(name) < MAX_CAMERAS
            ]
            if not idle:
                continue
            target = min(idle, key=plan.order)
            cost = plan.cost(camera)
            # After it, the target must have more room still than the other: no move is undone.
            gain = plan.share(busy) - cost / plan.nodes[busy].cores
            gain -= plan.share(target) + cost / plan.nodes[target].cores
            if targets is plan.empty:
                is_even = plan.count(busy) - plan.count(target) < 2
            else:
                is_even = plan.share(busy) - plan.share(target) < MIN_IMBALANCE_SHARE
            if gain >= -1e-9 and not is_even:
                return camera, target
    return None
