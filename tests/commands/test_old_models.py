"""Upstream's files in the commands that people type: monitor, detect, evaluate, benchmark.

Each runs as a stranger would: in a folder of his own, with relative paths, a label map whose names
do not speak for themselves, and `--state` to say what they mean.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from maskdet.__main__ import main
from maskdet.commands.benchmark import whole_monitor
from maskdet.commands.monitor import main as monitor
from maskdet.detections import CLASS_NAMES, Detections, MaskState
from tests.helpers import old_models
from tests.helpers.old_models import assert_same, pictures, upstream_api, upstream_keras
from tests.whole_run import slow

pytestmark = pytest.mark.timeout(240)

MIN_SCORE = 0.3
NAMES = ("covered", "NoMask", "hat")
STATES = ("--state", "covered=with_mask", "--state", "hat=mask_weared_incorrect")
PBTXT = "".join(f"item {{ id: {i} name: '{name}' }}\n" for i, name in enumerate(NAMES, start=1))
CSV = "".join(f"{name},{i}\n" for i, name in enumerate(NAMES))


@dataclass
class Old:
    """An old model in the folder that the commands are run in.

    Attributes:
        options: what names it.
        name: what it is called.
        upstream: what upstream found in each picture, from `LEAST` on.
    """

    options: list[str]
    name: str
    upstream: list[Detections]


# Its packed file, its label map, and what upstream found.
MODELS: dict[str, tuple[str, str, str, Callable[[str], list[Detections]]]] = {
    "ssd_mobilenet_v1": (
        "ssd_mobilenet_v1/frozen_inference_graph.pb", "names.pbtxt", PBTXT, upstream_api),
    "resnet_1.0.0": ("resnet_1.0.0.h5", "names.csv", CSV, upstream_keras),
}  # fmt: skip


@pytest.fixture(params=["ssd_mobilenet_v1", slow("resnet_1.0.0")])
def old(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Old:
    """The model, the pictures in `faces/`, and an empty folder beside them to work in."""
    pytest.importorskip("tensorflow")
    path, labels, text, upstream = MODELS[request.param]
    (tmp_path / "old").mkdir()
    old_models.unpack(tmp_path / "old", f"{path}.xz")
    for usual in ("label_map.pbtxt", "classes.csv"):  # so that --labels counts
        (tmp_path / "old" / usual).unlink()
    (tmp_path / labels).write_text(text)
    (tmp_path / "faces").mkdir()
    for number, image in enumerate(pictures()):
        cv2.imwrite(str(tmp_path / f"faces/{number}.png"), image)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)
    found = [one[one.scores >= MIN_SCORE] for one in upstream(request.param)]
    return Old(["--model", f"old/{path}", "--labels", labels, *STATES], request.param, found)


def found_in(entry: dict[str, Any]) -> Detections:
    """Faces as JSON has them."""
    faces = entry["detections"]
    return Detections(
        np.array([face["box"] for face in faces], np.float32).reshape(-1, 4),
        np.array([face["score"] for face in faces], np.float32),
        np.array([MaskState[face["state"]] for face in faces], np.int8),
    )


def compare(entries: list[dict[str, Any]], old: Old) -> None:
    """The faces that upstream found, in each picture."""
    for entry, theirs in zip(entries, old.upstream, strict=True):
        if len(theirs) or entry["detections"]:
            assert_same(found_in(entry), theirs)


def test_the_monitor(old: Old) -> None:
    options = ["--source", "faces", "--headless", "--events", "events.jsonl"]
    assert monitor([*options, *old.options, "--min-score", str(MIN_SCORE)]) == 0
    compare([json.loads(line) for line in Path("events.jsonl").read_text().splitlines()], old)


def test_detect(old: Old) -> None:
    options = ["--min-score", str(MIN_SCORE), "--json", "found.json", "--output", "drawn"]
    assert main(["detect", "faces", *old.options, *options]) == 0
    compare(json.loads(Path("found.json").read_text())["images"], old)
    assert len(list(Path("drawn").iterdir())) == 3


@pytest.mark.slow
def test_evaluate(old: Old) -> None:
    """Labels are what upstream found: all of it is found again, first and as labeled."""
    rows = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
    for number, (image, faces) in enumerate(zip(pictures(), old.upstream, strict=True)):
        start = f"{number}.png,{image.shape[1]},{image.shape[0]}"
        for box, state in zip(faces.boxes.tolist(), faces.states.tolist(), strict=True):
            rows.append(",".join([start, CLASS_NAMES[state], *map(str, box)]))
        rows += [f"{start},,,,,"] * (not len(faces))
    Path("faces/labels.csv").write_text("\n".join(rows) + "\n")
    options = ["--data", "faces/labels.csv", "--json", "figures.json", "--output", "plots"]
    assert main(["evaluate", *options, *old.options]) == 0
    figures = json.loads(Path("figures.json").read_text())
    assert (figures["model"], figures["images"]) == (old.name, 3)
    assert figures["metrics"]["mAP50"] > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("old", ["ssd_mobilenet_v1"], indirect=True)  # each run takes seconds
def test_benchmark(
    old: Old, make_video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The detector alone, and one of the runs of the monitor, which all get the same options."""
    start = {"first_result_s": 1.0, "peak_rss_mb": 1.0}
    camera = dict.fromkeys(("captured", "dropped", "p50_ms", "p95_ms", "peak_rss_mb"), 1.0)
    monkeypatch.setattr(whole_monitor, "_start_up", lambda _monitor: start)
    monkeypatch.setattr(whole_monitor, "_camera", lambda *_: camera | {"window": False})
    monkeypatch.setattr(whole_monitor, "CLIP", make_video(frames=4))
    options = ["--seconds", "1", "--device", "cpu", "--json", "figures.json"]
    assert main(["benchmark", *options, *old.options]) == 0
    figures = json.loads(Path("figures.json").read_text())
    assert (figures["model"], figures["device"]) == (old.name, "CPU (TensorFlow)")
    assert figures["detector"]["fps"] > 0 and figures["file"]["fps"] > 0
