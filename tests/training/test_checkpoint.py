"""A checkpoint is whole, or it is refused in one line; a kill at any moment leaves a whole one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskdet.errors import DatasetError, SinkError
from maskdet.training.checkpoint import State, load, save

ROOT = Path(__file__).resolve().parents[2]


def state(step: int = 7, size: int = 5) -> State:
    random = np.random.default_rng(step)
    weights = [random.normal(size=(size, 3)).astype(np.float32) for _ in range(12)]
    optimizer = [np.array(step, np.int64), np.float32(0.25) * np.ones((), np.float32), *weights]
    return State(step, weights, optimizer, [w + 1 for w in weights], 0.5)


def test_a_checkpoint_without_seeds_is_an_earlier_version_s(tmp_path: Path) -> None:
    save(tmp_path / "c.npz", state())
    assert load(tmp_path / "c.npz").seeds == []
    drawn = np.array([3, 4], np.uint32)
    save(tmp_path / "c.npz", replace(state(), seeds=[drawn]))
    (seed,) = load(tmp_path / "c.npz").seeds
    assert seed.dtype == drawn.dtype and seed.tolist() == [3, 4]


def same(one: State, other: State) -> None:
    assert (one.step, one.best) == (other.step, other.best)
    for group in ("weights", "optimizer", "average"):
        ours, theirs = getattr(one, group), getattr(other, group)
        assert len(ours) == len(theirs)
        for left, right in zip(ours, theirs, strict=True):
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)


def refusal(path: Path) -> str:
    with pytest.raises(DatasetError) as error:
        load(path)
    message = str(error.value)
    assert message.startswith(f"{path}: broken checkpoint (")
    assert "\n" not in message
    return message


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    """More than ten arrays a group: their order is by number, not by name."""
    save(tmp_path / "checkpoint.npz", state())
    same(load(tmp_path / "checkpoint.npz"), state())
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_a_newer_one_replaces_it(tmp_path: Path) -> None:
    for step in (1, 2):
        save(tmp_path / "checkpoint.npz", state(step))
    same(load(tmp_path / "checkpoint.npz"), state(2))


def test_a_half_written_one_is_not_taken(tmp_path: Path) -> None:
    """It lies beside the last whole one until it is complete, and the next save replaces it."""
    save(tmp_path / "checkpoint.npz", state(1))
    (tmp_path / "checkpoint.new").write_bytes((tmp_path / "checkpoint.npz").read_bytes()[:300])
    same(load(tmp_path / "checkpoint.npz"), state(1))
    save(tmp_path / "checkpoint.npz", state(2))
    same(load(tmp_path / "checkpoint.npz"), state(2))


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.99, -1])
def test_a_cut_one_is_refused(tmp_path: Path, kept: float) -> None:
    save(tmp_path / "c.npz", state())
    data = (tmp_path / "c.npz").read_bytes()
    length = int(kept * len(data)) if isinstance(kept, float) else kept
    (tmp_path / "c.npz").write_bytes(data[:length])
    refusal(tmp_path / "c.npz")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_changed_byte_is_refused_or_harmless(tmp_path: Path, place: float, flip: int) -> None:
    save(tmp_path / "c.npz", state())
    data = bytearray((tmp_path / "c.npz").read_bytes())
    data[int(place * len(data))] ^= flip
    (tmp_path / "c.npz").write_bytes(data)
    try:
        found = load(tmp_path / "c.npz")
    except DatasetError as error:
        assert "\n" not in str(error)
    else:  # the byte was one that zip files do not need, such as a date's
        same(found, state())


def test_a_cut_list_of_members_is_refused(tmp_path: Path) -> None:
    """Of a zip file, members that a comment's wrong length swallows do not seem to be missed."""
    file = tmp_path / "c.npz"
    save(file, state())
    data = bytearray(file.read_bytes())
    entry = data.rindex(b"PK\1\2", 0, data.rindex(b"weights8.npy"))
    left = data.rindex(b"PK\5\6") - entry - 46 - len("weights8.npy")
    data[entry + 32 : entry + 34] = left.to_bytes(2, "little")  # the length of its comment
    file.write_bytes(data)
    assert "it holds other arrays" in refusal(file)


@pytest.mark.parametrize(
    "content",
    [
        "text",
        # other numpy files
        "array",
        "other arrays",
        # a step that is not a number
        "many steps",
        # an array of Python objects could run anything when read
        "pickle",
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "c.npz"
    with path.open("wb") as file:
        if content == "text":
            file.write(b"step: 7\n" * 99)
        elif content == "array":
            np.save(file, np.zeros(3))
        elif content == "other arrays":
            np.savez(file, weights0=np.zeros(3))
        elif content == "many steps":
            np.savez(file, step=np.arange(3), best=np.array(0.0))
        else:
            np.savez(file, step=np.array(1), best=np.array(0.5), weights0=np.array([{}], object))
    refusal(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    refusal(tmp_path)


def test_no_place_to_write(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="checkpoint.npz: cannot be written: No such file") as error:
        save(tmp_path / "gone" / "checkpoint.npz", state())
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk_leaves_the_old_one(tmp_path: Path) -> None:
    save(tmp_path / "checkpoint.npz", state(1))
    (tmp_path / "checkpoint.new").symlink_to("/dev/full")
    with pytest.raises(SinkError, match="No space left on device"):
        save(tmp_path / "checkpoint.npz", state(2, size=50_000))
    same(load(tmp_path / "checkpoint.npz"), state(1))
    assert os.listdir(tmp_path) == ["checkpoint.npz"]


NO_ROOM = """
import resource, sys
from pathlib import Path
import keras
from maskdet.errors import SinkError
from maskdet.training.checkpoint import save_weights
network = keras.Sequential([keras.Input((100,)), keras.layers.Dense(1000), keras.layers.Dense(99)])
network.compile("sgd", "mse")
path = Path(sys.argv[1])
save_weights(path, network)
whole = path.read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    save_weights(path, network)
except SinkError as error:
    print(error)
assert path.read_bytes() == whole
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of a file's size")
def test_weights_without_room_are_one_line_and_leave_the_old_ones(tmp_path: Path) -> None:
    """HDF5 left to itself prints tracebacks, and crashes at the end of the process."""
    path = tmp_path / "best.weights.h5"
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM, path], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    advice = "make room, then go on with --resume"
    assert done.stdout == f"{path}: cannot be written: File too large; {advice}\n"
    assert os.listdir(tmp_path) == [path.name]


WRITER = """
import os, sys
from pathlib import Path
from tests.training.test_checkpoint import save, state
path = Path(sys.argv[1])
for round in range(5):
    child = os.fork()
    if not child:
        print(os.getpid(), flush=True)
        for step in range(1, 10**9):
            save(path, state(step, size=20_000))
    os.waitpid(child, 0)
"""


@pytest.mark.slow
def test_kill_while_writing(tmp_path: Path) -> None:
    """Five processes that do nothing but save are killed at some moment of it."""
    path = tmp_path / "checkpoint.npz"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "numpy", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    with writer:
        for number in range(5):
            child = int(writer.stdout.readline())
            path.unlink(missing_ok=True)
            while not path.exists():
                time.sleep(0.001)
            time.sleep(0.013 * number)
            os.kill(child, signal.SIGKILL)
            found = load(path)
            same(found, state(found.step, size=20_000))
    assert writer.returncode == 0
