"""Benchmark of following people whose rendered faces the model itself has to find."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskdet.commands.benchmark.head_tracks import TRACKS_FPS, Found, read_tracks, score
from maskdet.commands.benchmark.rendered_faces import (
    Detected,
    Scene,
    detect,
    key_of,
    matched,
    read_faces,
    read_kept,
    write_detections,
)
from maskdet.contracts import Detector
from maskdet.detections import MaskState
from maskdet.frame import Frame
from maskdet.observation import Observation
from maskdet.people.analysis import Analysis
from maskdet.system.console import say

RATES = (25.0, 5.0, 2.5, 1.0)
UTC = 1_780_000_000.0
"""Unix time of the first frame."""


@dataclass(frozen=True)
class Result:
    """Quality of a count, in shares of the people unless another unit is named.

    Attributes:
        fps: frames a second.
        people: true number.
        counted: unique people that were counted.
        margin: people that the count says it may be wrong by.
        splits: numbers of a person beyond the first.
        joins: people of a number beyond the first.
        missed: people who never had a number.
        recall: share of the heads in all frames that the model found.
        right: share of the followed people whose state worn longest is the face's own, of those
            that have one.
        unsure: share of the followed people without a state.
        changes: changes of a person's state after the first one, each of them false, per person and
            minute.
        milliseconds: of the analysis, for each frame.
    """

    fps: float
    people: int
    counted: int
    margin: int
    splits: float
    joins: float
    missed: float
    recall: float
    right: float
    unsure: float
    changes: float
    milliseconds: float


def run(
    tracks: Path, data: Path, detector: Detector, kept: Path | None = None
) -> list[dict[str, Any]]:
    """Renders faces along head tracks, finds them with a model and follows them.

    Args:
        tracks: CSV of frame, person, x1, y1, x2, y2, at 25 frames a second.
        data: annotated images, from which the faces are taken.
        detector: to be measured.
        kept: file in which its detections are kept, so that it need not detect again.

    Returns:
        A row for each frame rate.

    Raises:
        MaskdetError: a file cannot be read, or written.
    """
    rows = read_tracks(tracks)
    faces = read_faces(data, len(np.unique(rows[:, 1])))
    scene = Scene(rows, faces)
    key = key_of(rows, faces, detector.name)
    if kept is not None and kept.exists():
        detected = read_kept(kept, key)
    else:
        say(f"detecting faces in {len(scene.frames)} rendered frames; this takes minutes")
        detected = detect(scene, detector)
        if kept is not None:
            write_detections(kept, key, detected)
    return [asdict(follow(scene, detected, fps)) for fps in RATES]


def follow(scene: Scene, detected: Detected, fps: float) -> Result:
    """Follows the people of a scene at one frame rate and compares them with the truth."""
    found: list[Found] = []
    ids: list[np.ndarray] = []
    worn: dict[int, Counter[MaskState]] = {}
    seconds = flips = 0.0
    spent, heads = 0.0, 0
    counts = None
    for number, observation, took in _observed(scene, detected, fps):
        found.append(matched(scene, number, detected[number]))
        heads += len(scene.heads(number)[0])
        spent += took
        assert observation.detections.track_ids is not None
        ids.append(observation.detections.track_ids)
        for person in observation.people:
            worn.setdefault(person.track_id, Counter())[person.state] += 1
            seconds += 1 / fps
        flips += sum(
            event.kind == "state" and event.previous is not MaskState.unsure
            for event in observation.events
        )
        counts = observation.people_counts
    assert counts is not None
    people = len(scene.faces)
    scores = score(_rows(scene), found, ids)
    hits = sum(int((one.people >= 0).sum()) for one in found)
    right, unsure = _states(scene, found, ids, worn)
    return Result(
        fps=fps,
        people=people,
        counted=sum(counts.run.values()),
        margin=counts.margin,
        splits=scores.splits,
        joins=scores.joins,
        missed=scores.missed,
        recall=hits / max(heads, 1),
        right=right,
        unsure=unsure,
        changes=60 * flips / max(seconds, 1e-9),
        milliseconds=1000 * spent / max(len(found), 1),
    )


def _observed(
    scene: Scene, detected: Detected, fps: float
) -> Iterator[tuple[int, Observation, float]]:
    """Numbers and observations of the scene's frames, with the seconds of following people."""
    analysis = Analysis(still_after=None)
    for index, number in enumerate(scene.numbers(fps)):
        at = number / TRACKS_FPS
        frame = Frame(scene.render(number), index, at, 0.0, "scene", position=at, utc=UTC + at)
        began = time.process_time()
        observation = analysis.observe(frame, detected[number])
        yield number, observation, time.process_time() - began


def _rows(scene: Scene) -> np.ndarray:
    """The scene's people, as `score` counts them."""
    return np.array([[0, person, 0, 0, 1, 1] for person in scene.faces], float)


def _states(
    scene: Scene,
    found: Sequence[Found],
    ids: Sequence[np.ndarray],
    worn: Mapping[int, Counter[MaskState]],
) -> tuple[float, float]:
    """Shares of people in the right state, of those that have one, and of those without one."""
    owners: dict[int, Counter[int]] = {}
    for one, given in zip(found, ids, strict=True):
        for number, person in zip(given.tolist(), one.people.tolist(), strict=True):
            if number >= 0 and person >= 0:
                owners.setdefault(number, Counter())[person] += 1
    known = right = 0
    for number, people in owners.items():
        states = Counter({s: n for s, n in worn[number].items() if s is not MaskState.unsure})
        if states:
            known += 1
            person = people.most_common(1)[0][0]
            right += states.most_common(1)[0][0] == scene.faces[person].state
    return right / max(known, 1), 1 - known / max(len(owners), 1)


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """The results as a table in Markdown."""
    lines = [
        "| frames/s | people | counted | splits | joins | missed | heads found | right state "
        "| unsure | false changes a minute | ms a frame |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in results:
        shares = " | ".join(
            f"{100 * one[name]:.1f} %"
            for name in ("splits", "joins", "missed", "recall", "right", "unsure")
        )
        counted = f"{one['counted']} ± {one['margin']}"
        lines.append(
            f"| {one['fps']:g} | {one['people']} | {counted} | {shares} "
            f"| {one['changes']:.2f} | {one['milliseconds']:.2f} |"
        )
    return "\n".join(lines)
