"""Exports small Object Detection API models with TensorFlow 1.15 and runs them there.

Run by CPython 3.7 with what README.md lists: object_detection_tf1.py PICTURES OUTPUT
"""

import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from object_detection import exporter
from object_detection.protos import pipeline_pb2

SSD = """
model { ssd {
  num_classes: 3
  box_coder { faster_rcnn_box_coder { y_scale: 10 x_scale: 10 height_scale: 5 width_scale: 5 } }
  matcher { argmax_matcher { matched_threshold: 0.5 unmatched_threshold: 0.5 } }
  similarity_calculator { iou_similarity {} }
  anchor_generator { ssd_anchor_generator {
    num_layers: 6 min_scale: 0.15 max_scale: 0.9 aspect_ratios: 1 aspect_ratios: 2
    aspect_ratios: 0.5 } }
  image_resizer { fixed_shape_resizer { height: 128 width: 128 } }
  box_predictor { convolutional_box_predictor {
    min_depth: 0 max_depth: 0 num_layers_before_predictor: 0 kernel_size: 1
    box_code_size: 4 conv_hyperparams { %(hyper)s } } }
  feature_extractor {
    type: '%(type)s' min_depth: 8 depth_multiplier: 0.1 %(extra)s
    conv_hyperparams { %(hyper)s batch_norm { scale: true epsilon: 0.001 } } }
  loss { classification_loss { weighted_sigmoid {} } localization_loss { weighted_smooth_l1 {} } }
  post_processing {
    batch_non_max_suppression {
      score_threshold: 0.1 iou_threshold: 0.5 max_detections_per_class: 20
      max_total_detections: 30 }
    score_converter: SIGMOID }
} }
eval_input_reader {}
"""

FASTER = """
model { faster_rcnn {
  num_classes: 2
  image_resizer { keep_aspect_ratio_resizer { min_dimension: 128 max_dimension: 224 } }
  feature_extractor { type: '%(type)s' first_stage_features_stride: 16 }
  first_stage_anchor_generator { grid_anchor_generator {
    scales: [0.25, 0.5, 1.0] aspect_ratios: [0.5, 1.0, 2.0] height_stride: 16 width_stride: 16
    height: 96 width: 96 } }
  first_stage_box_predictor_conv_hyperparams { op: CONV %(hyper)s }
  first_stage_box_predictor_depth: 16
  first_stage_nms_score_threshold: 0.0
  first_stage_nms_iou_threshold: 0.7
  first_stage_max_proposals: 30
  initial_crop_size: 8
  maxpool_kernel_size: 2 maxpool_stride: 2
  second_stage_box_predictor { mask_rcnn_box_predictor { fc_hyperparams { op: FC %(hyper)s } } }
  second_stage_post_processing {
    batch_non_max_suppression {
      score_threshold: 0.05 iou_threshold: 0.6 max_detections_per_class: 20
      max_total_detections: 30 }
    score_converter: SOFTMAX }
} }
eval_input_reader {}
"""

HYPER = (
    "regularizer { l2_regularizer { weight: 0.0001 } } "
    "initializer { truncated_normal_initializer { stddev: 0.03 mean: 0.0 } }"
)


class Narrow:
    """MobileNet v1 with an eighth of its channels: the whole upstream code, fewer weights."""

    def __enter__(self) -> None:
        from nets import mobilenet_v1
        from object_detection.builders import model_builder
        from object_detection.models import faster_rcnn_mobilenet_v1_feature_extractor as faster

        # Upstream has this extractor, but its builder of 0.1 does not list it.
        model_builder.FASTER_RCNN_FEATURE_EXTRACTOR_CLASS_MAP["faster_rcnn_mobilenet_v1"] = (
            faster.FasterRCNNMobilenetV1FeatureExtractor
        )

        self.module, self.full = mobilenet_v1, mobilenet_v1.mobilenet_v1_base

        def narrow(*args, **kwargs):
            kwargs.update(depth_multiplier=0.125, min_depth=8)
            return self.full(*args, **kwargs)

        mobilenet_v1.mobilenet_v1_base = narrow

    def __exit__(self, *_) -> None:
        self.module.mobilenet_v1_base = self.full


