"""Boxes, labels and the status bar: the one place that draws.

A state is shown by color, by the shape of its box and by its mark and title: it can be read
without seeing colors and, where a face is too small for text, without reading.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

import cv2
import numpy as np

from maskdet import boxes as box_ops
from maskdet.detections import Detections, MaskState
from maskdet.drawing import label_placement
from maskdet.drawing.montage import fit
from maskdet.drawing.panels import KEYS, Panels
from maskdet.drawing.side_panel import PanelContent, SidePanel
from maskdet.drawing.status_bar import StatusBar
from maskdet.drawing.status_text import BRIGHT, Row, Status, bar_rows, is_narrow
from maskdet.drawing.styles import STYLES, Style
from maskdet.drawing.text_renderer import TextRenderer
from maskdet.drawing.zones import ZoneRenderer
from maskdet.frame import Frame
from maskdet.observation import Observation

_INK = (0, 0, 0)
_DARK = 45  # of all three colors: an image is filled with one number in a hundredth of the time


class Overlay:
    """Draws observations. An instance serves one thread: OpenCV's font is not shared safely.

    Attributes:
        image_box: x, y, width and height of the frame in the last `view`, pixels.
        bar_height: of the bar above it, pixels.
    """

    def __init__(self, *, scores: bool = True, track_ids: bool = True) -> None:
        """Prepares the font.

        Args:
            scores: labels have the score.
            track_ids: labels have the number of a tracked face.
        """
        self._scores = scores
        self._track_ids = track_ids
        self.image_box = (0, 0, 1, 1)
        self.bar_height = 0
        self._renderer = TextRenderer()
        self._bar = StatusBar(self._renderer)
        self._panels = Panels(self._renderer)
        self._zones = ZoneRenderer(self._renderer)
        self._side_panel = SidePanel(self._renderer)

    def draw(self, observation: Observation, status: Status | None = None) -> np.ndarray:
        """The frame, at its own size, with its faces marked.

        Args:
            observation: left as it is; the drawing goes onto a copy.
            status: content of the bar. None: no bar.

        Returns:
            BGR uint8 (height, width, 3); with a status, higher by the bar above the image: it
            covers no face. The bar's height depends on the frame's size alone.
        """
        frame = observation.frame
        self._renderer.fit(frame.width, frame.height)
        rows = self._rows(status, observation, frame.width) if status else []
        top = self._renderer.row * len(rows)
        canvas = np.empty((top + frame.height, frame.width, 3), np.uint8)
        canvas[top:] = frame.image
        self._draw_image(canvas[top:], observation, status)
        if status:
            self._bar.draw(canvas[:top], rows, status.share)
        return canvas

    def view(
        self,
        observation: Observation,
        status: Status,
        size: tuple[int, int],
        text: int,
        margins: tuple[int, int] = (0, 0),
    ) -> np.ndarray:
        """The frame and its bar in an image of a given size, as it is shown on a screen.

        The frame is made larger or smaller, its aspect kept, before anything is drawn on it: text
        is as large as it was asked for, whatever the source.

        Args:
            observation: left as it is.
            status: content of the bar.
            size: (width, height) of the whole.
            text: size of the text, pixels.
            margins: pixels that stay free at the right, below the bar, and at the bottom.
        """
        width, height = size
        self._renderer.fit(*size, text)
        rows = self._rows(status, observation, width)
        self.bar_height = top = min(self._renderer.row * len(rows), height - 1)
        canvas = np.full((height, width, 3), _DARK, np.uint8)
        room = max(1, width - margins[0]), max(1, height - top - margins[1])
        seen = fit(observation, room, enlarge=True)
        x, y = (room[0] - seen.frame.width) // 2, top + (room[1] - seen.frame.height) // 2
        image = canvas[y : y + seen.frame.height, x : x + seen.frame.width]
        image[:] = seen.frame.image
        self._draw_image(image, seen, status)
        self.image_box = x, y, seen.frame.width, seen.frame.height
        self._bar.draw(canvas[:top], rows, status.share)
        return canvas

    def waiting(self, message: str, status: Status, size: tuple[int, int], text: int) -> np.ndarray:
        """Image while there is no frame: dark, with a message in its middle.

        Args:
            message: short; in as many lines as it needs.
            status: content of the bar.
            size: (width, height) of the whole.
            text: size of the text, pixels.
        """
        renderer, (width, height) = self._renderer, size
        dark = Frame(np.full((1, 1, 3), _DARK, np.uint8), 0, 0.0, 0.0, status.source)
        empty = Observation(dark, Detections.empty())
        renderer.fit(*size, text)
        room = max(1, height - renderer.row * len(self._rows(status, empty, width)))
        whole = replace(dark, image=np.full((room, width, 3), _DARK, np.uint8))
        canvas = self.view(replace(empty, frame=whole), status, size, text)
        lines = renderer.wrapped(message, width - renderer.size)
        middle = height // 2 - max(0, len(lines) - 2) * renderer.row // 2
        for row, line in enumerate(lines):
            x = (width - renderer.width(line)) // 2
            renderer.write(canvas, line, x, middle + row * renderer.row, BRIGHT)
        return canvas

    def bar(self, canvas: np.ndarray, rows: Sequence[Row], text: int) -> None:
        """Draws a bar over that part of an image; one line of text for each row."""
        self._renderer.fit(canvas.shape[1], canvas.shape[0], text)
        self._bar.draw(canvas, rows)

    def notice(self, canvas: np.ndarray, message: str, text: int) -> None:
        """Draws a line about what has just happened onto the image."""
        self._renderer.fit(canvas.shape[1], canvas.shape[0], text)
        self._panels.notice(canvas, message)

    def side_panel(self, panel: np.ndarray, content: PanelContent, text: int) -> None:
        """Draws the people of now and of the last hour over an image of the panel's size."""
        self._renderer.fit(panel.shape[1], panel.shape[0], text)
        self._side_panel.draw(panel, content)

    def draft(
        self, image: np.ndarray, points: Sequence[tuple[float, float]], *, is_zone: bool
    ) -> None:
        """Draws the zone or line that is being drawn; points are shares of the image."""
        self._zones.draft(image, points, is_zone=is_zone)

    def help(self, canvas: np.ndarray, text: int, keys: Sequence[tuple[str, str]] = KEYS) -> None:
        """Draws a panel with the keys, or whatever there is to choose, onto the image."""
        self._renderer.fit(canvas.shape[1], canvas.shape[0], text)
        self._panels.help(canvas, keys)

    def _rows(self, status: Status, observation: Observation, width: int) -> list[Row]:
        return bar_rows(status, observation, narrow=is_narrow(width, self._renderer.size))

    def _draw_image(
        self, image: np.ndarray, observation: Observation, status: Status | None
    ) -> None:
        """Marks zones and faces; an old image without signal has none."""
        if status is None or not status.no_signal:
            detections = shown_faces(observation)
            faces = _pixel_boxes(detections, image)
            shapes, counts = observation.shapes, observation.people_counts
            names = self._zones.draw(image, shapes, counts, faces)
            still = {person.track_id for person in observation.people if person.still}
            self._draw_faces(image, detections, faces, names, still)
        else:
            self._panels.no_signal(image, status)
        if observation.alerts:
            self._panels.alarm(image, observation.alerts)
        if status is not None and status.help:
            self._panels.help(image, KEYS)

    def _draw_faces(
        self,
        image: np.ndarray,
        detections: Detections,
        faces: np.ndarray,
        names: np.ndarray,
        still: Container[int],
    ) -> None:
        """Draws boxes, then labels, which cover neither faces nor names of zones."""
        states = [MaskState(state) for state in detections.states.tolist()]
        largest_first = np.argsort(-box_ops.area(faces), kind="stable").tolist()
        for i in largest_first:
            self._draw_box(image, faces[i], STYLES[states[i]])
        taken = np.vstack([faces, names])
        for i in largest_first:
            others = np.delete(taken, i, axis=0)
            facts = self._facts(detections, i, still)
            label = self._draw_label(image, faces[i], others, states[i], facts)
            taken = np.vstack([taken, label])

    def _draw_box(self, image: np.ndarray, face: np.ndarray, style: Style) -> None:
        """Draws the outline in its color on a dark edge, so that it shows on any ground."""
        side = int((face[2:] - face[:2]).min())
        stroke = min(self._renderer.stroke, max(1, side // 8))
        edge = 2 if side > 2 * self._renderer.size else 1  # a small box would be all edge
        strokes = [(style.outline(face), stroke), (style.heavy(face), 2 * stroke + 1)]
        for color, more in ((_INK, edge), (style.color, 0)):
            for lines, thickness in strokes:
                if lines:
                    cv2.polylines(image, lines, False, color, thickness + more)

    def _facts(self, detections: Detections, i: int, still: Container[int]) -> str:
        """Text of face i's label after its title.

        An unsure face's score is that of a face: beside "unsure" it would read as sure.
        What is still (a poster, a screen) is in no count, which is seen here.
        """
        is_called = detections.states[i] != MaskState.unsure
        facts = f" {detections.scores[i]:.2f}" if self._scores and is_called else ""
        if self._track_ids and detections.track_ids is not None and detections.track_ids[i] >= 0:
            facts += f" #{detections.track_ids[i]}"
        if detections.track_ids is not None and int(detections.track_ids[i]) in still:
            facts += " still"
        return facts

    def _draw_label(
        self,
        image: np.ndarray,
        face: np.ndarray,
        others: np.ndarray,
        state: MaskState,
        facts: str,
    ) -> np.ndarray:
        """Draws a label, or the mark alone, where it hides least; returns its box (4,)."""
        renderer, pad = self._renderer, self._renderer.size // 3
        number = facts[facts.find(" #") :] if " #" in facts else ""
        texts = [state.title + text for text in dict.fromkeys((facts, number, ""))] + [""]
        if face[2] - face[0] < renderer.size:
            texts = texts[-1:]
        sizes = [(self._label_width(text) + 2 * pad, round(renderer.size * 1.3)) for text in texts]
        variant, (x, y) = label_placement.place(face, sizes, others, image.shape[1::-1])
        width, height = sizes[variant]
        box = (x, y), (x + width - 1, y + height - 1)
        cv2.rectangle(image, *box, STYLES[state].color, cv2.FILLED)
        cv2.rectangle(image, *box, _INK, 1)
        renderer.mark(image, state, x + pad, y + renderer.size, _INK)
        renderer.write(image, texts[variant], x + pad + renderer.size, y + renderer.size, _INK)
        return np.array([x, y, x + width, y + height])

    def _label_width(self, text: str) -> int:
        size = self._renderer.size
        return size + self._renderer.width(text) if text else round(size * 0.72)


def _pixel_boxes(detections: Detections, image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    inside = box_ops.clip(np.nan_to_num(detections.boxes), width - 1, height - 1)
    boxes: np.ndarray = np.round(inside).astype(np.int32)
    return boxes


def shown_faces(observation: Observation) -> Detections:
    """The faces of a frame; a person's in the state of the person, with its certainty as score."""
    detections, people = observation.detections, observation.people
    if detections.track_ids is None or not people:
        return detections
    known = {person.track_id: person for person in people}
    states, scores = detections.states.copy(), detections.scores.copy()
    for i, track_id in enumerate(detections.track_ids.tolist()):
        if (person := known.get(track_id)) is not None:
            states[i], scores[i] = person.state, person.certainty
    return replace(detections, states=states, scores=scores)


def annotate(image: np.ndarray, detections: Detections) -> np.ndarray:
    """A copy of an image with boxes and labels.

    Args:
        image: BGR uint8 (height, width, 3); it is left as it is.
        detections: faces in the image's pixels.

    Returns:
        BGR uint8 (height, width, 3), without a bar.

    Example:
        >>> import maskdet, numpy as np
        >>> image = np.zeros((480, 640, 3), np.uint8)
        >>> faces = maskdet.Detections([[100, 100, 180, 200]], [0.9], [maskdet.MaskState.with_mask])
        >>> drawn = maskdet.annotate(image, faces)
        >>> bool(drawn.any()), bool(image.any())
        (True, False)
    """
    return Overlay().draw(Observation(Frame(image, 0, 0.0, 0.0), detections))
