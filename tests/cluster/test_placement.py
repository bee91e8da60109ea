"""Which machine runs which camera: labels, dead machines, measured load."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from maskdet.cluster.planning.placement import Camera, Node, place

CAMERAS = [Camera(f"cam-{n:02}") for n in range(12)]


def counts(where: dict[str, str]) -> dict[str, int]:
    return dict(Counter(where.values()))


def test_cameras_are_spread_evenly_at_first():
    where = place(CAMERAS, [Node("a"), Node("b"), Node("c")], {})
    assert counts(where) == {"a": 4, "b": 4, "c": 4}


def test_a_machine_with_more_cores_gets_more():
    where = place(CAMERAS, [Node("a", cores=2), Node("b", cores=4)], {})
    assert counts(where) == {"a": 4, "b": 8}


def test_cameras_stay_where_they_are_and_those_of_a_dead_machine_move():
    before = place(CAMERAS, [Node("a"), Node("b"), Node("c")], {})
    after = place(CAMERAS, [Node("a"), Node("c")], before)
    assert counts(after) == {"a": 6, "c": 6}
    assert all(after[name] == node for name, node in before.items() if node != "b")


def test_labels_and_machines_by_name_are_honored_even_if_others_are_idle():
    nodes = [Node("a", {"site": "north"}), Node("b", {"site": "south"}), Node("c")]
    cameras = [
        Camera("n", {"site": "north"}),
        Camera("s", {"site": "south"}),
        Camera("p", node="a"),
    ]
    assert place(cameras, nodes, {}) == {"n": "a", "s": "b", "p": "a"}
    assert place(cameras, nodes[1:], {"n": "a", "s": "b", "p": "a"}) == {"s": "b"}


def test_a_drained_machine_gives_its_cameras_away_and_gets_none():
    nodes = [Node("a", is_open=False), Node("b"), Node("c")]
    assert counts(place(CAMERAS, nodes, dict.fromkeys((c.name for c in CAMERAS), "a"))) == {
        "b": 6,
        "c": 6,
    }
    assert place(CAMERAS, [Node("a", is_open=False)], {}) == {}


def test_a_machine_that_joins_gets_its_share_at_once():
    before = place(CAMERAS, [Node("a"), Node("b")], {})
    nodes = [Node(name, load_cores=0.01) for name in "ab"] + [Node("c")]
    after = place(CAMERAS, nodes, before)
    assert counts(after) == {"a": 4, "b": 4, "c": 4}
    assert sum(after[name] != before[name] for name in after) == 4


def test_the_measured_load_decides_one_camera_at_a_time():
    before = {c.name: "a" if n < 6 else "b" for n, c in enumerate(CAMERAS)}
    nodes = [Node("a", load_cores=0.9), Node("b", load_cores=0.1)]
    assert place(CAMERAS, nodes, before) == before
    after = place(CAMERAS, nodes, before, max_moves=1)
    assert counts(after) == {"a": 5, "b": 7}
    alike = [Node("a", load_cores=0.50), Node("b", load_cores=0.45)]
    assert place(CAMERAS, alike, before, max_moves=1) == before


def test_homeless_cameras_go_where_measured_load_is_small():
    before = {"cam-00": "a", "cam-01": "b"}
    nodes = [Node("a", load_cores=0.8), Node("b", load_cores=0.1)]
    assert place(CAMERAS[:3], nodes, before)["cam-02"] == "b"


def test_no_machine_gets_more_than_a_monitor_takes():
    cameras = [Camera(f"cam-{n}") for n in range(130)]
    assert counts(place(cameras, [Node("a"), Node("b")], {})) == {"a": 64, "b": 64}


LABELS = st.dictionaries(st.sampled_from(["site", "gpu"]), st.sampled_from(["x", "y"]), max_size=2)


@st.composite
def clusters(draw: st.DrawFn) -> tuple[list[Camera], list[Node], dict[str, str]]:
    nodes = [
        Node(
            name,
            draw(LABELS),
            draw(st.booleans()),
            draw(st.integers(1, 8)),
            draw(st.none() | st.floats(0, 8)),
        )
        for name in draw(st.lists(st.sampled_from("abcd"), unique=True))
    ]
    cameras = [
        Camera(f"cam-{n}", draw(LABELS), draw(st.none() | st.sampled_from("abcd")))
        for n in range(draw(st.integers(0, 12)))
    ]
    where = {c.name: draw(st.sampled_from("abcd")) for c in cameras if draw(st.booleans())}
    return cameras, nodes, where


@settings(max_examples=200)
@given(clusters(), st.integers(0, 3))
def test_every_camera_that_a_machine_takes_has_one_and_moves_come_to_an_end(cluster, max_moves):
    cameras, nodes, where = cluster
    by_name = {node.name: node for node in nodes}
    after = place(cameras, nodes, where, max_moves=max_moves)
    for camera in cameras:
        if any(node.takes(camera) for node in nodes):
            assert by_name[after[camera.name]].takes(camera)
        else:
            assert camera.name not in after
    assert place(cameras, nodes, after) == after
