"""Labels that can be read in two ways: the right one is taken and named, or none is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from maskdet.datasets import builder, format_detection
from maskdet.datasets.formats.tfrecord import tfrecord
from maskdet.datasets.formats.tfrecord.tfrecord_files import write_record
from maskdet.datasets.formats.tfrecord.tfrecord_messages import Feature, example_bytes
from maskdet.datasets.formats.voc import voc
from maskdet.datasets.formats.yolo import yolo, yolo_labels
from maskdet.datasets.image_files import UNLISTED
from maskdet.datasets.loading import open_data
from maskdet.datasets.problems import Problems
from tests.datasets.formats.sets import PICTURES, Face, content, draw, mistakes
from tests.datasets.test_other_machines import HEAD, PLAN, coco_text, open_all, put

MASK: Face = ("mask", (6, 4, 30, 20))
NO: Face = ("no", (36, 4, 48, 20))
ROW = "0 0.3 0.3 0.4 0.4\n"
"""`MASK` in shares of 60×40 pixels."""


def xml(stated: str, name: str = "mask", more: str = "") -> str:
    return (
        f"<annotation><filename>{stated}</filename><size><width>60</width><height>40</height>"
        f"</size><object><name>{name}</name><bndbox><xmin>6</xmin><ymin>4</ymin><xmax>30</xmax>"
        f"<ymax>20</ymax></bndbox>{more}</object></annotation>"
    )


REPEATED = json.loads(coco_text("a.png", {"bbox": [6, 4, 24, 16]}))
REPEATED["images"].append({"id": 1, "file_name": "./a.png", "width": 60, "height": 40})
REPEATED["annotations"] += [
    {"image_id": 1, "category_id": 1, "bbox": [6, 4, 24, 16]},
    {"image_id": 1, "category_id": 2, "bbox": [36, 4, 12, 16]},
]
REPEATED["categories"].append({"id": 2, "name": "no"})


@pytest.mark.parametrize(
    "files",
    [
        {"x.json": json.dumps(REPEATED), "a.png": ""},
        {
            "x.csv": f"{HEAD}a.png,60,40,mask,6,4,30,20\n./a.png,60,40,mask,6,4,30,20\n"
            "images/a.png,60,40,no,36,4,48,20\n",
            "images/a.png": "",
        },
        {
            "x.csv": "a.png,6,4,30,20,mask\nimages/a.png,6,4,30,20,mask\n"
            "images/a.png,36,4,48,20,no\n",
            "images/a.png": "",
        },
    ],
    ids=["coco", "csv", "retinanet"],
)
def test_entries_of_one_picture_are_one(tmp_path: Path, files: dict[str, str]) -> None:
    """Else the faces of one entry would be background in the other."""
    put(tmp_path, **files)
    faces, notes, _ = open_all(tmp_path)
    assert faces == {"a": [MASK, NO]}
    assert notes[builder.REPEATED] and len(notes[builder.SAME]) == 1


def test_entries_of_one_picture_with_other_sizes(tmp_path: Path) -> None:
    rows = f"{HEAD}a.png,60,40,mask,6,4,30,20\n./a.png,60,41,no,36,4,48,20\n"
    put(tmp_path, **{"x.csv": rows, "a.png": ""})
    (line,) = mistakes(tmp_path)
    assert "x.csv:3: states another size of a.png: 60×40 at " in line and line.endswith("x.csv:2")


def test_a_picture_of_two_files_of_labels_is_named(tmp_path: Path) -> None:
    put(
        tmp_path,
        **{
            "train_labels.csv": f"{HEAD}a.png,60,40,mask,6,4,30,20\n",
            "test_labels.csv": f"{HEAD}a.png,60,40,no,36,4,48,20\n",
            "images/a.png": "",
        },
    )
    _, notes, _ = open_all(tmp_path)
    (line,) = notes[format_detection.SEVERAL]
    assert line.endswith("a.png: test_labels.csv and train_labels.csv")


@pytest.mark.parametrize(
    "box", [(6, 4, 30, 20), (0, 0, 1, 1)], ids=["a face", "the first pixel, as it is"]
)
def test_shares_among_pixels_are_a_mistake(tmp_path: Path, box: tuple[int, ...]) -> None:
    rows = f"{HEAD}a.png,60,40,mask,.1,.1,.5,.5\nb.jpg,33,57,mask,{','.join(map(str, box))}\n"
    rows += "b.jpg,33,57,mask,3,4,20,30\n"
    put(tmp_path, **{"x.csv": rows, "a.png": "", "b.jpg": ""})
    (line,) = mistakes(tmp_path)
    assert "x.csv:2: box 0.1, 0.1, 0.5, 0.5 is in shares of the picture" in line


def test_shares_that_reach_over_the_edge(tmp_path: Path) -> None:
    put(tmp_path, **{"x.csv": f"{HEAD}a.png,60,40,mask,.5,.5,1.02,.9\n", "a.png": ""})
    faces, notes, _ = open_all(tmp_path)
    assert faces == {"a": [("mask", (30, 20, 60, 36))]} and notes[builder.SHARES]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"classes.txt": "no\nmask\n", "data.yaml": PLAN},
            "class 0 is 'no' in classes.txt but 'mask' in data.yaml; remove the wrong file",
        ),
        (
            {"labels/classes.txt": "dog\nperson\ncat\n", "mine.yaml": f"{PLAN}train: images\n"},
            "class 0 is 'dog' in labels/classes.txt but 'mask' in mine.yaml",
        ),
        (
            {"train/_darknet.labels": "mask\nno\n", "valid/_darknet.labels": "no\nmask\n"},
            "class 0 is 'mask' in train/_darknet.labels but 'no' in valid/_darknet.labels",
        ),
    ],
)
def test_lists_of_classes_that_disagree(tmp_path: Path, files: dict[str, str], words: str) -> None:
    put(tmp_path, **{"images/a.png": "", "labels/a.txt": ROW, **files})
    (line,) = mistakes(tmp_path, "yolo")
    assert words in line.replace(f"{tmp_path.name}/", "")
    chosen = next(tmp_path / name for name in reversed(files))
    data, _ = format_detection.read(tmp_path, tmp_path, "yolo", chosen)
    assert content(data)["a"][0][1] == pytest.approx(MASK[1])


@pytest.mark.parametrize("other", ["Mask\nNO\nhat\n", "with mask\nno\n", "mask\n", "no\nno\n"])
def test_lists_of_classes_that_agree(tmp_path: Path, other: str) -> None:
    """In another writing, with more classes or fewer; one that is broken counts for nothing."""
    put(
        tmp_path, **{"images/a.png": "", "labels/a.txt": ROW, "data.yaml": PLAN, "obj.names": other}
    )
    assert open_all(tmp_path)[0] == {"a": [MASK]}


@pytest.mark.parametrize("other", ["predefined_classes.txt", "coco.names"])
def test_lists_of_classes_of_other_labels(tmp_path: Path, other: str) -> None:
    """Lists that LabelImg proposes, or that lie in Darknet's own folder."""
    put(tmp_path, **{"images/a.png": "", "labels/a.txt": ROW, other: "person\nbicycle\n"})
    put(tmp_path, **{"obj.names": "mask\nno\n"})
    assert open_all(tmp_path)[0] == {"a": [MASK]}


