"""Written data sets are whole, replace nothing, and no two pictures share a name."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from maskdet.datasets.format_detection import read
from maskdet.datasets.formats import FORMATS
from maskdet.datasets.samples import DataSet, Sample
from maskdet.datasets.writing import kind_of_target, write
from maskdet.errors import ConfigError, DatasetError, SinkError
from tests.datasets.formats.sets import Face, assert_same, draw, make

FACES: dict[str, list[Face]] = {"a.png": [("mask", (1, 2, 30, 40))], "b.jpg": []}


@pytest.fixture
def data(tmp_path: Path) -> DataSet:
    return make(tmp_path / "source", FACES, ("mask",))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_new_folder_has_labels_and_pictures(data: DataSet, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "new" / "out"
    write(data, target, kind)
    assert (target / FORMATS[kind].labels).exists()
    assert (target / "images/a.png").exists() != FORMATS[kind].has_images
    assert [entry.name for entry in target.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("kind", FORMATS)
def test_classes_without_boxes_are_kept_or_reported(
    data: DataSet, tmp_path: Path, kind: str
) -> None:
    more = data.with_names(["hat", "mask", "scarf"])
    notes = write(more, tmp_path / "out", kind)
    reported = "classes without boxes are not kept, as this format lists none: hat, scarf"
    kept = read(tmp_path / "out", tmp_path / "out")[0].names == ("hat", "mask", "scarf")
    assert kept == (kind not in ("voc", "csv"))
    assert (reported in notes) != kept
    assert not [note for note in write(data, tmp_path / "all", kind) if "without boxes" in note]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("names", [("mask", "bare"), ("with_mask", "bare")])
def test_an_order_of_classes_is_kept_or_reported(
    tmp_path: Path, kind: str, names: tuple[str, str]
) -> None:
    first, second = names
    faces: dict[str, list[Face]] = {"a.png": [(first, (1, 2, 30, 40)), (second, (5, 5, 20, 20))]}
    notes = write(make(tmp_path / "source", faces, names), tmp_path / "out", kind)
    is_kept = read(tmp_path / "out", tmp_path / "out")[0].names == names
    assert is_kept == (kind not in ("voc", "csv") or first == "with_mask")
    order = [note for note in notes if note.startswith("the order of the classes is not kept")]
    assert is_kept != bool(order) and all("read as bare, mask; --classes FILE" in n for n in order)


@pytest.mark.parametrize("kind", FORMATS)
def test_parts_that_are_not_kept_are_named(data: DataSet, tmp_path: Path, kind: str) -> None:
    divided = [
        replace(s, part=part) for s, part in zip(data.samples, ("train", "val"), strict=True)
    ]
    notes = write(replace(data, samples=divided), tmp_path / "out", kind)
    assert notes[-1].startswith("the data's parts (train 1, val 1) are put together")
    alone = write(replace(data, samples=divided[:1], places=data.places[:1]), tmp_path / "x", kind)
    assert not [note for note in alone if "parts" in note]


def test_names_of_pictures_that_stay_keep_the_parts(data: DataSet, tmp_path: Path) -> None:
    for number, part in enumerate(("train", "val")):
        draw(tmp_path / part / f"{number}.png", 60, 40)
    boxes, classes = data.samples[1].boxes, data.samples[1].classes
    samples = [
        Sample(tmp_path / part / f"{number}.png", 60, 40, boxes, classes, part=part)
        for number, part in enumerate(("train", "val"))
    ]
    notes = write(DataSet(samples, ("mask",), [[], []]), tmp_path / "x.json", "coco")
    found, _ = read(tmp_path / "x.json", tmp_path)
    assert [sample.part for sample in found.samples] == ["train", "val"] and not notes


@pytest.mark.parametrize("elsewhere", [True, False])
def test_ultralytics_finds_the_pictures(
    data: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    """By its own rule: a data.yaml's `path`, from where it is started, or else its folder."""
    write(data, tmp_path / "out", "yolo")
    monkeypatch.chdir(tmp_path if elsewhere else tmp_path / "out")
    file = (tmp_path / "out/data.yaml").absolute()
    plan = yaml.safe_load(file.read_text())
    base = Path(plan.get("path") or file.parent).resolve()
    assert {path.name for path in (base / plan["train"]).iterdir()} == {"a.png", "b.jpg"}
    assert plan["nc"] == len(plan["names"]) and plan["val"] == "images"


