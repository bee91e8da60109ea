"""One turn of the placement: what it orders, and what it leaves alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest

from maskdet.cluster.group import digest_of
from maskdet.cluster.placement import Camera, Node
from maskdet.cluster.planner import Order, Planner


def text_of(node: str, cameras: Sequence[str]) -> str:
    return " ".join(cameras)


class Groups:
    """Groups that do what they are ordered, at once."""

    def __init__(self, *names: str) -> None:
        self.running: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
        self.load: dict[str, float] = {}

    def obey(self, orders: dict[str, Order]) -> None:
        for name, order in orders.items():
            assert order.text == text_of(name, order.cameras)
            taken = {c for n, cameras in self.running.items() if n != name for c in cameras}
            assert not taken & set(order.cameras), "two machines would run one camera"
            self.running[name] = order.cameras

    def reports(self) -> dict[str, dict[str, Any]]:
        return {
            name: {
                "cameras": list(cameras),
                "digest": digest_of(text_of(name, cameras)) if cameras else "",
                "cores": 2,
                "load_cores": self.load.get(name),
                "status": [{"name": c, "silent_s": 0.1} for c in cameras],
            }
            for name, cameras in self.running.items()
        }


def settle(planner: Planner, groups: Groups, turns: int = 5) -> int:
    """Turns until nothing is ordered any more; the number of orders."""
    orders = 0
    for _ in range(turns):
        found = planner.turn(set(groups.running), groups.reports())
        groups.obey(found)
        orders += len(found)
    assert not planner.turn(set(groups.running), groups.reports())
    return orders


def new(cameras: int = 12, *closed: str) -> Planner:
    return Planner(
        [Node(name, is_open=name not in closed) for name in "abc"],
        [Camera(f"cam-{n:02}") for n in range(cameras)],
        text_of,
    )


def test_each_machine_gets_one_order_and_no_more_while_nothing_changes():
    planner, groups = new(), Groups("a", "b", "c")
    assert settle(planner, groups) == 3
    assert sorted(map(len, groups.running.values())) == [4, 4, 4]
    assert {row["state"] for row in planner.table()["cameras"]} == {"running"}


def test_a_placement_after_a_kill_orders_nothing():
    groups = Groups("a", "b", "c")
    settle(new(), groups)
    assert settle(new(), groups) == 0


def test_nothing_is_ordered_before_every_machine_that_answers_has_reported():
    planner, groups = new(), Groups("a", "b", "c")
    settle(new(), groups)
    reports = groups.reports()
    silent = reports.pop("b")
    assert planner.turn({"a", "b", "c"}, reports) == {}
    assert planner.table()["settled"] is False
    assert planner.turn({"a", "b", "c"}, {**reports, "b": silent}) == {}
    assert planner.table()["settled"] is True


def test_a_group_that_does_not_answer_ages_its_cameras(monkeypatch: pytest.MonkeyPatch):
    planner, groups = new(3), Groups("a", "b", "c")
    settle(planner, groups)
    people = {"with_mask": 2}
    reports = groups.reports()
    reports["a"]["status"][0] |= {"people": people}
    reports["b"]["status"][0] |= {"state": "paused"}
    planner.turn(set("abc"), reports)
    rows = planner.table()["cameras"]
    assert [row["state"] for row in rows] == ["running", "paused", "running"]
    assert rows[0]["people"] == people and planner.table()["nodes"][0]["report_age_s"] < 1
    now = time.monotonic()
    monkeypatch.setattr("maskdet.cluster.planner.time.monotonic", lambda: now + 9)
    planner.turn(set("abc"), {name: reports[name] for name in "bc"})
    table = planner.table()
    assert table["nodes"][0]["report_age_s"] == pytest.approx(9, abs=0.5)
    assert [row["state"] for row in table["cameras"]] == ["no signal", "paused", "running"]
    assert table["cameras"][0]["people"] is None and table["cameras"][0]["age_s"] > 9


def test_a_dead_machine_s_cameras_move_with_one_order_for_each_other():
    planner, groups = new(), Groups("a", "b", "c")
    settle(planner, groups)
    del groups.running["b"]
    assert settle(planner, groups) == 2
    assert sorted(map(len, groups.running.values())) == [6, 6]
    groups.running["b"] = ()
    assert settle(planner, groups) == 3
    assert sorted(map(len, groups.running.values())) == [4, 4, 4]


def test_a_drained_machine_lets_go_before_others_take_its_cameras():
    groups = Groups("a", "b", "c")
    settle(new(), groups)
    planner = new(12, "a")
    first = planner.turn(set("abc"), groups.reports())
    assert set(first) == {"a"} and first["a"].cameras == ()
    groups.obey(first)
    settle(planner, groups)
    assert sorted(map(len, groups.running.values())) == [0, 6, 6]


def test_a_camera_that_is_no_longer_wanted_ends():
    groups = Groups("a", "b", "c")
    settle(new(), groups)
    settle(new(11), groups)
    assert sorted(c for cameras in groups.running.values() for c in cameras) == [
        f"cam-{n:02}" for n in range(11)
    ]


def test_a_turn_for_a_thousand_cameras_is_short():
    names = [f"node-{n:02}" for n in range(60)]
    cameras = [Camera(f"cam-{n:04}") for n in range(1000)]
    planner = Planner([Node(name) for name in names], cameras, text_of)
    groups = Groups(*names)
    settle(planner, groups)
    groups.load = {name: 0.9 for name in names}
    began = time.process_time()
    assert not planner.turn(set(names), groups.reports())
    planner.table()
    assert time.process_time() - began < 0.25  # of the half second from one turn to the next
    assert {len(cameras) for cameras in groups.running.values()} <= {16, 17}
