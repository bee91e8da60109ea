"""One upload's way: decode, detect, blur, draw, encode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

import numpy as np
from starlette.exceptions import HTTPException

from maskdet.detections import Detections
from maskdet.errors import MaskdetError
from maskdet.images.frames import count_frames_in
from maskdet.model.decision import DecisionRule
from maskdet.system.console import bug_line, say
from maskdet.web.batcher import PixelBudget
from maskdet.web.image_codec import PNG, Kind, claimed_pixels, decode, encode
from maskdet.web.request_limits import Limits
from maskdet.web.request_options import RequestOptions
from maskdet.web.uploads import Upload

Annotated = Literal["none", "png", "same"]
"""Which annotated picture is wanted: none, a PNG, or one of the upload's own kind, which for HEIC
and AVIF is JPEG."""


@dataclass(frozen=True)
class ProcessedImage:
    """An image that was processed.

    Attributes:
        name: of the upload.
        width: in pixels, after turning by EXIF.
        height: in pixels.
        detections: its faces, in its pixels.
        annotated: the drawn picture as a file; empty if none was asked for.
        kind: of that file.
        damage: a decoder's message about the upload, part of which may be wrong; empty: none.
        frames: that the upload has, an animation; the first alone was processed.
    """

    name: str
    width: int
    height: int
    detections: Detections
    annotated: bytes
    kind: Kind
    damage: str = ""
    frames: int = 1

    @property
    def annotated_name(self) -> str:
        """The name of the annotated file."""
        return f"{PurePosixPath(self.name).stem}-annotated{self.kind.suffix}"


class ImageProcessor:
    """Looks at uploads, from any thread."""

    def __init__(
        self,
        detect: Callable[[np.ndarray], Detections],
        annotate: Callable[[np.ndarray, Detections], np.ndarray],
        blur_faces: Callable[[np.ndarray, Detections], np.ndarray],
        limits: Limits,
        rule: DecisionRule,
        *,
        strict: bool = False,
    ) -> None:
        """Puts it together.

        Args:
            detect: the faces of one picture (BGR uint8), those that the rule leaves out, too;
                may wait.
            annotate: the picture with its faces drawn, a copy.
            blur_faces: the picture with its faces made unrecognizable, a copy.
            limits: of them the pixels, of one picture and of all that are in work at once.
            rule: decides which faces are shown, where a request does not.
            strict: every face that is found is blurred, whatever a request asks for.
        """
        self._detect = detect
        self._annotate = annotate
        self._blur_faces = blur_faces
        self._rule = rule
        self._strict = strict
        self._max_pixels = limits.pixels
        self._budget = PixelBudget(limits.pixels)

    def process(
        self, upload: Upload, annotated: Annotated, options: RequestOptions
    ) -> ProcessedImage:
        """Decodes, detects and draws; takes a while, and waits for room in memory.

        Raises:
            HTTPException: the picture cannot be used; 500 for what is not the sender's fault,
                of which the terminal gets more.
        """
        pixels = claimed_pixels(upload.data)
        with self._budget.take(pixels if pixels <= self._max_pixels else 0):  # 0: is refused
            return self._process(upload, annotated, options)

    def _process(
        self, upload: Upload, annotated: Annotated, options: RequestOptions
    ) -> ProcessedImage:
        (image, damage), kind = decode(upload.data, upload.name, self._max_pixels)
        kind = kind if annotated == "same" else PNG
        try:
            found = self._detect(image)
            detections = self._shown(found, options)
            drawn = b""
            if annotated != "none":
                if self._strict:
                    image = self._blur_faces(image, found)
                elif options.blur:
                    image = self._blurred(image, found, detections)
                drawn = encode(self._annotate(image, detections), kind)
        except Exception as error:
            say(str(error) if isinstance(error, MaskdetError) else bug_line(error))
            raise HTTPException(500, "the detector failed; the terminal shows why") from None
        height, width = image.shape[:2]
        frames = count_frames_in(upload.data).number
        return ProcessedImage(upload.name, width, height, detections, drawn, kind, damage, frames)

    def _shown(self, found: Detections, options: RequestOptions) -> Detections:
        rule = self._rule
        if options.min_score is not None:
            rule = rule.with_min_score(options.min_score)
        return rule.apply(found)

    def _blurred(self, image: np.ndarray, found: Detections, shown: Detections) -> np.ndarray:
        """Blurs the faces shown, and those that only a request's higher `min_score` leaves out."""
        return self._blur_faces(self._blur_faces(image, self._rule.apply(found)), shown)
