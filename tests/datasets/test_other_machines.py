"""Labels as other people's tools write them: foreign names, parts, outlines, encodings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maskdet.datasets import image_list
from maskdet.datasets.builder import OUTLINES
from maskdet.datasets.format_detection import read
from maskdet.datasets.formats import coco
from maskdet.datasets.formats.voc import voc
from maskdet.datasets.formats.voc.xml_text import GUESSED
from maskdet.datasets.formats.yolo import yolo_data_yaml, yolo_labels
from maskdet.datasets.image_lookup import ELSEWHERE, ImageLookup, parts_of
from maskdet.datasets.loading import data_root, open_data
from maskdet.datasets.problems import Problems
from maskdet.datasets.reader_input import root_of
from maskdet.errors import DatasetError
from tests.datasets.formats.sets import PICTURES, Face, content, draw, mistakes

HEAD = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
MASK: Face = ("mask", (1, 2, 30, 40))
PLAN = "names: {0: mask, 1: no}\n"


def put(folder: Path, **files: str | bytes) -> None:
    """Writes pictures (names of `PICTURES`, empty) and files of labels."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.name in PICTURES:
            draw(file, *PICTURES[file.name])
        else:
            file.write_bytes(text if isinstance(text, bytes) else text.encode())


def open_all(path: Path) -> tuple[dict[str, list[Face]], dict[str, list[str]], dict[str, str]]:
    """Faces, notes and parts of a data set as ``--data`` names it."""
    problems = Problems()
    data, _ = open_data(path, problems=problems)
    problems.check()
    parts = {sample.file.stem: sample.part for sample in data.samples if sample.part}
    return content(data), problems.notes, parts


def coco_text(name: str, *annotations: dict[str, Any], categories: object = None) -> str:
    reported = {
        "images": [{"id": 0, "file_name": name, "width": 60, "height": 40}],
        "annotations": [{"image_id": 0, "category_id": 1, **each} for each in annotations],
        "categories": categories or [{"id": 1, "name": "mask"}],
    }
    return json.dumps(reported)


BOX = {"bbox": [1, 2, 29, 38]}
NAMES = [
    "images\\a.png", "C:\\Users\\me\\a.png", "/home/me/pictures/a.png", "../elsewhere/a.png", "a",
    "A.PNG", "a.jpg", "file:///data/a.png", "http://localhost:8080/data/upload/1/a.png",
    "/data/local-files/?d=pictures%5Ca.png", "/data/upload/1/0a1b2c3d-a.png",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["csv", "retinanet", "coco"])
def test_names_of_another_machine(tmp_path: Path, kind: str, name: str) -> None:
    texts = {
        "csv": ("x.csv", f"{HEAD}{name},60,40,mask,1,2,30,40\n"),
        "retinanet": ("x.csv", f"{name},1,2,30,40,mask\n"),
        "coco": ("x.json", coco_text(name, BOX)),
    }
    put(tmp_path, **{"photos/a.png": "", texts[kind][0]: texts[kind][1]})
    faces, notes, _ = open_all(tmp_path)
    assert faces == {"a": [MASK]}
    (line,) = notes[ELSEWHERE]
    assert line.endswith("is photos/a.png")


def test_a_name_of_several_pictures_is_reported(tmp_path: Path) -> None:
    """The folder decides, if the labels have it; else all of them are named."""
    put(tmp_path, **{"one/a.png": "", "two/a.png": "", "x.csv": f"{HEAD}C:\\a.png,60,40,,,,,\n"})
    (line,) = mistakes(tmp_path / "x.csv")
    assert "may be any of 2 pictures: one/a.png, two/a.png; write the folder" in line
    put(tmp_path, **{"x.csv": f"{HEAD}C:\\set\\two\\a.png,60,40,mask,1,2,30,40\n"})
    data, _ = read(tmp_path, tmp_path)
    assert [sample.file for sample in data.samples] == [tmp_path / "two/a.png"]


def test_the_usual_folder_comes_first(tmp_path: Path) -> None:
    put(tmp_path, **{"images/a.png": "", "more/a.png": "", "x.csv": f"{HEAD}a,60,40,,,,,\n"})
    data, _ = read(tmp_path, tmp_path)
    assert [sample.file for sample in data.samples] == [tmp_path / "images/a.png"]


