"""Alarms within a run: at each frame, and once a second where no frame comes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.images.usual_view import UsualView
from maskdet.live.alarms.desk import AlarmDesk
from maskdet.live.cameras.source_state import FrameAnalysis
from maskdet.live.pipeline import Pipeline
from maskdet.observation import Observation
from maskdet.people.alarms.rule import CameraView

SWEEP_INTERVAL_S = 1.0


class AlarmAnalysis:
    """An analysis of one source that also applies the rules of alarms to what it finds."""

    def __init__(
        self, analysis: FrameAnalysis | None, desk: AlarmDesk, *, sees_views: bool
    ) -> None:
        """Goes around an analysis.

        Args:
            analysis: follows the people; None: nobody does.
            desk: applies the rules.
            sees_views: compares the images with what the camera usually shows.
        """
        self._analysis, self._desk = analysis, desk
        self._view = UsualView() if sees_views else None

    def observe(self, frame: Frame, detections: Detections) -> Observation:
        """The frame with its faces, people, and the rules with an open alarm."""
        if self._analysis is not None:
            observation = self._analysis.observe(frame, detections)
        else:
            observation = Observation(frame, detections, detections.counts())
        return self._with_alerts(observation)

    def carry_on(self, observation: Observation) -> Observation:
        """The last observation with a newer frame: time passes for the rules."""
        return self._with_alerts(observation)

    def finish(self, observation: Observation) -> Observation:
        """The last observation without anybody; alarms about people end with it."""
        if self._analysis is not None:
            observation = self._analysis.finish(observation)
        return replace(observation, alerts=self._desk.observe(observation))

    def _with_alerts(self, observation: Observation) -> Observation:
        view, frame = None, observation.frame
        if self._view is not None:
            measured = self._view.measure(frame.image, frame.position)
            view = None if measured is None else CameraView(*measured)
        return replace(observation, alerts=self._desk.observe(observation, view))


class AlarmSweep:
    """Applies the rules to what happens while no frame comes; called often by the main loop."""

    def __init__(self, desk: AlarmDesk, pipeline: Pipeline, folders: Iterable[Path]) -> None:
        """Begins to watch.

        Args:
            desk: applies the rules.
            pipeline: its live sources should give frames.
            folders: that are written to; the fullest disk counts.
        """
        self._desk, self._pipeline, self._folders = desk, pipeline, list(folders)
        self._due = 0.0

    def __call__(self) -> None:
        """Sweeps once a second."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + SWEEP_INTERVAL_S
        stats = self._pipeline.stats
        names = stats.source_names
        idle = [name for index, name in enumerate(names) if not stats.is_wanted(index)]
        silent = {
            name: stats.of(index).silent_s
            for index, name in enumerate(names)
            if stats.is_wanted(index)
        }
        ended = [name for index, name in enumerate(names) if stats.has_ended(index)]
        self._desk.sweep(silent, free_bytes(self._folders), ended, idle)


def free_bytes(folders: Iterable[Path]) -> float | None:
    """Bytes that are free on the fullest disk of some folders; None where none is there."""
    found = []
    for folder in folders:
        try:
            found.append(float(shutil.disk_usage(folder).free))
        except OSError:
            continue
    return min(found, default=None)