def landmarks(x: float, *, hidden: bool = False) -> str:
    """A row of YOLO5-face: a box around x, and eyes, nose and mouth."""
    points = [(x - 0.1, 0.4), (x + 0.1, 0.4), (x, 0.5), (x - 0.08, 0.65), (x + 0.08, 0.65)]
    shown = [(-1, -1)] * 5 if hidden else points
    return f"0 {x} .5 .4 .6 {' '.join(f'{px} {py}' for px, py in shown)}\n"


@pytest.mark.parametrize(
    ("ends", "are_answers"),
    [
        (["1", "2"], True),
        (["1", "1", "1"], True),
        (["1", "0"], False),
        (["1", "0.8", "1", "1"], False),
    ],
)
def test_a_trackers_answers_are_no_outlines_of_three_points(
    tmp_path: Path, ends: list[str], are_answers: bool
):
    """Class, box, score and number: a box from the center to a corner of the picture had come."""
    rows = "".join(f"0 0.5 0.5 0.2 0.3 0.9 {end}\n" for end in ends)
    put(tmp_path, **{"images/a.png": "", "labels/a.txt": rows, "data.yaml": PLAN})
    if are_answers:
        lines = mistakes(tmp_path)
        assert len(lines) == len(ends)
        assert all("these are a tracker's answers: remove the last two" in line for line in lines)
    else:
        assert len(open_all(tmp_path)[1][builder.OUTLINES]) == len(ends)


