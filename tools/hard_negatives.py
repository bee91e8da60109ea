"""Cuts out what a model takes for a face where there is none, to learn from.

Most is learned from pictures in which the model is wrong today: from what lies between the faces of
annotated pictures (hands, knees, hair, clothes, bags), and from pictures without any face, such as
those of `tools/things_without_faces.py`:

    python tools/hard_negatives.py DATA DATA/hard/people --lists splits/train_kaggle.txt
    python tools/hard_negatives.py DATA DATA/hard/things --pictures things/learn road/learn

Look through what comes of the lists, and delete what does show a face: one in ten, which nobody had
labeled. Then ``--set 'train=[…, {source: hard/people, without_faces: true}]'`` learns the rest.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from maskdet import boxes as box_ops
from maskdet.commands.measured_data import MeasuredData
from maskdet.contracts import Detector
from maskdet.datasets.samples import Sample
from maskdet.errors import MaskdetError
from maskdet.runtimes.loading import open_model
from maskdet.runtimes.spec import resolve

MIN_SCORE = 0.1
"""Score from which on something is taken for a face."""
VIEW = 480
"""Side in pixels of the views that the model gets."""
VIEW_SHARES = (0.15, 0.6)
"""Side of a view, of the picture's shorter one."""
VIEWS = 3
"""Of each picture."""
CUT_WIDTHS = (1.6, 4.0)
"""Side of what is cut out, in widths of the false face."""
CUT_SIDES = (24, 448)
"""The same in pixels."""
MARGIN = 0.3
"""Surroundings of a face that no view has, in face widths."""
_MAX_TRIES = 20


def main() -> None:
    """Reads the command line and writes the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the pictures")
    parser.add_argument("output", type=Path, help="folder for what is cut out")
    parser.add_argument("--lists", nargs="*", default=[], help="of annotated pictures, below DATA")
    parser.add_argument("--pictures", nargs="*", default=[], help="folders below DATA, no faces")
    parser.add_argument("--model", default="retinanet-mobilenet")
    words = parser.parse_args()
    try:
        _write(words)
    except (MaskdetError, OSError) as error:
        sys.exit(str(error))


def _write(words: argparse.Namespace) -> None:
    """Goes through the pictures, and writes what is taken for a face."""
    detector = open_model(resolve(words.model, device="cpu", min_score=MIN_SCORE))
    random = np.random.default_rng(5)
    words.output.mkdir(parents=True, exist_ok=True)
    views = cuts = 0
    for view in _views(words.data, words.lists, words.pictures, random):
        views += 1
        cut = _false_face(detector, view, random)
        if cut is not None:
            cv2.imwrite(str(words.output / f"{cuts:05d}.png"), cut)
            cuts += 1
    print(f"{words.output}: {cuts} pictures, of {views} views")


def _views(
    data: Path, lists: list[str], folders: list[str], random: np.random.Generator
) -> Iterator[np.ndarray]:
    """Views between the faces of annotated pictures; pictures without any, whole and in parts."""
    for name in lists:
        for sample in MeasuredData(data, data / name).read():
            yield from _between_faces(sample, random)
    for name in folders:
        for file in sorted((data / name).iterdir()):
            image = cv2.imread(str(file))
            if image is None:
                print(f"{file}: left out, cannot be read")
                continue
            yield image
            for _ in range(VIEWS - 1):
                side = int(random.uniform(*VIEW_SHARES) * min(image.shape[:2]))
                top, left = (int(random.integers(long - side + 1)) for long in image.shape[:2])
                yield image[top : top + side, left : left + side]


def _between_faces(sample: Sample, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Square parts of an annotated picture that have nothing of a face and what is around it."""
    size = np.array([sample.width, sample.height])
    margin = MARGIN * (sample.boxes[:, 2:] - sample.boxes[:, :2])
    faces = np.concatenate([sample.boxes[:, :2] - margin, sample.boxes[:, 2:] + margin], axis=1)
    image = None
    for _ in range(VIEWS):
        for _ in range(_MAX_TRIES):
            side = random.uniform(*VIEW_SHARES) * size.min()
            corner = random.uniform(0, size - side)
            part = np.concatenate([corner, corner + side])[None]
            if not (box_ops.iou(part, faces) > 0).any():
                image = sample.read() if image is None else image
                left, top, right, bottom = part[0].astype(int).tolist()
                yield image[top:bottom, left:right]
                break


def _false_face(
    detector: Detector, view: np.ndarray, random: np.random.Generator
) -> np.ndarray | None:
    """The most certain false face of a view without faces, with some of what is around it."""
    if min(view.shape[:2]) < CUT_SIDES[0]:
        return None
    factor = VIEW / max(view.shape[:2])
    found = detector.detect([cv2.resize(view, None, fx=factor, fy=factor)])[0]
    if not len(found):
        return None
    box = found.boxes[int(found.scores.argmax())] / factor
    width = float((box[2:] - box[:2]).max())
    side = min(max(width * random.uniform(*CUT_WIDTHS), CUT_SIDES[0]), *view.shape[:2])
    middle = (box[:2] + box[2:]) / 2 + random.uniform(-0.25, 0.25, 2) * (side - width)
    limits = np.array([view.shape[1], view.shape[0]]) - side
    left, top = np.clip(middle - side / 2, 0, limits).astype(int).tolist()
    cut = view[top : top + int(side), left : left + int(side)]
    shrink = min(1.0, CUT_SIDES[1] / side)
    return cv2.resize(cut, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    main()