def test_two_names_are_never_one_picture(tmp_path: Path) -> None:
    rows = "one/a.png,60,40,mask,1,2,30,40\ntwo/a.png,60,40,mask,1,2,30,40\n"
    put(tmp_path, **{"images/a.png": "", "x.csv": HEAD + rows})
    (line,) = mistakes(tmp_path / "x.csv")
    assert "'two/a.png': the only picture of this name, images/a.png, is that of 'one/a" in line


def test_notes_are_counted_and_bounded() -> None:
    problems = Problems()
    for number in range(50):
        problems.note("things", f"{number}", "x" * 999)
    (line,) = problems.note_lines()
    assert line.startswith("note: things (50): 0: xxx") and line.endswith(" …") and len(line) < 700


def test_a_name_of_two_cases_is_the_picture_that_is_written_so() -> None:
    lookup = ImageLookup([Path("x/A.png"), Path("y/a.png")])
    assert lookup.find("a.png") == [Path("y/a.png")] and lookup.find("A.png") == [Path("x/A.png")]
    assert lookup.find("x/a.png") == [Path("x/A.png")]  # the folder says more
    assert lookup.find("a.PNG") == [Path("x/A.png"), Path("y/a.png")]  # either may be meant


def test_accents_written_in_two_ways() -> None:
    lookup = ImageLookup([Path("x/gru\N{COMBINING DIAERESIS}n.jpg")])
    assert lookup.find("D:/grün.jpg") == [Path("x/gru\N{COMBINING DIAERESIS}n.jpg")]
    assert parts_of("http://[broken/a.png") == [] and parts_of(" ") == []


@pytest.mark.parametrize(
    ("picture", "labels"),
    [("TU\N{COMBINING DIAERESIS}R.png", "tür"), ("Gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n.PNG",
     "gru\N{COMBINING DIAERESIS}n")],
)  # fmt: skip
def test_labels_of_a_name_in_another_case_or_writing(
    tmp_path: Path, picture: str, labels: str
) -> None:
    """As archives of a Mac and disks of Windows have them."""
    for kind, text in (("xml", xml()), ("txt", "0 .5 .5 .2 .2\n")):
        folder = tmp_path / kind
        put(folder, **{"images/a.png": "", f"labels/{labels}.{kind}": text, "classes.txt": "mask"})
        (folder / "images/a.png").rename(folder / "images" / picture)
        faces, notes, _ = open_all(folder)
        assert len(faces[Path(picture).stem]) == 1
        assert list(notes) == ([yolo_labels.ELSEWHERE] if kind == "txt" else [])


def test_the_xml_of_another_picture_is_not_taken_for_its_case(tmp_path: Path) -> None:
    put(tmp_path, **{"images/a.png": "", "labels/a.xml": xml()})
    (tmp_path / "images/A.png").write_bytes((tmp_path / "images/a.png").read_bytes())
    faces, notes, _ = open_all(tmp_path)
    assert faces == {"a": [MASK]} and notes == {voc.UNLABELED: [str(tmp_path / "images/A.png")]}


PROJECT = [
    {"id": 0, "name": "mask", "supercategory": "none"},
    {"id": 1, "name": "mask", "supercategory": "mask"},
]


def test_a_project_s_name_is_no_class(tmp_path: Path) -> None:
    text = coco_text("a.png", BOX, categories=PROJECT)
    put(tmp_path, **{"train/a.png": "", "train/_annotations.coco.json": text})
    faces, notes, parts = open_all(tmp_path)
    assert (faces, parts) == ({"a": [MASK]}, {"a": "train"})
    assert list(notes) == [coco.PROJECTS]


def test_categories_of_one_name_are_one_class(tmp_path: Path) -> None:
    """Where both have boxes."""
    text = coco_text("a.png", BOX, {**BOX, "category_id": 0}, categories=PROJECT)
    put(tmp_path, **{"a.png": "", "x.json": text})
    faces, notes, _ = open_all(tmp_path)
    assert faces == {"a": [MASK, MASK]}
    assert list(notes) == [coco.SAME_NAME]