@pytest.mark.parametrize(("hidden", "more"), [(True, ()), (False, (landmarks(0.5),))])
def test_points_of_a_face_are_no_outline(tmp_path: Path, hidden: bool, more: Sequence[str]) -> None:
    """Three rows show it, or points that are hidden."""
    rows = "".join([landmarks(0.3), landmarks(0.7, hidden=hidden), *more, "1 .5 .5 .2 .2\n"])
    put(tmp_path, **{"images/a.png": "", "labels/a.txt": rows, "data.yaml": PLAN})
    faces, notes, _ = open_all(tmp_path)
    boxes = [box for _, box in faces["a"]]
    assert boxes[:2] == [(6, 8, 30, 32), (30, 8, 54, 32)] and boxes[-1] == (24, 16, 36, 24)
    assert len(notes[yolo.KEYPOINTS]) == 2 + len(more) and builder.OUTLINES not in notes


SEVEN = "0 .3 .3 .35 .3 .4 .3 .4 .35 .4 .4 .35 .4 .3 .35\n"
"""An outline of seven points, from 18, 12 to 24, 16."""


@pytest.mark.parametrize("more", ["", SEVEN, "1 .1 .1 .2 .1 .2 .2\n"])
def test_outlines_of_seven_points_are_outlines(tmp_path: Path, more: str) -> None:
    put(tmp_path, **{"images/a.png": "", "labels/a.txt": SEVEN + more, "data.yaml": PLAN})
    faces, notes, _ = open_all(tmp_path)
    assert faces["a"][0] == ("mask", (18, 12, 24, 16)) and builder.OUTLINES in notes


def test_key_points_with_visibility_are_named(tmp_path: Path) -> None:
    row = f"0 .5 .5 .2 .2{' .5 .5 2' * 5}\n"
    put(tmp_path, **{"images/a.png": "", "labels/a.txt": row, "data.yaml": PLAN})
    (line,) = mistakes(tmp_path)
    assert "a.txt:1: has 20 values" in line and "kpt_shape: [5, 3]" in line


def test_corners_are_no_centers(tmp_path: Path) -> None:
    rows = ["0 .1 .1 .5 .5\n", "1 .5 .4 .9 .9\n", "0 .6 .2 .8 .5\n", "0 .2 .5 .6 .8\n"]
    put(tmp_path, **{"images/a.png": "", "labels/a.txt": "".join(rows), "data.yaml": PLAN})
    (line,) = mistakes(tmp_path)
    assert "labels: each row fits its picture as class, x1, y1, x2, y2" in line
    (tmp_path / "labels/a.txt").write_text("0 .5 .5 .2 .2\n" * 3 + rows[1])
    faces, notes, _ = open_all(tmp_path)
    assert len(faces["a"]) == 4 and builder.CUT in notes


