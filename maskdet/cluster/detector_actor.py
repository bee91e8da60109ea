"""The detector of machines that are too weak for one: an actor that takes JPEG images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import ray

from maskdet.cluster import ray_client
from maskdet.cluster.machine import MACHINE_RESOURCE
from maskdet.contracts import detect_frames
from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.live.settings.monitor import MonitorSettings

Answer = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]
"""Boxes, scores, states and probabilities of the faces of an image; see `Detections`."""
ACTOR_NAME = "detector-"
"""Of an actor, before that of its machine."""


class DetectorActor:
    """A model, opened as a monitor of this machine would open it.

    It answers one call after another. Each machine that sends images waits for its answer and has
    no second call under way, so at most one call a machine waits here, with the newest frames that
    the machine had when it was made.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        """Opens the model.

        Args:
            settings: the monitor's, as plain values.
        """
        # Every command of `maskdet cluster` comes by this file: it does without OpenCV.
        from maskdet.images.decoding import decode_image
        from maskdet.live.assembly import open_detector
        from maskdet.live.cameras.building import keep_up

        made = MonitorSettings.model_validate(settings)
        self._decode = decode_image
        self._detector, _ = open_detector(made)
        keep_up(self._detector, [made.detect.fps])
        self._detector.warm_up()

    def about(self) -> tuple[str, str]:
        """The model's name, and what it computes on."""
        return self._detector.name, self._detector.device

    def detect(self, images: Sequence[bytes]) -> list[Answer]:
        """Faces of each JPEG image."""
        decoded = [self._decode(one, upright=False) for one in images]
        return [as_answer(found) for found in self._detector.detect(decoded)]

    def detect_frames(self, frames: Sequence[tuple[bytes, str, float]]) -> list[Answer]:
        """Faces of the next frame of each of several cameras.

        Args:
            frames: of each the JPEG image, the camera, whose name is the only one of the cluster,
                and seconds on its own time line.
        """
        decoded = [
            Frame(self._decode(image, upright=False), 0, position, 0.0, camera)
            for image, camera, position in frames
        ]
        return [as_answer(found) for found in detect_frames(self._detector, decoded)]


def start(machine: str, settings: MonitorSettings) -> Any:
    """The actor of a machine that processes frames of others; made where there is none."""
    values = settings.model_dump(mode="json", exclude_unset=True)
    return (
        ray.remote(DetectorActor)
        .options(
            name=ACTOR_NAME + machine,
            namespace=ray_client.NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            max_restarts=-1,
            num_cpus=0,
            resources={f"{MACHINE_RESOURCE}{machine}": 1 - ray_client.GROUP_SHARE},
        )
        .remote(values)
    )


def end_all() -> None:
    """Ends all of them: with other settings they would go on with those from before."""
    for one in ray.util.list_named_actors(all_namespaces=True):
        if one["namespace"] == ray_client.NAMESPACE and one["name"].startswith(ACTOR_NAME):
            try:
                ray.kill(ray.get_actor(one["name"], ray_client.NAMESPACE), no_restart=True)
            except ValueError:  # it has ended meanwhile
                continue


def as_answer(found: Detections) -> Answer:
    """The values that go back."""
    return found.boxes, found.scores, found.states, found.probabilities


def from_answer(answer: Answer) -> Detections:
    """The detections that these values were."""
    boxes, scores, states, probabilities = answer
    return Detections(boxes, scores, states, probabilities=probabilities)
