"""Motion gating on scenes of a camera: noise, light, a slow walk-in, somebody who stands still."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from maskdet.images.motion_gate import HOLD_S, MAX_SKIP_S, MotionGate

FPS = 15
Scene = Callable[[float], np.ndarray]


def room(width: int = 320, height: int = 240) -> np.ndarray:
    """An empty room with furniture: structure, not one gray."""
    small = np.random.default_rng(1).uniform(60, 160, (12, 16)).astype(np.float32)
    gray = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.repeat(np.clip(gray, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def seen(image: np.ndarray, t: float, noise: float) -> np.ndarray:
    """The image as a camera of that noise (standard deviation in gray levels) gives it."""
    random = np.random.default_rng(round(t * 1000))
    return np.clip(image + random.normal(0, noise, image.shape), 0, 255).astype(np.uint8)


def passed(scene: Scene, seconds: float, fps: float = FPS) -> list[float]:
    """The times of the frames that are processed."""
    gate = MotionGate()
    times = [i / fps for i in range(round(seconds * fps))]
    return [t for t in times if gate.passes(scene(t), t)]


def after(times: list[float], begin: float) -> list[float]:
    return [t for t in times if t >= begin]


def gaps(times: list[float]) -> np.ndarray:
    return np.diff(times)


@pytest.mark.parametrize("noise", [0, 3, 10])
def test_noise_alone_is_processed_once_a_second_and_never_later(noise: float):
    times = passed(lambda t: seen(room(), t, noise), 8)
    assert times[0] == 0
    assert gaps(times).max() <= MAX_SKIP_S + 1e-6
    assert len(after(times, 3)) <= 6


@pytest.mark.parametrize("fps", [0.5, 1, 4, 30])
def test_no_rate_makes_the_pause_longer(fps: float):
    times = passed(lambda t: room(), 12, fps)
    assert gaps(times).max() <= max(MAX_SKIP_S, 1 / fps) + 1e-6


def test_a_slow_change_of_the_whole_light_is_no_motion():
    """Dawn, and lamps that flicker."""
    flicker = passed(lambda t: cv2.add(room(), (4 * (round(t * FPS) % 2),) * 3), 8)
    dawn = passed(lambda t: cv2.add(room(), (2 * t,) * 3), 8)
    assert len(after(flicker, 3)) <= 6 and len(after(dawn, 3)) <= 6


def test_a_lamp_that_is_switched_on_is_processed_at_once():
    def scene(t: float) -> np.ndarray:
        image = seen(room(), t, 3)
        if t >= 4:
            image[:, :160] = cv2.add(image[:, :160], (40, 40, 40))
        return image

    times = passed(scene, 8)
    assert after(times, 4)[0] == 4
    assert len(after(times, 7)) <= 2  # and is the usual light from then on


@pytest.mark.parametrize(("speed", "noise"), [(6, 0), (12, 3), (60, 6)])
def test_a_slow_walk_in_is_processed_throughout(speed: float, noise: float):
    """A person of 30 pixels, 25 levels darker than the room, who comes in from the left."""

    def scene(t: float) -> np.ndarray:
        image = room()
        end = int(max(0.0, t - 3) * speed)
        image[100:180, max(0, end - 30) : end] -= 25
        return seen(image, t, noise)

    walking = [t for t in passed(scene, 9) if t >= 3 + 8 / speed]  # from 8 pixels on
    assert walking[0] <= 3 + 8 / speed + 2 / FPS
    assert gaps(walking).max() <= 1 / FPS + 1e-6


def test_who_stops_is_processed_for_a_moment_then_once_a_second():
    def scene(t: float) -> np.ndarray:
        left = int(min(t, 3) * 50)
        image = room()
        image[100:180, left : left + 30] = 20
        return seen(image, t, 3)

    times = passed(scene, 9)
    moment = [t for t in times if t <= 3 + HOLD_S]
    assert gaps(moment).max() <= 1 / FPS + 1e-6
    assert len(after(times, 3 + HOLD_S + MAX_SKIP_S + 0.2)) <= 5


def test_other_faces_hold_it_open():
    gate = MotionGate()
    for t in range(31):
        gate.passes(room(), t / 10)
    assert not gate.passes(room(), 3.1)
    gate.hold()
    assert all(gate.passes(room(), 3.1 + i / 10) for i in range(1, 10))


def test_another_size_and_a_time_set_back_are_processed():
    gate = MotionGate()
    quiet = [gate.passes(room(), t / 10) for t in range(26)]
    assert not quiet[-1]
    assert gate.passes(room(160, 120), 2.6)
    assert gate.passes(room(160, 120), 1.0)


def test_the_image_is_left_as_it_is():
    image = room()
    gate, before = MotionGate(), image.copy()
    gate.passes(image, 0.0)
    gate.passes(image, 0.1)
    assert (image == before).all()
