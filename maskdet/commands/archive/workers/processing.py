"""Processing of one recording, by the parts that the monitor has for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from maskdet.commands.archive.result_file import ResultFile
from maskdet.contracts import Detector, Source
from maskdet.errors import SinkError
from maskdet.live.assembly import new_analyses
from maskdet.live.cameras.source_state import SourceParts
from maskdet.live.pipeline import Pipeline
from maskdet.live.progress import progress_of
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.observation import Observation
from maskdet.sources.opening import open_source

_REPORT_INTERVAL_S = 0.5
"""Between two reports of progress, by which a worker also notices that its run has ended."""


def process(
    path: str,
    name: str,
    settings: MonitorSettings,
    detector: Detector,
    result: ResultFile,
    report: Callable[[float], object],
) -> dict[str, Any]:
    """Opens, detects, follows and writes; the result file is complete when it returns.

    Args:
        path: of the recording.
        name: of the recording.
        settings: those of this recording.
        detector: finds the faces; stays open.
        result: gets the observations.
        report: called now and then with the share that is done, 0 to 1.

    Returns:
        The totals, with notes on what is wrong with the recording.

    Raises:
        SourceError: it cannot be opened, or not be read to its end.
        SinkError: the result cannot be written.
    """
    notes = _Notes()
    logger = logging.getLogger("maskdet")
    logger.addHandler(notes)
    try:
        with closing(open_source(path, name)) as source:
            _run(source, name, settings, detector, result, report)
        result.keep()
    finally:
        logger.removeHandler(notes)
        result.discard()
    return {**result.totals(), "notes": notes.lines}


def _run(
    source: Source,
    name: str,
    settings: MonitorSettings,
    detector: Detector,
    result: ResultFile,
    report: Callable[[float], object],
) -> None:
    (analysis,) = new_analyses(settings, [name])
    parts = SourceParts(source, analysis=analysis, detect_fps=settings.detect.fps)
    pipeline = Pipeline([parts], detector, [result], min_score=settings.min_score or 0.0)
    due = share = 0.0
    with pipeline:
        while not pipeline.ended:
            observation = pipeline.next(_REPORT_INTERVAL_S)
            now = time.monotonic()
            if now >= due and (observation is not None or due):
                due = now + _REPORT_INTERVAL_S
                share = share if observation is None else _share(source, observation)
                report(share)
    broken = [error for error in pipeline.errors if isinstance(error, SinkError)]
    for error in broken or pipeline.errors:  # the disk before the recording: it ends the run
        raise error


def _share(source: Source, observation: Observation) -> float:
    progress = progress_of(source, observation.frame)
    return (progress.share if progress is not None else None) or 0.0


class _Notes(logging.Handler):
    """Warnings about a recording: damaged frames, gaps, an assumed frame rate."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
