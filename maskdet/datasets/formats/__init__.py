"""Formats that annotated images come in: a reader and a writer each, in one plain dict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskdet.datasets.formats import coco, od_csv, retinanet_csv
from maskdet.datasets.formats.tfrecord import tfrecord
from maskdet.datasets.formats.voc import voc
from maskdet.datasets.formats.yolo import yolo
from maskdet.datasets.problems import Problems
from maskdet.datasets.reader_input import Source
from maskdet.datasets.samples import DataSet

Read = Callable[[Source, Problems], DataSet]
Write = Callable[[DataSet, Sequence[str], Path], list[str]]


@dataclass(frozen=True)
class Format:
    """Reader and writer of one format.

    Attributes:
        title: for a person.
        read: from labels to a data set; what is wrong goes to the problems.
        write: from a data set, and its images' names relative to the folder of the labels, to a
            new file (or folder) of labels; returns what somebody should know about it.
        labels: the usual name of that file or folder, beside `images/`.
        one_file: the labels are a file, and not a folder with one for each image.
        has_images: the images are within it.
    """

    title: str
    read: Read
    write: Write
    labels: str
    one_file: bool = True
    has_images: bool = False


FORMATS: dict[str, Format] = {
    "voc": Format("Pascal VOC xml (LabelImg)", voc.read, voc.write, "annotations", one_file=False),
    "csv": Format("Object Detection API's CSV", od_csv.read, od_csv.write, "annotations.csv"),
    "retinanet": Format(
        "keras-retinanet's CSV", retinanet_csv.read, retinanet_csv.write, "annotations.csv"
    ),
    "tfrecord": Format(
        "TFRecord", tfrecord.read, tfrecord.write, "annotations.record", has_images=True
    ),
    "coco": Format("COCO json", coco.read, coco.write, "annotations.json"),
    "yolo": Format("YOLO txt", yolo.read, yolo.write, "labels", one_file=False),
}