def test_each_part_has_labels_of_its_own(tmp_path: Path) -> None:
    """Those of the other part are not labels without a picture."""
    files = {}
    for part, name in (("train", "a.png"), ("val", "b.jpg")):
        files |= {f"{part}/images/{name}": "", f"{part}/labels/{name[0]}.txt": ROW}
        files[f"{part}/classes.txt"] = "mask\nno\n"
    put(tmp_path, **files)
    faces, notes, _ = open_all(tmp_path)
    assert len(faces) == 2 and not notes


def test_turned_boxes_of_cvat_s_xml(tmp_path: Path) -> None:
    """It writes the box as if it were not turned, and the turn among its attributes."""
    turn = "<attribute><name>rotation</name><value>{}</value></attribute>"
    first, second = (f"<attributes>{turn.format(turned)}</attributes>" for turned in (90.0, 0.0))
    put(tmp_path, **{"a.png": "", "a.xml": xml("a.png", more=first)})
    put(tmp_path, **{"b.png": b"", "b.xml": xml("b.png", more=second)})
    draw(tmp_path / "b.png", *PICTURES["a.png"])
    faces, notes, _ = open_all(tmp_path)
    assert faces["a"][0][1] == pytest.approx((10, 0, 26, 24)) and faces["b"] == [MASK]
    assert len(notes[builder.OUTLINES]) == 1


@pytest.mark.parametrize("labels", ["", "annotations/"])
def test_xml_of_one_of_two_pictures_of_a_stem(tmp_path: Path, labels: str) -> None:
    images = "images/" if labels else ""
    put(tmp_path, **{f"{images}a.png": "", f"{labels}a.xml": xml("a.png")})
    draw(tmp_path / f"{images}a.jpg", *PICTURES["a.png"])
    data, _ = open_data(tmp_path, problems=(problems := Problems()))
    assert [sample.file.name for sample in data.samples] == ["a.png"]
    (line,) = problems.notes[voc.UNLABELED]
    assert line.endswith("a.jpg") and len(problems.notes) == 1


def test_xml_that_states_another_picture_is_named(tmp_path: Path) -> None:
    """LabelImg goes by its own name, old scripts go by what it states."""
    put(tmp_path, **{"a.png": "", "c.jpeg": "", "a.xml": xml("c.jpeg"), "c.xml": xml("gone.jpg")})
    (tmp_path / "c.jpeg").write_bytes((tmp_path / "a.png").read_bytes())
    faces, notes, _ = open_all(tmp_path)
    assert faces == {"a": [MASK], "c": [MASK]}
    (line,) = notes[voc.OF_ANOTHER]
    assert line.endswith("a.xml: states c.jpeg, and was taken for a.png") and len(notes) == 1


@pytest.mark.parametrize("other", ["annotations/a.xml", "images/a.xml"])
def test_a_second_xml_of_a_picture_is_named(tmp_path: Path, other: str) -> None:
    place = "images/a.png" if other.startswith("images") else "a.png"
    own = "annotations/a.xml" if other.startswith("images") else "a.xml"
    put(tmp_path, **{place: "", own: xml("a.png"), other: xml("a.png", "no")})
    faces, notes, _ = open_all(tmp_path)
    assert faces == {"a": [MASK]} and [*notes] == [voc.SECOND]
    assert notes[voc.SECOND][0].endswith(other)


def record(folder: Path, **more: Feature) -> Path:
    """A file with one picture and two boxes, its label map beside it."""
    draw(folder / "a.png", *PICTURES["a.png"])
    features: dict[str, Feature] = {
        "image/filename": [b"a.png"],
        "image/encoded": [(folder / "a.png").read_bytes()],
        "image/object/bbox/xmin": [0.1, 0.6],
        "image/object/bbox/xmax": [0.5, 0.8],
        "image/object/bbox/ymin": [0.1, 0.1],
        "image/object/bbox/ymax": [0.5, 0.5],
        "image/object/class/text": [b"mask", b"no"],
        "image/object/class/label": [1, 2],
    }
    features |= {f"image/object/{key.replace('__', '/')}": value for key, value in more.items()}
    with open(folder / "x.record", "wb") as file:
        write_record(file, example_bytes(features))
    (folder / "x.pbtxt").write_text("item { id: 1 name: 'mask' } item { id: 2 name: 'no' }")
    return folder / "x.record"


