"""Image files: those of a folder, their size, their bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from imutils.paths import list_files

from maskdet.datasets.problems import MAX_EXAMPLES, Problems
from maskdet.datasets.samples import DataSet, Sample
from maskdet.errors import DatasetError, reason_of
from maskdet.images.decoding import ImageError, decode_image
from maskdet.images.folder import is_hidden
from maskdet.images.kinds import IMAGE_SUFFIXES, without_stray_bytes
from maskdet.images.orientation import Orientation, read_header, read_orientation, turn_boxes

SUFFIXES = IMAGE_SUFFIXES
TURNED = "pictures that EXIF data turn: their labels, of the picture as stored, were turned, too"
UNREADABLE = "folders that cannot be searched, with all that is in them left out"
UNLISTED = "pictures beside those that the labels name, which were left out"
MAYBE_TURNED = (
    "pictures that EXIF data turn: their labels, which do not state of which way they are, were "
    "taken as of the picture as shown; look at the contact sheet"
)
_HEADER_BYTES = 1 << 18
"""Bytes of an image in a larger file that are read for its EXIF data."""
_JPEG = (".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".pjpeg", ".pjp")
_SUFFIXES = {
    "JPEG": _JPEG,
    "MPO": _JPEG,  # of phones: a JPEG with more behind it
    "PNG": (".png", ".apng"),
    "BMP": (".bmp", ".dib"),
    "DIB": (".dib", ".bmp"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "JPEG2000": (".jp2",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "HEIF": (".heic", ".heif", ".hif", ".heics", ".heifs"),
    "AVIF": (".avif", ".avifs"),
}
"""How the names of files of each kind end, the usual ending first."""
_KINDS = {"JPEG": "jpeg", "PNG": "png"}
"""Kinds of image that TensorFlow's readers know, and what they call them."""


def list_images(folder: Path) -> list[Path]:
    """Every image below a folder, in order of the names."""
    files = map(Path, list_files(str(folder), validExts=SUFFIXES))
    # ._x.png beside x.png, which a Mac leaves on other disks; .ipynb_checkpoints/, @eaDir/
    shown = (file for file in files if not any(map(is_hidden, file.relative_to(folder).parts)))
    return sorted(shown)


def note_unreadable_folders(folder: Path, problems: Problems) -> None:
    """Notes each folder below one that cannot be searched: what lies in it is not found."""

    def note(error: OSError) -> None:
        line = f"{error.filename}: {reason_of(error)}"
        if line not in problems.notes.get(UNREADABLE, ()):  # several sets may lie in one folder
            problems.note(UNREADABLE, line, "")

    for _ in os.walk(folder, onerror=note):
        pass


def note_unlisted(folder: Path, data: DataSet, problems: Problems) -> None:
    """Notes each image of a folder that the labels of others beside it do not name."""
    named = {os.path.abspath(sample.file) for sample in data.samples if not sample.span}
    folders = set(map(os.path.dirname, named))
    for file in list_images(folder):
        path = os.path.abspath(file)
        if path not in named and os.path.dirname(path) in folders:
            problems.note(UNLISTED, file, "")


def unreadable_hint(problems: Problems) -> str:
    """The end of a message that nothing was found, where that may be the reason."""
    found = problems.notes.get(UNREADABLE)
    return f"; check the rights of {'; '.join(found[:MAX_EXAMPLES])}" if found else ""


def read_without_faces(folder: Path, problems: Problems) -> list[Sample]:
    """The images of a folder that show no face and so need no labels.

    Args:
        folder: with images, in folders of its own, too.
        problems: takes a line about each that cannot be read, and a note of each such folder.

    Raises:
        DatasetError: there are none.
    """
    files = list_images(folder)
    note_unreadable_folders(folder, problems)
    if not files:
        hint = unreadable_hint(problems)
        raise DatasetError(f"{folder}: no pictures there; without_faces takes a folder{hint}")
    samples = []
    for file in files:
        try:
            width, height = size_of(file)
        except DatasetError as error:
            problems.add_line(str(error))
            continue
        boxes, classes = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
        samples.append(Sample(file, width, height, boxes, classes))
    return samples


def size_of(file: Path) -> tuple[int, int]:
    """Width and height of an image as OpenCV reads it, from its first bytes.

    Raises:
        DatasetError: it is missing or no image.
    """
    return _header(file, file).shown_size


