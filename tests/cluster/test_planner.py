"""One turn of the placement: what it orders, and what it leaves alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

import pytest

from maskdet.cluster.group import digest_of
from maskdet.cluster.planning.placement import MAX_CAMERAS, Camera, Node
from maskdet.cluster.planning.planner import Order, Planner
from maskdet.commands.cluster.table import lines_of, warnings_of


def text_of(node: str, cameras: Sequence[str], standby: Sequence[str] = ()) -> str:
    return " ".join([*sorted(cameras), "|", *sorted(standby)])


class Groups:
    """Groups that do what they are ordered, at once.

    Attributes:
        running: cameras by machine.
        standby: those that are only open there.
        unreachable: machines that get no image of what is on standby there.
    """

    def __init__(self, *names: str) -> None:
        self.running: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
        self.standby: dict[str, tuple[str, ...]] = {}
        self.unreachable: set[str] = set()
        self.load: dict[str, float] = {}

    def obey(self, orders: dict[str, Order]) -> None:
        for name, order in orders.items():
            assert order.text == text_of(name, order.cameras, order.standby)
            taken = {c for n, cameras in self.running.items() if n != name for c in cameras}
            assert not taken & set(order.cameras), "two machines would run one camera"
            self.running[name] = order.cameras
            self.standby[name] = order.standby

    def reports(self) -> dict[str, dict[str, Any]]:
        return {
            name: {
                "cameras": list(cameras),
                "standby": list(self.standby.get(name, ())),
                "digest": self._digest(name),
                "cores": 2,
                "load_cores": self.load.get(name),
                "status": [{"name": c, "silent_s": 0.1} for c in cameras] + self._waiting(name),
            }
            for name, cameras in self.running.items()
        }

    def _digest(self, name: str) -> str:
        known = self.running[name], self.standby.get(name, ())
        return digest_of(text_of(name, *known)) if any(known) else ""

    def _waiting(self, name: str) -> list[dict[str, Any]]:
        age = None if name in self.unreachable else 0.1
        return [
            {"name": c, "state": "standby", "silent_s": None, "standby_age_s": age}
            for c in self.standby.get(name, ())
        ]


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
    monkeypatch.setattr("maskdet.cluster.planning.planner.time.monotonic", lambda: now + 9)
    planner.turn(set("abc"), {name: reports[name] for name in "bc"})
    table = planner.table()
    assert table["nodes"][0]["report_age_s"] == pytest.approx(9, abs=0.5)
    assert [row["state"] for row in table["cameras"]] == ["no signal", "paused", "running"]
    assert table["cameras"][0]["people"] is None and table["cameras"][0]["age_s"] > 9
    assert "has not reported for 9 s" in table["nodes"][0]["problem"]
    planner.turn(set("bc"), {name: reports[name] for name in "bc"})
    row = planner.table()["nodes"][0]
    assert row["state"] == "down" and "has not answered for 9 s" in row["problem"]
    planner.turn(set("abc"), {name: reports[name] for name in "bc"})
    row = planner.table()["nodes"][0]
    assert row["state"] == "starting" and not row["problem"]


def test_a_camera_without_a_machine_and_a_machine_that_never_came_have_reasons():
    machines = [Node("a", is_open=False), Node("b"), Node("c")]
    cameras = [Camera("any"), Camera("gate", node="b"), Camera("door", node="a"), Camera("x")]
    planner, groups = Planner(machines, cameras, text_of), Groups("a")
    settle(planner, groups)
    table = planner.table()
    down = "down, or behind a cut link, where it may run unseen"
    assert [row["problem"] for row in table["cameras"]] == [
        f"a is drained; b, c are {down}",
        f"b is {down}",
        "a is drained",
        f"a is drained; b, c are {down}",
    ]
    assert {row["state"] for row in table["cameras"]} == {"waiting for a machine"}
    assert [row.get("problem") for row in table["nodes"][1:]] == [
        "has not joined: run cluster up on it, or check the link to it"
    ] * 2
    lines = list(lines_of(table | {"problem": ""}))
    assert lines[-3:] == [
        f"any, x: a is drained; b, c are {down}",
        f"gate: b is {down}",
        "door: a is drained",
    ]
    assert "b, c: has not joined: run cluster up on it" in lines[-4]
    groups.running["c"] = ()
    settle(planner, groups)
    rows = {**planner.table(), "problem": ""}
    assert list(warnings_of(rows)) == [
        f"gate: waiting for a machine (b is {down})",
        "door: waiting for a machine (a is drained)",
    ]


def test_a_camera_that_no_monitor_takes_any_more_says_so():
    cameras = [Camera(f"cam-{n:03}") for n in range(MAX_CAMERAS + 1)]
    planner = Planner([Node("a")], cameras, text_of)
    settle(planner, Groups("a"))
    problems = [row["problem"] for row in planner.table()["cameras"]]
    assert sorted(problems)[-1] == "its machines have 64 cameras each, the most"
    assert problems.count("") == MAX_CAMERAS


def test_a_dead_machine_s_cameras_move_with_one_order_for_each_other():
    planner, groups = new(), Groups("a", "b", "c")
    settle(planner, groups)
    del groups.running["b"]
    assert settle(planner, groups) == 2
    assert sorted(map(len, groups.running.values())) == [6, 6]
    groups.running["b"] = ()
    assert settle(planner, groups) == 4  # standby, two let go, begin
    assert sorted(map(len, groups.running.values())) == [4, 4, 4]


def test_a_drained_machine_lets_go_once_others_have_its_cameras_open():
    groups = Groups("a", "b", "c")
    settle(new(), groups)
    before = groups.running["a"]
    planner = new(12, "a")
    first = planner.turn(set("abc"), groups.reports())
    assert set(first) == {"b", "c"} and planner.is_moving
    assert {*first["b"].standby, *first["c"].standby} == set(before)
    assert not {*first["b"].cameras, *first["c"].cameras} & set(before)
    groups.obey(first)
    assert [row["state"] for row in planner.table()["cameras"]].count("running") == 8
    second = planner.turn(set("abc"), groups.reports())
    assert set(second) == {"a"} and second["a"].cameras == second["a"].standby == ()
    assert [row["state"] for row in planner.table()["cameras"]].count("moving") == 4
    groups.obey(second)
    settle(planner, groups)
    assert sorted(map(len, groups.running.values())) == [0, 6, 6]
    assert not planner.is_moving and not any(groups.standby.values())


def test_a_camera_that_serves_one_viewer_alone_is_let_go_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
):
    groups = Groups("a", "b", "c")
    settle(new(), groups)
    groups.unreachable = {"b", "c"}
    planner = new(12, "a")
    assert settle(planner, groups) == 2 and len(groups.running["a"]) == 4
    now = time.monotonic()
    monkeypatch.setattr("maskdet.cluster.planning.planner.time.monotonic", lambda: now + 11)
    settle(planner, groups)
    assert sorted(map(len, groups.running.values())) == [0, 6, 6]


def test_what_cannot_be_open_twice_is_let_go_first():
    groups = Groups("a", "b")
    cameras = [Camera(f"cam-{n}", opens_twice=False) for n in range(4)]
    settle(Planner([Node("a"), Node("b")], cameras, text_of), groups)
    planner = Planner([Node("a", is_open=False), Node("b")], cameras, text_of)
    first = planner.turn(set("ab"), groups.reports())
    assert set(first) == {"a"} and first["a"].cameras == ()
    groups.obey(first)
    settle(planner, groups)
    assert [len(groups.running[name]) for name in "ab"] == [0, 4]


@pytest.mark.parametrize("dies", ["a", "b"])
def test_a_machine_that_dies_while_cameras_move_leaves_each_on_one_other(dies: str):
    groups = Groups("a", "b", "c")
    settle(new(), groups)
    planner = new(12, "a")
    groups.obey(planner.turn(set("abc"), groups.reports()))
    del groups.running[dies]
    groups.standby.pop(dies, None)
    settle(planner, groups, 8)
    found = sorted(c for cameras in groups.running.values() for c in cameras)
    assert found == [f"cam-{n:02}" for n in range(12)]
    assert not groups.running.get("a")


def test_a_placement_after_a_kill_goes_on_with_what_was_moving():
    groups = Groups("a", "b", "c")
    settle(new(), groups)
    groups.obey(new(12, "a").turn(set("abc"), groups.reports()))
    settle(new(12, "a"), groups)
    assert sorted(map(len, groups.running.values())) == [0, 6, 6]
    assert not any(groups.standby.values())


def test_no_monitor_gets_more_cameras_than_it_takes(monkeypatch: pytest.MonkeyPatch):
    groups = Groups("a", "b")
    cameras = [Camera(f"cam-{n:03}", node="a" if n < 64 else "b") for n in range(128)]
    machines = [Node("a"), Node("b")]
    settle(Planner(machines, cameras, text_of), groups)
    swapped = [Camera(one.name, node="b" if one.node == "a" else "a") for one in cameras]
    planner = Planner(machines, swapped, text_of)
    began = time.monotonic()
    for turn in range(8):
        now = began + 3 * turn
        monkeypatch.setattr("maskdet.cluster.planning.planner.time.monotonic", lambda now=now: now)
        orders = planner.turn(set("ab"), groups.reports())
        assert all(len(o.cameras) + len(o.standby) <= 64 for o in orders.values())
        groups.obey(orders)
    assert set(groups.running["a"]) == {one.name for one in swapped if one.node == "a"}


def test_a_camera_that_is_no_longer_wanted_ends():
    groups = Groups("a", "b", "c")
    settle(new(), groups)
    settle(new(11), groups)
    assert sorted(c for cameras in groups.running.values() for c in cameras) == [
        f"cam-{n:02}" for n in range(11)
    ]


def lines_of_a_turn(count: int) -> int:
    """Lines of Python that a turn and a table take, of so many cameras on sixty machines."""
    names = [f"node-{n:02}" for n in range(60)]
    planner = Planner(
        [Node(name) for name in names], [Camera(f"cam-{n:04}") for n in range(count)], text_of
    )
    groups = Groups(*names)
    settle(planner, groups)
    groups.load = {name: 0.9 for name in names}
    each = {len(cameras) for cameras in groups.running.values()}
    assert each <= {count // 60, count // 60 + 1}
    lines, reports = 0, groups.reports()

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        orders = planner.turn(set(names), reports)
        planner.table()
    finally:
        sys.settrace(before)
    assert not orders
    return lines


def test_the_work_of_a_turn_grows_no_faster_than_the_cameras():
    """A turn for a thousand cameras takes a small part of the half second until the next."""
    assert lines_of_a_turn(1000) < 2.5 * lines_of_a_turn(500)