def pipeline(text, **values):
    values["hyper"] = HYPER
    values.setdefault("extra", "")
    return text_format.Merge(text % values, pipeline_pb2.TrainEvalPipelineConfig())


def coarse(values):
    """Few different values, so that the file packs well."""
    return np.round(values * 4) / 4


def checkpoint(config, folder: Path) -> str:
    """Weights that let the picture through to every output, as a trained network's would."""
    from object_detection.builders import model_builder

    with tf.Graph().as_default():
        model = model_builder.build(config.model, is_training=False)
        inputs = tf.placeholder(tf.float32, [1, 120, 160, 3])
        images, shapes = model.preprocess(inputs)
        model.postprocess(model.predict(images, shapes), shapes)
        tf.train.get_or_create_global_step()
        random = np.random.RandomState(2)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for variable in tf.trainable_variables():
                shape, name = variable.shape.as_list(), variable.op.name
                if len(shape) >= 2:
                    inputs = np.prod(shape[:2]) if "depthwise" in name else np.prod(shape[:-1])
                    gain = 1.0 if ("BoxEncoding" in name) else 2.0
                    value = coarse(random.normal(0, 1, shape)) * np.sqrt(gain / inputs)
                elif name.endswith("gamma"):
                    value = random.uniform(0.8, 1.3, shape)
                else:
                    value = random.normal(0, 0.3, shape)
                variable.load(value.astype(np.float32), session)
            return tf.train.Saver().save(session, str(folder / "model.ckpt"))


def expected(graph_file: Path, pictures, feed):
    graph = tf.Graph()
    with graph.as_default():
        definition = tf.GraphDef()
        definition.ParseFromString(graph_file.read_bytes())
        tf.import_graph_def(definition, name="")
    names = ["detection_boxes", "detection_scores", "detection_classes", "num_detections"]
    with tf.Session(graph=graph) as session:
        answers = {}
        for number, picture in enumerate(pictures):
            values = session.run([name + ":0" for name in names], feed(picture))
            answers.update({f"{number}/{n}": value for n, value in zip(names, values)})
        return answers


def image_tensor(picture):
    return {"image_tensor:0": picture[None, :, :, ::-1]}


def encoded(picture):
    return {"encoded_image_string_tensor:0": [cv2.imencode(".png", picture)[1].tobytes()]}


def tf_example(picture):
    value = tf.train.BytesList(value=[cv2.imencode(".png", picture)[1].tobytes()])
    features = {"image/encoded": tf.train.Feature(bytes_list=value)}
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return {"tf_example:0": [example.SerializeToString()]}


def main(pictures_folder: Path, output: Path) -> None:
    pictures = [cv2.imread(str(path)) for path in sorted(pictures_folder.glob("*.png"))]
    ssd = pipeline(SSD, type="ssd_mobilenet_v1")
    faster = pipeline(FASTER, type="faster_rcnn_mobilenet_v1")
    tasks = [
        ("ssd_mobilenet_v1", ssd, "image_tensor", image_tensor),
        ("ssd_encoded", ssd, "encoded_image_string_tensor", encoded),
        ("ssd_tf_example", ssd, "tf_example", tf_example),
        ("faster_rcnn_mobilenet_v1", faster, "image_tensor", image_tensor),
    ]
    for name, config, kind, feed in tasks:
        folder, work = output / name, output / "work"
        shutil.rmtree(str(folder), ignore_errors=True)
        shutil.rmtree(str(work), ignore_errors=True)
        work.mkdir(parents=True)
        tf.reset_default_graph()
        with Narrow():
            weights = checkpoint(config, work)
            exporter.export_inference_graph(kind, config, weights, str(folder))
        shutil.rmtree(str(work))
        answers = expected(folder / "frozen_inference_graph.pb", pictures, feed)
        np.savez_compressed(str(folder) + ".npz", **answers)
        for key, value in answers.items():
            if key.endswith(("num_detections", "scores")):
                print(name, key, value.ravel()[:8])


main(Path(sys.argv[1]), Path(sys.argv[2]))
