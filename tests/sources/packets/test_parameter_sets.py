"""Parameter sets taken out of what real encoders give, and out of what nobody should send."""

from __future__ import annotations

from io import BytesIO

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskdet.sources.packets.parameter_sets import split


def encoded(codec: str, encoder: str, options: dict[str, str]) -> list[bytes]:
    """Access units with start codes."""
    out = BytesIO()
    with av.open(out, "w", format=codec) as container:
        stream = container.add_stream(encoder, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for number in range(6):
            image = np.full((96, 128, 3), 40 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    with av.open(BytesIO(out.getvalue()), format=codec) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize(
    ("codec", "encoder", "options"),
    [
        ("h264", "libx264", {"x264-params": "repeat-headers=1:aud=1"}),
        ("hevc", "libx265", {"x265-params": "repeat-headers=1:aud=1:log-level=none"}),
    ],
)
def test_an_image_without_them_decodes_after_them(
    codec: str, encoder: str, options: dict[str, str]
):
    units = encoded(codec, encoder, options)
    parameters, first = split(units[0], codec)
    assert parameters and len(parameters) + len(first) <= len(units[0]) + 8
    assert split(first, codec) == (b"", first), "nothing of them is left"
    with av.open(BytesIO(parameters + first + b"".join(units[1:])), format=codec) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 6 and (frames[0].width, frames[0].height) == (128, 96)


def test_the_same_sets_twice_are_there_once():
    sets = b"\0\0\0\1\x67\1\2\3" + b"\0\0\0\1\x68\4"
    assert split(sets + sets + b"\0\0\1\x65\5\6", "h264") == (sets, b"\0\0\0\1\x65\5\6")


def test_a_picture_parameter_set_alone_changes_nothing():
    assert split(b"\0\0\1\x68\4\0\0\1\x65\5", "h264") == (b"", b"\0\0\0\1\x65\5")


@settings(max_examples=200)
@given(st.lists(st.sampled_from([b"\0\0\1", b"\0\0\0\1", b"\x67", b"\x65", b"\x40", b"a", b"\0"])))
def test_nothing_makes_it_fail(parts: list[bytes]):
    unit = b"".join(parts)
    for codec in ("h264", "hevc"):
        parameters, rest = split(unit, codec)
        assert len(parameters) + len(rest) <= len(unit) + unit.count(b"\0\0\1")
