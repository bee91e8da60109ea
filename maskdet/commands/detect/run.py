"""Images in; annotated images, boxes and states out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskdet.commands.detect.inputs import Inputs, find_inputs, monitor_command
from maskdet.commands.detect.outputs import (
    Results,
    annotated_paths,
    check_outputs,
    write_image,
)
from maskdet.commands.detect.progress import ImageProgress, totals
from maskdet.contracts import Detector
from maskdet.drawing.blur import blur_faces
from maskdet.drawing.overlay import annotate
from maskdet.errors import ConfigError, SourceError
from maskdet.images.decoding import DecodedImage
from maskdet.images.frames import count_frames
from maskdet.images.kinds import kind_of_file
from maskdet.sources.files.image_files import damage_line, read_with_damage
from maskdet.system.atomic_files import STANDARD_OUTPUT, write_or_print
from maskdet.system.console import counted, say


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
    inputs = _inputs(paths)
    check_outputs(json_file, csv_file, output)
    targets = annotated_paths(inputs.images, output) if output else {}
    results = Results(
        len(inputs.images),
        videos=[str(video) for video in inputs.videos],
        others=list(inputs.others),
    )
    keep_stdout_free = STANDARD_OUTPUT in (json_file, csv_file)
    with ImageProgress(results.total, keep_stdout_free=keep_stdout_free) as progress:
        images = _Images(detector, targets, min_score, blur, results, progress)
        try:
            detector.warm_up()
            for path, _ in inputs.images:
                images.process(path)
        finally:
            _finish(results, progress, json_file, csv_file)
    return 2 if results.failed else 0


@dataclass(frozen=True)
class _Images:
    """Processing of each image, and where its results go."""

    detector: Detector
    targets: Mapping[Path, Path]
    min_score: float
    blur: bool
    results: Results
    progress: ImageProgress

    def process(self, path: Path) -> None:
        """Detects, draws and notes one image, or why it cannot be read."""
        try:
            image, damage = _read(path)
        except SourceError as error:
            self.results.failed.append({"file": str(path), "reason": str(error)})
            self.progress.failed(str(error))
            return
        found = self.detector.detect([image])[0]
        shown = found[found.scores >= self.min_score]
        target = self.targets.get(path)
        if target is not None:
            # A face too doubtful to be shown is blurred nevertheless.
            drawn = annotate(blur_faces(image, found) if self.blur else image, shown)
            target = write_image(target, drawn)
        listed = shown.every_state(self.min_score) if self.min_score else shown
        held = count_frames(path)
        self.results.add(path, image, listed, shown.counts(), target, held.number, damage)
        self.progress.processed(path, shown.counts())
        if damage:
            say(damage_line(str(path), damage), "warning")
        if held.number > 1:
            what = counted(held.number, "page" if held.kind == "pages" else "frame")
            say(
                f"{path} has {what}, of which the first was processed; process all with: "
                f"{monitor_command(path)}",
                "warning",
            )


def _inputs(paths: Sequence[str | Path]) -> Inputs:
    """The images to process; names what is left out.

    Raises:
        ConfigError: there is no image.
    """
    inputs = find_inputs(paths)
    for video in inputs.videos:
        say(f"left out: {video} is a video; process it with: {monitor_command(video)}", "warning")
    for line in inputs.lines:
        say(line, "warning")
    if not inputs.images:
        looked = ", ".join(str(path) for path in paths[:3]) + (" …" if len(paths) > 3 else "")
        raise ConfigError(f"no pictures in {looked}; name files or folders with .jpg, .png …")
    return inputs


def _read(path: Path) -> DecodedImage:
    """Reads an image.

    Raises:
        SourceError: it is none, or broken; the line of a video has the command that takes it.
    """
    if kind_of_file(path) == "video":
        raise SourceError(f"{path} is a video; process it with: {monitor_command(path)}")
    return read_with_damage(str(path))


def _finish(
    results: Results, progress: ImageProgress, json_file: Path | None, csv_file: Path | None
) -> None:
    """Writes the results so far, if there are any, and prints the totals."""
    if json_file is not None and (results.images or results.failed):
        write_or_print(json_file, results.as_json())
    if csv_file is not None and results.images:  # it has no place for what failed
        write_or_print(csv_file, results.as_csv())
    figures = (len(results.images), results.total, len(results.failed), results.counts)
    progress.print(totals(*figures))
