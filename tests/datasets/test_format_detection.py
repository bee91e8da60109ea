"""Formats detected by their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdet.datasets.format_detection import locate
from maskdet.errors import DatasetError

HEAD = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


def put(folder: Path, *files: str) -> None:
    for file in files:
        name, _, text = file.partition("|")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("files", "kind", "labels"),
    [
        (["images/a.png", "annotations/a.xml"], "voc", "."),
        (["JPEGImages/a.jpg", "Annotations/a.xml"], "voc", "."),
        (["a.png", "a.xml"], "voc", "."),
        # what one converted beside the xml does not change what the folder is
        (["images/a.png", "annotations/a.xml", "x.csv|a,1,2,3,4,m", "x.record"], "voc", "."),
        (["images/a.png", f"x.csv|{HEAD}"], "csv", "x.csv"),
        ([f'x.csv|"filename","width",{HEAD[15:]}'], "csv", "x.csv"),
        ([f"x.csv|\ufeff{HEAD}", "classes.csv|mask,0"], "csv", "x.csv"),
        (["x.csv|a,1,2,3,4,m", "classes.csv|mask,0"], "retinanet", "x.csv"),
        (["annotations/x.json"], "coco", "annotations/x.json"),
        (["x.record", "label_map.pbtxt"], "tfrecord", "."),
        (["x.tfrecord-00000-of-00003"], "tfrecord", "."),
        (["images/a.png", "labels/a.txt"], "yolo", "."),
        (["a.png", "a.txt", "data.yaml"], "yolo", "."),
        # an archive unpacks into a folder of its own
        (["archive/images/a.png", "archive/annotations/a.xml", "__MACOSX/x.xml"], "voc", "archive"),
        (["set/x.record", "notes/read.me"], "tfrecord", "set"),
        # pictures and nothing else: the reader of xml says what is missing
        (["images/a.png"], "voc", "."),
    ],
)
def test_folders(tmp_path: Path, files: list[str], kind: str, labels: str) -> None:
    put(tmp_path, *files)
    assert locate(tmp_path) == [(kind, tmp_path / labels)]


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("x.JSON", "coco"), ("x.tfrecord", "tfrecord"), ("x.records", "tfrecord"),
        ("x.record-00001-of-00002", "tfrecord"), ("data.yaml", "yolo"), ("list.txt", "voc"),
        (f"x.csv|{HEAD}", "csv"), ("x.csv|a.png,,,,,", "retinanet"),
        # a line that is nearly the header is reported as a mistake in it
        ("x.csv|filename,width,height,klass,xmin", "csv"),
    ],
)  # fmt: skip
def test_files(tmp_path: Path, file: str, kind: str) -> None:
    put(tmp_path, file)
    path = tmp_path / file.partition("|")[0]
    assert locate(path) == [(kind, path)]


@pytest.mark.parametrize(
    ("files", "kind", "words"),
    [
        ([], "auto", "holds no labels that are known (voc, csv, retinanet, tfrecord, coco, yolo)"),
        (
            ["a.json", "b.json"],
            "auto",
            "several sets of labels: a.json (coco), b.json (coco); name one",
        ),
        (["a.json", "b.json"], "coco", "several sets of labels"),
        (["a.json", "labels/a.txt"], "auto", "several sets of labels"),
    ],
)
def test_doubtful_folders(tmp_path: Path, files: list[str], kind: str, words: str) -> None:
    put(tmp_path, *files)
    with pytest.raises(DatasetError) as error:
        locate(tmp_path, kind)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_given_format_chooses(tmp_path: Path) -> None:
    put(tmp_path, "images/a.png", "annotations/a.xml", "b.json", "labels/a.txt")
    assert locate(tmp_path, "coco") == [("coco", tmp_path / "b.json")]
    assert locate(tmp_path, "yolo") == [("yolo", tmp_path)]


def test_an_unknown_file(tmp_path: Path) -> None:
    put(tmp_path, "x.bin")
    with pytest.raises(DatasetError, match="the name does not show the format; choose one of voc"):
        locate(tmp_path / "x.bin")
    with pytest.raises(DatasetError, match="no such file or folder"):
        locate(tmp_path / "y.csv")
