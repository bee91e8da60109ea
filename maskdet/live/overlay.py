"""Boxes, labels and the status bar: the one place that draws.

A state is told by colour, by the shape of its box and by its mark and title: it can be read
without seeing colours and, where a face is too small for text, without reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from maskdet import boxes as box_math
from maskdet.detections import Detections, MaskState
from maskdet.frame import Frame
from maskdet.live import labels
from maskdet.live.lettering import drawable, visual_order
from maskdet.live.status import AMBER, BRIGHT, Row, Segment, Status, bar_rows, duration
from maskdet.live.styles import STYLES, Color, Style
from maskdet.observation import Observation

__all__ = ["Overlay", "Status", "annotate"]

_INK, _PAPER, _DARK = (0, 0, 0), (30, 30, 30), (45, 45, 45)
_HELP = (
    ("q / Esc", "quit"),
    ("space", "pause"),
    ("s", "snapshot"),
    ("r", "record on / off"),
    ("b", "blur on / off"),
    ("h", "help"),
)


class _Pen:
    """Writes with OpenCV's built-in font; text size and line width follow the picture's size."""

    def __init__(self) -> None:
        self._font = cv2.FontFace("sans")
        self.has_glyph = lru_cache(4096)(self._look_up_glyph)
        self._ready = lru_cache(4096)(lambda text: visual_order(drawable(text, self.has_glyph)))
        self._measure = lru_cache(4096)(self._measure_text)
        self.fit(0, 0)

    def fit(self, width: int, height: int) -> None:
        """Chooses sizes, in pixels, for a picture of that size."""
        short = min(width, height * 4 / 3)
        self.size = max(11, round(4 + short / 68))
        self.stroke = max(2, round(short / 400))
        self.row = round(self.size * 1.5)

    def width(self, text: str) -> int:
        """How wide the text will be."""
        return self._measure(text, self.size)

    def fitted(self, text: str, width: int) -> str:
        """The text, its end cut off with an ellipsis where it is wider than that."""
        if self.width(text) <= width:
            return text
        while text and self.width(text + "…") > width:
            text = text[:-1]
        return text and text + "…"

    def write(self, canvas: np.ndarray, text: str, x: int, baseline: int, color: Color) -> None:
        """Draws one line of text."""
        ready = self._ready(text)
        cv2.putText(canvas, ready, (x, baseline), color, self._font, self.size, 500)

    def mark(
        self, canvas: np.ndarray, state: MaskState, x: int, baseline: int, color: Color
    ) -> None:
        """Draws a state's mark, as high as a capital letter."""
        side, bits = self.size * 0.72, 4  # fixed-point coordinates: smooth at any size
        corner = (x, baseline - side)
        lines = [np.array(line) * side + corner for line in STYLES[state].mark]
        fixed = [np.round(line * (1 << bits)).astype(np.int32) for line in lines]
        cv2.polylines(canvas, fixed, False, color, max(2, self.size // 7), cv2.LINE_AA, bits)

    def _look_up_glyph(self, char: str) -> bool:
        return self._bitmap(char) != self._bitmap("?")  # what OpenCV puts for a missing glyph

    def _bitmap(self, char: str) -> bytes:
        canvas = np.zeros((32, 64), np.uint8)
        cv2.putText(canvas, char, (8, 24), (255,), self._font, 20, 400)
        return canvas.tobytes()

    def _measure_text(self, text: str, size: int) -> int:
        return int(cv2.getTextSize((0, 0), self._ready(text), (0, 0), self._font, size, 500)[2])


def missing_letters(text: str) -> str:
    """Those letters of a text that the font lacks; they are drawn as ``□``."""
    pen = _Pen()
    return "".join(letter for letter in text if not pen.has_glyph(letter))


class Overlay:
    """Draws observations. An instance serves one thread: OpenCV's font is not shared safely."""

    def __init__(self, *, scores: bool = True, track_ids: bool = True) -> None:
        """Prepares the font.

        Args:
            scores: labels tell the score.
            track_ids: labels tell the number of a tracked face.
        """
        self._scores = scores
        self._track_ids = track_ids
        self._pen = _Pen()

    def draw(self, observation: Observation, status: Status | None = None) -> np.ndarray:
        """The frame with its faces marked.

        Args:
            observation: left as it is; the drawing goes onto a copy.
            status: what the bar tells. None: no bar.

        Returns:
            BGR uint8 (height, width, 3); with a status, higher by the bar above the picture: it
            covers no face. The bar's height depends on the frame's size alone.
        """
        frame = observation.frame
        self._pen.fit(frame.width, frame.height)
        narrow = frame.width < 56 * self._pen.size
        rows = bar_rows(status, observation, narrow=narrow) if status else []
        top = self._pen.row * len(rows)
        canvas = np.empty((top + frame.height, frame.width, 3), np.uint8)
        canvas[top:] = frame.image
        self._draw_faces(canvas[top:], observation.detections)
        self._draw_bar(canvas[:top], rows)
        if status and status.no_signal:
            self._draw_no_signal(canvas[top:], status)
        if status and status.help:
            self._draw_help(canvas[top:])
        return canvas

    def message(self, text: str, size: tuple[int, int], status: Status) -> np.ndarray:
        """What is shown while there is no frame: a dark picture with a text in its middle.

        Args:
            text: one short line.
            size: (width, height) of the picture below the bar.
            status: what the bar tells.
        """
        (width, height), pen = size, self._pen
        picture = np.full((height, width, 3), _DARK, np.uint8)
        pen.fit(width, height)
        text = pen.fitted(text, width - pen.size)
        pen.write(picture, text, (width - pen.width(text)) // 2, height // 2, BRIGHT)
        nothing = Observation(Frame(picture, 0, 0.0, 0.0, status.source), Detections.empty())
        return self.draw(nothing, status)

    def _draw_faces(self, picture: np.ndarray, detections: Detections) -> None:
        height, width = picture.shape[:2]
        inside = box_math.clip(np.nan_to_num(detections.boxes), width - 1, height - 1)
        faces = np.round(inside).astype(np.int32)
        states = [MaskState(state) for state in detections.states.tolist()]
        largest_first = np.argsort(-box_math.area(inside), kind="stable").tolist()
        for i in largest_first:
            self._draw_box(picture, faces[i], STYLES[states[i]])
        taken = faces
        for i in largest_first:
            others = np.delete(taken, i, axis=0)
            label = self._draw_label(
                picture, faces[i], others, states[i], self._facts(detections, i)
            )
            taken = np.vstack([taken, label])

    def _draw_box(self, picture: np.ndarray, face: np.ndarray, style: Style) -> None:
        """Draws the outline in its colour on a dark edge, so that it shows on any ground."""
        side = int((face[2:] - face[:2]).min())
        stroke = min(self._pen.stroke, max(1, side // 8))
        edge = 2 if side > 2 * self._pen.size else 1  # a small box would be all edge
        strokes = [(style.outline(face), stroke), (style.heavy(face), 2 * stroke + 1)]
        for color, more in ((_INK, edge), (style.color, 0)):
            for lines, thickness in strokes:
                if lines:
                    cv2.polylines(picture, lines, False, color, thickness + more)

    def _facts(self, detections: Detections, i: int) -> str:
        """What face i's label tells after its title."""
        facts = f" {detections.scores[i]:.2f}" if self._scores else ""
        if self._track_ids and detections.track_ids is not None and detections.track_ids[i] >= 0:
            facts += f" #{detections.track_ids[i]}"
        return facts

    def _draw_label(
        self,
        picture: np.ndarray,
        face: np.ndarray,
        others: np.ndarray,
        state: MaskState,
        facts: str,
    ) -> np.ndarray:
        """Draws a label, or the mark alone, where it hides least; returns its box (4,)."""
        pen, pad = self._pen, self._pen.size // 3
        texts = [state.title + facts, state.title, ""]
        if face[2] - face[0] < pen.size:
            texts = texts[-1:]
        sizes = [(self._label_width(text) + 2 * pad, round(pen.size * 1.3)) for text in texts]
        variant, (x, y) = labels.place(face, sizes, others, picture.shape[1::-1])
        width, height = sizes[variant]
        box = (x, y), (x + width - 1, y + height - 1)
        cv2.rectangle(picture, *box, STYLES[state].color, cv2.FILLED)
        cv2.rectangle(picture, *box, _INK, 1)
        pen.mark(picture, state, x + pad, y + pen.size, _INK)
        pen.write(picture, texts[variant], x + pad + pen.size, y + pen.size, _INK)
        return np.array([x, y, x + width, y + height])

    def _label_width(self, text: str) -> int:
        return self._pen.size + self._pen.width(text) if text else round(self._pen.size * 0.72)

    def _draw_bar(self, bar: np.ndarray, rows: Sequence[Row]) -> None:
        bar[:] = _PAPER
        pen = self._pen
        for i, row in enumerate(rows):
            baseline = i * pen.row + round(pen.size * 1.12)
            end = bar.shape[1] - pen.size // 2
            for segment in reversed(row.right):
                start = end - self._segment_width(segment)
                if start < pen.size // 2:
                    break
                self._draw_segment(bar, segment, start, baseline, end)
                end = start - pen.size
            self._draw_left(bar, row.left, baseline, end)

    def _draw_left(
        self, bar: np.ndarray, segments: Sequence[Segment], baseline: int, end: int
    ) -> None:
        """Draws from the left up to `end`; counts lose their titles where space is short."""
        start, gap = self._pen.size // 2, self._pen.size
        is_tight = start + sum(self._segment_width(s) + gap for s in segments) - gap > end
        for segment in segments:
            if is_tight and segment.state is not None:
                segment = Segment(segment.text.rsplit(" ", 1)[1], segment.color, segment.state)
            start = self._draw_segment(bar, segment, start, baseline, end) + gap

    def _segment_width(self, segment: Segment) -> int:
        return self._pen.width(segment.text) + (self._pen.size if segment.state is not None else 0)

    def _draw_segment(
        self, bar: np.ndarray, segment: Segment, x: int, baseline: int, end: int
    ) -> int:
        """Draws one segment from x, cut at `end`; returns where it ends."""
        if segment.state is not None:
            self._pen.mark(bar, segment.state, x, baseline, STYLES[segment.state].color)
            x += self._pen.size
        text = self._pen.fitted(segment.text, end - x)
        self._pen.write(bar, text, x, baseline, segment.color)
        return x + self._pen.width(text)

    def _draw_no_signal(self, picture: np.ndarray, status: Status) -> None:
        """Darkens an old picture, so that nobody takes it for a live one, and says how old."""
        pen = self._pen
        picture[:] = picture // 3
        age = "" if status.age_ms is None else f" for {duration(status.age_ms / 1000)}"
        width, middle = picture.shape[1], picture.shape[0] // 2
        lines = ["no signal" + age, *status.trouble.split("; ")]
        for row, text in enumerate(lines):
            text = pen.fitted(text, width - pen.size)
            place = (width - pen.width(text)) // 2, middle + row * pen.row
            pen.write(picture, text, *place, BRIGHT if row else AMBER)

    def _draw_help(self, picture: np.ndarray) -> None:
        """Darkens a panel in the middle of the picture and lists the keys on it."""
        pen = self._pen
        column = max(pen.width(key) for key, _ in _HELP) + pen.size
        width = column + max(pen.width(text) for _, text in _HELP) + 2 * pen.size
        height = pen.row * len(_HELP) + pen.size
        x = max(0, (picture.shape[1] - width) // 2)
        y = max(0, (picture.shape[0] - height) // 2)
        panel = picture[y : y + height, x : x + width]
        panel[:] = panel // 6
        for i, (key, text) in enumerate(_HELP):
            baseline = y + round(pen.row * (i + 1.05))
            pen.write(picture, key, x + pen.size, baseline, AMBER)
            pen.write(picture, text, x + pen.size + column, baseline, BRIGHT)


def annotate(image: np.ndarray, detections: Detections) -> np.ndarray:
    """A copy of the picture (BGR uint8, height, width, 3) with boxes and labels, without bar."""
    return Overlay().draw(Observation(Frame(image, 0, 0.0, 0.0), detections))
