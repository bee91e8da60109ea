"""Torn images of interlaced video are found by their pixels, and repaired where they are torn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from maskdet.images.combing import HEIGHTS, CombRemover
from tests.images.pictures import panned, torn


def error(image: np.ndarray, moment: int) -> float:
    return float(np.abs(image.astype(int) - panned(moment, len(image))).mean())


@pytest.mark.parametrize("height", HEIGHTS)
def test_a_torn_image_shows_one_moment(height: int) -> None:
    image = torn(3, height)
    repaired = CombRemover().repaired(image)
    assert error(image, 3) > 8 > 2 > error(repaired, 3)
    assert (image == torn(3, height)).all()  # which others may hold


def test_what_does_not_move_beside_it_stays_to_the_bit() -> None:
    still = panned(0, 480)
    image = np.hstack([torn(3), still, still])
    repaired = CombRemover().repaired(image)
    assert error(repaired[:, :64], 3) < 2
    assert (repaired[:, 96:] == image[:, 96:]).all()


def stripes(period: int, thick: int) -> np.ndarray:
    lines = np.arange(480) % period < thick
    return np.where(lines[:, None, None], 230, 20).repeat(64, 1).repeat(3, 2).astype(np.uint8)


WHOLE = {
    "a pattern": panned(5, 480),
    "noise": cv2.randn(np.zeros((480, 64, 3), np.uint8), (128,) * 3, (9,) * 3),
    "blinds": stripes(4, 2),
    "thin lines": stripes(3, 1),
    "an edge": stripes(480, 240),
    "of no height of interlaced video": torn(3, 360),
}


@pytest.mark.parametrize("image", WHOLE.values(), ids=WHOLE)
def test_an_image_that_is_whole_is_left_alone(image: np.ndarray) -> None:
    assert CombRemover().repaired(image) is image


def test_a_camera_before_which_nothing_moves_at_first_is_processed_again() -> None:
    remover = CombRemover()
    for _ in range(7):
        remover.repaired(panned(0, 480))
    errors = [error(remover.repaired(torn(moment)), moment) for moment in range(3, 20)]
    assert max(errors[4:]) < 2