def size_in(content: bytes, title: object) -> tuple[int, int]:
    """Width and height of an encoded image; see `size_of`."""
    return _header(BytesIO(content), title).shown_size


def wrong_sizes(samples: Iterable[Sample]) -> Iterable[str]:
    """A line for each image that is not there or not of the size that its labels have."""
    for sample in samples:
        source = BytesIO(sample.content()) if sample.span else sample.file
        try:
            width, height = _header(source, sample.title).shown_size
        except DatasetError as error:
            yield str(error)
            continue
        if (width, height) != (sample.width, sample.height):
            yield (
                f"{sample.title}: is {width}×{height} but annotated as "
                f"{sample.width}×{sample.height}; correct its annotation"
            )


def turn_labels(data: DataSet, problems: Problems, *, have_sizes: bool) -> DataSet:
    """Turns labels of images as they are stored where EXIF data turn the images.

    Args:
        data: its samples' sizes are those that the labels state.
        problems: takes a note of each image whose labels were turned, or might have to be.
        have_sizes: the labels state the images' sizes; False: they were read from the files.
    """
    samples = []
    for sample in data.samples:
        found = _orientation_of(sample)
        size = (sample.width, sample.height)
        if found is not None and found.exif != 1:
            shown = found.shown_size
            if have_sizes and size == (found.width, found.height) != shown:
                boxes = turn_boxes(sample.boxes, found)
                sample = replace(sample, width=shown[0], height=shown[1], boxes=boxes)
                problems.note(TURNED, sample.title, f"EXIF orientation {found.exif}")
            elif size == shown and not (have_sizes and shown != (found.width, found.height)):
                problems.note(MAYBE_TURNED, sample.title, f"EXIF orientation {found.exif}")
        samples.append(sample)
    return replace(data, samples=samples)


def exif_hint(file: Path) -> str:
    """The end of a message about a box that does not fit, where EXIF may be the reason."""
    found = read_orientation(file)
    if found is None or found.shown_size == (found.width, found.height):
        return ""
    return (
        "; the picture's EXIF data turn it, and the labels may be of the picture as it is stored: "
        "remove the tag (exiftool -Orientation= FILE), or label it again"
    )


def _orientation_of(sample: Sample) -> Orientation | None:
    if not sample.span:
        return read_orientation(sample.file)
    start, length = sample.span
    try:
        with open(sample.file, "rb") as file:
            file.seek(start)
            return read_orientation(BytesIO(file.read(min(length, _HEADER_BYTES))))
    except OSError:
        return None


def suffix_of(sample: Sample, wanted: str) -> str:
    """The suffix of an image file: as wanted, if that is right for its content.

    Raises:
        DatasetError: it cannot be read.
    """
    kind = _header(BytesIO(sample.content()), sample.title).kind
    if kind not in _SUFFIXES:
        raise DatasetError(f"{sample.title}: is a {kind} picture, which no data set here can have")
    return wanted if wanted.lower() in _SUFFIXES[kind] else _SUFFIXES[kind][0]


def encoded(sample: Sample) -> tuple[bytes, str, bool]:
    """An image as JPEG or PNG, which of them (``jpeg``, ``png``), and whether it was that before.

    Others, and those that a camera marked as turned, are written as PNG: TensorFlow's readers
    know neither.

    Raises:
        DatasetError: it cannot be read.
    """
    content = without_stray_bytes(sample.content())
    header = _header(BytesIO(content), sample.title)
    if header.kind in _KINDS and header.exif == 1:
        return content, _KINDS[header.kind], True
    return cv2.imencode(".png", sample.read())[1].tobytes(), "png", False


def _header(source: Path | BytesIO, title: object) -> Orientation:
    """Kind, size and turn of an image.

    Raises:
        DatasetError: it is missing or no image.
    """
    try:
        return read_header(source)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise DatasetError(f"{title}: no such picture") from None
        if error.errno:
            raise DatasetError(f"{title}: cannot be read: {reason_of(error)}") from None
        content = source.getvalue() if isinstance(source, BytesIO) else source.read_bytes()
        raise DatasetError(f"{title}: cannot be read as a picture: {_why(content)}") from None


def _why(content: bytes) -> str:
    """Why an image's header cannot be read."""
    try:
        decode_image(content)
    except ImageError as error:
        return f"it {error}"
    return "its header is odd; save it as JPEG or PNG"
