"""Video for a browser, fragment by fragment."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from maskdet.sinks.recording.stream_encoder import StreamEncoder


def decoded(data: bytes) -> list[av.VideoFrame]:
    with av.open(io.BytesIO(data)) as container:
        return list(container.decode(video=0))


def gray(value: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, value, np.uint8)


@pytest.mark.parametrize("shape", [(360, 640, 3), (481, 641, 3), (5, 7, 3), (1090, 1930, 3)])
def test_each_picture_is_a_fragment_with_its_own_time(shape: tuple[int, ...]):
    encoder = StreamEncoder(shape)
    moments = [5.0, 5.1, 5.15, 7.0]
    fragments = [encoder.encode(gray(40 * i, shape), t) for i, t in enumerate(moments)]
    assert all(one[4:8] == b"moof" and b"mdat" in one for one in fragments)
    assert encoder.head[4:8] == b"ftyp" and encoder.codec.startswith("avc1.42")
    frames = decoded(encoder.head + b"".join(fragments))
    encoder.close()
    assert [frame.time for frame in frames] == pytest.approx(moments, abs=1e-3)
    grays = [int(frame.to_ndarray(format="bgr24")[0, 0, 0]) for frame in frames]
    assert grays == pytest.approx([0, 40, 80, 120], abs=3)


def test_a_player_can_begin_with_a_key_frame_alone():
    shape = (120, 160, 3)
    encoder = StreamEncoder(shape)
    before = encoder.encode(gray(10, shape), 0) + encoder.encode(gray(20, shape), 0.1)
    key = encoder.encode(gray(200, shape), 0.2, key=True)
    plain = encoder.encode(gray(100, shape), 0.3)
    late = encoder.encode(gray(50, shape), 4.3)  # seconds after the last key frame: one again
    frames = decoded(encoder.head + before + key + plain + late)
    assert [frame.key_frame for frame in frames] == [True, False, True, False, True]
    not_sync = bytes.fromhex("01010000")  # the fragment's flags, unless its first picture's differ
    assert not_sync in plain and bytes.fromhex("02000000") in key[:200]
    assert int(decoded(encoder.head + key)[0].to_ndarray(format="gray")[0, 0]) > 150
    encoder.close()


def test_times_that_stand_still_or_go_back_do_not_stop_it():
    shape = (120, 160, 3)
    encoder = StreamEncoder(shape)
    data = b"".join(encoder.encode(gray(i, shape), t) for i, t in enumerate([3, 3, 2, 3.5]))
    times = [frame.time for frame in decoded(encoder.head + data)]
    assert times == sorted(set(times)) and len(times) == 4
    encoder.close()
