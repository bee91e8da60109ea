"""``python -m maskdet convert`` as it is typed: data sets from one format to another."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from maskdet.__main__ import main
from maskdet.datasets.format_detection import read
from tests.datasets.formats.sets import assert_same
from tests.datasets.voc_folder import write_voc_folder


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Three pictures with two faces each, one without."""
    write_voc_folder(tmp_path / "archive", 3)
    xml = tmp_path / "archive/annotations/1.xml"
    text = xml.read_text()
    xml.write_text(text[: text.index("<object>")] + "</annotation>")
    return tmp_path / "archive"


def convert(*words: object) -> int:
    return main(["convert", *map(str, words)])


def test_the_old_route(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """LabelImg's xml, then CSV, then TFRecord; names choose the formats."""
    assert convert(archive, tmp_path / "train.csv") == 0
    out, err = capsys.readouterr()
    assert out.startswith(
        f"{tmp_path}/train.csv: Object Detection API's CSV, from Pascal VOC xml (LabelImg): "
        "3 pictures, 4 boxes (with_mask "
    )
    assert err.startswith("note: 1 picture without objects: a row with empty class and box")
    assert (tmp_path / "train.csv").read_text().splitlines()[
        3
    ] == "archive/images/1.png,120,96,,,,,"
    assert convert(tmp_path / "train.csv", tmp_path / "train.record") == 0
    assert "TFRecord, from Object Detection API's CSV: 3 pictures" in capsys.readouterr().out
    assert (tmp_path / "train.pbtxt").read_text().startswith("item {")
    data, _ = read(tmp_path / "train.record", tmp_path)
    assert_same(read(archive, archive)[0], data)


@pytest.mark.usefixtures("hears_hangups")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing_half_written(
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
) -> None:
    copy = shutil.copyfile

    def copy_and_end(source: Path, target: Path) -> None:
        copy(source, target)
        os.kill(os.getpid(), number)

    monkeypatch.setattr(shutil, "copyfile", copy_and_end)
    assert convert(archive, tmp_path / "yolo", "--to", "yolo") == 128 + number
    assert capsys.readouterr().err.startswith("maskdet: ended by ")
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_a_list_of_pictures_of_several_sets(archive: Path, tmp_path: Path) -> None:
    """Names in a list are relative to a folder above it: the nearest that has them."""
    (tmp_path / "splits").mkdir()
    names = ["archive/images/2.png", "archive/images/0.png"]
    (tmp_path / "splits/val.txt").write_text("\n".join(names))
    assert convert(tmp_path / "splits/val.txt", tmp_path / "val", "--to", "coco") == 0
    data, _ = read(tmp_path / "val", tmp_path / "val")
    assert [sample.file.name for sample in data.samples] == ["2.png", "0.png"]


def test_pictures_in_another_folder(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the old script had it, with its --image_dir."""
    (tmp_path / "data").mkdir()
    rows = "filename,width,height,class,xmin,ymin,xmax,ymax\n0.png,120,96,Mask,1,2,30,40\n"
    (tmp_path / "data/labels.csv").write_text(rows)
    words = [tmp_path / "data/labels.csv", tmp_path / "x.record"]
    assert convert(*words) == 2
    assert "labels.csv:2: no picture '0.png' in" in capsys.readouterr().err
    assert convert(*words, "--images", archive / "images") == 0
    assert "1 picture, 1 box (Mask 1)" in capsys.readouterr().out


def test_classes_get_the_order_of_their_list(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("hat\nmask_weared_incorrect\nwithout_mask\nwith_mask\n")
    words = ["--to", "yolo", "--classes", tmp_path / "mine.txt"]
    assert convert(archive, tmp_path / "out", *words) == 0
    assert (tmp_path / "out/classes.txt").read_text() == (tmp_path / "mine.txt").read_text()
    assert_same(read(tmp_path / "out", tmp_path / "out")[0], read(archive, archive)[0])


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        (["{archive}", "{new}"], "which format? add --to with one of voc, csv, retinanet"),
        (["{archive}", "{archive}/images", "--to", "coco"], "images: is there already; remove it"),
        (["{archive}/none", "{new}.csv"], "none: no such file or folder"),
        (["{archive}", "{new}.csv", "--from", "coco"], "cannot be read: Is a directory"),
        (["{archive}", "{new}.csv", "--images", "{archive}/none"], "no such folder of pictures"),
        (["{archive}", "{new}.csv", "--classes", "{archive}/none.txt"], "none.txt: cannot be read"),
        (["{archive}", "{new}.csv", "--from", "xml"], "'xml' is not one of 'auto', 'voc'"),
        (["{archive}"], "Missing argument 'DST'"),
    ],
)
def test_wrong_use_is_one_line(
    archive: Path,
    tmp_path: Path,
    words: list[str],
    reported: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert convert(*(word.format(archive=archive, new=tmp_path / "new") for word in words)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("maskdet: ") and reported in line
    assert sorted(tmp_path.rglob("*")) == before


def test_a_picture_of_another_size_is_a_mistake(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Shares of a wrong size would put every box in a wrong place."""
    xml = archive / "annotations/0.xml"
    xml.write_text(xml.read_text().replace("<width>120", "<width>130"))
    assert convert(archive, tmp_path / "x.record") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "0.png: is 120×96 but annotated as 130×96; correct its annotation" in line
    assert not (tmp_path / "x.record").exists()


def test_boxes_that_are_cut_are_reported(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    xml = archive / "annotations/0.xml"
    xml.write_text(xml.read_text().replace("<xmin>", "<xmin>-", 1))
    assert convert(archive, tmp_path / "out", "--to", "voc") == 0
    err = capsys.readouterr().err
    assert "note: boxes that reached out of their picture and were cut (1): " in err
    assert "annotations/0.xml:" in err
