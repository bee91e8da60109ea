"""Frames in which faces of annotated images move along head tracks, and what a detector finds."""

from __future__ import annotations

import hashlib
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from maskdet.boxes import iou
from maskdet.commands.benchmark.head_tracks import FALSE_BOX, TRACKS_FPS, Found, frames_at
from maskdet.contracts import Detector
from maskdet.datasets.loading import read_samples
from maskdet.datasets.samples import Sample
from maskdet.detections import Detections
from maskdet.errors import DatasetError, MaskdetError
from maskdet.people.tracking.assignment import assign
from maskdet.system.atomic_files import write_output

SIZE = (1920, 1080)
"""Width and height of the frames, those of the recording that the tracks were made on."""
MIN_FACE_WIDTH = 70
"""Pixels from which on a face is large enough to be pasted."""
MARGIN = 0.3
"""Share of a face's size that is pasted around it, on each side."""
MIN_MATCH_IOU = 0.25
"""Overlap from which on a detection is that of a head."""
NOISE = 3.0
"""Standard deviation of the frames' noise, as of a camera, in steps of 256."""
_SEED = 1


@dataclass(frozen=True)
class Face:
    """The image of a face.

    Attributes:
        image: BGR, of the face with a margin around it.
        state: value of `MaskState`.
    """

    image: np.ndarray
    state: int


def read_faces(data: Path, count: int, seed: int = _SEED) -> list[Face]:
    """Large faces of annotated images, one of an image, in random order.

    Args:
        data: the folder of an annotated data set, or a list of its images.
        count: how many; fewer where there are no more.
        seed: of the order.

    Raises:
        DatasetError: it cannot be read, or has no such face.
    """
    samples = read_samples(data)
    faces: list[Face] = []
    for index in np.random.default_rng(seed).permutation(len(samples)).tolist():
        if len(faces) == count:
            break
        faces += _faces_of(samples[index])[:1]
    if not faces:
        raise DatasetError(f"{data}: has no whole face of {MIN_FACE_WIDTH} pixels or more")
    return faces


def _faces_of(sample: Sample) -> list[Face]:
    """The faces of an image that are large and lie in it with their margin."""
    sides = sample.boxes[:, 2:] - sample.boxes[:, :2]
    outer = np.concatenate(
        [sample.boxes[:, :2] - MARGIN * sides, sample.boxes[:, 2:] + MARGIN * sides], axis=1
    )
    whole = (outer[:, :2] >= 0).all(axis=1) & (outer[:, 2:] <= (sample.width, sample.height)).all(
        axis=1
    )
    rows = np.flatnonzero(whole & (sides[:, 0] >= MIN_FACE_WIDTH)).tolist()
    if not rows:
        return []
    image = sample.read()
    faces = []
    for row in rows:
        x1, y1, x2, y2 = outer[row].astype(int)
        faces.append(Face(image[y1:y2, x1:x2].copy(), int(sample.classes[row])))
    return faces


