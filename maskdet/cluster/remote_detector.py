"""A detector on another machine of the cluster, for a machine too weak to detect."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import ray
from ray.exceptions import RayError, RayTaskError

from maskdet.cluster import ray_client
from maskdet.cluster.detector_actor import ACTOR_NAME, from_answer
from maskdet.detections import Detections
from maskdet.errors import ModelError
from maskdet.frame import Frame
from maskdet.system.console import say
from maskdet.system.threads import Event

JPEG_QUALITY = 90
"""Of 100; an image of 1280×720 has about 120 kB."""
_POLL_S = 0.2
_SILENCE_S = 2.0
"""Seconds without an answer after which that is reported."""


class RemoteDetector:
    """Sends images to the actor of another machine, one call at a time.

    While nobody answers there, a call waits: the monitor drops the frames that come meanwhile for
    newer ones, and reports the age of the last one processed.
    """

    def __init__(self, place: str) -> None:
        """Joins the cluster.

        Args:
            place: MACHINE@HOST:PORT, the machine, and the cluster's first machine.

        Raises:
            ClusterError: this machine is no part of that cluster.
        """
        self._machine, _, address = place.partition("@")
        host, _, port = address.rpartition(":")
        ray_client.join(host.strip("[]"), int(port))
        self._closed = Event()
        self.name, self._device = self._machine, "not reached yet"

    @property
    def device(self) -> str:
        """The machine that computes, and what it computes on."""
        return f"{self._machine}: {self._device}"

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Faces of each image (BGR uint8), best first; see `maskdet.contracts.Detector`."""
        return self._detect("detect", [_jpeg(image) for image in images])

    def detect_frames(self, frames: Sequence[Frame]) -> list[Detections]:
        """The same of the next frame of each of several cameras, whose parts may take turns."""
        sent = [(_jpeg(frame.image), frame.source, frame.position) for frame in frames]
        return self._detect("detect_frames", sent)

    def warm_up(self) -> None:
        """Waits until the other machine's detector has begun."""
        self.name, self._device = self._ask("about") or (self.name, self._device)

    def close(self) -> None:
        """Ends a call that waits, and leaves the cluster."""
        if not self._closed.is_set():
            self._closed.set()
            ray.shutdown()

    def _detect(self, method: str, sent: Sequence[Any]) -> list[Detections]:
        answers = self._ask(method, sent) if sent else []
        if answers is None:  # closed: nobody waits for these any more
            return [Detections.empty()] * len(sent)
        return [from_answer(one) for one in answers]

    def _ask(self, method: str, *arguments: Any) -> Any:
        """The answer of the actor, however long it takes; None once this is closed.

        Raises:
            ModelError: it cannot detect.
        """
        asked = time.monotonic()
        was_reported = False
        while not self._closed.is_set():
            try:
                actor = ray.get_actor(ACTOR_NAME + self._machine, ray_client.NAMESPACE)
                answer = getattr(actor, method).remote(*arguments)
                while not ray.wait([answer], timeout=_POLL_S)[0]:
                    if self._closed.is_set():
                        return None
                    was_reported = was_reported or self._report_silence(asked)
                found = ray.get(answer)
            except RayTaskError as error:
                raise ModelError(f"{self._machine}: {ray_client.line_of(error)}") from None
            except (ValueError, RayError):  # not begun yet, or being started again
                was_reported = was_reported or self._report_silence(asked)
                self._closed.wait(_POLL_S)
                continue
            if was_reported:
                silence = time.monotonic() - asked
                say(f"the detector on {self._machine} answers again after {silence:.0f} s")
            return found
        return None

    def _report_silence(self, asked: float) -> bool:
        """Reports that nobody answers, once that has lasted; whether it did."""
        if time.monotonic() - asked < _SILENCE_S:
            return False
        say(f"the detector on {self._machine} does not answer; waiting for it", "warning")
        return True


def _jpeg(image: np.ndarray) -> bytes:
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return encoded.tobytes()
