"""The third loop, main: overlay -> window -> key -> command."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from maskdet.drawing.overlay import Overlay
from maskdet.live.cameras.camera import Camera
from maskdet.live.cameras.control import CameraControl
from maskdet.live.gui.board import Board
from maskdet.live.gui.controls import Controls
from maskdet.live.gui.people_history import PeopleHistory
from maskdet.live.gui.tile import Tile
from maskdet.live.gui.view import View
from maskdet.live.gui.window import Window
from maskdet.live.gui.zone_editor import ZoneEditor
from maskdet.live.pipeline import Pipeline
from maskdet.observation import Observation

_POLL_S = 0.02
"""Seconds that the loop waits for a frame before it looks at the keys again."""


class Viewer:
    """Shows a pipeline's observations in a window and obeys its keys.

    The window answers keys however slow the detector and however silent the camera is: nothing
    in this loop waits for a frame longer than `_POLL_S`. Files are shown at their own speed.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        control: CameraControl,
        window: Window,
        overlay: Overlay,
        view: View,
        *,
        snapshots: Path = Path("."),
        size: tuple[int | None, int | None] = (None, None),
        picture_seconds: float = 3.0,
        zones: ZoneEditor | None = None,
        history: PeopleHistory | None = None,
    ) -> None:
        """Puts the parts together; nothing is shown yet.

        Args:
            pipeline: running.
            control: knows the cameras, which come and go.
            window: where to show.
            overlay: draws; this loop's own.
            view: what is seen from the start; keys change it.
            snapshots: folder for the images of key s.
            size: (width, height) of a new window with several sources, at most; None: as the screen
                allows.
            picture_seconds: how long each image of a folder stays.
            zones: what becomes of clicks; None: nobody is followed.
            history: of the people, for the side panel; likewise.
        """
        self._pipeline, self._control, self._window = pipeline, control, window
        self._overlay, self._picture_seconds = overlay, picture_seconds
        self._tiles: list[Tile] = []
        self._tile_of: dict[str, Tile] = {}
        self._version = -1
        self._zones = zones or ZoneEditor([], None, enabled=False)
        self._follow_cameras()
        self._waiting: dict[str, Observation] = {}
        self._view = view
        self._board = Board(self._tiles, window, overlay, size, history)
        self._controls = Controls(
            self._view,
            self._board,
            window,
            self._tiles,
            snapshots,
            self._zones,
        )

    def run(self, stop: Callable[[], bool]) -> None:
        """Shows until the sources end, the user quits or `stop` asks for it."""
        try:
            while not (stop() or self._controls.quit or self._is_over()):
                if self._control.version != self._version:
                    self._follow_cameras()
                    self._view.changed = True
                tile, spare = self._take()
                shown = self._board.show(tile, self._view, self._pipeline.detector.device)
                if shown and tile is not None and tile.observation is not None:
                    self._pipeline.stats.record_finished(tile.observation)
                self._controls.obey(self._window.key(max(1, round(spare * 1000))))
                self._controls.quit = self._controls.quit or self._window.closed
        finally:
            self._controls.close()

    def _follow_cameras(self) -> None:
        """Gives each camera a tile; one whose source has changed gets a new one."""
        self._version = self._control.version
        present = self._control.present
        known = {id(tile.source): tile for tile in self._tiles}
        self._tiles[:] = [known.get(id(one.source)) or self._new_tile(one) for one in present]
        self._tile_of = {tile.name: tile for tile in self._tiles}
        for tile, camera in zip(self._tiles, present, strict=True):
            tile.is_off = camera.state == "paused"
        self._zones.follow([camera.places for camera in present if camera.places is not None])

    def _new_tile(self, camera: Camera) -> Tile:
        parts = camera.source, camera.recording, self._overlay, self._picture_seconds
        return Tile(self._pipeline, camera.index, *parts)

    def _is_over(self) -> bool:
        """Whether all has been shown; a single image stays, unless it stands beside others."""
        if not self._view.paused:
            for tile in self._tiles:
                tile.pacing.go_on()
        others = [tile for tile in self._tiles if not tile.pacing.is_single_image]
        if others and all(tile.has_ended for tile in others):
            for tile in self._tiles:
                if tile.pacing.playback is not None and tile.observation is not None:
                    tile.pacing.playback.finish()
        now = time.monotonic()
        held = any(tile.pacing.due(None) > now for tile in self._tiles)
        return self._pipeline.ended and not self._waiting and not held

    def _take(self) -> tuple[Tile | None, float]:
        """The tile that has got a new observation, if its moment has come; seconds to spare.

        An observation of a file that came before its moment waits here, and no other source with
        it.
        """
        if self._view.paused:
            return self._take_step()
        self._controls.stepping.clear()
        tile, early = self._earliest()
        if early > 0:
            until = time.monotonic() + min(early, _POLL_S)
            if not self._fetch(min(early, _POLL_S)):
                return None, max(0.0, until - time.monotonic())
            tile, early = self._earliest()
        if tile is None or early > 0:
            return None, 0.0
        tile.take(self._waiting.pop(tile.name))
        return tile, 0.0

    def _take_step(self) -> tuple[Tile | None, float]:
        """While the view is paused: what a step, or a jump in a file, has asked for.

        So it is with the first frame of each source: nobody pauses to see none.
        """
        stepping = self._controls.stepping
        empty = (tile for tile in self._tiles if tile.observation is None and not tile.is_off)
        stepping |= {tile.name for tile in empty if not tile.has_ended}
        if not stepping:
            return None, _POLL_S
        self._drop_stale()
        if not stepping & self._waiting.keys():
            others = self._tile_of.keys() - stepping
            if not self._fetch(_POLL_S, without=others | self._waiting.keys()):
                stepping -= {name for name in stepping if self._tile_of[name].has_ended}
                return None, 0.0
        for name in stepping & self._waiting.keys():
            stepping.discard(name)
            self._tile_of[name].take(self._waiting.pop(name))
            return self._tile_of[name], 0.0
        return None, 0.0

    def _fetch(self, timeout: float, *, without: set[str] | None = None) -> bool:
        """Has the next observation wait for its moment; False if none came."""
        self._drop_stale()
        barred = self._waiting.keys() if without is None else without
        observation = self._pipeline.next(timeout, without=barred)
        if observation is None:
            return False
        if observation.frame.source in self._tile_of:  # else it was removed meanwhile
            self._waiting[observation.frame.source] = observation
        self._drop_stale()
        return True

    def _drop_stale(self) -> None:
        """Lets go of what was read before the user went elsewhere in its file."""
        for name, observation in list(self._waiting.items()):
            if name not in self._tile_of or self._tile_of[name].pacing.is_stale(observation.frame):
                del self._waiting[name]

    def _earliest(self) -> tuple[Tile | None, float]:
        """The tile whose waiting observation is due first, and in how many seconds it is."""
        self._drop_stale()
        now = time.monotonic()
        due = {
            name: self._tile_of[name].pacing.due(one.frame) - now
            for name, one in self._waiting.items()
        }
        first = min(due, key=lambda name: due[name], default=None)
        return (None, _POLL_S) if first is None else (self._tile_of[first], due[first])
