"""A training snapshot of keras-retinanet becomes an inference model, as its own converter makes it.

The plan gets the layers that turn anchors, deltas and scores into boxes; weights are copied as they
are. The result is a file that both this project and the old package open.
"""

from __future__ import annotations

import configparser
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskdet.errors import ConfigError, ModelError, reason_of
from maskdet.runtimes.legacy.keras2_file import KerasFile, Reference

_FIELDS = ("sizes", "strides", "ratios", "scales")


@dataclass(frozen=True)
class AnchorSettings:
    """Anchors by keras-retinanet's names; the defaults are its own."""

    sizes: tuple[int, ...] = (32, 64, 128, 256, 512)
    strides: tuple[int, ...] = (8, 16, 32, 64, 128)
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    scales: tuple[float, ...] = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))


def read_anchor_settings(path: Path) -> AnchorSettings:
    """The ``[anchor_parameters]`` of keras-retinanet's own configuration file (``.ini``).

    Raises:
        ConfigError: one line: it cannot be read, or what is wrong in it.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"), str(path))
        section = parser["anchor_parameters"]
    except KeyError:
        raise ConfigError(f"{path}: has no section [anchor_parameters]") from None
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        reason = reason_of(error)
        raise ConfigError(f"{path}: cannot be read: {reason}") from None
    values: dict[str, Any] = {}
    for name in _FIELDS:
        kind = int if name in ("sizes", "strides") else float
        try:
            numbers = tuple(kind(text) for text in section[name].split())
        except (KeyError, ValueError):
            raise ConfigError(f"{path}: {name}: expected numbers, as in {name} = 1 2") from None
        if not numbers or not all(0 < number < 1e5 for number in numbers):
            raise ConfigError(f"{path}: {name}: expected positive numbers")
        values[name] = numbers
    return AnchorSettings(**values)


def to_inference(model: KerasFile, anchors: AnchorSettings | None = None) -> bytes:
    """The inference model of a training model, as the content of an ``.h5`` file.

    Args:
        model: a training model.
        anchors: those that it was trained with; None: keras-retinanet's own.

    Raises:
        ModelError: the anchors are not those of the model, or its pyramid is not understood.
    """
    import h5py

    anchors = anchors or AnchorSettings()
    levels = _pyramid(model)
    _verify(model, anchors, len(levels))
    plan = _extended(model, anchors, levels)
    content = io.BytesIO()
    with h5py.File(model.path, "r") as source, h5py.File(content, "w") as target:
        for name in ("keras_version", "backend"):
            if name in source.attrs:
                target.attrs[name] = source.attrs[name]
        target.attrs["model_config"] = json.dumps(plan).encode()
        _copy_weights(source["model_weights"], target.create_group("model_weights"), plan)
    return content.getvalue()


def _pyramid(model: KerasFile) -> list[Reference]:
    """Inputs of the heads, level by level."""
    layers = model.network.layers
    try:
        (parts,) = layers["regression"].calls
        return [layers[head].calls[call - 1][0] for head, call, _ in parts]
    except (KeyError, ValueError, IndexError):
        raise ModelError(
            f"{model.path}: its heads are not those of keras-retinanet; convert it there"
        ) from None


def _verify(model: KerasFile, anchors: AnchorSettings, levels: int) -> None:
    if not len(anchors.sizes) == len(anchors.strides) == levels:
        raise ModelError(
            f"{model.path}: has {levels} pyramid levels, but there are {len(anchors.sizes)} anchor "
            f"sizes and {len(anchors.strides)} strides; give its own with --anchors FILE.ini"
        )
    head = model.network.layers[model.network.layers["regression"].calls[0][0][0]]
    convolutions = head.inner.of_kind("Conv2D") if head.inner else []
    per_cell = len(anchors.ratios) * len(anchors.scales)
    if convolutions and convolutions[-1].config["filters"] != 4 * per_cell:
        raise ModelError(
            f"{model.path}: was trained with {convolutions[-1].config['filters'] // 4} anchors a "
            f"cell, not {per_cell}; give its own with --anchors FILE.ini"
        )


def _extended(model: KerasFile, anchors: AnchorSettings, levels: list[Reference]) -> dict[str, Any]:
    """The plan with keras-retinanet's inference layers at its end."""
    image, outputs = model.network.inputs[0], model.network.outputs
    shape = {
        name: np.array(getattr(anchors, name), np.float32).tolist() for name in ("ratios", "scales")
    }
    grids = [
        _plan(f"anchors_{i}", "Anchors", [level], size=size, stride=stride, **shape)
        for i, (level, size, stride) in enumerate(
            zip(levels, anchors.sizes, anchors.strides, strict=True)
        )
    ]
    added = [
        *grids,
        _plan("anchors", "Concatenate", [(grid["name"], 0, 0) for grid in grids], axis=1),
        _plan(
            "boxes", "RegressBoxes", [("anchors", 0, 0), outputs[0]], mean=[0] * 4, std=[0.2] * 4
        ),
        _plan("clipped_boxes", "ClipBoxes", [image, ("boxes", 0, 0)]),
        _plan(
            "filtered_detections",
            "FilterDetections",
            [("clipped_boxes", 0, 0), *outputs[1:]],
            nms=True,
            class_specific_filter=True,
            nms_threshold=0.5,
            score_threshold=0.05,
            max_detections=300,
            parallel_iterations=32,
        ),
    ]
    inner = model.config["config"]
    results = [["filtered_detections", 0, i] for i in range(len(outputs) + 1)]
    return {
        **model.config,
        "config": {
            **inner,
            "name": "retinanet-bbox",
            "layers": [*inner["layers"], *added],
            "output_layers": results,
        },
    }


def _plan(name: str, kind: str, given: list[Reference], **settings: Any) -> dict[str, Any]:
    return {
        "name": name,
        "class_name": kind,
        "config": {"name": name, "trainable": True, "dtype": "float32", **settings},
        "inbound_nodes": [[[*reference, {}] for reference in given]],
    }


def _copy_weights(source: Any, target: Any, plan: dict[str, Any]) -> None:
    """Groups of all layers, those without weights too, as Keras 2 has them."""
    names = [layer["name"] for layer in plan["config"]["layers"]]
    for name in ("keras_version", "backend"):
        if name in source.attrs:  # as bytes: Keras 2 decodes them
            target.attrs[name] = str(source.attrs[name]).encode()
    target.attrs["layer_names"] = np.array(names, "S")
    for name in names:
        group = target.require_group(name)  # "conv1/conv" is a group in a group, as DenseNet has it
        found = source[name].attrs.get("weight_names", ()) if name in source else ()
        group.attrs["weight_names"] = np.array(found) if len(found) else np.array([], "S1")
        for weight in found:
            source.copy(f"{name}/{_text(weight)}", group, name=_text(weight))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
