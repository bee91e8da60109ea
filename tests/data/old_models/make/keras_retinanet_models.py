"""Makes small keras-retinanet models with the real package and runs them there.

Run by CPython 3.7 (0.5.1) and 3.8 (1.0.0) with what README.md lists:
keras_retinanet_models.py PICTURES OUTPUT [NAME …]
"""

import json
import sys
from functools import partial
from pathlib import Path

import cv2
import keras_resnet.blocks
import keras_resnet.models
import numpy as np
from keras_retinanet import losses, models
from keras_retinanet.models import retinanet
from keras_retinanet.utils.anchors import AnchorParameters
from keras_retinanet.utils.config import parse_anchor_parameters, read_config_file
from keras_retinanet.utils.image import preprocess_image, resize_image

try:
    import keras_retinanet.utils.tf_version  # noqa: F401  (new in 1.0.0)
    from tensorflow import keras

    VERSION = "1.0.0"
except ImportError:
    import keras

    VERSION = "0.5.1"

FEATURES = 16


def narrow_resnet(inputs):
    """keras_resnet's bottleneck ResNet, one block a stage, a sixteenth of the channels."""

    def block(features, *args, **kwargs):
        return keras_resnet.blocks.bottleneck_2d(features // 16, *args, **kwargs)

    return keras_resnet.models.ResNet(
        inputs, [1, 1, 1, 1], block, include_top=False, freeze_bn=True
    ).outputs


def deep_resnet(inputs):
    """keras_resnet's ResNet101, all 33 blocks of it, a thirty-second of the channels."""

    def block(features, *args, **kwargs):
        return keras_resnet.blocks.bottleneck_2d(features // 32, *args, **kwargs)

    return keras_resnet.models.ResNet(
        inputs,
        [3, 4, 23, 3],
        block,
        include_top=False,
        freeze_bn=True,
        numerical_names=[False, True, True, False],
    ).outputs


def narrow_mobilenet(inputs):
    """MobileNet v1, a quarter of the channels, as keras-retinanet cuts it."""
    full = keras.applications.mobilenet.MobileNet(
        input_tensor=inputs, alpha=0.25, include_top=False, pooling=None, weights=None
    )
    names = ["conv_pw_5_relu", "conv_pw_11_relu", "conv_pw_13_relu"]
    return [None] + [full.get_layer(name).output for name in names]


def small_densenet(inputs):
    """DenseNet with one layer a block, cut as keras-retinanet does; its names have slashes."""
    blocks = [1, 1, 1, 1]
    from tensorflow.python.keras.applications.densenet import DenseNet

    full = DenseNet(blocks, input_tensor=inputs, include_top=False, pooling=None, weights=None)
    names = ["conv{}_block{}_concat".format(i + 2, n) for i, n in enumerate(blocks)]
    return [full.get_layer(name).output for name in names]


def training_model(backbone, anchors):
    inputs = keras.layers.Input((None, None, 3))
    stages = backbone(inputs)
    per_cell = anchors.num_anchors()
    submodels = [
        ("regression", retinanet.default_regression_model(4, per_cell, FEATURES, FEATURES)),
        (
            "classification",
            retinanet.default_classification_model(
                3, per_cell, FEATURES, classification_feature_size=FEATURES
            ),
        ),
    ]
    pyramid = partial(getattr(retinanet, "__create_pyramid_features"), feature_size=FEATURES)
    if VERSION == "1.0.0":
        stages = {"C{}".format(i + 2): x for i, x in enumerate(stages) if x is not None}
    else:
        stages = stages[1:]
    return retinanet.retinanet(
        inputs, stages, 3, submodels=submodels, create_pyramid_features=pyramid
    )


def all_layers(model):
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from all_layers(layer)


def set_weights(model, picture, candidates=250):
    """Random weights that let the picture through; some hundred anchors above .05."""
    random = np.random.RandomState(3)
    for layer in all_layers(model):
        if hasattr(layer, "layers") or not layer.get_weights():
            continue
        values = []
        for variable, old in zip(layer.weights, layer.get_weights()):
            name, shape = variable.name.split("/")[-1], old.shape
            if "depthwise_kernel" in name:
                values.append(weights(random, 2.0 / np.prod(shape[:2]), shape))
            elif "kernel" in name:
                gain = 0.5 if layer.name == "pyramid_regression" else 2.0
                values.append(weights(random, gain / np.prod(shape[:-1]), shape))
            elif "gamma" in name or "variance" in name:
                values.append(random.uniform(0.8, 1.2, shape))
            else:
                values.append(random.normal(0, 0.1, shape))
        layer.set_weights(values)
    deltas = np.asarray(model.predict_on_batch(picture[None])[0])
    scale_head(model, "regression", 0.7 / deltas.std())
    for _ in range(12):
        spread = (quantile(model, picture, 1 - 1e-3) - quantile(model, picture, 0.5)).mean()
        scale_head(model, "classification", 4 / max(spread, 0.1))
    top = quantile(model, picture, 1 - candidates / count(model, picture))
    scale_head(model, "classification", 1, np.log(0.05 / 0.95) - top)


def weights(random, variance, shape):
    """Few different values, so that the file packs well."""
    return np.round(random.normal(0, 1, shape) * 4) / 4 * np.sqrt(variance)


def scale_head(model, name, factor, shift=0):
    head = model.get_layer(name + "_submodel").get_layer("pyramid_" + name)
    kernel, bias = head.get_weights()
    shift = np.tile(shift, len(bias) // np.size(shift))
    head.set_weights([kernel * factor, bias * factor + shift])


def quantile(model, picture, share):
    """Of the logits, for each class."""
    scores = np.asarray(model.predict_on_batch(picture[None])[1])[0].astype(np.float64)
    scores = scores.clip(1e-9, 1 - 1e-9)
    return np.quantile(np.log(scores / (1 - scores)), share, axis=0)


def count(model, picture):
    return model.predict_on_batch(picture[None])[1].shape[1]


def prepared(picture, mode):
    return resize_image(preprocess_image(picture.astype(np.float32), mode=mode))


def main(pictures_folder, output, only):
    output.mkdir(parents=True, exist_ok=True)
    pictures = [cv2.imread(str(path)) for path in sorted(pictures_folder.glob("*.png"))]
    own = parse_anchor_parameters(read_config_file(str(Path(__file__).parent / "anchors.ini")))
    tasks = [
        ("resnet", narrow_resnet, "caffe", AnchorParameters.default, {}),
        ("mobilenet", narrow_mobilenet, "tf", own, {}),
        ("any_class", narrow_mobilenet, "tf", own, {"class_specific_filter": False}),
        ("resnet101", deep_resnet, "caffe", AnchorParameters.default, {}),
        ("densenet", small_densenet, "tf", AnchorParameters.default, {}),
    ]
    tasks = [task for task in tasks if not only or task[0] in only]
    for name, backbone, mode, anchors, options in tasks:
        keras.backend.clear_session()
        model = training_model(backbone, anchors)
        set_weights(model, prepared(pictures[0], mode)[0])
        model.compile(
            loss={"regression": losses.smooth_l1(), "classification": losses.focal()},
            optimizer=keras.optimizers.Adam(lr=1e-5, clipnorm=0.001),
        )
        stem = str(output / "{}_{}".format(name, VERSION))
        if not options:
            model.save(stem + "_training.h5")
        inference = models.convert_model(model, anchor_params=anchors, **options)
        inference.save(stem + ".h5")
        answers = {}
        for number, picture in enumerate(pictures):
            image, scale = prepared(picture, mode)
            boxes, scores, labels = inference.predict_on_batch(image[None])
            boxes, scores, labels = (np.asarray(x)[0] for x in (boxes, scores, labels))
            print(name, number, (labels >= 0).sum(), scores[:6], np.bincount(labels[labels >= 0]))
            answers.update(
                {
                    "{}/boxes".format(number): boxes / scale,
                    "{}/scores".format(number): scores,
                    "{}/labels".format(number): labels,
                }
            )
        np.savez_compressed(stem + ".npz", **answers)
    print(json.dumps({"version": VERSION, "keras": keras.__version__}))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
