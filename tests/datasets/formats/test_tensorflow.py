"""Our TFRecords in TensorFlow, and TensorFlow's in ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskdet.datasets.format_detection import read
from maskdet.datasets.writing import write
from tests.datasets.formats.sets import Face, content, draw, make

FACES: dict[str, list[Face]] = {
    "a.png": [("mask", (1, 2, 30, 40)), ("größe", (0.5, 0.25, 59.75, 39.5))],
    "b.jpg": [],
}


@pytest.fixture(scope="module")
def tf() -> Any:
    return pytest.importorskip("tensorflow")


def test_tensorflow_reads_what_we_write(tf: Any, tmp_path: Path) -> None:
    """With the keys and types of the Object Detection API's own decoder."""
    data = make(tmp_path, FACES, ("mask", "größe"))
    write(data, tmp_path / "x.record", "tfrecord")
    one = {key: tf.io.FixedLenFeature((), kind) for key, kind in {
        "image/height": tf.int64, "image/width": tf.int64, "image/filename": tf.string,
        "image/source_id": tf.string, "image/encoded": tf.string, "image/format": tf.string,
    }.items()}  # fmt: skip
    many = {f"image/object/bbox/{edge}": tf.io.VarLenFeature(tf.float32)
            for edge in ("xmin", "ymin", "xmax", "ymax")}  # fmt: skip
    classes = {
        "image/object/class/text": tf.io.VarLenFeature(tf.string),
        "image/object/class/label": tf.io.VarLenFeature(tf.int64),
    }
    parsed = [
        tf.io.parse_single_example(raw, {**one, **many, **classes})
        for raw in tf.data.TFRecordDataset(str(tmp_path / "x.record"))
    ]
    assert [record["image/filename"].numpy() for record in parsed] == [b"a.png", b"b.jpg"]
    assert [record["image/format"].numpy() for record in parsed] == [b"png", b"jpeg"]
    image = tf.io.decode_image(parsed[0]["image/encoded"]).numpy()[..., ::-1]
    np.testing.assert_array_equal(image, data.samples[0].read())
    first, second = ({key: record[key].values.numpy().tolist() for key in {**many, **classes}}
                     for record in parsed)  # fmt: skip
    assert first["image/object/class/text"] == [b"mask", "größe".encode()]
    assert first["image/object/class/label"] == [1, 2]
    assert first["image/object/bbox/xmax"] == pytest.approx([30 / 60, 59.75 / 60])
    assert first["image/object/bbox/ymin"] == pytest.approx([2 / 40, 0.25 / 40])
    assert not any(second.values())


def test_we_read_what_tensorflow_writes(tf: Any, tmp_path: Path) -> None:
    def feature(**kinds: Any) -> Any:
        (kind, values), *_ = kinds.items()
        lists = {
            "bytes": tf.train.BytesList,
            "float": tf.train.FloatList,
            "int64": tf.train.Int64List,
        }
        return tf.train.Feature(**{f"{kind}_list": lists[kind](value=values)})

    with tf.io.TFRecordWriter(str(tmp_path / "x.record")) as writer:
        for name, size in (("a.png", (60, 40)), ("b.jpg", (33, 57))):
            draw(tmp_path / name, *size)
            faces = FACES[name]
            boxes = np.array([box for _, box in faces]).reshape(-1, 4) / (*size, *size)
            features = {
                "image/height": feature(int64=[size[1]]),
                "image/width": feature(int64=[size[0]]),
                "image/filename": feature(bytes=[name.encode()]),
                "image/source_id": feature(bytes=[name.encode()]),
                "image/encoded": feature(bytes=[(tmp_path / name).read_bytes()]),
                "image/format": feature(bytes=[b"jpeg"]),
                "image/object/class/text": feature(bytes=[n.encode() for n, _ in faces]),
                "image/object/class/label": feature(int64=list(range(1, len(faces) + 1))),
            }
            for index, edge in enumerate(("xmin", "ymin", "xmax", "ymax")):
                features[f"image/object/bbox/{edge}"] = feature(float=boxes[:, index])
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    data, kind = read(tmp_path / "x.record", tmp_path)
    assert kind == "tfrecord"
    assert data.names == ("mask", "größe")
    assert content(data) == {Path(name).stem: faces for name, faces in FACES.items()}
    assert [sample.read().shape[:2] for sample in data.samples] == [(40, 60), (57, 33)]
