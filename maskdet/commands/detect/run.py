"""Images in; annotated images, boxes and states out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskdet.commands.detect.inputs import find_inputs, monitor_command
from maskdet.commands.detect.outputs import (
    Results,
    annotated_paths,
    check_outputs,
    write_image,
)
from maskdet.commands.detect.progress import ImageProgress, totals
from maskdet.contracts import Detector
from maskdet.detections import Detections
from maskdet.drawing.blur import blur_faces
from maskdet.drawing.overlay import annotate
from maskdet.errors import ConfigError, SourceError
from maskdet.images.frames import count_frames
from maskdet.images.kinds import kind_of_file
from maskdet.sources.files.image_files import read_image
from maskdet.system.atomic_files import STANDARD_OUTPUT, write_or_print
from maskdet.system.console import say


def run(
    detector: Detector,
    paths: Sequence[str | Path],
    *,
    output: Path | None = None,
    json_file: Path | None = None,
    csv_file: Path | None = None,
    min_score: float = 0.0,
    blur: bool = False,
) -> int:
    """Processes images, prints a line for each and the totals, and writes what was asked for.

    An image that cannot be read is named on standard error; the others are processed. What was
    processed is written, whatever ends the run.

    Args:
        detector: finds the faces.
        paths: images, and folders whose images are taken, those in sub-folders too.
        output: folder for annotated images; sub-folders are kept.
        json_file: where all boxes and counts go, in pixels of the original images; ``-`` is
            standard output, and the lines go to standard error then.
        csv_file: the same as CSV, a line for each face.
        min_score: detections below it are left out; where it is given, JSON and CSV list a face's
            other states, too, if they reach it.
        blur: faces of the annotated images become a coarse mosaic.

    Returns:
        The exit status: 0, or 2 when an image could not be read.

    Raises:
        ConfigError: there is no image to process, or the options contradict each other.
        SinkError: an output cannot be written.
    """
    if blur and output is None:
        raise ConfigError("--blur changes the annotated images; name their folder with --output")
    check_outputs(json_file, csv_file, output)
    inputs = find_inputs(paths)
    for video in inputs.videos:
        say(f"left out: {video} is a video; process it with: {monitor_command(video)}", "warning")
    for line in inputs.lines:
        say(line, "warning")
    if not inputs.images:
        raise ConfigError("no pictures there; name files or folders with .jpg, .png …")
    targets = annotated_paths(inputs.images, output) if output else {}
    results = Results(
        len(inputs.images),
        videos=[str(video) for video in inputs.videos],
        others=list(inputs.others),
    )
    keep_stdout_free = STANDARD_OUTPUT in (json_file, csv_file)
    with ImageProgress(results.total, keep_stdout_free=keep_stdout_free) as progress:
        try:
            detector.warm_up()
            for path, _ in inputs.images:
                try:
                    image = _read(path)
                except SourceError as error:
                    results.failed.append({"file": str(path), "reason": str(error)})
                    progress.failed(str(error))
                    continue
                detections = detector.detect([image])[0]
                shown = _above(detections, min_score)
                target = targets.get(path)
                if target is not None:
                    target = write_image(target, _drawn(image, detections, shown, blur))
                listed = shown.every_state(min_score) if min_score else shown
                frames = count_frames(path).number
                results.add(path, image, listed, shown.counts(), target, frames)
                progress.processed(path, shown.counts())
                if frames > 1:
                    say(
                        f"{path} has {frames} frames, of which the first was processed; process "
                        f"all with: {monitor_command(path)}",
                        "warning",
                    )
        finally:
            _finish(results, progress, json_file, csv_file)
    return 2 if results.failed else 0


def _read(path: Path) -> np.ndarray:
    """Reads an image.

    Raises:
        SourceError: it is none, or broken; the line of a video has the command that takes it.
    """
    if kind_of_file(path) == "video":
        raise SourceError(f"{path} is a video; process it with: {monitor_command(path)}")
    return read_image(str(path))


def _drawn(image: np.ndarray, found: Detections, shown: Detections, blur: bool) -> np.ndarray:
    """The annotated image; a face too doubtful to be shown is blurred nevertheless."""
    return annotate(blur_faces(image, found) if blur else image, shown)


def _finish(
    results: Results, progress: ImageProgress, json_file: Path | None, csv_file: Path | None
) -> None:
    """Writes the results so far, and prints the totals."""
    for path, content in ((json_file, results.as_json), (csv_file, results.as_csv)):
        if path is not None:
            write_or_print(path, content())
    counted = (len(results.images), results.total, len(results.failed), results.counts)
    progress.print(totals(*counted))


def _above(detections: Detections, min_score: float) -> Detections:
    return detections[detections.scores >= min_score]
