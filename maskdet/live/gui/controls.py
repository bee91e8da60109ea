"""The keys of the window: what each does, and its notice on the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from maskdet.live.gui.board import Board
from maskdet.live.gui.tile import Tile
from maskdet.live.gui.view import Draft, View
from maskdet.live.gui.window import Window
from maskdet.live.gui.zone_editor import Kind, ZoneEditor
from maskdet.live.progress import clock
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from maskdet.sinks.snapshot_writer import Snapshots, file_label

_SEEK_S = 5.0
_FRAME_S = 1 / 25
"""Length of a frame, where a file does not state its rate."""


class Controls:
    """Does what keys ask for; each is answered by a notice.

    Attributes:
        quit: whether the user wants the end.
        stepping: sources that are to give one more image though the view is paused.
    """

    def __init__(
        self,
        view: View,
        board: Board,
        window: Window,
        tiles: Sequence[Tile],
        snapshots: Path,
        zones: ZoneEditor,
    ) -> None:
        """Puts the parts together.

        Args:
            view: what the keys change.
            board: shows the notices.
            window: goes full screen.
            tiles: the sources' places, which may become more and fewer.
            snapshots: folder for the images of key s.
            zones: what becomes of clicks.
        """
        self.quit = False
        self.stepping: set[str] = set()
        self._view = view
        self._board = board
        self._window = window
        self._tiles = tiles
        self._snapshots = Snapshots(snapshots)
        self._actions: dict[str, Callable[[], str]] = {
            "q": self._end,
            "esc": self._end,
            "space": self._pause,
            "h": self._help,
            "s": self._snapshot,
            "b": self._blur,
            "r": self._record,
            "f": self._full_screen,
            ".": lambda: self._step(1),
            ",": lambda: self._step(-1),
            "right": lambda: self._seek(1),
            "left": lambda: self._seek(-1),
            "z": lambda: self._begin("zone"),
            "l": lambda: self._begin("line"),
            "x": self._remove_place,
            "p": self._panel,
        }
        self._zones = zones

    def obey(self, key: str | None) -> None:
        """Does what a key asks for, and shows what has come of earlier ones."""
        for recording in self._recordings:
            if recording.refusal:
                self._show_notice(recording.refusal)
                recording.refusal = ""
        if news := self._snapshots.news():
            self._show_notice(news)
        self._draw_zones()
        if key is not None and self._zones.kind is not None and key in ("esc", "enter"):
            self._show_notice(self._zones.cancel() if key == "esc" else self._zones.finish())
        elif key is not None:
            action = self._actions.get(key)
            self._show_notice(action() if action else f"{key} does nothing; h: help")
        for tile in self._tiles:
            if (shapes := self._zones.changed.pop(tile.name, None)) is not None:
                tile.show_places(shapes)

    @property
    def _recordings(self) -> list[RecordingSwitch]:
        """Those of all sources."""
        return [tile.recording for tile in self._tiles]

    def close(self) -> None:
        """Waits for a snapshot that is being saved."""
        self._snapshots.close()

    def _show_notice(self, notice: str) -> None:
        self._board.show_notice(notice)
        self._view.changed = True  # it shows at once

    def _draw_zones(self) -> None:
        """Clicks become corners; what is being drawn follows the mouse."""
        zones = self._zones
        for button, x, y in self._window.clicks():
            place = self._board.place_at(x, y)
            if zones.kind is not None and button == "right":
                self._show_notice(zones.finish())
            elif zones.kind is not None and place is None:
                self._show_notice("this is outside the image; click inside it, esc cancels")
            elif place is not None and (notice := zones.click(place[0].name, place[1])):
                self._show_notice(notice)
        draft = None
        if zones.kind is not None:
            at = self._board.place_at(*self._window.pointer)
            follows = (at[1],) if at is not None and at[0].name == zones.source else ()
            draft = Draft(zones.source, (*zones.points, *follows), zones.kind == "zone")
        if draft != self._view.draft:
            self._view.draft, self._view.changed = draft, True

    def _remove_place(self) -> str:
        at = self._board.place_at(*self._window.pointer)
        return self._zones.remove(at[0].name, at[1]) if at else self._zones.remove("", (0.0, 0.0))

    def _end(self) -> str:
        self.quit = True
        return "ending"

    def _pause(self) -> str:
        turned = [tile for tile in self._tiles if tile.pacing.by_hand]
        for tile in turned:
            tile.pacing.by_hand = False
        if turned and not self._view.paused:
            return "going on"
        self._view.paused = not self._view.paused
        return "paused; space: go on" if self._view.paused else "going on"

    def _help(self) -> str:
        self._view.help = not self._view.help
        return "h: close the help" if self._view.help else "h: help"

    def _nobody(self) -> str:
        """A notice where no source has people, whom zones and the side panel are about."""
        seen = [tile.observation for tile in self._tiles if tile.observation is not None]
        if not seen or any(observation.people_counts is not None for observation in seen):
            return ""
        return "nobody is followed in pictures, nor with people.enabled: false"

    def _begin(self, kind: Kind) -> str:
        """Starts a zone or line, in sight: the list of keys goes."""
        self._view.help = False
        return self._nobody() or self._zones.begin(kind)

    def _panel(self) -> str:
        if not self._view.panel and (notice := self._nobody()):
            return notice
        self._view.panel = not self._view.panel
        return f"people {_on(self._view.panel)}"

    def _blur(self) -> str:
        if self._view.strict:
            return "privacy: strict keeps faces covered"
        self._view.blur = not self._view.blur
        for recording in self._recordings:
            recording.blur = self._view.blur
        return f"blur {_on(self._view.blur)}"

    def _record(self) -> str:
        for recording in self._recordings:
            recording.toggle()
        return f"recording {_on(any(recording.on for recording in self._recordings))}"

    def _full_screen(self) -> str:
        return f"full screen {_on(self._window.toggle_full_screen())}"

    def _snapshot(self) -> str:
        """Saves the image at the source's own size; of several, the grid and each of them."""
        images: dict[str, np.ndarray] = {}
        if len(self._tiles) > 1 and self._board.image is not None:
            images[""] = self._board.image
        for number, tile in enumerate(self._tiles, 1):
            image = tile.evidence(blur=self._view.blur)
            if image is not None:
                label = "" if len(self._tiles) == 1 else f"{number}-{file_label(tile.name)}"
                images[label] = image
        return self._snapshots.save(images) if images else "no picture yet"

    def _step(self, step: int) -> str:
        """Shows the next frame, or the one before, and holds it."""
        self._view.paused = True
        if step > 0:
            self.stepping = {tile.name for tile in self._tiles}
            for tile in self._tiles:
                self._turn(tile, 1)
            return "one frame on; space: go on"
        moved = [tile for tile in self._tiles if self._turn(tile, -1) or self._frame_back(tile)]
        self.stepping = {tile.name for tile in moved}
        if moved:
            return "one frame back; space: go on"
        return self._too_early() or "only files have earlier frames"

    def _frame_back(self, tile: Tile) -> bool:
        playback, seen = tile.pacing.playback, tile.observation
        if playback is None or playback.count or seen is None:
            return False
        tile.pacing.jump(seen.frame.time - (1 / playback.fps if playback.fps else _FRAME_S))
        return True

    def _seek(self, step: int) -> str:
        """Goes 5 seconds, or an image, back or on."""
        notices = [text for tile in self._tiles if (text := self._seek_in(tile, step))]
        return notices[0] if notices else self._too_early() or "only files can be moved in"

    def _too_early(self) -> str:
        """A notice where a file could be moved in once its first image is there."""
        files = (tile for tile in self._tiles if tile.pacing.playback is not None)
        return "not before the first picture" if any(t.observation is None for t in files) else ""

    def _seek_in(self, tile: Tile, step: int) -> str:
        playback, seen = tile.pacing.playback, tile.observation
        if playback is None or seen is None:
            return ""
        if playback.count:
            end = "this is the last picture" if step > 0 else "this is the first picture"
            return self._turn(tile, step) or end
        if tile.has_been_read:
            return "the end of the file is near"
        position = max(0.0, seen.frame.time + step * _SEEK_S)
        if playback.length is not None:
            position = min(position, max(0.0, playback.length - _FRAME_S))
        self.stepping.add(tile.name)
        tile.pacing.jump(position)
        return f"{'+' if step > 0 else '−'}{_SEEK_S:.0f} s: {clock(position)}"

    def _turn(self, tile: Tile, step: int) -> str:
        """Turns to another image of a folder; empty where there is none."""
        playback, seen = tile.pacing.playback, tile.observation
        if playback is None or not playback.count or seen is None:
            return ""
        tile.pacing.by_hand = True
        place = playback.neighbor(seen.frame.file, step)
        if place is None:
            return ""
        self.stepping.add(tile.name)
        tile.pacing.jump(place)
        which = "next" if step > 0 else "previous"
        return f"{which} picture, {place + 1} of {playback.count}; space: go on"


def _on(is_on: bool) -> str:
    return "on" if is_on else "off"
