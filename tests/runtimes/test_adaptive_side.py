"""Input that becomes smaller where a machine is too slow, by a clock that the test turns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from maskdet.detections import Detections
from maskdet.runtimes import load_detector
from maskdet.runtimes.adaptive_side import (
    LOOK_BUDGET_S,
    MEASURED_IMAGES,
    AdaptiveSideDetector,
)
from maskdet.runtimes.loading import open_model
from maskdet.runtimes.looks.multi_look import MultiLookDetector
from maskdet.runtimes.spec import resolve

IMAGE = np.zeros((48, 64, 3), np.uint8)


class Machine:
    """A detector that takes as long as its input is large, and the clock it is timed by."""

    name, device = "machine", "CPU"

    def __init__(self, seconds_at_576: float) -> None:
        self.side, self.now, self._seconds = 576, 0.0, seconds_at_576

    def clock(self) -> float:
        return self.now

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        self.now += self._seconds * (self.side / 576) ** 2 * len(images)
        return [Detections.empty()] * len(images)

    def warm_up(self) -> None:
        self.now += 9

    def close(self) -> None:
        pass


def run(machine: Machine, images: int, *, keeps_up: bool = True) -> AdaptiveSideDetector:
    detector = AdaptiveSideDetector(machine, (320, 448), clock=machine.clock)
    detector.warm_up()
    if keeps_up:
        detector.keep_up()
    for _ in range(images):
        detector.detect([IMAGE])
    return detector


@pytest.mark.parametrize(
    ("share_of_budget", "side"), [(0.9, 576), (1.1, 448), (1.6, 448), (1.8, 320), (9.0, 320)]
)
def test_the_largest_that_fits_is_chosen(
    share_of_budget: float, side: int, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = Machine(share_of_budget * LOOK_BUDGET_S)
    detector = run(machine, 3 * MEASURED_IMAGES)
    assert machine.side == side
    reported = capsys.readouterr().err
    assert detector.device == ("CPU" if side == 576 else f"CPU, {side} px")
    assert reported.count("\n") == (side != 576)
    assert side == 576 or f"the input is {side} pixels from now on (side=576 keeps it)" in reported


def test_one_slow_image_changes_nothing() -> None:
    machine = Machine(0.5 * LOOK_BUDGET_S)
    detector = run(machine, 1)
    machine._seconds *= 50  # another program has the machine for a moment
    detector.detect([IMAGE])
    machine._seconds /= 50
    for _ in range(2 * MEASURED_IMAGES):
        detector.detect([IMAGE])
    assert machine.side == 576


def test_several_looks_at_live_frames_have_the_whole_look_keep_up() -> None:
    machine = Machine(1.6 * LOOK_BUDGET_S)
    detector = MultiLookDetector(
        AdaptiveSideDetector(machine, (320, 448), clock=machine.clock), 576
    )
    detector.keep_up()
    for _ in range(MEASURED_IMAGES):
        detector.detect([IMAGE])
    assert machine.side == 448


def test_files_keep_the_size() -> None:
    machine = Machine(9 * LOOK_BUDGET_S)
    run(machine, 3 * MEASURED_IMAGES, keeps_up=False)
    assert machine.side == 576


def test_the_model_that_ships_gets_smaller() -> None:
    spec = resolve(device="cpu", side="auto")
    assert spec.side == 576 and spec.sides
    detector = open_model(spec, looks="auto")
    assert isinstance(detector, MultiLookDetector)
    whole = detector._detector
    assert isinstance(whole, AdaptiveSideDetector)
    whole.keep_up(1e-6)
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    for _ in range(2 * MEASURED_IMAGES):
        detector.detect([picture])
    assert detector.device == f"CPU (LiteRT), {min(spec.sides)} px"
    detector.close()


def test_a_size_that_is_named_stays() -> None:
    assert resolve(device="cpu", side=448).sides == ()
    detector = load_detector(device="cpu", side=448)
    assert not isinstance(detector, AdaptiveSideDetector)
    detector.close()
