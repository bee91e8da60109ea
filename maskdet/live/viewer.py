"""The third loop, main: overlay -> window -> key -> command."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from maskdet.console import say
from maskdet.contracts import Source
from maskdet.errors import SinkError
from maskdet.live.leaving import promptly
from maskdet.live.montage import grid, montage
from maskdet.live.overlay import Overlay
from maskdet.live.pipeline import Pipeline
from maskdet.live.sinks import save_snapshot
from maskdet.live.switch import RecordingSwitch
from maskdet.live.tile import Tile
from maskdet.live.window import Window
from maskdet.observation import Observation

_REDRAW = 0.1
"""Seconds after which a tile is drawn anew though no frame came: its age goes on."""
_POLL = 0.02
"""Seconds that the loop waits for a frame before it looks at the keys again."""
_PATIENCE = 1.0
"""Seconds for a snapshot, after which its disk is taken to hang."""


class Viewer:
    """Shows a pipeline's observations in a window and obeys its keys.

    The window answers keys however slow the detector and however silent the camera is: nothing
    in this loop waits for a frame longer than `_POLL`. Files are shown at their own speed.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        sources: Sequence[Source],
        window: Window,
        overlay: Overlay,
        recordings: Sequence[RecordingSwitch],
        *,
        blur: bool = False,
        snapshots: Path = Path("."),
        size: tuple[int, int] = (1280, 720),
        picture_seconds: float = 3.0,
    ) -> None:
        """Puts the parts together; nothing is shown yet.

        Args:
            pipeline: running.
            sources: the pipeline's sources.
            window: where to show.
            overlay: draws; this loop's own.
            recordings: one switch a source.
            blur: whether faces are unrecognisable from the start.
            snapshots: folder for the pictures of key s.
            size: (width, height) of the window's picture with several sources.
            picture_seconds: how long each still picture stays.
        """
        self._pipeline = pipeline
        self._window = window
        self._recordings = recordings
        self._snapshots = snapshots
        self._size = size
        self._tiles = [
            Tile(pipeline, i, source, recordings[i], overlay, picture_seconds)
            for i, source in enumerate(sources)
        ]
        self._tile_of = {tile.name: tile for tile in self._tiles}
        self._waiting: dict[str, Observation] = {}
        self._picture: np.ndarray | None = None
        self._changed = True
        self._paused = self._help = self._quit = False
        self._blur = blur

    def run(self, stop: Callable[[], bool]) -> None:
        """Shows until the sources end, the user quits or `stop` says so."""
        while not (stop() or self._quit or self._is_over()):
            tile, spare = self._take()
            self._show(tile)
            self._obey(self._window.key(max(1, round(spare * 1000))))
            self._quit = self._quit or self._window.closed

    def _is_over(self) -> bool:
        now = time.monotonic()
        held = any(tile.due(None) > now for tile in self._tiles)
        return self._pipeline.ended and not self._waiting and not held

    def _take(self) -> tuple[Tile | None, float]:
        """The tile that has got a new observation, if its moment has come; seconds to spare.

        An observation of a file that came before its moment waits here, and no other source with
        it.
        """
        if self._paused:
            return None, _POLL
        tile, early = self._earliest()
        if early > 0:
            until = time.monotonic() + min(early, _POLL)
            observation = self._pipeline.next(min(early, _POLL), without=self._waiting)
            if observation is None:
                return None, max(0.0, until - time.monotonic())
            self._waiting[observation.frame.source] = observation
            tile, early = self._earliest()
        if tile is None or early > 0:
            return None, 0.0
        tile.take(self._waiting.pop(tile.name))
        return tile, 0.0

    def _earliest(self) -> tuple[Tile | None, float]:
        """The tile whose waiting observation is due first, and in how many seconds it is."""
        now = time.monotonic()
        due = {name: self._tile_of[name].due(one) - now for name, one in self._waiting.items()}
        first = min(due, key=lambda name: due[name], default=None)
        return (None, _POLL) if first is None else (self._tile_of[first], due[first])

    def _show(self, fresh: Tile | None) -> None:
        """Draws the fresh tile, and those whose age has gone on, and shows the whole.

        However fast another source is: one that has fallen silent has to say so.
        """
        old = time.monotonic() - _REDRAW
        stale = [t for t in self._tiles if t is fresh or t.drawn < old or self._changed]
        if not stale:
            return
        self._changed = False
        several = len(self._tiles) > 1
        columns, rows = grid(len(self._tiles))
        cell = (self._size[0] // columns, self._size[1] // rows) if several else None
        for tile in stale:
            tile.draw(cell, paused=self._paused, blur=self._blur, help_=self._help)
        pictures = [tile.picture for tile in self._tiles]
        self._picture = montage(pictures, self._size) if several else pictures[0]
        self._window.show(self._picture)
        if fresh is not None and fresh.observation is not None:
            self._pipeline.finished(fresh.observation)

    def _obey(self, key: str | None) -> None:
        if key in ("q", "esc"):
            self._quit = True
        elif key == "space":
            self._paused = not self._paused
        elif key == "h":
            self._help = not self._help
        elif key == "s":
            self._save_snapshot()
        elif key == "b":
            self._blur = not self._blur
            for recording in self._recordings:
                recording.blur = self._blur
        elif key == "r":
            for recording in self._recordings:
                recording.toggle()
        if key is not None:
            self._changed = True  # what the key changed shows at once

    def _save_snapshot(self) -> None:
        if self._picture is None:
            return
        save = partial(save_snapshot, self._picture, self._snapshots)
        hung = f"no snapshot in {self._snapshots} yet: the disk does not answer"
        try:
            say(f"snapshot: {promptly(_PATIENCE, 'saving a snapshot', save, hung)}")
        except SinkError as error:
            say(str(error))
