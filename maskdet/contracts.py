"""Promises of a source, a detector and a sink; `tests/test_contracts.py` holds all to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.observation import Observation

NO_SIGNAL_S = 1.5
"""Seconds without a frame after which a live source has no signal; it is reported within two."""


class Source(Protocol):
    """Where frames come from."""

    name: str
    """What a person reads; never holds a password."""
    is_live: bool
    """A live source goes on whether it is read or not: a late reader wants its newest frame."""
    fps: float | None
    """Frames a second as the source states it, if it does."""

    def read(self) -> Frame | None:
        """The next frame; None at the end and once closed.

        Waits until there is one: a lost camera is tried again indefinitely. `close` ends the wait.

        Raises:
            SourceError: the source failed permanently.
        """

    def close(self) -> None:
        """Lets go of the device or file; may be called twice, and from another thread."""


@runtime_checkable
class CameraSource(Source, Protocol):
    """A camera or stream, opened again whenever it is lost; the demo is live, but none of these."""

    @property
    def pause(self) -> float:
        """Seconds that it waits between two frames on its own."""

    @property
    def reconnects(self) -> int:
        """Number of times it was opened again."""

    @property
    def signal_loss_reason(self) -> str | None:
        """Why there is no image at the moment, for people; None while there is."""

    def thin(self, fps: float | None, on_skip: Callable[[int], None]) -> bool:
        """Leaves out frames where they are decoded, from the next connection on.

        Args:
            fps: frames a second that `read` gives; None: all.
            on_skip: called by `read` with the number of frames left out.

        Returns:
            Whether it does: a source within another one may not.
        """


@runtime_checkable
class VideoSource(Source, Protocol):
    """A video on disk, which can be read from any position."""

    @property
    def length(self) -> float | None:
        """Seconds that it lasts; None where the file does not state it."""

    def seek(self, position: float) -> None:
        """Goes to a frame; called by the thread that reads.

        Args:
            position: of the frame, seconds from the start.
        """


@runtime_checkable
class ImageList(Source, Protocol):
    """Images on disk, which can be read from any place in their list."""

    @property
    def count(self) -> int:
        """Number of images."""

    @property
    def unread(self) -> int:
        """Number of images that could not be read so far, each of which was reported."""

    def place(self, file: str) -> int:
        """The place of an image in the list, from 0.

        Args:
            file: of the image, as its `Frame` names it.
        """

    def seek(self, position: int) -> None:
        """Goes to an image; called by the thread that reads.

        Args:
            position: its place in the list, from 0.
        """


class Detector(Protocol):
    """A finder of faces and their states."""

    name: str
    """The model's name."""

    @property
    def device(self) -> str:
        """The device that computes, as shown to people: ``CPU (LiteRT)``, ``NVIDIA H100 (Keras)``.

        May change while it runs.
        """

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Faces of each image, in that image's pixels, best first.

        Args:
            images: BGR uint8 (height, width, 3), of any sizes; they are left as they are.

        Returns:
            Detections of each image, in their order; of no image, none.

        Raises:
            ModelError: the network failed, or the model was closed.
            ValueError: they are not images; see `require_images`.
        """

    def warm_up(self) -> None:
        """Runs once on an empty image, so that the first real one does not wait."""

    def close(self) -> None:
        """Frees what the model holds; may be called twice."""


def require_images(images: Sequence[np.ndarray]) -> None:
    """Checks what a program gives a detector: other values would find no face, and no error.

    Args:
        images: as `Detector.detect` takes them; gray ones and ones with alpha pass, too.

    Raises:
        ValueError: it is one image instead of several, or something else than uint8 images.
    """
    if isinstance(images, np.ndarray) and images.ndim < 4:
        raise ValueError(f"detect takes several images; give it [image], not one {_shape(images)}")
    for number, image in enumerate(images):
        if not isinstance(image, np.ndarray):
            kind = type(image).__name__
            raise ValueError(f"image {number} is a {kind}, not an array; see maskdet.read_image")
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or 0 in image.shape:
            raise ValueError(
                f"image {number} is {_shape(image)}; it must be uint8 (height, width, 3), 0 to 255"
            )


def _shape(image: np.ndarray) -> str:
    return f"{image.dtype} {image.shape}"


@runtime_checkable
class FrameDetector(Detector, Protocol):
    """A detector that knows of each source what it found in the last frame."""

    def detect_frames(self, frames: Sequence[Frame]) -> list[Detections]:
        """As `detect`, of the next frame of each of several sources.

        Args:
            frames: one a source at most, known by its `source`.
        """


def detect_frames(detector: Detector, frames: Sequence[Frame]) -> list[Detections]:
    """Faces of the next frame of each of several sources.

    Args:
        detector: of either kind: one that remembers sources, or one of images alone.
        frames: one a source at most.

    Returns:
        Detections of each frame, in their order.
    """
    if isinstance(detector, FrameDetector):
        return detector.detect_frames(frames)
    return detector.detect([frame.image for frame in frames])


class Sink(Protocol):
    """Where observations go: a recording, an event log …"""

    def write(self, observation: Observation) -> None:
        """Takes one observation; called for every one, in order, from one thread.

        Args:
            observation: complete; it is never changed.

        Raises:
            SinkError: it cannot be written; the message names the place and what to do.
        """

    def close(self) -> None:
        """Finishes what was begun; may be called twice."""


@runtime_checkable
class StartingSink(Sink, Protocol):
    """A sink that begins with the run, before there is an observation."""

    def watch(self, cameras: Sequence[str], *, files: Sequence[str] = ()) -> None:
        """Begins with the sources of the run; called once, before the first `write`.

        Args:
            cameras: names of cameras and streams, which have an up-time.
            files: names of recordings and images, which have none.
        """
