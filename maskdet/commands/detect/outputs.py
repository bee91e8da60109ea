"""The files that `detect` writes: annotated images, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskdet.detections import CLASS_NAMES, Detections, MaskState
from maskdet.errors import ConfigError
from maskdet.system.atomic_files import STANDARD_OUTPUT, check_writable, write_output
from maskdet.system.file_names import folded_name

CSV_COLUMNS = (
    *("file", "width", "height", "face", "x1", "y1", "x2", "y2", "score", "state"),
    *CLASS_NAMES,
    "annotated",
)

_COLORLESS = (".pbm", ".pgm")
"""Kinds of image that hold no color, in which nothing can be drawn that shows."""
_MAX_GIF_SIDE = 65_535


@dataclass
class Results:
    """Everything that a run has found, in the order of its images.

    Attributes:
        total: images that the run was asked for.
        images: a record of each processed image, as the JSON has it.
        failed: ``file`` and ``reason`` of each image that could not be read.
        videos: videos in the folders, which were left out.
        others: files in the folders that are not images, which were left out.
        counts: faces per state in all images, every state named.
    """

    total: int
    images: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    videos: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys((state.name for state in MaskState), 0)
    )

    def add(
        self,
        path: Path,
        image: np.ndarray,
        listed: Detections,
        counts: dict[str, int],
        annotated: Path | None,
        frames: int = 1,
        damage: str = "",
    ) -> None:
        """Adds one processed image.

        Args:
            path: of the image, as the user named it.
            image: BGR uint8 (height, width, 3).
            listed: what the JSON lists.
            counts: faces per state, each face once.
            annotated: the annotated image's file, where one was written.
            frames: that the file has; the first alone was processed.
            damage: what is wrong with the file, part of which was decoded nevertheless.
        """
        record: dict[str, Any] = {
            "file": os.fspath(path),
            "width": image.shape[1],
            "height": image.shape[0],
            "counts": counts,
            "detections": listed.records(),
        }
        if annotated is not None:
            record["annotated"] = os.fspath(annotated)
        if frames > 1:
            record["frames"] = frames
        if damage:
            record["damage"] = damage
        self.images.append(record)
        for state, count in counts.items():
            self.counts[state] += count

    def as_json(self) -> bytes:
        """All of it as one JSON document."""
        document: dict[str, Any] = {
            "images": self.images,
            "counts": self.counts,
            "total": self.total,
            "processed": len(self.images),
            "failed": self.failed,
        }
        if self.videos:
            document["videos_left_out"] = self.videos
        if self.others:
            document["others_left_out"] = self.others
        return json.dumps(document, indent=1).encode() + b"\n"

    def as_csv(self) -> bytes:
        """A line for each face, and one without a face for each image that has none.

        UTF-8; bytes of a file name that are not are escaped, as the JSON does it.
        """
        text = io.StringIO()
        writer = csv.DictWriter(text, CSV_COLUMNS)
        writer.writeheader()
        for image in self.images:
            common = {key: image.get(key, "") for key in ("file", "width", "height", "annotated")}
            writer.writerows({**common, **face} for face in _faces_of(image) or [{}])
        return text.getvalue().encode(errors="backslashreplace")


def _faces_of(image: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "face": number,
            **dict(zip(("x1", "y1", "x2", "y2"), face["box"], strict=True)),
            "score": face["score"],
            "state": face["state"],
            **face.get("states", {}),
        }
        for number, face in enumerate(image["detections"], 1)
    ]


def check_outputs(
    json_file: Path | None, csv_file: Path | None, output: Path | None = None
) -> None:
    """Makes sure, before anything slow is done, that the files can be written.

    Raises:
        ConfigError: both are to go to standard output, or into one file.
        SinkError: a folder cannot be made, or a folder is in the way.
    """
    if json_file is not None and json_file == csv_file:
        where = "standard output" if json_file == STANDARD_OUTPUT else str(json_file)
        raise ConfigError(f"--json and --csv cannot both go to {where}; name two files")
    drawn = output / "image.png" if output else None
    for path in (json_file, csv_file, drawn):
        if path is not None:
            check_writable(path, folder="create")


def annotated_paths(images: Sequence[tuple[Path, Path]], output: Path) -> dict[Path, Path]:
    """Where each annotated image goes: never onto an original, nor two onto one on any system."""
    taken = {_place(path) for path, _ in images}
    targets: dict[Path, Path] = {}
    for path, name in images:
        if path in targets:
            continue
        suffix = name.suffix.lower()
        can_write = suffix and suffix not in _COLORLESS and cv2.haveImageWriter(f"x{suffix}")
        wanted = output / (name if can_write else name.with_suffix(".png"))
        target, number = wanted, 2
        while _place(target) in taken:
            target, number = wanted.with_stem(f"{wanted.stem}-{number}"), number + 1
        taken.add(_place(target))
        targets[path] = target
    return targets


def write_image(path: Path, image: np.ndarray) -> Path:
    """Writes an annotated image, in the kind of its suffix; returns its file.

    Where that kind cannot hold an image of this size, it is a PNG, with its ending behind the name.
    """
    content = _encoded(path.suffix, image)
    if content is None:
        path, content = path.with_name(f"{path.name}.png"), _encoded(".png", image)
    assert content is not None  # a PNG holds any image that can be read
    write_output(path, content)
    return path


def _encoded(suffix: str, image: np.ndarray) -> bytes | None:
    """An image (BGR uint8) as a file's content; None where such a file cannot hold it."""
    if suffix.lower() == ".gif" and max(image.shape[:2]) > _MAX_GIF_SIDE:
        return None  # OpenCV returns a header alone
    try:
        is_whole, content = cv2.imencode(suffix, image)
    except cv2.error:
        return None
    return content.tobytes() if is_whole else None


def _place(path: Path) -> str:
    return folded_name(os.fspath(path.resolve()))
