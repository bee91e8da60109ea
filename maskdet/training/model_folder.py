"""The folder that a training run leaves: weights and the card that describes them."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from maskdet import __version__
from maskdet.detections import CLASS_NAMES
from maskdet.model.card import InputSize, ModelCard, ModelFile, ScoreLimits, write_card
from maskdet.networks.plans import plan_to_options
from maskdet.system.atomic_files import sha256_of, write_whole
from maskdet.training.run import plan_of
from maskdet.training.settings import TrainingSettings

WEIGHTS = "model.weights.h5"
DIGITS = 4


def write_model(
    folder: Path,
    weights: Path,
    settings: TrainingSettings,
    *,
    metrics: Mapping[str, Any],
    command: str,
) -> None:
    """Writes a model folder, over an older one of the same run.

    Args:
        folder: made if missing.
        weights: a `.weights.h5` file of the network in `settings`; kept in half precision, which
            changes scores by less than a thousandth.
        settings: of the run.
        metrics: as measured on the validation images; ``threshold`` becomes the card's lowest
            score worth showing.
        command: what a person types to train it again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / WEIGHTS, halved(weights))
    card = ModelCard(
        name=settings.name,
        network=settings.network.kind,
        input=InputSize(height=settings.evaluation_size, width=settings.evaluation_size),
        classes=CLASS_NAMES,
        files={"keras": ModelFile(file=WEIGHTS, sha256=sha256_of(folder / WEIGHTS))},
        min_score=_min_score(metrics.get("threshold")),
        description=settings.description,
        options=plan_to_options(plan_of(settings.network)),
        metrics={"validation": _plain(metrics)},
        provenance=provenance(settings, command),
    )
    write_card(folder, card)


def halved(weights: Path) -> bytes:
    """A `.weights.h5` file's content with its floats in half precision; Keras reads both."""
    content = io.BytesIO()
    with h5py.File(weights, "r") as source, h5py.File(content, "w") as target:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                made = target.require_group(name)
            else:
                made = target.create_dataset(name, data=_halved(item[()]))
            made.attrs.update(item.attrs)

        target.attrs.update(source.attrs)
        source.visititems(copy)
    return content.getvalue()


def _halved(values: np.ndarray) -> np.ndarray:
    """Floats in half precision, unless one is too large: Caffe's ResNets have such variances."""
    fits = values.dtype == np.float32 and np.abs(values).max(initial=0) <= np.finfo(np.float16).max
    return values.astype(np.float16) if fits else values


def _min_score(threshold: float | None) -> ScoreLimits:
    """The best threshold by F1, within what makes sense to a viewer."""
    if threshold is None or math.isnan(threshold):
        return ScoreLimits()
    return ScoreLimits(face=round(min(max(threshold, 0.1), 0.9), 2))


def _plain(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """NaN as null, digits that mean something."""
    return {
        name: (None if math.isnan(value) else round(value, DIGITS))
        if isinstance(value, float)
        else value
        for name, value in metrics.items()
    }


def provenance(settings: TrainingSettings, command: str) -> dict[str, Any]:
    """The origin of the weights; a card travels, so paths shrink to the file's name.

    Args:
        settings: of the run.
        command: that ran it.
    """
    values = settings.model_dump(mode="json", exclude={"name", "description"})
    for key in ("imagenet", "start"):
        values[key] = Path(values[key]).name
    for part in values["train"]:
        for key in ("teacher", "finder"):
            part[key] = Path(part[key]).name
    return {
        "command": command,
        "data": _data(settings),
        "maskdet": __version__,
        "keras": f"{keras.__version__} ({keras.backend.backend()})",
        "date": time.strftime("%Y-%m-%d"),
        "settings": values,
    }


def _data(settings: TrainingSettings) -> list[str]:
    texts = []
    for part in settings.train:
        name = part.list or part.source or "all pictures of the data folder"
        text = f"{name}: {'no faces' if part.without_faces else ', '.join(part.labeled)}"
        if part.teacher:
            text = f"{text}, the other classes by {Path(part.teacher).name}"
        if part.finder:
            text = f"{text}, faces that nobody labeled by {Path(part.finder).name}"
        texts.append(f"{text}; {part.about}" if part.about else text)
    return texts
