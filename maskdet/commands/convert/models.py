"""``python -m maskdet convert`` for models: training → inference, and a card for either."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from maskdet import __version__
from maskdet.detections import MaskState
from maskdet.errors import ConfigError, MaskdetError, ModelError, reason_of
from maskdet.model.card import InputSize, ModelCard, ModelFile, ScoreLimits, write_card
from maskdet.model.class_names import word_of
from maskdet.runtimes import load_detector
from maskdet.runtimes.file_formats import DetectedModel, Kind, detect_model, network_of
from maskdet.runtimes.legacy.labels import check_model, states_of_labels
from maskdet.runtimes.spec import MIN_SCORE
from maskdet.system.atomic_files import sha256_of, write_whole
from maskdet.system.console import say

_NAMES = {
    Kind.FROZEN_GRAPH: "frozen_inference_graph.pb",
    Kind.KERAS_RETINANET: "inference.h5",
    Kind.ONNX: "model.onnx",
    Kind.LITERT: "model.tflite",
}
_MAX_CLASSES = 10_000


def run(
    source: Path,
    target: Path,
    *,
    card: bool = False,
    anchors: Path | None = None,
    labels: Path | None = None,
    classes: Mapping[str, str] | None = None,
) -> int:
    """Converts; `target` is there, whole, or not at all. Returns the exit status.

    Args:
        source: a model's file or folder.
        target: a new ``.h5`` file; with `card` a new folder.
        card: makes a model folder, like those under ``models/``.
        anchors: keras-retinanet's ``.ini`` that a training model was trained with.
        labels: the model's label map, for its card; None: the one beside it.
        classes: states by class name, where they cannot be guessed.

    Raises:
        ModelError: the model cannot be opened or converted.
        ConfigError: `target` cannot be written, or an option is out of place.
    """
    model = detect_model(source)
    if target.exists():
        raise ConfigError(f"{target}: is there already; name a new {'folder' if card else 'file'}")
    try:
        if card:
            _write_folder(model, target, anchors, labels, classes)
        else:
            _write_inference(model, target, anchors)
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {reason_of(error)}") from None
    say(f"wrote {target}")
    return 0


def _write_inference(model: DetectedModel, target: Path, anchors: Path | None) -> None:
    if model.kind != Kind.KERAS_RETINANET:
        check_model(model)
        raise ConfigError(f"{model.path}: runs as it is; --card makes a model folder of it")
    if target.suffix != ".h5":
        raise ConfigError(f"{target}: an inference model's name ends in .h5")
    content = _inference(model, anchors)
    if content is None:
        raise ConfigError(
            f"{model.path}: is an inference model already; --card makes a model folder of it"
        )
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as temporary:
        made = Path(temporary) / target.name
        write_whole(made, content)
        _try_out_inference(model, made)
        os.replace(made, target)


def _try_out_inference(model: DetectedModel, made: Path) -> None:
    """Opens what was made and runs it once; states do not matter for that."""
    from maskdet.runtimes.legacy.keras_retinanet import KerasRetinaNetDetector

    states = dict.fromkeys(range(_MAX_CLASSES), MaskState.with_mask)
    try:
        detector = KerasRetinaNetDetector(made, states, name=model.name, device="cpu")
        detector.warm_up()
        detector.close()
    except MaskdetError as error:
        reason = str(error).replace(str(made), "").lstrip("/: ")
        raise ModelError(f"{model.path}: what was made of it does not run: {reason}") from None


def _inference(model: DetectedModel, anchors: Path | None) -> bytes | None:
    """The inference model of a training model; None of one that is none."""
    from maskdet.runtimes.legacy.keras2_file import is_training_model, read_keras_file
    from maskdet.runtimes.legacy.keras_retinanet_conversion import (
        read_anchor_settings,
        to_inference,
    )

    file = read_keras_file(model.path)
    if is_training_model(file.network):
        return to_inference(file, read_anchor_settings(anchors) if anchors else None)
    if anchors:
        raise ConfigError(
            f"--anchors: {model.path} is not a training model; it has its own anchors"
        )
    return None


def _write_folder(
    model: DetectedModel,
    target: Path,
    anchors: Path | None,
    labels: Path | None,
    classes: Mapping[str, str] | None,
) -> None:
    """A folder beside the target, tried out, then renamed."""
    states, names = states_of_labels(model, labels, classes, snapshots=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as temporary:
        folder = Path(temporary) / target.name
        folder.mkdir()
        files = _copy(model, folder, anchors)
        keras = model.kind == Kind.KERAS_RETINANET
        numbers = sorted(states)
        write_card(
            folder,
            ModelCard(
                name=target.name,
                network=network_of(model.kind),
                input=InputSize(height=800, width=1333)
                if keras
                else InputSize(height=480, width=640),
                classes=tuple(names[number] for number in numbers),
                files=files,
                min_score=ScoreLimits(face=MIN_SCORE),
                description="Short and long side that pictures are resized to are the input's."
                if keras
                else "The file states the size that images are resized to.",
                options={"states": {str(number): word_of(states[number]) for number in numbers}},
                provenance={"source": model.path.name, "converted_by": f"maskdet {__version__}"},
            ),
        )
        _try_out(model, folder)
        os.rename(folder, target)


def _copy(model: DetectedModel, folder: Path, anchors: Path | None) -> dict[str, ModelFile]:
    """A model's files in their new folder, by what a card calls them."""
    if model.kind == Kind.SAVED_MODEL:
        wanted = [path for path in sorted(model.path.rglob("*")) if path.is_file()]
        names = {Kind.SAVED_MODEL.value: "saved_model.pb"}
        for path in wanted:
            relative = path.relative_to(model.path)
            if relative.parts[0] in ("variables", "assets"):
                names[relative.as_posix().replace("/", "_")] = relative.as_posix()
        for name in names.values():
            (folder / name).parent.mkdir(exist_ok=True, parents=True)
            shutil.copyfile(model.path / name, folder / name)
    else:
        names = {model.kind.value: _NAMES[model.kind]}
        content = _inference(model, anchors) if model.kind == Kind.KERAS_RETINANET else None
        if content is None:
            shutil.copyfile(model.path, folder / _NAMES[model.kind])
        else:
            write_whole(folder / _NAMES[model.kind], content)
    return {
        key: ModelFile(file=name, sha256=sha256_of(folder / name)) for key, name in names.items()
    }


def _try_out(model: DetectedModel, folder: Path) -> None:
    """Runs the new folder once, so that a card never stands beside a broken model."""
    try:
        detector = load_detector(str(folder), device="cpu")
        detector.warm_up()
        detector.close()
    except MaskdetError as error:
        reason = str(error).replace(str(folder), "").lstrip("/: ")
        raise ModelError(f"{model.path}: does not run: {reason}") from None