@pytest.mark.parametrize("key", ["is_crowd", "group_of"])
def test_crowds_of_records_are_left_out(tmp_path: Path, key: str) -> None:
    faces, notes, _ = open_all(record(tmp_path, **{key: [0, 1]}))
    assert faces["a"] == [("mask", pytest.approx(MASK[1]))]
    assert notes[tfrecord.CROWDS] == [f"{tmp_path / 'x.record'}: record 1, box 2"]


def test_a_label_map_of_other_names_is_named(tmp_path: Path) -> None:
    """The class names of the records count: a label map that lies beside them may be another's."""
    faces, notes, _ = open_all(record(tmp_path, class__text=[b"no", b"mask"]))
    assert [name for name, _ in faces["a"]] == ["no", "mask"]
    (first, _) = notes[tfrecord.RENAMED]
    assert first.endswith("record 1, box 1: class 1: 'no', not 'mask'")
    assert tfrecord.RENAMED not in open_all(record(tmp_path))[1]


@pytest.mark.parametrize("labels", [{}, {"class__text": []}])
def test_names_of_open_images_are_keys(tmp_path: Path, labels: dict[str, Feature]) -> None:
    file = record(tmp_path, **labels)
    items = ("id: 1 name: '/m/0x' display_name: 'mask'", "id: 2 name: '/m/0y' display_name: 'no'")
    (tmp_path / "x.pbtxt").write_text("".join(f"item {{ {item} }}" for item in items))
    faces, notes, _ = open_all(file)
    assert [name for name, _ in faces["a"]] == ["mask", "no"] and not notes


def test_a_label_map_of_something_else_is_named(tmp_path: Path) -> None:
    record(tmp_path).rename(tmp_path / "X.RECORD")
    (tmp_path / "x.pbtxt").write_text("item { id: 1 name: 'person' } item { id: 2 name: 'cat' }")
    first, _ = mistakes(tmp_path)
    assert "unknown class 'mask'; " in first
    assert "x.pbtxt has person, cat; name the right label map by --classes" in first


def test_pixels_in_records_are_named(tmp_path: Path) -> None:
    pixels = {"xmin": [6.0, 36.0], "xmax": [30.0, 48.0], "ymin": [4.0, 4.0], "ymax": [20.0, 20.0]}
    first, _ = mistakes(record(tmp_path, **{f"bbox__{key}": v for key, v in pixels.items()}))
    assert "record 1, box 1: box 6, 4, 30, 20 is in pixels; records have shares" in first