def test_coco_s_own_layout(tmp_path: Path) -> None:
    """A name that both parts have is that of the file's own part."""
    annotations = tmp_path / "annotations"
    for part in ("train", "val"):
        text = coco_text("a.png", *([BOX] if part == "val" else []))
        put(tmp_path, **{f"{part}2017/a.png": "", f"annotations/instances_{part}2017.json": text})
    put(annotations, **{"captions_val2017.json": "{}"})
    faces, notes, parts = open_all(annotations / "instances_val2017.json")
    assert (faces, notes, parts) == ({"a": [MASK]}, {}, {"a": "val"})
    data, _ = open_data(tmp_path)
    assert [(s.file.parent.name, s.part) for s in data.samples] == [
        ("train2017", "train"), ("val2017", "val"),
    ]  # fmt: skip


RLE = {"size": [40, 60], "counts": [42, 38, *[2, 38] * 28, 40 * 30]}
"""A mask of the columns 1 … 29 from row 2 on."""


@pytest.mark.parametrize(
    "region",
    [
        {"segmentation": [[1, 2, 30, 2, 30, 40, 1, 40]]},
        {"segmentation": [[1, 2, 10, 2, 10, 40], [20, 30, 30, 30, 30, 40]], "bbox": []},
        {"segmentation": [1, 2, 30, 2, 30, 40], "bbox": [0, 0, 0, 0]},
        {"segmentation": RLE},
    ],
)
def test_outlines_of_coco(tmp_path: Path, region: dict[str, Any]) -> None:
    put(tmp_path, **{"a.png": "", "x.json": coco_text("a.png", region)})
    faces, notes, _ = open_all(tmp_path)
    assert faces == {"a": [MASK]}
    assert list(notes) == [OUTLINES]


def test_turned_boxes_of_coco(tmp_path: Path) -> None:
    turned = {"bbox": [10, 15, 20, 10], "attributes": {"rotation": 90.0}}
    put(tmp_path, **{"a.png": "", "x.json": coco_text("a.png", turned)})
    faces, notes, _ = open_all(tmp_path)
    assert faces["a"][0][1] == pytest.approx((15, 10, 25, 30))
    assert list(notes) == [OUTLINES]


@pytest.mark.parametrize(
    ("segmentation", "words"),
    [
        ([[1, 2, 3]], "segmentation [1, 2, 3] is not an outline"),
        ("x", "segmentation None is not an outline"),
        ({"size": [40, 60], "counts": [5]}, "is not a run-length mask"),
        ({"size": [40], "counts": "a"}, "is not a run-length mask"),
        ({"size": [40, 60], "counts": "é"}, "is not a run-length mask"),
    ],
)
def test_wrong_outlines_of_coco(tmp_path: Path, segmentation: object, words: str) -> None:
    put(tmp_path, **{"a.png": "", "x.json": coco_text("a.png", {"segmentation": segmentation})})
    (line,) = mistakes(tmp_path / "x.json")
    assert words in line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"shapes": [], "imagePath": "a.png"}, "but labelme's, a file for each picture; export"),
        ([{"data": {}, "annotations": []}], "but Label Studio's own list of tasks; export"),
        ({"a": {"filename": "a.png", "regions": []}}, "VGG Image Annotator's; export"),
        ({"name": "faces", "tags": [], "assets": {}}, "but VoTT's; export"),
        ({"images": [], "annotations": []}, "take the one of instances"),
    ],
)
def test_json_of_other_tools_is_named(tmp_path: Path, content: object, words: str) -> None:
    put(tmp_path, **{"x.json": json.dumps(content)})
    (line,) = mistakes(tmp_path / "x.json")
    assert words in line


@pytest.mark.parametrize(
    "row",
    ["0 0.1 0.1 0.5 0.1 0.5 1", "0 0.1 0.1 0.5 0.1 0.5 1.0 0.1 1.0", "0 .1 .1 .5 .1 .5 1.02 .1 1"],
)
def test_outlines_of_yolo(tmp_path: Path, row: str) -> None:
    put(tmp_path, **{"images/a.png": "", "labels/a.txt": row, "data.yaml": PLAN})
    faces, notes, _ = open_all(tmp_path)
    assert faces == {"a": [("mask", (6, 4, 30, 40))]}
    assert len(notes[OUTLINES]) == 1


