"""Export as TensorFlow's Object Detection API does it, with all from image to faces inside.

What was built on such graphs goes on working: `saved_model/` has TF2's signature
(``serving_default``, ``input_tensor`` uint8 (1, height, width, 3)), `frozen_inference_graph.pb`
TF1's names (``image_tensor:0``, ``detection_boxes:0`` …), and `label_map.pbtxt` the classes. Both
hold the weights as constants, so a checksum of the one file is a checksum of all of it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from maskdet.datasets.class_list import label_map
from maskdet.export.detection_graph import detection_function
from maskdet.model.card import ModelCard
from maskdet.networks.plans import Network
from maskdet.runtimes.file_formats import Kind
from maskdet.runtimes.tensorflow_import import quiet_logging
from maskdet.system.atomic_files import write_whole

GRAPH, FOLDER, LABELS = "frozen_inference_graph.pb", "saved_model", "label_map.pbtxt"


class Served(tf.Module):
    """A frozen function to be called, and served, as the Object Detection API's models are."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self._function = function

    @tf.function(
        input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8, "input_tensor")],
        autograph=False,
    )
    def __call__(self, input_tensor: Any) -> Any:
        """Faces of one image, RGB: the API's four outputs by name."""
        return self._function(input_tensor)


def write(network: Network, card: ModelCard, folder: Path) -> dict[str, Path]:
    """Writes the frozen graph, the SavedModel and the label map into a model's folder.

    Scores are calibrated as in the card of now; such files have no unsure faces.
    """
    side = max(card.input.height, card.input.width)
    detect = detection_function(network, side, card.rule.calibration)
    images = tf.TensorSpec((None, None, None, 3), tf.uint8, "image_tensor")
    with quiet_logging():
        concrete = tf.function(detect, [images], autograph=False).get_concrete_function()
        graph = convert_variables_to_constants_v2(concrete).graph.as_graph_def()
        frozen = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
        names = {name: f"{name}:0" for name in concrete.structured_outputs}
        _write_saved_model(Served(frozen.prune("image_tensor:0", names)), folder / FOLDER)
    write_whole(folder / GRAPH, graph.SerializeToString(deterministic=True))
    write_whole(folder / LABELS, label_map(card.classes))
    return {
        Kind.FROZEN_GRAPH.value: folder / GRAPH,
        Kind.SAVED_MODEL.value: folder / FOLDER / "saved_model.pb",
    }


def _write_saved_model(module: Served, folder: Path) -> None:
    """Writes a folder beside, then puts it in the place of an older one."""
    prefix = f".{folder.name}."
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder.parent) as temporary:
        new = Path(temporary) / "new"
        signature = module.__call__.get_concrete_function()
        tf.saved_model.save(module, str(new), signatures={"serving_default": signature})
        if folder.exists():
            shutil.move(folder, Path(temporary) / "old")
        os.rename(new, folder)
