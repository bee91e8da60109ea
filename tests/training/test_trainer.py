"""A run that was interrupted, or killed, ends with the very weights of one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from maskdet.errors import ConfigError, DatasetError
from maskdet.training import checkpoint
from maskdet.training.trainer import Schedule
from tests.training.small import make_network, make_trainer
from tests.whole_run import slow

ROOT = Path(__file__).resolve().parents[2]
STEPS = 18


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def whole(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing has interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    make_trainer(pictures, folder).run()
    return folder


def assert_same_end(folder: Path, whole: Path) -> None:
    """Weights, their mean, the optimizer and the best weights are the uninterrupted run's."""
    ours, theirs = (checkpoint.load(each / "checkpoint.npz") for each in (folder, whole))
    assert (ours.step, ours.best) == (theirs.step, theirs.best) == (STEPS, 1.0)
    for group in checkpoint.GROUPS:
        for left, right in zip(getattr(ours, group), getattr(theirs, group), strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-6)
    best = [make_network(start=each / "best.weights.h5") for each in (folder, whole)]
    for left, right in zip(best[0].get_weights(), best[1].get_weights(), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-6)


def test_training_moves_the_weights(whole: Path) -> None:
    """So that the comparisons here mean something."""
    state = checkpoint.load(whole / "checkpoint.npz")
    for start, end in zip(make_network().get_weights(), state.weights, strict=True):
        assert np.abs(start - end).max() > 1e-4
    mean_differs = [
        np.abs(mean - end).max() > 1e-5
        for mean, end in zip(state.average, state.weights, strict=True)
    ]
    assert all(mean_differs)


@pytest.mark.parametrize("at", [1, slow(7)])
def test_asked_to_stop_it_saves_and_goes_on_later(
    pictures: Path, whole: Path, tmp_path: Path, at: int
) -> None:
    first = make_trainer(pictures, tmp_path)
    first.run(stopping=lambda: first.step == at)
    assert checkpoint.load(tmp_path / "checkpoint.npz").step == at
    second = make_trainer(pictures, tmp_path)
    assert second.resume()
    assert second.step == at
    second.run()
    assert_same_end(tmp_path, whole)


class Interrupted(Exception):
    pass


def test_interrupted_between_checkpoints(pictures: Path, whole: Path, tmp_path: Path) -> None:
    """Step 14 has passed the best evaluation (12) and the last checkpoint (12): learned again."""

    def progress(step: int, metrics: dict[str, float]) -> None:
        if step == 14:
            raise Interrupted

    with pytest.raises(Interrupted):
        make_trainer(pictures, tmp_path, progress).run()
    reported: list[int] = []
    trainer = make_trainer(pictures, tmp_path, lambda step, metrics: reported.append(step))
    assert trainer.resume()
    assert trainer.step == 12
    trainer.run()
    assert reported == [13, 14, 15, 16, 17, 18]
    assert_same_end(tmp_path, whole)


TRAIN = """
import sys
from pathlib import Path
from tests.training.small import make_trainer
show = lambda step, metrics: print(step, flush=True)
make_trainer(Path(sys.argv[1]), Path(sys.argv[2]), show).run(until=10_000)
"""