@pytest.mark.parametrize("crowd", [0, False, None, "0", "false"])
def test_what_is_no_crowd(tmp_path: Path, crowd: object) -> None:
    text = coco_text("a.png", {"bbox": [6, 4, 24, 16], "iscrowd": crowd})
    put(tmp_path, **{"x.json": text, "a.png": ""})
    assert open_all(tmp_path)[0] == {"a": [MASK]}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.json", '{"project": {}, "file": {}, "view": {}}', "VGG Image Annotator"),
        ("x.json", '[{"ID": "1", "Labeled Data": "a.png", "Label": {}}]', "Labelbox's"),
        ("a.png.json", '{"FileName": "a.png", "Annotations": []}', "that of Kaggle's Medical Mask"),
        ("x.csv", "name,x1,x2,y1,y2,classname\na.png,6,4,30,20,face_with_mask\n",
         "Medical Mask, whose columns x1,x2,y1,y2 hold left, top, right, bottom"),
        ("train/_classes.csv", "filename, mask, no\na.png, 1, 0\n", "for a classifier"),
        ("x.csv", "label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width\n"
         "mask,6,4,24,16,a.png,60\n", "makesense.ai's CSV"),
    ],
)  # fmt: skip
def test_other_tools_are_named(tmp_path: Path, name: str, text: str, words: str) -> None:
    put(tmp_path, **{name: text, "train/a.png": ""})
    (line,) = mistakes(tmp_path)
    assert words in line and name in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'path: "C:\\Users\\me"\nnames: [mask, no]\n',
            "mask.yaml:1: not valid YAML: between double",
        ),
        ("train: images\nnc: 2\n", "mask.yaml has no list of names"),
    ],
)
def test_a_plan_that_cannot_be_used_is_named(tmp_path: Path, text: str, words: str) -> None:
    put(tmp_path, **{"images/a.png": "", "labels/a.txt": ROW, "mask.yaml": text})
    (line,) = mistakes(tmp_path)
    assert "has no classes.txt or data.yaml" in line and words in line


@pytest.mark.parametrize("plan", [True, False])
def test_lists_of_darknet_and_of_a_plan_are_parts(tmp_path: Path, plan: bool) -> None:
    """Also of pictures without labels; those of both lists are in no part."""
    lists = {"train.txt": "data/obj/a.png\ndata/obj/b.jpg\n", "test.txt": "data/obj/c.jpeg\n"}
    names = {"data.yaml": f"{PLAN}train: train.txt\ntest: test.txt\n"} if plan else {}
    put(tmp_path, **lists, **(names or {"obj.names": "mask\nno\n"}))
    put(tmp_path / "obj", **{"a.png": "", "b.jpg": "", "c.jpeg": "", "a.txt": ROW, "c.txt": ""})
    _, notes, parts = open_all(tmp_path)
    assert parts == {"a": "train", "b": "train", "c": "test"} and [*notes] == [yolo.UNLABELED]
    (tmp_path / "test.txt").write_text("obj/c.jpeg\nobj/a.png\n")
    assert "a" not in open_all(tmp_path)[2]


def test_one_list_of_darknet_is_no_division(tmp_path: Path) -> None:
    put(tmp_path, **{"train.txt": "obj/a.png\n", "obj.names": "mask\nno\n"})
    put(tmp_path / "obj", **{"a.png": "", "b.jpg": "", "a.txt": ROW, "b.txt": ROW})
    assert open_all(tmp_path)[2] == {}


def test_labels_beside_xml_are_named(tmp_path: Path) -> None:
    put(tmp_path, **{"images/a.png": "", "annotations/a.xml": xml("a.png")})
    put(tmp_path, **{"labels/classes.txt": "no\n", "x.json": "{}", "notes.csv": "a,b\n"})
    assert open_all(tmp_path)[1] == {}
    put(tmp_path, **{"labels/a.txt": ROW, "y.json": coco_text("a.png", {"bbox": [6, 4, 24, 16]})})
    faces, notes, _ = open_all(tmp_path)
    first, second = notes[format_detection.BESIDE_XML]
    assert faces == {"a": [MASK]} and first.endswith("y.json") and "yolo" in second


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a.png 6,4,30,20,0", "boxes behind a name, as keras-yolo3 has them, are not read"),
        ("a.png,6,4,30,20,mask", "this is the row of a table: let its name end in .csv, or name"),
        ("a.png", "labels of YOLO lie beside it: give their folder, and the list by --images"),
        ("c.png", "c.png: no such picture"),
    ],
)
def test_lists_of_other_tools_are_named(tmp_path: Path, line: str, words: str) -> None:
    put(tmp_path, **{"a.png": "", "a.txt": ROW, "train.txt": f"{line}\n"})
    (found,) = mistakes(tmp_path / "train.txt")
    assert words in found


