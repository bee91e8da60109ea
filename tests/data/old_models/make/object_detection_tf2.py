"""Exports a small Object Detection API model with TensorFlow 2.3 and runs it there.

Run by CPython 3.8 with what README.md lists: object_detection_tf2.py PICTURES OUTPUT
"""

import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from object_detection import exporter_lib_v2
from object_detection.builders import model_builder
from object_detection.protos import pipeline_pb2

HYPER = (
    "regularizer { l2_regularizer { weight: 0.0001 } } "
    "initializer { truncated_normal_initializer { stddev: 0.03 mean: 0.0 } } "
)
SSD = """
model { ssd {
  num_classes: 3
  box_coder { faster_rcnn_box_coder { y_scale: 10 x_scale: 10 height_scale: 5 width_scale: 5 } }
  matcher { argmax_matcher { matched_threshold: 0.5 unmatched_threshold: 0.5 } }
  similarity_calculator { iou_similarity {} }
  anchor_generator { ssd_anchor_generator {
    num_layers: 6 min_scale: 0.15 max_scale: 0.9 aspect_ratios: 1 aspect_ratios: 2
    aspect_ratios: 0.5 } }
  image_resizer { keep_aspect_ratio_resizer {
    min_dimension: 128 max_dimension: 128 pad_to_max_dimension: true } }
  box_predictor { convolutional_box_predictor {
    min_depth: 0 max_depth: 0 num_layers_before_predictor: 0 kernel_size: 1
    box_code_size: 4 conv_hyperparams { %(hyper)s } } }
  feature_extractor {
    type: 'ssd_mobilenet_v2_keras' min_depth: 8 depth_multiplier: 0.1
    override_base_feature_extractor_hyperparams: true
    conv_hyperparams {
      %(hyper)s activation: RELU_6 batch_norm { scale: true epsilon: 0.001 decay: 0.97 } } }
  loss { classification_loss { weighted_sigmoid {} } localization_loss { weighted_smooth_l1 {} } }
  post_processing {
    batch_non_max_suppression {
      score_threshold: 0.1 iou_threshold: 0.5 max_detections_per_class: 20
      max_total_detections: 30 }
    score_converter: SIGMOID }
} }
""" % {"hyper": HYPER}


def checkpoint(config, folder: Path) -> None:
    model = model_builder.build(config.model, is_training=False)
    images, shapes = model.preprocess(tf.zeros([1, 120, 160, 3]))
    model.postprocess(model.predict(images, shapes), shapes)
    random = np.random.RandomState(2)
    for variable in model.variables:
        shape, name = variable.shape.as_list(), variable.name
        if len(shape) >= 2:
            inputs = np.prod(shape[:2]) if "depthwise" in name else np.prod(shape[:-1])
            value = np.round(random.normal(0, 1, shape) * 4) / 4 * np.sqrt(2.0 / inputs)
        elif "gamma" in name or "variance" in name:
            value = random.uniform(0.8, 1.3, shape)
        else:
            value = random.normal(0, 0.1, shape)
        if variable.dtype.is_floating:
            variable.assign(value)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(model=model), str(folder), 1)
    manager.save()


def main(pictures_folder: Path, output: Path) -> None:
    pictures = [cv2.imread(str(path)) for path in sorted(pictures_folder.glob("*.png"))]
    name = "ssd_mobilenet_v2_tf2"
    work, folder = output / "work2", output / name
    for old in (work, folder):
        shutil.rmtree(str(old), ignore_errors=True)
    config = text_format.Parse(SSD, pipeline_pb2.TrainEvalPipelineConfig())
    checkpoint(config, work)
    exporter_lib_v2.export_inference_graph("image_tensor", config, str(work), str(folder))
    loaded = tf.saved_model.load(str(folder / "saved_model"))  # holds the variables
    function = loaded.signatures["serving_default"]
    answers = {}
    for number, picture in enumerate(pictures):
        values = function(tf.constant(picture[None, :, :, ::-1]))
        print(number, values["num_detections"].numpy(), values["detection_scores"].numpy()[0, :6])
        for key in ("boxes", "scores", "classes"):
            answers["%d/detection_%s" % (number, key)] = values["detection_" + key].numpy()
        answers["%d/num_detections" % number] = values["num_detections"].numpy()
    np.savez_compressed(str(folder) + ".npz", **answers)
    shutil.rmtree(str(work))


main(Path(sys.argv[1]), Path(sys.argv[2]))