def test_key_points_of_yolo_are_no_outline(tmp_path: Path) -> None:
    plan = f"{PLAN}kpt_shape: [2, 2]\ntrain: images\n"
    row = "0 0.5 0.5 0.5 0.5 0.1 0.1 0.2 0.2"
    put(tmp_path, **{"images/a.png": "", "labels/a.txt": row, "masks.yaml": plan})
    assert open_all(tmp_path)[0] == {"a": [("mask", (15, 10, 45, 30))]}


PLANS = {
    "folders": f"path: ../datasets/x\ntrain: images/train\nval: images/val\ntest:\n{PLAN}",
    "lists": f"train: train.txt\nval: [lists/val.txt]\n{PLAN}",
    "other": f"path: C:\\me\ntrain: C:\\me\\images\\train\nval: ../images/val\n{PLAN}",
    "several": f"train: [images/train, images/more]\nval: ./images/val/\n{PLAN}",
}


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("plan", PLANS)
def test_a_plan_of_any_name(tmp_path: Path, plan: str, named: bool) -> None:
    rows = "0 0.5 0.5 0.5 0.5\n"
    put(tmp_path, **{
        "images/train/a.png": "", "labels/train/a.txt": rows,
        "images/val/b.jpg": "", "labels/val/b.txt": "1 0.5 0.5 0.5 0.5\n",
        "train.txt": "./images/train/a.png\n", "lists/val.txt": "D:\\x\\images\\val\\b.jpg\n",
        "masks.yaml": PLANS[plan], "other.yaml": "a: 1\n",
    })  # fmt: skip
    faces, notes, parts = open_all(tmp_path / "masks.yaml" if named else tmp_path)
    assert [faces[name][0][0] for name in ("a", "b")] == ["mask", "no"]
    assert parts == {"a": "train", "b": "val"}
    assert set(notes) == ({yolo_data_yaml.ASTRAY} if plan == "several" else set())


def test_what_no_line_of_a_plan_leads_to_is_reported(tmp_path: Path) -> None:
    put(tmp_path, **{
        "images/train/a.png": "", "images/b.jpg": "", "x.yaml": f"train: images/train\n{PLAN}",
    })  # fmt: skip
    faces, notes, _ = open_all(tmp_path)
    assert list(faces) == ["a"]
    assert [line for kind in notes if "no line" in kind for line in notes[kind]] == [
        f"{tmp_path}/images/b.jpg"
    ]


def test_plans_that_disagree_and_plans_that_lead_out(tmp_path: Path) -> None:
    put(tmp_path, **{"set/images/a.png": "", "set/x.yaml": f"train: images\n{PLAN}",
                     "set/y.yaml": "train: images\nnames: [no, mask]\n",
                     "away/z.yaml": f"path: ../set\ntrain: images\n{PLAN}"})  # fmt: skip
    (line,) = mistakes(tmp_path / "set")
    assert "holds several data.yaml with other classes: x.yaml, y.yaml" in line
    (line,) = mistakes(tmp_path / "away/z.yaml")
    assert "no pictures there (its path is ../set); give the folder above images/ by --data" in line
    assert "z.yaml by --classes" in line


FACE = (
    "<object><name>{}</name><part><name>nose</name><bndbox><xmin>9</xmin><ymin>9</ymin>"
    "<xmax>11</xmax><ymax>12</ymax></bndbox></part>{}</object>"
)
PLACE = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"


def xml(name: str = "mask", place: str = PLACE, head: str = "") -> str:
    size = "<size><width>60</width><height>40</height></size>"
    return f"{head}<annotation><folder>口罩</folder>{size}{FACE.format(name, place)}</annotation>"


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("GB2312", "口罩"), ("gbk", "mask"), ("Big5", "口罩"), ("Shift_JIS", "口罩"),
     ("windows-1251", "маска"), ("utf-16", "口罩"), ("utf-8", "口罩")],
)  # fmt: skip
def test_xml_in_any_encoding_it_names(tmp_path: Path, encoding: str, name: str) -> None:
    text = xml(name, head=f'<?xml version="1.0" encoding="{encoding}"?>')
    raw = text.replace("口罩", "x", 1) if encoding == "windows-1251" else text
    put(tmp_path, **{"a.png": "", "a.xml": raw.encode(encoding)})
    faces, notes, _ = open_all(tmp_path)
    assert (faces, notes) == ({"a": [(name, MASK[1])]}, {})