@pytest.mark.parametrize(
    ("pictures", "labels"),
    [
        ("Images/{}", "Labels/{}"), ("{}/Images", "{}/Labels"), ("set/{}/images", "set/{}/label"),
        ("set/{}/images", "txt/{}"),
    ],
)  # fmt: skip
def test_labels_of_pictures_of_one_name_in_folders_of_other_names(
    tmp_path: Path, pictures: str, labels: str
) -> None:
    """Folders that both have show which is whose; a picture of a part without labels has none."""
    put(tmp_path, **{"classes.txt": "mask\nno\n"})
    for part in ("train", "val", "test"):
        put(tmp_path, **{f"{pictures.format(part)}/a.png": ""})
    for number, part in enumerate(("train", "val")):
        put(tmp_path, **{f"{labels.format(part)}/a.txt": ROW.replace("0", str(number), 1)})
    data, _ = open_data(tmp_path, problems=(problems := Problems()))
    found = {s.part: [data.names[index] for index in s.classes] for s in data.samples}
    assert found == {"train": ["mask"], "val": ["no"], "test": []}
    assert len(problems.notes[yolo_labels.ELSEWHERE]) == 2 and not problems.wrong


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("object>", "Object>", "a.xml:1: <Object> stands in no <object>"),
        ("<object>", "", "a.xml:1: <bndbox> stands in no <object>"),
        ("</bndbox>", "</bndbox><bndbox/>", "a.xml:1: <object> has 2 <bndbox>; write an <object>"),
    ],
)
def test_boxes_that_would_be_passed_over(tmp_path: Path, old: str, new: str, words: str) -> None:
    """Else the face would be background."""
    text = xml("a.png").replace(old, new)
    put(tmp_path, **{"a.png": "", "a.xml": text if new else text.replace("</object>", "")})
    (line,) = mistakes(tmp_path)
    assert words in line


@pytest.mark.parametrize(
    "files",
    [
        {"x.csv": f"{HEAD}a.png,60,40,mask,6,4,30,20\n"},
        {"x.csv": "a.png,6,4,30,20,mask\n"},
        {"x.json": coco_text("a.png", {"bbox": [6, 4, 24, 16]})},
    ],
    ids=["csv", "retinanet", "coco"],
)
def test_pictures_that_no_label_names_are_in_a_note(tmp_path: Path, files: dict[str, str]) -> None:
    """The Object Detection API's own script leaves out those without objects."""
    put(tmp_path, **files, **{"images/a.png": "", "images/b.jpg": "", "other/c.jpeg": ""})
    faces, notes, _ = open_all(tmp_path)
    assert faces == {"a": [MASK]} and notes == {UNLISTED: [f"{tmp_path}/images/b.jpg"]}
    assert not open_all(next(tmp_path / name for name in files))[1]


def test_pictures_that_another_part_names_are_in_no_note(tmp_path: Path) -> None:
    rows = {"train.csv": "a.png,60,40,mask,6,4,30,20\n", "test.csv": "b.jpg,33,57,no,6,4,30,20\n"}
    put(tmp_path, **{name: HEAD + row for name, row in rows.items()}, **{"a.png": "", "b.jpg": ""})
    assert open_all(tmp_path)[1] == {}


@pytest.mark.parametrize(
    "files",
    [{"a.xml": xml("gone.png")}, {"a.txt": ROW, "classes.txt": "mask\n"}],
    ids=["voc", "yolo"],
)
def test_pictures_that_share_labels_are_named(tmp_path: Path, files: dict[str, str]) -> None:
    put(tmp_path, **{"a.png": "", **files})
    draw(tmp_path / "a.jpg", *PICTURES["a.png"])
    data, _ = open_data(tmp_path, problems=(problems := Problems()))
    assert [len(sample.boxes) for sample in data.samples] == [1, 1]
    assert problems.notes[builder.SHARED][-1].startswith(f"{tmp_path}/a.png: a.")
