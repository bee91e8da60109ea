"""The demo's clip: what it is, that it is what the script makes, and that its truth is true."""

import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import tools.demo_clip.make as making
from maskdet.detections import MaskState
from maskdet.sources import CLIP
from tests.whole_run import slow
from tools.demo_clip.make import make, truth
from tools.demo_clip.scene import (
    FIGURES,
    FPS,
    FRAMES,
    HEIGHT,
    MIN_CERTAIN_SHARE,
    MIN_SEEN_SHARE,
    WIDTH,
    render,
)

WITH, WITHOUT, WRONG = (
    MaskState.with_mask,
    MaskState.without_mask,
    MaskState.mask_weared_incorrect,
)


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    """Every picture of the clip as shipped."""
    with av.open(str(CLIP)) as clip:
        return [frame.to_ndarray(format="bgr24") for frame in clip.decode(video=0)]


def test_clip_is_small_h264_of_the_promised_size_rate_and_length() -> None:
    with av.open(str(CLIP)) as clip:
        stream = clip.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == (640, 480)
        assert stream.average_rate == FPS == 30
        assert clip.duration is not None
        assert clip.duration / av.time_base == pytest.approx(FRAMES / FPS, abs=0.01)
    assert CLIP.stat().st_size <= 1_500_000


def test_opencv_reads_every_frame() -> None:
    capture = cv2.VideoCapture(str(CLIP))
    count = 0
    while capture.grab():
        count += 1
    capture.release()
    assert count == FRAMES


@pytest.mark.parametrize("index", [slow(0), slow(95), slow(230), slow(300), FRAMES - 1])
def test_script_still_makes_the_shipped_pictures(frames: list[np.ndarray], index: int) -> None:
    assert cv2.PSNR(frames[index], render(index)) > 32


def test_clip_loops_without_a_seam(frames: list[np.ndarray]) -> None:
    steps = [cv2.PSNR(a, b) for a, b in zip(frames[::10], frames[1::10], strict=True)]
    assert cv2.PSNR(frames[-1], frames[0]) > np.median(steps)
    assert np.array_equal(render(FRAMES + 7), render(7))


TRUTH = [  # frame, state by figure; figure 1 walks through, masked on the way out, bare on return
    (0, {0: WITH, 2: WRONG, 3: WITHOUT, 4: WITH}),
    (30, {0: WITH, 2: WRONG, 3: WITHOUT, 4: WITH}),
    (80, {0: WITH, 1: WITH, 2: WRONG, 3: WITHOUT, 4: WITH}),
    (120, {0: WITH, 1: WITH, 2: WRONG, 3: WITHOUT, 4: WITH}),
    (180, {0: WITH, 2: WRONG, 3: WITHOUT, 4: WITH}),
    (240, {0: WITH, 1: WITHOUT, 2: WRONG, 3: WITHOUT, 4: WITH}),
    (280, {0: WITH, 1: WITHOUT, 2: WRONG, 3: WITHOUT, 4: WITH}),
]


@pytest.mark.parametrize(("index", "states"), TRUTH)
def test_truth_names_each_figures_state(index: int, states: dict[int, MaskState]) -> None:
    faces = truth(index)
    assert faces.track_ids is not None
    reported = {
        int(who): MaskState(state) for who, state in zip(faces.track_ids, faces.states, strict=True)
    }
    assert reported == states


@pytest.mark.parametrize("index", [0, 80, 120, 240, 280])
def test_truth_boxes_lie_on_the_faces(frames: list[np.ndarray], index: int) -> None:
    """Skin is redder than blue, every mask is not: looked up in the clip itself, by place."""
    faces = truth(index)
    for box, state in zip(faces.boxes, faces.states, strict=True):
        nose, chin = (_redness(frames[index], box, height) for height in (0.52, 0.84))
        assert (chin > 45) == (state == WITHOUT), (box, state, chin)
        assert (nose > 45) == (state != WITH), (box, state, nose)


def _redness(picture: np.ndarray, box: np.ndarray, height: float) -> float:
    """Red less blue around a place on the box's middle line; height is 0 at its upper edge."""
    column, row = (box[0] + box[2]) / 2, box[1] + height * (box[3] - box[1])
    reach = max(1, round(float(box[2] - box[0]) / 25))
    patch = picture[
        int(row) - reach : int(row) + reach + 1, int(column) - reach : int(column) + reach + 1
    ]
    return float(patch[..., 2].mean() - patch[..., 0].mean())


def test_faces_come_in_many_sizes_and_half_hidden_ones_are_unsure() -> None:
    widths: list[float] = []
    hidden = 0
    for index in range(0, FRAMES, 3):
        faces = truth(index)
        assert (faces.boxes >= 0).all()
        assert (faces.boxes <= [WIDTH, HEIGHT, WIDTH, HEIGHT]).all()
        assert (faces.scores >= MIN_SEEN_SHARE).all()
        unsure = faces.states == MaskState.unsure
        assert np.array_equal(unsure, faces.scores < MIN_CERTAIN_SHARE)
        hidden += int(unsure.sum())
        widths += list((faces.boxes[:, 2] - faces.boxes[:, 0])[~unsure])
    assert hidden > 0
    assert min(widths) < 50
    assert max(widths) > 120


def test_every_kind_of_mask_and_none_is_shown() -> None:
    assert {mask for figure in FIGURES for mask in figure.masks} == {
        "surgical", "surgical_low", "respirator", "cloth", None,
    }  # fmt: skip


def test_making_writes_a_whole_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "FRAMES", 4)
    make(tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as clip:
        assert len(list(clip.decode(video=0))) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_making_that_fails_leaves_the_old_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(index: int) -> np.ndarray:
        raise RuntimeError(f"frame {index}")

    (tmp_path / "clip.mp4").write_bytes(b"old")
    monkeypatch.setattr(making, "render", fail)
    with pytest.raises(RuntimeError, match="frame 0"):
        make(tmp_path / "clip.mp4")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_asking_for_the_clip_imports_nothing_heavy() -> None:
    code = (
        "import sys, maskdet.sources as sources; assert sources.CLIP.is_file();"
        "print(sorted({'cv2', 'av', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
