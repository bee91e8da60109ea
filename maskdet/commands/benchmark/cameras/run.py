"""Number of cameras that this machine carries: they are added until a promise breaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from maskdet.commands.benchmark.cameras.capacity import largest
from maskdet.commands.benchmark.cameras.measurement import Values, as_json, from_json
from maskdet.commands.benchmark.cameras.monitor_process import measure
from maskdet.commands.benchmark.cameras.scenes import SCENES
from maskdet.commands.benchmark.cameras.server import CameraFormat, RtspServer, require_server
from maskdet.commands.benchmark.output import write_values
from maskdet.commands.benchmark.whole_monitor import machine
from maskdet.commands.models import table
from maskdet.system.console import counted, say

DETECT_FPS = 5.0
"""Frames a second of each camera that are to be processed."""
MAX_AGE_S = 1.0
MIN_CAPTURED_SHARE, MIN_HANDLED_SHARE = 0.9, 0.8
MAX_GROWTH_MB, MAX_GROWTH_PER_CAMERA_MB = 16.0, 2.0
"""Frames of each camera that wait for the moment differ by some."""
COLUMNS = (
    *("scenes", "cameras", "carried", "cores", "monitor", "cameras' processes", "server"),
    *("age, 95 % below", "captured/s", "processed/s", "memory", "detected on"),
)


@dataclass(frozen=True)
class Trial:
    """One number of cameras.

    Attributes:
        scenes: a name of `SCENES`.
        cameras: how many.
        values: what was measured; None where a camera did not come.
        broken: the promises that were not kept, in words; none: the cameras are carried.
    """

    scenes: str
    cameras: int
    values: Values | None
    broken: tuple[str, ...]


def run(
    options: Sequence[str] = (),
    *,
    seconds: float = 10.0,
    limit: int = 64,
    camera: CameraFormat | None = None,
    scenes: Sequence[str] = ("moving", "quiet"),
) -> dict[str, Any]:
    """Measures.

    Args:
        options: settings of the monitor, ``key=value``.
        seconds: length of each measurement.
        limit: the largest number of cameras that is tried.
        camera: the stream of each camera.
        scenes: names of `SCENES`; quiet ones are watched with motion gating.

    Returns:
        Values by name, for JSON.

    Raises:
        MaskdetError: the server cannot run, or the monitor.
    """
    camera = camera or CameraFormat()
    require_server()
    found = {}
    for name in scenes:
        number, trials = _carried(name, options, seconds, limit, camera)
        found[name] = {"cameras": number, "trials": [_as_json(trial) for trial in trials]}
    return {
        "machine": machine(),
        "camera": {**asdict(camera), "detect_fps": DETECT_FPS},
        "limit": limit,
        "scenes": found,
    }


def _carried(
    name: str, options: Sequence[str], seconds: float, limit: int, camera: CameraFormat
) -> tuple[int, list[Trial]]:
    """The largest number of cameras that show such scenes and are carried; and all trials."""
    say(f"{name} scenes: the clip is encoded …")
    gate = f"detect.motion_gate={str(name == 'quiet').lower()}"
    always = (f"detect.fps={DETECT_FPS}", gate, *options)
    trials: list[Trial] = []
    with RtspServer(SCENES[name](camera), limit, camera) as server:

        def passes(cameras: int) -> bool:
            answer = measure(server, cameras, always, seconds)
            values = None if answer is None else from_json(answer)
            trials.append(Trial(name, cameras, values, broken(values, camera)))
            say(_in_words(trials[-1]))
            return not trials[-1].broken

        return largest(passes, limit), trials


def compare(options: Sequence[str], seconds: float, limit: int, json_file: Path | None) -> None:
    """Measures and prints a table; writes JSON if a file is named."""
    measured = run(options, seconds=seconds, limit=limit)
    print(table(COLUMNS, rows(measured)))
    print(summary(measured))
    write_values(json_file, measured)


def broken(values: Values | None, camera: CameraFormat) -> tuple[str, ...]:
    """The promises that a measurement did not keep, in words."""
    if values is None:
        return ("a camera gave no frame in time",)
    captured, handled = min(values.captured), min(values.handled)
    age = values.age_s + (values.backlog_s or 0.0)
    most = MAX_GROWTH_MB + MAX_GROWTH_PER_CAMERA_MB * len(values.captured)
    checks = {
        f"captured {captured:.1f} a second": captured >= MIN_CAPTURED_SHARE * camera.fps,
        f"processed {handled:.1f} a second": handled >= MIN_HANDLED_SHARE * DETECT_FPS,
        f"age {age:.2f} s": age < MAX_AGE_S,
        f"memory +{values.growth_mb:.0f} MiB": values.growth_mb <= most,
        f"connections lost: {values.reconnects}": not values.reconnects,
    }
    return tuple(words for words, is_kept in checks.items() if not is_kept)


def rows(measured: dict[str, Any]) -> list[tuple[str, ...]]:
    """The trials for a table under `COLUMNS`, by number of cameras."""
    return [
        _row(name, trial)
        for name, scene in measured["scenes"].items()
        for trial in sorted(scene["trials"], key=lambda trial: int(trial["cameras"]))
    ]


def summary(measured: dict[str, Any]) -> str:
    """The result in a line for each kind of scenes."""
    camera, limit = measured["camera"], measured["limit"]
    head = (
        f"{camera['width']}×{camera['height']} at {camera['fps']} frames a second, "
        f"{camera['detect_fps']:g} of them processed, on {measured['machine']['cores']} cores of "
        f"{measured['machine']['cpu']}"
    )
    lines = [
        f"{name} scenes: {counted(scene['cameras'], 'camera')}"
        + (" or more" if scene["cameras"] == limit else "")
        for name, scene in measured["scenes"].items()
    ]
    return "\n".join([head, *lines])


def _in_words(trial: Trial) -> str:
    result = "carried" if not trial.broken else f"not carried: {', '.join(trial.broken)}"
    return f"{trial.scenes} scenes, {counted(trial.cameras, 'camera')}: {result}"


def _as_json(trial: Trial) -> dict[str, Any]:
    values = None if trial.values is None else as_json(trial.values)
    return {"cameras": trial.cameras, "broken": list(trial.broken), "values": values}


def _row(name: str, trial: dict[str, Any]) -> tuple[str, ...]:
    head = (
        name,
        str(trial["cameras"]),
        "no: " + ", ".join(trial["broken"]) if trial["broken"] else "yes",
    )
    if trial["values"] is None:
        return (*head, *["–"] * (len(COLUMNS) - len(head)))
    values = from_json(trial["values"])
    cores = (values.monitor_cores, values.camera_cores, values.server_cores)
    return (
        *head,
        f"{sum(cores[:2]):.2f}",
        *(f"{one:.2f}" for one in cores),
        f"{values.age_s + (values.backlog_s or 0.0):.2f} s",
        f"{min(values.captured):.1f}",
        f"{min(values.handled):.1f}",
        f"{values.memory_mb:.0f} MiB",
        values.device,
    )