def test_an_empty_folder_is_filled(data: DataSet, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(data, tmp_path / "out", "voc")
    assert_same(read(tmp_path / "out", tmp_path / "out")[0], data)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "there",
    [
        # for a file, what stands beside it is as dear as what stands in its place
        ["out/notes.txt"], ["x.csv"], ["x.csv/deep.txt"], ["images/other.png"],
        ["x_classes.csv"], ["x.pbtxt"],
    ],
)  # fmt: skip
def test_nothing_is_overwritten(data: DataSet, tmp_path: Path, kind: str, there: list[str]) -> None:
    for name in there:
        (tmp_path / "target" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "target" / name).write_text("dear")
    before = everything(tmp_path)
    for name in ("out", "x.csv"):
        try:
            write(data, tmp_path / "target" / name, kind)
        except SinkError as error:
            assert "is there already; remove it, or choose another name" in str(error)
            assert everything(tmp_path) == before
        assert before.items() <= everything(tmp_path).items()
        before = everything(tmp_path)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_failure_leaves_nothing(data: DataSet, tmp_path: Path, kind: str) -> None:
    (tmp_path / "source/b.jpg").unlink()
    before = everything(tmp_path)
    with pytest.raises((SinkError, DatasetError)) as error:
        write(data, tmp_path / "out" / "set", kind)
    assert "\n" not in str(error.value)
    assert everything(tmp_path) == before
    assert not list((tmp_path / "out").iterdir())


def test_a_place_that_cannot_be(data: DataSet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SinkError, match="file/out: cannot be"):
        write(data, tmp_path / "file" / "out", "coco")


def test_pictures_of_the_same_name(tmp_path: Path) -> None:
    """Even a.png and a.jpg: their labels would be the same file."""
    parts = [make(tmp_path / name, {"a.png": FACES["a.png"]}, ("mask",)) for name in "xy"]
    draw(tmp_path / "z" / "A.jpg", 60, 40)
    parts.append(make(tmp_path / "x", {"b.jpg": []}, ("mask",)))
    samples = [sample for part in parts for sample in part.samples]
    data = DataSet(samples, ("mask",), [[""] * len(s.boxes) for s in samples])
    notes = write(data, tmp_path / "out", "yolo")
    assert notes == ["names of pictures that were changed (1): a.png is a-2.png"]
    names = sorted(path.name for path in (tmp_path / "out").rglob("*.*") if path.stem != "data")
    assert names == ["a-2.png", "a-2.txt", "a.png", "a.txt", "b.jpg", "b.txt", "classes.txt"]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("../../../etc/a.png", "a.png"), ("/abs/a.jpg", "a.png"), ("C:\\x\\a.PNG", "a.PNG"),
        ("..", "picture1.png"), ("a\nb\x1b.png", "a_b_.png"), ("x" * 500, "x" * 120 + ".png"),
        ("größe 1.png", "größe 1.png"), (" .png", "picture1.png"),
    ],
)  # fmt: skip
def test_names_within_records_lead_nowhere(tmp_path: Path, name: str, written: str) -> None:
    from maskdet.datasets.formats.tfrecord.tfrecord import example_of
    from maskdet.datasets.formats.tfrecord.tfrecord_files import write_record

    data = make(tmp_path / "source", {"a.png": FACES["a.png"]}, ("mask",))
    with open(tmp_path / "x.record", "wb") as file:
        write_record(file, example_of(data.samples[0], name, ("mask",))[0])
    found, _ = read(tmp_path / "x.record", tmp_path)
    notes = write(found, tmp_path / "deep/er/out", "coco")
    is_kept = re.split(r"[\\/]", name)[-1] == written
    assert is_kept or f" is {written}" in notes[0] and "\n" not in notes[0]
    assert [path.name for path in (tmp_path / "deep/er/out/images").iterdir()] == [written]
    assert_same(read(tmp_path / "deep/er/out", tmp_path / "deep/er/out")[0], data) if (
        written == "a.png"
    ) else None


def test_the_target_s_name_chooses_the_format(tmp_path: Path) -> None:
    names = {"x.csv": "csv", "x.JSON": "coco", "x.record": "tfrecord", "x.tfrecord": "tfrecord"}
    assert {name: kind_of_target(tmp_path / name) for name in names} == names
    assert kind_of_target(tmp_path / "x.csv", "retinanet") == "retinanet"
    with pytest.raises(ConfigError, match="out: which format\\? add --to with one of voc, csv"):
        kind_of_target(tmp_path / "out")
