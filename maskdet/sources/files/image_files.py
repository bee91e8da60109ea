"""Sources on disk: an image, the pages of one, a folder of images."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from maskdet.errors import SourceError
from maskdet.frame import Frame
from maskdet.images import decoding
from maskdet.images.damage import damage_of
from maskdet.images.decoding import DecodedImage, ImageError
from maskdet.images.folder import MAX_OTHERS, left_out, list_folder
from maskdet.images.frames import FrameReader, count_frames
from maskdet.system.file_names import in_shell

log = logging.getLogger(__name__)


class ImageFiles:
    """One image, or all of a list; one frame each, at time 0.

    In a list, an image that cannot be read is reported to the log and left out.
    """

    is_live = False
    fps: float | None = None

    def __init__(self, paths: Sequence[str], name: str) -> None:
        """Opens nothing yet.

        Args:
            paths: of image files.
            name: what a person reads.
        """
        self.name = name
        self._paths = list(paths)
        self._next = 0
        self._index = 0
        self._closed = False
        self._unread: set[str] = set()

    def read(self) -> Frame | None:
        """The next image; None at the end.

        Raises:
            SourceError: the only image, or every one of the list, cannot be read.
        """
        if self._closed:
            return None
        while self._next < len(self._paths):
            path = self._paths[self._next]
            self._next += 1
            try:
                image = self._read(path)
            except SourceError as error:
                if self._closed:
                    return None
                self._unread.add(path)
                if self._index == 0 and self._next == len(self._paths):
                    raise
                log.warning("%s", error)
                continue
            frame = Frame(image, self._index, 0.0, time.monotonic(), self.name, path)
            self._index += 1
            return frame
        return None

    @property
    def count(self) -> int:
        """Number of files."""
        return len(self._paths)

    @property
    def unread(self) -> int:
        """Number of files that could not be read so far."""
        return len(self._unread)

    def place(self, file: str) -> int:
        """The place of a file in the list, from 0."""
        return self._paths.index(file)

    def seek(self, position: int) -> None:
        """Goes to the file at that place, from 0; called by the thread that reads."""
        self._next = min(max(0, position), len(self._paths) - 1)

    def close(self) -> None:
        """Gives no more."""
        self._closed = True

    def _read(self, path: str) -> np.ndarray:
        image, damage = read_with_damage(path)
        if damage:
            log.warning("%s", damage_line(path, damage))
        if len(self._paths) > 1 and (held := count_frames(path)).number > 1:
            log.warning(
                "%s has %d %s, of which the first was processed; process all with: --source %s",
                path,
                held.number,
                "pages" if held.kind == "pages" else "frames",
                in_shell(path),
            )
        return image


class ImageFile(ImageFiles):
    """An image file."""

    def __init__(self, path: str, name: str) -> None:
        """Opens nothing yet; see `ImageFiles`."""
        super().__init__([path], name)


class Pages(ImageFiles):
    """The pages of a TIFF or HEIC file, read as the images of a folder are."""

    def __init__(self, path: str, name: str) -> None:
        """Opens it.

        Raises:
            SourceError: it cannot be read.
        """
        try:
            self._reader = FrameReader(path)
        except ImageError as error:
            raise SourceError(f"{path} {error}") from None
        if damage := damage_of(Path(path).read_bytes()):
            log.warning("%s", damage_line(path, damage))
        super().__init__([f"{path}, page {n + 1}" for n in range(self._reader.number)], name)

    def close(self) -> None:
        """Gives no more."""
        super().close()
        self._reader.close()

    def _read(self, path: str) -> np.ndarray:
        try:
            return self._reader.read(self.place(path))[0]
        except ImageError as error:
            raise SourceError(f"{path} {error}") from None


class Folder(ImageFiles):
    """The images in a folder and those below it, in natural order: 2.jpg before 10.jpg."""

    def __init__(self, path: str, name: str) -> None:
        """Lists them, and reports the files that are none.

        Raises:
            SourceError: there is none, or far more other files than a folder of images has.
        """
        found = list_folder(path, MAX_OTHERS)
        for line in left_out(found, path):
            log.warning("%s", line)
        if not found.images:
            raise SourceError(f"no pictures in {path}; it needs files such as .jpg or .png")
        super().__init__(found.images, name)
        self._folder: str | None = path

    def read(self) -> Frame | None:
        """The next image; None at the end, and a line if others have come into the folder."""
        frame = super().read()
        if frame is None and not self._closed:
            self._report_new()
        return frame

    def _report_new(self) -> None:
        """Names, once, what has come into the folder since it was listed."""
        folder, self._folder = self._folder, None
        if folder is None:
            return
        with suppress(SourceError):
            if new := sorted(set(list_folder(folder, MAX_OTHERS).images) - set(self._paths)):
                more = f" and {len(new) - 1} more" if len(new) > 1 else ""
                log.warning("%s%s came into the folder meanwhile: not processed", new[0], more)


def read_image(path: str) -> np.ndarray:
    """An image file as BGR uint8 (height, width, 3), turned by its EXIF data.

    JPEG, PNG, WebP, HEIC of phones, and what else OpenCV and Pillow read.

    Args:
        path: of the file.

    Example:
        >>> import maskdet
        >>> try:
        ...     maskdet.read_image("gone.jpg")
        ... except maskdet.MaskdetError as error:
        ...     print(error)
        gone.jpg cannot be read: No such file or directory

    Raises:
        SourceError: it cannot be read, is broken, or has more than `decoding.MAX_PIXELS`.
    """
    return read_with_damage(path).image


def read_with_damage(path: str) -> DecodedImage:
    """The same, and what is wrong with its file.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        return decoding.read_with_damage(path)
    except ImageError as error:
        raise SourceError(f"{path} {error}") from None


def damage_line(path: str, damage: str) -> str:
    """The line about an image whose file is damaged within.

    Args:
        path: of the file.
        damage: a decoder's message.
    """
    return f"{path} is damaged, and part of it may be wrong or missing ({damage}); copy it again"
