"""A frame is one BGR picture, and nothing else gets in."""

import time

import numpy as np
import pytest

from maskdet.frame import Frame


def test_size():
    frame = Frame(np.zeros((48, 64, 3), np.uint8), 0, 0.0, 0.0)
    assert (frame.width, frame.height) == (64, 48)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((48, 64), np.uint8),  # gray
        np.zeros((48, 64, 4), np.uint8),  # with transparency
        np.zeros((48, 64, 3), np.float32),
        np.zeros((1, 48, 64, 3), np.uint8),  # a batch
    ],
)
def test_other_pictures_are_refused(image: np.ndarray):
    with pytest.raises(ValueError, match="a frame is uint8"):
        Frame(image, 0, 0.0, 0.0)


def test_position_is_the_time_of_a_file_unless_it_is_given_and_utc_is_now():
    image = np.zeros((48, 64, 3), np.uint8)
    before = time.time()
    frame = Frame(image, 3, 1.5, 0.0, "door.mp4")
    assert frame.position == 1.5 and before <= frame.utc <= time.time()
    live = Frame(image, 3, 1.7e9, 0.0, "0", position=2.0, utc=1.7e9)
    assert (live.position, live.utc) == (2.0, 1.7e9)
