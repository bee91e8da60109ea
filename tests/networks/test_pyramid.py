"""The pyramid's coarse levels, whose place must not depend on the picture's size."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from maskdet.networks.pyramid import feature_pyramid


@pytest.fixture(scope="module")
def pyramid() -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = [keras.Input((None, None, 4)) for _ in range(3)]
    return keras.Model(inputs, feature_pyramid(inputs, 4, separable=False, norm=False))


def features(side: int) -> list[np.ndarray]:
    """C3, C4, C5 of one picture cut to C5's side: the same from its top left corner on."""
    whole = np.random.default_rng(0).normal(size=(1, 80, 80, 4)).astype(np.float32)
    return [whole[:, : side * factor, : side * factor] for factor in (4, 2, 1)]


@pytest.mark.parametrize("side", range(8, 16))
def test_each_level_has_half_the_cells_rounded_up(pyramid: keras.Model, side: int) -> None:
    levels = [each.shape[1] for each in pyramid(features(side))]
    assert levels == [side * 4, side * 2, side, (side + 1) // 2, (side + 3) // 4]


@pytest.mark.parametrize("side", range(9, 16))
def test_coarse_levels_stay_in_their_place(pyramid: keras.Model, side: int) -> None:
    """Where the smaller picture's edge is far, both sizes say the same of the same place."""
    larger, smaller = (pyramid(features(each))[3:] for each in (16, side))
    for wide, narrow, reach in zip(larger, smaller, (2, 3), strict=True):
        inner = narrow.shape[1] - reach
        wide, narrow = (
            np.asarray(each)[:, : max(1, inner), : max(1, inner)] for each in (wide, narrow)
        )
        np.testing.assert_allclose(narrow, wide, atol=1e-5)
