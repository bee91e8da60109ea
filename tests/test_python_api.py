"""The public interface (docs/python.md): declared, typed, quick to import, its examples true."""

from __future__ import annotations

import doctest
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

import maskdet
from maskdet.sources.child.stream_options import TRANSPORTS
from maskdet.sources.opencv_capture import BACKENDS
from maskdet.sources.options import Backend, StreamOptions, Transport, WebcamOptions

ROOT = Path(__file__).resolve().parents[1]
FUNCTIONS = ("annotate", "blur_faces", "load_detector", "open_source", "read_frames", "read_image")


def run_plainly(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs a script as a user has it: in a folder of its own."""
    script = folder / "script.py"
    script.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, *options, str(script)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def test_all_names_are_there_and_documented():
    page = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    for name in maskdet.__all__:
        assert name in dir(maskdet)
        value = getattr(maskdet, name)
        assert name == "__version__" or (inspect.getdoc(value) and f"`{name}" in page)
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        maskdet.no_such_name  # noqa: B018
    assert (ROOT / "maskdet/py.typed").is_file()


def test_the_declared_types_are_those_of_the_names():
    """Type checkers see the names that are imported."""
    source = (ROOT / "maskdet/__init__.py").read_text(encoding="utf-8")
    shown = re.findall(r"^    from (maskdet[\w.]*) import ([\w, ]+)$", source, re.MULTILINE)
    homes = {name: module for module, names in shown for name in names.split(", ")}
    assert homes == {name: f"maskdet.{module}" for name, module in maskdet._HOMES.items()}
    assert {*homes, "__version__"} == set(maskdet.__all__)


def test_import_costs_nothing_and_sets_the_limits_of_opencv_first(tmp_path: Path):
    done = run_plainly(
        tmp_path,
        "import os, sys\nos.environ.pop('OPENCV_IO_MAX_IMAGE_PIXELS', None)\nimport maskdet\n"
        "print([name for name in ('numpy', 'cv2', 'pydantic', 'keras') if name in sys.modules])\n"
        "print(os.environ['OPENCV_IO_MAX_IMAGE_PIXELS'])\n",
    )
    assert done.stdout.splitlines() == ["[]", "200000000"], done.stderr


@pytest.mark.parametrize("name", ["", *FUNCTIONS, "Detections"])
def test_the_examples_are_true(name: str):
    value = getattr(maskdet, name) if name else maskdet
    finder = doctest.DocTestFinder(recurse=False)
    (examples,) = finder.find(value, name or "maskdet", globs={})
    assert examples.examples
    failed, tried = doctest.DocTestRunner().run(examples)
    assert tried and not failed


def test_the_page_runs_as_a_plain_script(tmp_path: Path):
    page = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    done = run_plainly(tmp_path, "\n".join(blocks))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any(line.startswith("with_mask 0.") for line in lines)
    assert "rtsp://user:***@127.0.0.1:1/door" in done.stdout and "password" not in done.stdout
    assert lines[-1] == "[0, 0]"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"minscore": 0.5}, TypeError, "has no option minscore; did you mean min_score?"),
        ({"xyz": 1}, TypeError, "has no option xyz; there are device, labels, min_score"),
        ({"looks": "many"}, ValueError, "looks is 'many'; it must be \"auto\" or a number"),
        ({"looks": 9}, ValueError, "looks is 9"),
        ({"device": "cuda"}, ValueError, 'device is \'cuda\'; it must be "auto", "cpu" or "gpu"'),
        ({"side": -5}, ValueError, 'side is -5; it must be "auto" or a number of pixels'),
        ({"min_score": 50}, ValueError, "min_score is 50; it must be a number from 0 to 1"),
        ({"min_score": "0.5"}, ValueError, "min_score is '0.5'"),
    ],
)
def test_wrong_options_of_a_detector_are_refused(options: Any, error: type, words: str):
    with pytest.raises(error, match=re.escape(words)):
        maskdet.load_detector(**options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rtsp_transport": "tpc"}, '\'tpc\'; it must be "auto", "tcp", "udp" or "udp_multicast"'),
        ({"backend": "v4l"}, '"auto", "v4l2", "dshow", "msmf", "avfoundation" or "any"'),
        ({"decode": "keyframes"}, 'decode is \'keyframes\'; it must be "all" or "key_frames"'),
        ({"rotate": 45}, "rotate is 45; it must be 0, 90, 180 or 270"),
        ({"rotate": False}, "rotate is False; it must be 0, 90, 180 or 270"),
        ({"open_timeout": -1}, "a number of seconds, more than 0 and at most 86400"),
        ({"read_timeout": float("nan")}, "read_timeout is nan; it must be a number of seconds"),
        ({"width": 0}, "width is 0; it must be a number of pixels, 1 or more, or None"),
        ({"height": 480.5}, "height is 480.5; it must be a number of pixels"),
        ({"fps": "25"}, "fps is '25'; it must be a number above 0, or None"),
        ({"format": "MJPEG"}, "format is 'MJPEG'; it must be four letters, such as MJPG"),
        ({"low_delay": "no"}, "low_delay is 'no'; it must be True or False"),
        ({"ffmpeg": "x=1"}, "ffmpeg is 'x=1'; it must be names of FFmpeg's options"),
    ],
)
def test_wrong_options_of_a_source_are_refused(options: dict[str, Any], words: str):
    with pytest.raises(ValueError, match=re.escape(words)):
        maskdet.SourceOptions(**options)


def test_what_a_source_may_be_asked_for_is_known_to_those_that_do_it():
    backends, transports = get_args(Backend), get_args(Transport)
    assert backends == ("auto", *BACKENDS) and transports == ("auto", *TRANSPORTS)
    for kind in (WebcamOptions, StreamOptions, maskdet.SourceOptions):
        kind()  # the defaults are right
    maskdet.SourceOptions(width=np.int64(640), fps=np.float32(25), read_timeout=1, rotate=180)


GRAY = np.zeros((48, 64), np.uint8)
NOBODY = maskdet.Detections.empty()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: maskdet.open_source("demo", options={"fps": 3}), TypeError, "options is dict"),
        (lambda: maskdet.annotate(GRAY, NOBODY), ValueError, "not uint8 (48, 64)"),
        (lambda: maskdet.blur_faces(GRAY, NOBODY), ValueError, "not uint8 (48, 64)"),
        (lambda: maskdet.annotate(None, NOBODY), TypeError, "is an array, not NoneType"),
        (lambda: maskdet.Detections([[0, 0, 1]], [1], [0]), ValueError, "rows of x1 y1 x2 y2"),
        (lambda: maskdet.Detections([[0, 0, 1, 1]], [1], ["mask"]), ValueError, "MaskState, or"),
    ],
)
def test_wrong_values_are_named(call: Any, error: type[Exception], words: str):
    with pytest.raises(error, match=re.escape(words)):
        call()


def test_a_source_may_be_a_path_or_a_webcams_number():
    picture = ROOT / "maskdet/web/static/sample.jpg"
    assert [frame.file for frame in maskdet.read_frames(picture)] == [str(picture)]
    with pytest.raises(maskdet.MaskdetError, match="camera 63"):  # no machine has so many
        maskdet.open_source(63)


def test_a_closed_detector_is_named():
    detector = maskdet.load_detector(device="cpu")
    detector.close()
    with pytest.raises(maskdet.MaskdetError, match="retinanet-mobilenet.*the model was closed"):
        detector.detect([np.zeros((48, 64, 3), np.uint8)])


@pytest.mark.slow
def test_a_type_checker_knows_the_names(tmp_path: Path):
    """Strict mypy on a program with one mistake, which it finds."""
    pytest.importorskip("mypy")
    (tmp_path / "program.py").write_text(
        "import maskdet\n"
        "detector: maskdet.Detector = maskdet.load_detector(min_score=0.5)\n"
        "for frame in maskdet.read_frames('demo', options=maskdet.SourceOptions(fps=5.0)):\n"
        "    faces = detector.detect([frame.image])[0]\n"
        "    maskdet.annotate(frame.image, faces)\n"
        "maskdet.load_detector(device='tpu')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")]
        + ["--cache-dir", str(tmp_path / "cache"), str(tmp_path / "program.py")],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    found = [line for line in done.stdout.splitlines() if "error:" in line]
    assert len(found) == 1 and "program.py:6" in found[0], done.stdout + done.stderr
