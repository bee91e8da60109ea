"""A warped image lies where its boxes do, not half a pixel beside."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from maskdet import boxes
from maskdet.images.warping import warp


@pytest.mark.parametrize("factor", [1.0, 3.0])
@pytest.mark.parametrize("degrees", [0.0, 30.0, -90.0])
def test_a_box_and_its_pixels_share_their_middle(factor: float, degrees: float) -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    image[20:40, 30:60] = 255
    matrix = cv2.getRotationMatrix2D((40, 30), degrees, factor)
    matrix[:, 2] += (80, 90)
    light = warp(image, matrix, (240, 240))[:, :, 0] > 170
    box = boxes.warp(np.array([[30, 20, 60, 40]], np.float32), matrix)[0]
    middle = [(np.nonzero(light)[axis] + 0.5).mean() for axis in (1, 0)]
    np.testing.assert_allclose(middle, (box[:2] + box[2:]) / 2, atol=0.2)
    assert light.sum() == pytest.approx(600 * factor**2, rel=0.1)