@pytest.mark.parametrize("head", ["", '<?xml version="1.0" encoding="UTF-8"?>'])
def test_xml_in_an_encoding_it_does_not_name(tmp_path: Path, head: str) -> None:
    put(tmp_path, **{"a.png": "", "a.xml": xml(head=head).encode("gbk")})
    faces, notes, _ = open_all(tmp_path)
    assert (faces, list(notes)) == ({"a": [MASK]}, [GUESSED])
    put(tmp_path, **{"a.xml": xml("口罩", head=head).encode("gbk")})
    (line,) = mistakes(tmp_path)
    assert "a.xml: " in line and "save it as UTF-8, or name the encoding" in line


def test_xml_in_an_encoding_nobody_knows(tmp_path: Path) -> None:
    put(tmp_path, **{"a.png": "", "a.xml": xml(head='<?xml version="1" encoding="klingon"?>')})
    (line,) = mistakes(tmp_path)
    assert "the encoding 'klingon' that it names is not known; save it as UTF-8" in line


@pytest.mark.parametrize(
    "place",
    [
        "<robndbox><cx>15.5</cx><cy>21</cy><w>38</w><h>29</h><angle>1.5707963</angle></robndbox>",
        "<polygon><x1>1</x1><y1>2</y1><x2>30</x2><y2>2</y2><x3>30</x3><y3>40</y3></polygon>",
        "<polygon><pt><x>1</x><y>2</y></pt><pt><x>30</x><y>2</y></pt><pt><x>9</x><y>40</y></pt>"
        "</polygon>",
    ],
)
def test_turned_boxes_and_outlines_of_xml(tmp_path: Path, place: str) -> None:
    put(tmp_path, **{"a.png": "", "a.xml": xml(place=place)})
    faces, notes, _ = open_all(tmp_path)
    assert faces["a"][0][1] == pytest.approx(MASK[1], abs=1e-4)
    assert list(notes) == [OUTLINES]


@pytest.mark.parametrize("names", [("a.png", "a.xml"), ("images/a.png", "annotations.xml")])
def test_cvat_s_own_xml_is_named(tmp_path: Path, names: tuple[str, str]) -> None:
    put(tmp_path, **{names[0]: "", names[1]: "<annotations><image/></annotations>"})
    (line,) = mistakes(tmp_path)
    assert "is CVAT's own xml, one file for all pictures; export it as Pascal VOC" in line


def pascal(folder: Path) -> Path:
    put(folder, **{
        "JPEGImages/a.png": "", "JPEGImages/b.jpg": "",
        "Annotations/a.xml": xml(), "Annotations/b.xml": xml().replace("60", "33"),
        "ImageSets/Main/train.txt": "a\n", "ImageSets/Main/val.txt": "b\n",
        "ImageSets/Main/mask_val.txt": "b -1\n",
    })  # fmt: skip
    return folder


@pytest.mark.parametrize("name", ["val", "mask_val"])
def test_pascal_s_lists(tmp_path: Path, name: str) -> None:
    file = pascal(tmp_path) / f"ImageSets/Main/{name}.txt"
    for path, only in ((file, None), (tmp_path, file)):
        problems = Problems()
        data, _ = open_data(path, None, only, problems=problems)
        assert list(content(data)) == ["b"] and not problems.wrong
        assert list(problems.notes) == ([image_list.FLAGS] if name == "mask_val" else [])


def test_pascal_s_lists_are_parts(tmp_path: Path) -> None:
    assert open_all(pascal(tmp_path))[2] == {"a": "train", "b": "val"}


