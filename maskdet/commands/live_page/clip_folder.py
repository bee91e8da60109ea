"""Videos in folders, for the live page: only whole ones, and only by a name that is listed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from maskdet.sinks.recording.video_encoder import SUFFIXES
from maskdet.web.live.api.answers import ClipAnswer

_NUMBERS = re.compile(r"(-\d+)*")
MAX_CLIPS = 500
"""The newest of so many are listed."""


class ClipFolder:
    """Recordings and clips of a run, and of the runs before it."""

    def __init__(self, places: Sequence[tuple[Path, str]]) -> None:
        """Reads nothing yet.

        Args:
            places: folders, and what the names of videos in each begin with; unless that ends with
                a dash, times and numbers alone may follow: ``door-20260131-235959-2.mp4`` is a
                recording of ``door``, ``doorbell.mp4`` somebody's own.
        """
        self._places = list(places)

    def clips(self) -> list[ClipAnswer]:
        """The newest, the newest first."""
        found = []
        for path in self._files():
            try:
                status = path.stat()
            except OSError:
                continue
            clip = ClipAnswer(name=path.name, utc=status.st_mtime, bytes=status.st_size)
            found.append(clip)
        return sorted(found, key=lambda clip: clip.utc, reverse=True)[:MAX_CLIPS]

    def path(self, name: str) -> Path | None:
        """The file of a clip; None where there is none of that name."""
        return next((path for path in self._files() if path.name == name), None)

    def delete(self, name: str) -> bool:
        """Deletes a clip; False where that cannot be."""
        path = self.path(name)
        if path is None:
            return False
        try:
            path.unlink()
        except OSError:
            return False
        return True

    def _files(self) -> Iterator[Path]:
        for folder, beginning in self._places:
            try:
                paths = list(folder.iterdir())
            except OSError:
                continue
            for path in paths:
                is_video = path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
                if is_video and _is_ours(path.stem, beginning) and path.is_file():
                    yield path


def _is_ours(stem: str, beginning: str) -> bool:
    rest = stem.removeprefix(beginning)
    if not stem.startswith(beginning):
        return False
    return not beginning or beginning.endswith("-") or bool(_NUMBERS.fullmatch(rest))