@pytest.mark.slow
def test_kill(pictures: Path, whole: Path, tmp_path: Path) -> None:
    """Another process begins, is killed in the midst of step 9 or later, and this one goes on."""
    process = subprocess.Popen(
        [sys.executable, "-c", TRAIN, str(pictures), str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            if int(line) == 8:  # the checkpoint of step 6 is there, that of step 9 perhaps
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    trainer = make_trainer(pictures, tmp_path)
    assert trainer.resume()
    assert trainer.step in (6, 9, 12, 15)
    trainer.run()
    assert_same_end(tmp_path, whole)


def test_without_a_checkpoint_there_is_nothing_to_resume(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.new").write_bytes(b"half of one")
    trainer = make_trainer(pictures, tmp_path)
    assert not trainer.resume()
    assert trainer.step == 0


def test_a_run_at_its_end_learns_no_more(pictures: Path, whole: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.npz").write_bytes((whole / "checkpoint.npz").read_bytes())
    reported: list[int] = []
    trainer = make_trainer(pictures, tmp_path, lambda step, metrics: reported.append(step))
    trainer.resume()
    trainer.run()
    assert reported == []


@pytest.mark.parametrize("kind", ["cut", "another network's", "another depth's"])
def test_a_checkpoint_that_does_not_fit_is_one_line(
    pictures: Path, whole: Path, tmp_path: Path, kind: str
) -> None:
    data = (whole / "checkpoint.npz").read_bytes()
    file = tmp_path / "checkpoint.npz"
    file.write_bytes(data[:-1000] if kind == "cut" else data)
    network = make_network(6 if kind == "another network's" else 4)
    if kind == "another depth's":
        deeper = keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(2)])
        deeper.build((1, 2))
        checkpoint.save(file, checkpoint.State(3, deeper.get_weights(), [], [], 0.0))
    with pytest.raises(DatasetError) as error:
        make_trainer(pictures, tmp_path, network=network).resume()
    message = str(error.value)
    assert message.startswith(f"{file}: ")
    assert ("broken checkpoint" if kind == "cut" else "another network's") in message
    assert "\n" not in message


def test_a_loss_that_is_no_number_ends_the_run(pictures: Path, tmp_path: Path) -> None:
    """One line that says what to do; the last good checkpoint stays."""
    network = make_network()

    def progress(step: int, metrics: dict[str, float]) -> None:
        if step == 7:
            network.set_weights([weight * np.nan for weight in network.get_weights()])

    with pytest.raises(ConfigError, match=r"loss nan at step 7; lower schedule.rate") as error:
        make_trainer(pictures, tmp_path, progress, network=network).run()
    assert "\n" not in str(error.value)
    state = checkpoint.load(tmp_path / "checkpoint.npz")
    assert state.step == 6
    assert all(np.isfinite(weight).all() for weight in state.weights)


def test_what_progress_is_reported(pictures: Path, tmp_path: Path) -> None:
    """Every step its loss and rate; every fourth and the last its evaluation, too."""
    reported: dict[int, dict[str, float]] = {}
    improved: list[int] = []
    make_trainer(
        pictures,
        tmp_path,
        lambda step, metrics: reported.update({step: metrics}),
        improved=lambda step, metrics, weights: improved.append(step),
        steps=14,
    ).run()
    assert list(reported) == list(range(1, 15))
    assert [step for step in reported if "mAP50" in reported[step]] == [4, 8, 12, 14]
    assert improved == [4, 8, 12]  # 14 was no better
    assert all(np.isfinite(metrics["loss"]) for metrics in reported.values())
    assert [reported[step]["rate"] for step in (1, 5, 6)] == pytest.approx([2e-3, 1e-2, 1e-2])
    assert reported[14]["rate"] < 2e-3


def test_the_mean_weights_are_evaluated_and_kept(pictures: Path, tmp_path: Path) -> None:
    """The network learns on with its own weights; the best file holds the mean ones."""
    network, seen = make_network(), {}

    def evaluate(model: keras.Model, step: int) -> dict[str, float]:
        seen[step] = [weight.copy() for weight in model.get_weights()]
        return {"mAP50": 0.9 if step == 8 else 0.1}

    make_trainer(pictures, tmp_path, network=network, evaluate=evaluate, steps=10).run()
    state = checkpoint.load(tmp_path / "checkpoint.npz")
    for mean, shown, now, own in zip(
        state.average, seen[10], network.get_weights(), state.weights, strict=True
    ):
        np.testing.assert_array_equal(mean, shown)
        np.testing.assert_array_equal(now, own)
        assert np.abs(mean - own).max() > 0
    kept = make_network(start=tmp_path / "best.weights.h5").get_weights()
    for weight, best in zip(kept, seen[8], strict=True):
        np.testing.assert_array_equal(weight, best)


def test_the_kept_weights_have_a_share_of_the_first(pictures: Path, tmp_path: Path) -> None:
    """So they have in a run that was stopped and goes on."""
    start, seen = [weight.copy() for weight in make_network().get_weights()], {}

    def evaluate(model: keras.Model, step: int) -> dict[str, float]:
        seen[step] = [weight.copy() for weight in model.get_weights()]
        return {"mAP50": 0.1 * step}

    more: dict[str, Any] = {"evaluate": evaluate, "steps": 8, "start_share": 0.75}
    first = make_trainer(pictures, tmp_path, **more)
    first.run(stopping=lambda: first.step == 5)
    second = make_trainer(pictures, tmp_path, **more)
    assert second.resume()
    second.run()
    mean = checkpoint.load(tmp_path / "checkpoint.npz").average
    kept = make_network(start=tmp_path / "best.weights.h5").get_weights()
    for before, after, shown, best in zip(start, mean, seen[8], kept, strict=True):
        np.testing.assert_allclose(shown, 0.75 * before + 0.25 * after, rtol=1e-5, atol=1e-7)
        np.testing.assert_array_equal(best, shown)
        assert np.abs(shown - after).max() > 1e-6


def test_the_kept_weights_are_weights_alone(whole: Path) -> None:
    """The optimizer's state, twice their size, stays in the checkpoint."""
    with h5py.File(whole / "best.weights.h5") as file:
        assert sorted(file) == ["layers", "vars"]


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        # ten steps of warm-up: a tenth of the highest rate, then two tenths …
        (0, 0.1),
        (4, 0.5),
        (9, 1.0),
        # then half a cosine from 1 to .2: at its half the middle
        (10, 1.0),
        (35, 0.2 + 0.8 * (1 + np.cos(np.pi / 4)) / 2),
        (60, 0.6),
        (110, 0.2),
        (500, 0.2),
    ],
)
def test_rate(step: int, rate: float) -> None:
    schedule = Schedule(110, 1.0, 10, 0.2, 0.9, 10, 10)
    assert schedule.rate_at(step) == pytest.approx(rate)


