"""The networks by name, and the plans they are built from as plain options and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from pydantic import TypeAdapter, ValidationError

from maskdet.errors import ModelError
from maskdet.model.anchors import AnchorGrid
from maskdet.model.network_plans import FasterRCNNPlan, RetinaNetPlan
from maskdet.networks.backbones import BACKBONES
from maskdet.networks.faster_rcnn.faster_rcnn import FasterRCNN
from maskdet.networks.pyramid import STRIDES
from maskdet.networks.retinanet import RetinaNet

Plan: TypeAlias = RetinaNetPlan | FasterRCNNPlan
Network: TypeAlias = RetinaNet | FasterRCNN


@dataclass(frozen=True)
class Family:
    """A kind of network: its plan's and its model's class."""

    plan: type[Plan]
    network: type[Network]


NETWORKS: dict[str, Family] = {
    "retinanet": Family(RetinaNetPlan, RetinaNet),
    "faster_rcnn": Family(FasterRCNNPlan, FasterRCNN),
}
MAX_VALUES = {
    "classes": 1000, "channels": 2048, "depth": 32, "units": 8192, "pool": 32, "samples": 8,
    "before": 10_000, "after": 2000, "regions": 1000,
}  # fmt: skip
"""Whole numbers of the plans and what they may be at most: more would only fill the memory."""
POSITIVE = ("deviations", "head_deviations", "box_weight", "canonical")


def build_network(plan: Plan, **arguments: Any) -> Network:
    """The network of a plan, with random weights; arguments as `RetinaNet` has them."""
    network = next(family.network for family in NETWORKS.values() if type(plan) is family.plan)
    return network(plan, **arguments)  # type: ignore[arg-type]  # the plan is this family's


def plan_to_options(plan: Plan) -> dict[str, Any]:
    """A plan as a model card keeps it: plain values, lists for tuples."""
    options: dict[str, Any] = TypeAdapter(type(plan)).dump_python(plan, mode="json")
    return options


def plan_from_options(options: Mapping[str, Any], kind: str = "retinanet") -> Plan:
    """The plan that a model card keeps; what it does not have has its default.

    Args:
        options: of the network.
        kind: a key of `NETWORKS`.

    Raises:
        ModelError: one line: the first option that is unknown or wrong.
    """
    if kind not in NETWORKS:
        raise ModelError(f"unknown network {kind!r}; there are {', '.join(NETWORKS)}")
    cls = NETWORKS[kind].plan
    _require_known(options, cls, "")
    if isinstance(options.get("anchors"), Mapping):
        _require_known(options["anchors"], AnchorGrid, "anchors.")
    try:
        plan: Plan = TypeAdapter(cls).validate_python(dict(options))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ModelError(f"network option {place}: {first['msg']}") from None
    if wrong := _wrong(plan):
        raise ModelError(f"network option {wrong}")
    return plan


def _require_known(options: Mapping[str, Any], kind: type, prefix: str) -> None:
    known = [option.name for option in fields(kind)]
    for name in options:
        if name not in known:
            raise ModelError(f"unknown network option {prefix}{name}; there are {', '.join(known)}")


def _wrong(plan: Plan) -> str:
    """The first option that no network can be built from, in words; empty if there is none."""
    if plan.backbone not in BACKBONES:
        return f"backbone {plan.backbone!r}: there are {', '.join(BACKBONES)}"
    for name, most in MAX_VALUES.items():
        if not 1 <= getattr(plan, name, 1) <= most:
            return f"{name}: must be from 1 to {most}, not {getattr(plan, name)}"
    for name in POSITIVE:
        if not _above_zero(getattr(plan, name, 1)):
            return f"{name}: must be above 0"
    return _wrong_anchors(plan.anchors)


def _wrong_anchors(grid: AnchorGrid) -> str:
    if grid.strides != STRIDES:
        return f"anchors.strides: the pyramid has {list(STRIDES)}, not {list(grid.strides)}"
    if len(grid.sizes) != len(STRIDES):
        return f"anchors.sizes: one for each of {len(STRIDES)} levels, not {len(grid.sizes)}"
    if not 1 <= grid.per_cell <= 100:
        return f"anchors: from 1 to 100 ratios × scales, not {grid.per_cell}"
    for name in ("sizes", "ratios", "scales"):
        if not _above_zero(getattr(grid, name)):
            return f"anchors.{name}: must be above 0"
    return ""


def _above_zero(value: float | tuple[float, ...]) -> bool:
    values = value if isinstance(value, tuple) else (value,)
    return all(0 < each < math.inf for each in values)
