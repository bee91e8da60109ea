"""Pictures in; annotated pictures, boxes and states out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskdet.console import say
from maskdet.contracts import Detector
from maskdet.detections import Detections, MaskState
from maskdet.errors import ConfigError, MaskdetError, SinkError
from maskdet.files import write_whole
from maskdet.live.files import list_pictures, read_picture
from maskdet.live.overlay import annotate


def run(
    detector: Detector,
    paths: Sequence[Path],
    *,
    output: Path | None = None,
    json_file: Path | None = None,
    min_score: float = 0.0,
) -> int:
    """Looks at pictures, prints a line for each, and writes what was asked for.

    A picture that cannot be read is named on stderr; the others go on.

    Args:
        detector: what looks.
        paths: pictures, and folders whose pictures are taken, those in sub-folders too.
        output: folder for annotated pictures; sub-folders are kept.
        json_file: where all boxes go, in pixels of the original pictures.
        min_score: detections below it are left out; where it is given, the JSON lists a face's
            other states, too, if they reach it.

    Returns:
        The exit status: 0, or 2 when a picture could not be read.

    Raises:
        ConfigError: there is no picture to look at.
        SinkError: an output cannot be written.
    """
    pictures = list(_pictures(paths))
    if not pictures:
        raise ConfigError("no pictures there; name files or folders with .jpg, .png …")
    targets = _targets(pictures, output) if output else {}
    detector.warm_up()
    records, failures = [], 0
    try:
        for path, _ in pictures:
            try:
                image = read_picture(str(path))
            except MaskdetError as error:
                say(str(error))
                failures += 1
                continue
            detections = _above(detector.detect([image])[0], min_score)
            listed = detections.every_state(min_score) if min_score else detections
            records.append(_record(path, image, listed))
            print(f"{path}: {_sentence(detections)}", flush=True)
            if path in targets:
                _save(targets[path], annotate(image, detections))
    finally:  # what was looked at is not lost, whatever ended it
        if json_file is not None:
            _write(json_file, json.dumps({"images": records}, indent=1).encode() + b"\n")
    return 2 if failures else 0


def _pictures(paths: Iterable[Path]) -> Iterable[tuple[Path, Path]]:
    """Each picture's path, and its name below the output folder."""
    for path in paths:
        if path.is_dir():
            for found in map(Path, list_pictures(str(path))):
                yield found, found.relative_to(path)
        else:
            yield path, Path(path.name)


def _targets(pictures: Sequence[tuple[Path, Path]], output: Path) -> dict[Path, Path]:
    """Where each annotated picture goes: never onto an original, nor two onto one."""
    taken = {path.resolve() for path, _ in pictures}
    targets: dict[Path, Path] = {}
    for path, name in pictures:
        if path in targets:
            continue
        can_write = cv2.haveImageWriter(f"x{name.suffix}") and name.suffix
        wanted = output / (name if can_write else name.with_suffix(".png"))
        target, number = wanted, 2
        while target.resolve() in taken:
            target, number = wanted.with_stem(f"{wanted.stem}-{number}"), number + 1
        taken.add(target.resolve())
        targets[path] = target
    return targets


def _above(detections: Detections, min_score: float) -> Detections:
    return detections[detections.scores >= min_score]


def _record(path: Path, image: np.ndarray, detections: Detections) -> dict[str, Any]:
    return {
        "file": os.fspath(path),
        "width": image.shape[1],
        "height": image.shape[0],
        "detections": detections.records(),
    }


def _sentence(detections: Detections) -> str:
    counts = {MaskState[name].title: n for name, n in detections.counts().items() if n}
    return ", ".join(f"{n} {title}" for title, n in counts.items()) or "no face"


def _save(path: Path, image: np.ndarray) -> None:
    _write(path, cv2.imencode(path.suffix, image)[1].tobytes())


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SinkError(f"cannot write {path}: {reason}; check folder and rights") from None