@pytest.mark.parametrize("warm_up", [0, 5, 9])
def test_rate_of_short_runs(warm_up: int) -> None:
    """A run shorter than its warm-up, and one without."""
    schedule = Schedule(5, 1.0, warm_up, 0.0, 0.9, 10, 10)
    rates = [schedule.rate_at(step) for step in range(5)]
    assert all(0 < rate <= 1 for rate in rates)
    assert rates[0] == (1.0 if warm_up == 0 else pytest.approx(1 / warm_up))


@pytest.mark.parametrize(
    ("step", "minutes", "rate"),
    [
        (5, 30, 0.5),  # half of the time has gone, though few of the steps
        (100, 0, 0.5),  # half of the steps, though none of the time
        (0, 59, 0.5),  # warm-up, by the step
        (5, 60, 0.0),
        (5, 61, 0.0),
    ],
)
def test_rate_falls_by_the_clock(step: int, minutes: float, rate: float) -> None:
    schedule = Schedule(200, 1.0, 2 if step == 0 else 0, 0.0, 0.9, 50, 50, minutes=60)
    assert schedule.rate_at(step, minutes) == pytest.approx(rate, abs=0.01)


def test_a_run_ends_with_its_time(pictures: Path, tmp_path: Path) -> None:
    """Evaluated and saved; and its time is used up for a resumed run, too."""
    reported: list[dict[str, float]] = []
    short = {"steps": 10_000, "minutes": 0.01}
    first = make_trainer(
        pictures, tmp_path, lambda step, metrics: reported.append(metrics), **short
    )
    first.run()
    assert 1 <= first.step < 10_000
    assert "mAP50" in reported[-1] and first.best_weights.is_file()
    assert checkpoint.load(tmp_path / "checkpoint.npz").minutes >= 0.01
    second = make_trainer(pictures, tmp_path, **short)
    assert second.resume()
    second.run()
    assert second.step == first.step + 1
