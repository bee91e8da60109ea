"""Models that the older systems wrote, and what upstream's own code found with them.

How they were made: tests/data/old_models/README.md.
"""

from __future__ import annotations

import lzma
from pathlib import Path

import cv2
import numpy as np

from maskdet.contracts import Detector
from maskdet.detections import Detections
from maskdet.runtimes import load_detector

FOLDER = Path(__file__).parents[1] / "data" / "old_models"


def unpack(folder: Path, pattern: str = "**/*.xz") -> Path:
    """All models, or some, with their label maps beside them, in that folder."""
    for packed in FOLDER.glob(pattern):
        path = folder / packed.relative_to(FOLDER).with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lzma.decompress(packed.read_bytes()))
    for name in ("label_map.pbtxt", "classes.csv"):
        (folder / name).write_bytes((FOLDER / name).read_bytes())
    return folder


def open_old(folder: Path, name: str) -> Detector:
    """One of the models, unpacked there; faces of any score."""
    path = unpack(folder, f"{name}*.xz") / name.removesuffix(".xz")
    labels = folder / ("classes.csv" if path.suffix == ".h5" else "label_map.pbtxt")
    return load_detector(str(path), labels=labels, min_score=0.0)


def pictures() -> list[np.ndarray]:
    return [cv2.imread(str(path)) for path in sorted((FOLDER / "pictures").glob("*.png"))]


def upstream_api(name: str) -> list[Detections]:
    """Detections of the Object Detection API in each picture; its classes are from 1."""
    answers = np.load(FOLDER / f"{name}.npz")
    found = []
    for number, picture in enumerate(pictures()):
        height, width = picture.shape[:2]
        count = int(answers[f"{number}/num_detections"][0])
        boxes, scores, classes = (
            answers[f"{number}/detection_{what}"][0, :count]
            for what in ("boxes", "scores", "classes")
        )
        corners = boxes[:, [1, 0, 3, 2]] * np.array([width, height] * 2)
        found.append(Detections(corners, scores, classes - 1))
    return found


def upstream_keras(name: str) -> list[Detections]:
    """Detections of keras-retinanet in each picture, without its padding."""
    answers = np.load(FOLDER / f"{name}.npz")
    found = []
    for number in range(len(pictures())):
        boxes, scores, labels = (
            answers[f"{number}/{what}"] for what in ("boxes", "scores", "labels")
        )
        real = labels >= 0
        found.append(Detections(boxes[real], scores[real], labels[real]))
    return found


def assert_same(ours: Detections, theirs: Detections, *, ties: int = 0) -> None:
    """Each has a partner: same state, score within 1e-3, box within a pixel.

    So many may have a score that is .01 off: of two proposals that are nearly one and score nearly
    the same, the processor's rounding decides which suppresses the other.
    """
    assert len(ours) == len(theirs) > 0
    free = np.ones(len(theirs), bool)
    off = 0
    for box, score, state in zip(ours.boxes, ours.scores, ours.states, strict=True):
        apart = np.abs(theirs.boxes - box).max(axis=1)
        score_off = np.abs(theirs.scores - score)
        apart[~free | (theirs.states != state) | (score_off > 1e-2)] = np.inf
        partner = np.where(score_off > 1e-3, apart + 1, apart).argmin()
        assert apart[partner] <= 1, (box, score, state)
        off += score_off[partner] > 1e-3
        free[partner] = False
    assert off <= ties
