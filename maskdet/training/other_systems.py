"""Training settings of other systems, which are named for what they are, with the way out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from maskdet.config import load_settings, read_yaml
from maskdet.errors import ConfigError
from maskdet.system.resources import settings_file
from maskdet.system.text_files import decode_start
from maskdet.training.settings import TrainingSettings

_HEAD = 64 * 1024
_PIPELINE = re.compile(r"^\s*(model|train_config|train_input_reader|eval_config)\s*:?\s*\{", re.M)
_ARCHITECTURE = re.compile(r"\b(faster_rcnn|ssd|center_net)\s*:?\s*\{")
_SECTION = re.compile(r"^\s*\[(\w+)\]", re.M)
_RETINANET = {"anchor_parameters", "pyramid_levels"}
_MORE = "docs/old_route.md has the settings side by side"


def load_training_settings(config: Path | None, overrides: Sequence[str] = ()) -> TrainingSettings:
    """The settings of a run; see `load_settings`.

    Raises:
        ConfigError: a line for every mistake; one for a file of another system.
    """
    try:
        return load_settings(TrainingSettings, config, overrides)
    except ConfigError:
        found = "" if config is None else describe(settings_file(config))
        if not found:
            raise
        raise ConfigError(f"{config}: {found}") from None


def describe(file: Path) -> str:
    """The kind of a file of another system, and what to do; empty: it is none that is known."""
    try:
        with open(file, "rb") as opened:
            text = decode_start(opened.read(_HEAD))
    except OSError:
        return ""
    text = re.sub(r"^\s*[#;].*$", "", text, flags=re.M)
    if _PIPELINE.search(text):
        return _describe_pipeline(text)
    sections = set(_SECTION.findall(text))
    if sections & _RETINANET:
        return (
            "is keras-retinanet's; take configs/retinanet_light.yaml or retinanet_resnet50.yaml, "
            f"and write its anchors into network.anchors; {_MORE}"
        )
    if sections & {"net", "convolutional", "yolo"}:
        return "is a network's plan of Darknet; take configs/retinanet_light.yaml in its place"
    try:
        keys = read_yaml(file).keys()
    except ConfigError:
        return ""
    if "names" in keys and {"train", "val", "path"} & keys:
        return "is a data set of YOLO, and no settings; name it by --data"
    if {"task", "mode"} <= keys or {"lr0", "momentum"} <= keys:
        return "is of ultralytics; take configs/retinanet_light.yaml in its place"
    return ""


def _describe_pipeline(text: str) -> str:
    found = _ARCHITECTURE.search(text)
    kind = "faster_rcnn" if found and found[1] == "faster_rcnn" else "retinanet"
    architecture = f" ({found[1]})" if found else ""
    return (
        f"is a pipeline.config of TensorFlow's Object Detection API{architecture}; take "
        f"configs/{kind}_light.yaml or {kind}_resnet50.yaml; {_MORE}"
    )