@pytest.mark.parametrize(
    ("pictures", "labels"),
    [
        ("train", "train"), ("train/images", "train/annotations"), ("images/train", "xml/train"),
        ("images/train", "annotations/train"), ("photos/train", "my labels"), ("images", "labels"),
    ],
)  # fmt: skip
def test_xml_in_other_folders(tmp_path: Path, pictures: str, labels: str) -> None:
    """Of Roboflow, CVAT, and of people."""
    put(tmp_path, **{f"{pictures}/a.png": "", f"{labels}/a.XML": xml()})
    faces, notes, parts = open_all(tmp_path)
    assert (faces, notes) == ({"a": [MASK]}, {})
    assert parts == ({"a": "train"} if "train" in pictures else {})


def test_pictures_of_one_name_in_several_parts(tmp_path: Path) -> None:
    """Each has the xml in the folder of its part; where folders do not help, none is guessed."""
    put(tmp_path, **{
        "photos/train/a.png": "", "xml/train/a.xml": xml(),
        "photos/val/a.png": "", "xml/val/a.xml": xml("no"),
    })  # fmt: skip
    data, _ = open_data(tmp_path)
    assert [(sample.part, data.names[sample.classes[0]]) for sample in data.samples] == [
        ("train", "mask"), ("val", "no"),
    ]  # fmt: skip
    put(tmp_path / "other", **{"one/a.png": "", "two/a.png": "", "x/a.xml": xml()})
    (line,) = mistakes(tmp_path / "other")
    assert "none of its 2 pictures has an xml of its name" in line


def test_csv_in_parts(tmp_path: Path) -> None:
    put(tmp_path, **{
        "images/train/a.png": "", "train_labels.csv": f"{HEAD}a.png,60,40,mask,1,2,30,40\n",
        "images/test/b.jpg": "", "test_labels.csv": f"{HEAD}b.jpg,33,57,no,1,2,30,40\n",
    })  # fmt: skip
    faces, notes, parts = open_all(tmp_path)
    assert faces == {"a": [MASK], "b": [("no", MASK[1])]}
    assert (notes, parts) == ({}, {"a": "train", "b": "test"})


@pytest.mark.parametrize("char", [";", "\t"])
def test_csv_of_an_excel_with_other_delimiters(tmp_path: Path, char: str) -> None:
    text = f"{HEAD}a.png,60,40,mask,1,2,30,40\n".replace(",", char)
    put(tmp_path, **{"images/a.png": "", "labels.csv": text})
    assert open_all(tmp_path)[0] == {"a": [MASK]}


def test_json_beside_labels_of_another_kind(tmp_path: Path) -> None:
    """Label Studio's notes.json; labelme's files, of which the first one is named."""
    put(tmp_path, **{
        "images/a.png": "", "labels/a.txt": "", "classes.txt": "mask\n",
        "notes.json": '{"categories": [], "info": {}}',
    })  # fmt: skip
    assert open_all(tmp_path)[0] == {"a": []}
    other = '{"shapes": [], "imagePath": "x.png"}'
    put(tmp_path / "x/other", **{"a.png": "", "a.json": other, "b.json": other})
    (line,) = mistakes(tmp_path / "x/other")
    assert "a.json: " in line and "labelme's, a file for each picture" in line


@pytest.mark.parametrize("folder", ["cfg", "data"])
def test_labels_in_a_folder_of_their_own(tmp_path: Path, folder: str) -> None:
    """Their pictures are in images/ beside it."""
    put(tmp_path, **{
        "images/train/a.png": "", "labels/train/a.txt": "0 0.5 0.5 0.5 0.5",
        f"{folder}/x.yaml": f"path: ..\ntrain: images/train\n{PLAN}",
        f"{folder}/x.csv": f"{HEAD}a.png,60,40,mask,1,2,30,40\n",
    })  # fmt: skip
    assert open_all(tmp_path / folder / "x.yaml")[0] == {"a": [("mask", (15, 10, 45, 30))]}
    assert open_all(tmp_path / folder / "x.csv")[0] == {"a": [MASK]}


def test_roots(tmp_path: Path) -> None:
    pascal(tmp_path)
    assert root_of(tmp_path / "ImageSets/Main/x.json") == tmp_path
    assert data_root(tmp_path / "ImageSets/Main/val.txt") == tmp_path
    with pytest.raises(DatasetError, match="no such picture"):
        open_data(tmp_path, None, tmp_path / "Annotations/a.xml")
