"""Conditions change what they are meant to change, the more the severer, and nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from maskdet.images import conditions

NAMES = list(conditions.CONDITIONS)


def scene(height: int = 120, width: int = 160) -> np.ndarray:
    random = np.random.default_rng(0)
    coarse = random.integers(30, 220, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def made(name: str, severity: float, seed: int = 1, boxes: np.ndarray | None = None) -> np.ndarray:
    around = conditions.NO_BOXES if boxes is None else boxes
    return conditions.apply(name, scene(), severity, np.random.default_rng(seed), around)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("severity", [0, 1, 5])
def test_an_image_of_the_same_kind_comes_out_and_its_source_stays(
    name: str, severity: float
) -> None:
    image = scene()
    out = conditions.apply(name, image, severity, np.random.default_rng(3))
    assert out.shape == image.shape and out.dtype == np.uint8
    assert (image == scene()).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_gives_the_same_again(name: str) -> None:
    assert (made(name, 3, seed=5) == made(name, 3, seed=5)).all()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "grayscale"])
def test_severe_is_further_from_the_image_than_slight(name: str) -> None:
    def distance(severity: float) -> float:
        each = [made(name, severity, seed).astype(float) - scene() for seed in range(6)]
        return float(np.mean(np.abs(each)))

    assert distance(5) > 1.3 * distance(1)


def test_what_each_one_is() -> None:
    image = scene()
    assert made("underexposure", 4).mean() < image.mean() - 20
    assert made("overexposure", 4).mean() > image.mean() + 20
    assert made("haze", 4).std() < 0.7 * image.std()
    fine = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    for name in ("motion_blur", "defocus"):
        blurred = conditions.apply(name, fine, 5, np.random.default_rng(0))
        assert (
            cv2.Laplacian(blurred, cv2.CV_64F).std() < 0.5 * cv2.Laplacian(fine, cv2.CV_64F).std()
        )
    for name in ("grayscale", "infrared"):
        out = made(name, 3)
        assert (out[..., 0] == out[..., 1]).all() and (out[..., 1] == out[..., 2]).all()
    cast = made("white_balance", 5).reshape(-1, 3).mean(axis=0) / image.reshape(-1, 3).mean(axis=0)
    assert cast.max() / cast.min() > 1.2


def test_backlight_darkens_people_and_brightens_what_is_around_them() -> None:
    boxes = np.array([[60, 30, 100, 80]], np.float32)
    change = made("backlight", 5, boxes=boxes).astype(float) - scene()
    assert change[40:70, 70:90].mean() < -20
    assert change[:20, :20].mean() > 20


def test_images_larger_than_the_bank_of_noise_have_noise_everywhere() -> None:
    image = np.full((1500, 1100, 3), 60, np.uint8)
    out = conditions.apply("low_light", image, 4, np.random.default_rng(0))
    assert min(block.std() for block in np.array_split(out[::5], 6)) > 1
