"""Keys of results: the recording's content, the model's files, and the settings that count."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TypeVar

from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.settings.people import LineSettings, ZoneSettings
from maskdet.model.card import CARD_NAME
from maskdet.runtimes.spec import ModelSpec, resolve
from maskdet.system.atomic_files import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterable

Place = TypeVar("Place", ZoneSettings, LineSettings)

RESULT_VERSION = 1
"""Raised when the same recording, model and settings give another result file."""
_COUNTING = {
    *("classes", "side", "looks", "runtime", "min_score", "unsure", "people", "zones", "lines"),
}
"""The settings that change what is found; those of windows, outputs and alarms do not."""


def settings_of(settings: MonitorSettings, name: str) -> MonitorSettings:
    """The settings of one recording: zones and lines of other sources are left out.

    Args:
        settings: of the run.
        name: of the recording; the `source` of a zone is that name, or its topmost folder's, so
            that a folder may hold the recordings of one camera.
    """
    owners = {None, name, PurePath(name).parts[0]}
    zones = tuple(_everywhere(zone) for zone in settings.zones if zone.source in owners)
    lines = tuple(_everywhere(line) for line in settings.lines if line.source in owners)
    return settings.model_copy(update={"zones": zones, "lines": lines})


def _everywhere(place: Place) -> Place:
    return place.model_copy(update={"source": None})


def counting_settings(settings: MonitorSettings) -> str:
    """The settings that change what is found, as JSON; the same settings give the same text."""
    values: dict[str, Any] = settings.model_dump(mode="json", include=_COUNTING)
    values["fps"] = settings.detect.fps
    return json.dumps(values, sort_keys=True)


def key_of(sha256: str, model: str, settings: str) -> str:
    """The key of a result.

    Args:
        sha256: of the recording's content.
        model: see `checksum_of_model`.
        settings: see `counting_settings`.
    """
    parts = json.dumps([RESULT_VERSION, sha256, model, settings])
    return hashlib.sha256(parts.encode()).hexdigest()


def resolve_model(settings: MonitorSettings) -> ModelSpec:
    """Finds the model of the settings; on a CPU it gives the same result each time.

    Raises:
        ModelError: there is no such model, or it is not what its card describes.
    """
    options = settings.model_options
    if settings.side == "auto":
        options["side"] = None
    return resolve(settings.model, **options)


def checksum_of_model(spec: ModelSpec) -> str:
    """The SHA-256 over all that a model consists of: its files, its card, its label map."""
    files = set(_all_files(spec.files.values()))
    files |= {card for file in files if (card := file.parent / CARD_NAME).is_file()}
    if spec.labels is not None:
        files.add(spec.labels)
    checksums = sorted((file.name, sha256_of(file)) for file in files)
    return hashlib.sha256(json.dumps([spec.kind, checksums]).encode()).hexdigest()


def _all_files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        yield from (p for p in path.rglob("*") if p.is_file()) if path.is_dir() else (path,)