class Scene:
    """A street without buildings in which each person of the tracks has a face.

    Attributes:
        faces: by person.
        frames: numbers of the frames, in order.
    """

    def __init__(self, rows: np.ndarray, faces: Sequence[Face]) -> None:
        """Gives everybody a face.

        Args:
            rows: of head tracks: see `read_tracks`.
            faces: are used again where there are more people.
        """
        people = np.unique(rows[:, 1]).astype(int).tolist()
        self.faces = {person: faces[i % len(faces)] for i, person in enumerate(people)}
        self.frames = list(range(int(rows[0, 0]), int(rows[-1, 0]) + 1))
        self._rows: dict[int, list[np.ndarray]] = defaultdict(list)
        for row in rows:
            self._rows[int(row[0])].append(row)
        rng = np.random.default_rng(_SEED)
        blotches = cv2.GaussianBlur(rng.integers(90, 160, (27, 48, 3), np.uint8), (0, 0), 2)
        self._background = cv2.resize(blotches, SIZE, interpolation=cv2.INTER_CUBIC)
        self._noise = rng.normal(0, NOISE, (SIZE[1] + 64, SIZE[0] + 64, 3)).astype(np.int16)

    def heads(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Boxes (N, 4) of a frame's heads, and their people (N,)."""
        rows = np.array(self._rows[number], np.float64).reshape(-1, 6)
        return rows[:, 2:].astype(np.float32), rows[:, 1].astype(np.int64)

    def render(self, number: int) -> np.ndarray:
        """A frame, BGR uint8; a person lower in it stands in front."""
        image = self._background.copy()
        for row in sorted(self._rows[number], key=lambda row: float(row[5])):
            _paste(self.faces[int(row[1])].image, row[2:6], image)
        x, y = np.random.default_rng(number).integers(0, 64, 2).tolist()
        noise = self._noise[y : y + SIZE[1], x : x + SIZE[0]]
        return np.clip(image + noise, 0, 255).astype(np.uint8)

    def numbers(self, fps: float) -> Iterator[int]:
        """Numbers of the frames of a slower camera."""
        return frames_at(fps, self.frames)


def _paste(face: np.ndarray, head: np.ndarray, image: np.ndarray) -> None:
    """Lays a face over a head, with soft edges."""
    sides = head[2:] - head[:2]
    x1, y1 = np.round(head[:2] - MARGIN * sides).astype(int).tolist()
    x2, y2 = np.round(head[2:] + MARGIN * sides).astype(int).tolist()
    left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, SIZE[0]), min(y2, SIZE[1])
    if min(x2 - x1, y2 - y1) < 4 or right <= left or bottom <= top:
        return
    small = cv2.resize(face, (x2 - x1, y2 - y1), interpolation=cv2.INTER_AREA)
    down, across = np.mgrid[-1 : 1 : (y2 - y1) * 1j, -1 : 1 : (x2 - x1) * 1j]
    mask = np.clip((1.05 - np.hypot(across, down)) * 8, 0, 1)[..., None]
    inner = (slice(top - y1, bottom - y1), slice(left - x1, right - x1))
    place = image[top:bottom, left:right]
    place[:] = mask[inner] * small[inner] + (1 - mask[inner]) * place


Detected = dict[int, Detections]
"""Detections by number of their frame."""


def detect(scene: Scene, detector: Detector) -> Detected:
    """Detections of a detector in every frame of a scene."""
    return {number: detector.detect([scene.render(number)])[0] for number in scene.frames}


def matched(scene: Scene, number: int, detections: Detections) -> Found:
    """The people whose heads the boxes of a frame are."""
    heads, people = scene.heads(number)
    found = np.full(len(detections), FALSE_BOX, np.int64)
    if len(heads) and len(detections):
        overlaps = iou(heads, detections.boxes)
        for head, row in assign(np.where(overlaps >= MIN_MATCH_IOU, overlaps, 0.0)):
            found[row] = people[head]
    return Found(number / TRACKS_FPS, detections.boxes, found)


def key_of(rows: np.ndarray, faces: Sequence[Face], model: str) -> str:
    """Checksum of all that detections depend on."""
    digest = hashlib.sha256(rows.tobytes())
    for face in faces:
        digest.update(face.image.tobytes())
    return f"{digest.hexdigest()} {model}"


def write_detections(path: Path, key: str, detected: Detected) -> None:
    """Keeps detections in a file.

    Raises:
        MaskdetError: it cannot be written.
    """
    numbers = np.repeat(list(detected), [len(one) for one in detected.values()])
    parts = list(detected.values())
    file = io.BytesIO()
    np.savez_compressed(
        file,
        key=np.array(key),
        frames=np.array(list(detected)),
        numbers=numbers,
        boxes=np.concatenate([one.boxes for one in parts]),
        scores=np.concatenate([one.scores for one in parts]),
        states=np.concatenate([one.states for one in parts]),
        probabilities=np.concatenate([one.probabilities for one in parts])
        if all(one.probabilities is not None for one in parts)
        else np.empty(0),
    )
    write_output(path, file.getvalue())


def read_kept(path: Path, key: str) -> Detected:
    """Detections that were kept in a file.

    Args:
        path: of the file.
        key: it must have been written with.

    Raises:
        MaskdetError: it is not such a file, or of other tracks, faces or another model.
    """
    try:
        with np.load(path) as file:
            kept = {name: file[name] for name in file.files}
        is_same = str(kept["key"]) == key
        numbers, probabilities = kept["numbers"], kept["probabilities"]
        found = {}
        for frame in kept["frames"].tolist():
            rows = numbers == frame
            found[int(frame)] = Detections(
                kept["boxes"][rows],
                kept["scores"][rows],
                kept["states"][rows],
                probabilities=probabilities[rows] if len(probabilities) else None,
            )
    except (OSError, ValueError, KeyError, IndexError, EOFError) as error:
        raise MaskdetError(f"{path}: no file of kept detections: {error}") from None
    if not is_same:
        raise MaskdetError(
            f"{path}: its detections are of other tracks, faces or another model; delete it"
        )
    return found
