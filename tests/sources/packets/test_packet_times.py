"""Positions of packets by time stamps that cameras get wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskdet.sources.packets.packet_times import MAX_DRIFT_S, PacketTimes, Stamps, complete


def positions(stamps: list[float | None], arrivals: list[float]) -> list[float]:
    times = PacketTimes(0.04)
    placed = zip(stamps, arrivals, strict=True)
    return [times.place(Stamps(stamp, stamp), arrived)[0] for stamp, arrived in placed]


def test_the_cameras_own_rhythm_counts_not_the_networks_bursts():
    found = positions([0.0, 0.1, 0.2, 0.3], [5.0, 5.3, 5.3, 5.31])
    assert found == pytest.approx([0.0, 0.1, 0.2, 0.3])


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 95443.7])
def test_stamps_that_jump_go_on_by_the_time_that_passed(jump: float):
    stamps = [i * 0.1 + (jump if i >= 5 else 0) for i in range(10)]
    found = positions(list(stamps), [i * 0.1 for i in range(10)])
    assert found == pytest.approx([i * 0.1 for i in range(10)])


def test_stamps_that_stand_still_or_are_missing_go_on_by_the_time_that_passed():
    arrivals = [i * 0.1 for i in range(6)]
    assert positions([7.0] * 6, arrivals) == pytest.approx(arrivals)
    assert positions([None] * 6, arrivals) == pytest.approx(arrivals)


def test_stamps_at_twice_the_rate_are_held_near_the_time_that_passed():
    found = positions([i * 0.2 for i in range(400)], [i * 0.1 for i in range(400)])
    assert abs(found[-1] - 39.9) <= MAX_DRIFT_S + 0.2


def test_an_image_that_is_shown_after_others_has_a_delay():
    times = PacketTimes(0.04)
    assert times.place(Stamps(0.12, 0.0), 0.0) == (0.0, pytest.approx(0.12))
    assert times.place(Stamps(0.04, 0.04), 0.04) == (pytest.approx(0.04), 0.0)
    assert times.place(Stamps(900.0, 0.08), 0.08)[1] == 0.0, "a wrong stamp"


def test_the_first_stamps_are_filled_in():
    """As FFmpeg gives them of an RTSP camera with two B-frames between two others."""
    given_ = [Stamps(None, None), Stamps(0.12, None), Stamps(0.0, None), Stamps(0.04, 0.0)]
    filled = complete(given_, 0.04)
    assert [one.decoded for one in filled] == pytest.approx([-0.12, -0.08, -0.04, 0.0])
    assert [one.shown for one in filled] == pytest.approx([-0.04, 0.12, 0.0, 0.04])
    assert complete([Stamps(None, None)], 0.04) == [Stamps(None, None)]


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(-1e6, 1e6),
            st.none() | st.floats(-1e6, 1e6),
            st.floats(0, 20),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_positions_grow_whatever_a_camera_sends(
    packets: list[tuple[float | None, float | None, float]],
):
    times, arrived, before = PacketTimes(0.04), 100.0, -1.0
    for shown, decoded, wait in packets:
        arrived += wait
        position, delay = times.place(Stamps(shown, decoded), arrived)
        assert position > before and 0 <= delay <= 5
        assert position <= arrived - 100 + MAX_DRIFT_S + 0.1 * len(packets)
        before = position
