"""Layouts and habits of the programs that people label with, each read with its boxes or named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from maskdet.datasets.builder import NO_SIZE, SHARES
from maskdet.datasets.class_list import label_map
from maskdet.datasets.format_detection import read
from maskdet.datasets.formats.tfrecord.tfrecord_files import write_record
from maskdet.datasets.formats.tfrecord.tfrecord_messages import Feature, example_bytes
from maskdet.datasets.formats.voc import voc
from maskdet.datasets.formats.yolo import yolo, yolo_labels
from maskdet.datasets.image_lookup import ELSEWHERE
from tests.datasets.formats.sets import Face, content, mistakes
from tests.datasets.test_other_machines import HEAD, coco_text, open_all, put

MASK: Face = ("mask", (6, 4, 30, 20))
ROW = "0 0.3 0.3 0.4 0.4\n"
"""The same in shares of 60×40 pixels."""
BOX = {"bbox": [6, 4, 24, 16]}
PROLOG = '<?xml version="1.0" encoding="utf-16"?>'
XML = (
    "<annotation><filename>{}</filename><size><width>60</width><height>40</height></size><object>"
    "<name>mask</name><bndbox><xmin>6</xmin><ymin>4</ymin><xmax>30</xmax><ymax>20</ymax></bndbox>"
    "</object></annotation>"
)
LABELME_XML = (
    "<annotation><filename>a.png</filename><imagesize><nrows>40</nrows><ncols>60</ncols>"
    "</imagesize><object><name>mask</name><deleted>0</deleted><polygon><pt><x>6</x><y>4</y></pt>"
    "<pt><x>30</x><y>4</y></pt><pt><x>30</x><y>20</y></pt></polygon></object><object><name>no"
    "</name><deleted>1</deleted></object></annotation>"
)


@pytest.mark.parametrize(
    ("files", "note"),
    [
        # YOLO: labels of a CVAT task without its pictures; Label Studio's names
        ({"obj_train_data/a.txt": ROW, "pictures/a.png": "", "obj.names": "mask\n",
          "train.txt": "data/obj_train_data/a.png\n"}, yolo_labels.ELSEWHERE),
        ({"labels/0a1b2c3d-a.txt": ROW, "images/a.png": "", "classes.txt": "mask"},
         yolo_labels.ELSEWHERE),
        ({"labels/a.txt": "0.0 0.3 0.3 0.4 0.4\n", "images/a.png": "", "classes.txt": "mask"}, ""),
        ({"labels/a.png.txt": ROW, "images/a.png": "", "classes.txt": "mask"},
         yolo_labels.ELSEWHERE),
        ({"labels/a.txt": f"# mine\n\n{ROW}", "images/a.png": "", "classes.txt": "mask"}, ""),
        ({"labels/a.txt": ROW.replace(" ", ","), "images/a.png": "", "classes.txt": "mask"}, ""),
        ({"labels/a.txt": ROW, "images/a.png": "", "predefined_classes.txt": "mask"}, ""),
        ({"a.txt": ROW, "a.png": "", "faces.names": "mask\n"}, ""),
        # folders of editors and of systems: copies without labels are no background
        ({"labels/a.txt": ROW, "images/a.png": "", "classes.txt": "mask",
          "images/.ipynb_checkpoints/a.png": "", "images/@eaDir/a.png/b.jpg": "",
          "__MACOSX/images/a.png": ""}, ""),
        ({"Labels/A.TXT": ROW, "Images/a.png": "", "Classes.txt": "mask"}, yolo_labels.ELSEWHERE),
        ({"a.txt": ROW, "a.png": "", "Data.YAML": "names: [mask]\ntrain: .\n"}, ""),
        ({"labels/a.TXT": ROW, "images/a.png": "", "classes.txt": "mask"}, yolo_labels.ELSEWHERE),
        # VOC: LabelMe's own xml, xml under other names, in UTF-16 whatever it declares
        ({"default/a.xml": LABELME_XML, "default/a.png": ""}, ""),
        ({"annotations/a.png.xml": XML.format("a.png"), "images/a.png": ""}, ""),
        ({"annotations/0001.xml": XML.format("C:\\x\\a.png"), "images/a.png": ""}, ""),
        ({"annotations/a.xml": ('<?xml version="1.0" encoding="utf-8"?>' + XML).encode("utf-16"),
          "images/a.png": ""}, ""),
        ({"annotations/a.xml": XML, "images/a.png": "", "images/b.jpg": ""}, voc.UNLABELED),
        # VOC: declarations that the parser knows nothing of, no size
        ({"a.xml": "<?xml version='1.0' encoding='utf8'?><!-- ü -->" + XML, "a.png": ""}, ""),
        ({"a.xml": (PROLOG + XML).encode("utf-16-le"), "a.png": ""}, ""),
        ({"a.xml": f'\n\n{PROLOG}<!DOCTYPE annotation SYSTEM "voc.dtd">{XML}', "a.png": ""}, ""),
        ({"a.xml": XML.replace("60", "").replace("40", "None"), "a.png": ""}, NO_SIZE),
        # CSV: a header in other letters, sizes with .0, the folder that scripts call data
        ({"x.csv": f"{HEAD.title()}a.png,60.0,40.0,mask,6.0,4,30,20\n", "a.png": ""}, ""),
        ({"data/train_labels.csv": f"{HEAD}a.png,60,40,mask,6,4,30,20\n",
          "images/train/a.png": ""}, ""),
        ({"x.csv": f"{HEAD}{HEAD}a.png,60,40,mask,6,4,30,20\n{HEAD}", "a.png": ""}, ""),
        # CSV: as Excel in half of Europe writes it, other columns, shares, no size
        ({"x.csv": (f"sep=;\r\n{HEAD}a.png,60,40,mask,6.0,4.0,30.0,20.0,\r\n".replace(",", ";")
                    .replace(".0", ",0")).encode("utf-16"), "a.png": ""}, ""),
        ({"x.tsv": f"{HEAD}a.png,60,40,mask,6,4,30,20\n".replace(",", "\t"), "a.png": ""}, ""),
        ({"x.csv": f"{HEAD}a.png,60,40,mask,6,4,30,20\r".replace("\n", "\r"), "a.png": "",
          "colors.csv": "name,r,g,b\nmask,0,0,0\n"}, ""),
        ({"x.csv": "image_name,label,x_min,x_max,y_min,y_max\na.png,mask,6,30,4,20\n",
          "a.png": ""}, NO_SIZE),
        ({"x.csv": f"{HEAD}a.png,0,0,mask,6,4,30,20\n", "a.png": ""}, NO_SIZE),
        ({"x.csv": f"{HEAD}a.png,60,40,mask,.1,.1,.5,.5\n", "a.png": ""}, SHARES),
        ({"x.csv": f"{HEAD}a.xml,60,40,mask,6,4,30,20\n", "a.png": ""}, ELSEWHERE),
        ({"x.csv": "a.png,6.0,4.0,30.0,20.0,mask\n", "a.png": "",
          "classes.csv": "class,id\nmask,0"}, ""),
        ({"x.csv": "image,xmin,ymin,xmax,ymax,label\na.png,6,4,30,20,mask\n", "a.png": ""},
         NO_SIZE),
        # COCO: names as addresses write them, as Label Studio changes them; ids of several types
        ({"x.json": coco_text("images\\0a1b2c3d-d_d.png", BOX), "d d.png": ""}, ELSEWHERE),
        ({"x.json": coco_text("d%20d.png", BOX), "d d.png": ""}, ELSEWHERE),
        ({"x.json": coco_text("a.png", BOX, categories=[{"id": "1", "name": "mask"}]).replace(
            '"image_id": 0', '"image_id": 0.0').replace('"id": 0', '"id": "0"'), "a.png": ""}, ""),
    ],
)  # fmt: skip
def test_labels_are_read(tmp_path: Path, files: dict[str, str | bytes], note: str) -> None:
    put(tmp_path, **files)
    if "d d.png" in files:  # of another size than the labels state, which reading does not mind
        (tmp_path / "d d.png").unlink()
        put(tmp_path, **{"a.png": ""})
        (tmp_path / "a.png").rename(tmp_path / "d d.png")
    faces, notes, _ = open_all(tmp_path)
    assert [face for found in faces.values() for face in found] == [MASK]
    assert [kind for kind in notes if "outlines" not in kind] == [note] * bool(note)


def record(folder: Path, name: str, **more: Feature) -> None:
    """A file with one example, of a class that it gives as a number alone."""
    put(folder, **{"a.png": ""})
    shares = {"xmin": 0.1, "ymin": 0.1, "xmax": 0.5, "ymax": 0.5}
    features: dict[str, Feature] = {
        "image/encoded": [(folder / "a.png").read_bytes()],
        "image/filename": [b"a.png"],
        "image/object/class/label": [1],
        **{f"image/object/bbox/{edge}": [share] for edge, share in shares.items()},
        **more,
    }
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    with open(folder / name, "wb") as file:
        write_record(file, example_bytes(features))
    (folder / "a.png").unlink()


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("train/Faces.tfrecord", "train/Faces_label_map.pbtxt"),
        ("train.record", "object-detection.pbtxt"),
        ("records/train.record", "data/my_labels.pbtxt"),
    ],
)
def test_the_label_map_of_records(tmp_path: Path, name: str, labels: str) -> None:
    record(tmp_path, name)
    graph = "node {\n  name: 'x'\n}\n"  # a graph as text has the same ending
    put(tmp_path, **{labels: label_map(["mask"]), f"{Path(name).parent}/graph.pbtxt": graph})
    data, _ = read(tmp_path / name, tmp_path)
    assert content(data) == {"a": [MASK]}


def test_two_label_maps_are_not_guessed_between(tmp_path: Path) -> None:
    edges = {"xmin": 0.1, "ymin": 0.1, "xmax": 0.5, "ymax": 0.5}
    both: dict[str, Feature] = {f"image/object/bbox/{key}": [at] * 2 for key, at in edges.items()}
    record(tmp_path, "train.record", **both, **{"image/object/class/label": [1, 1]})
    put(tmp_path, **{f"{name}.pbtxt": label_map([name]) for name in ("one", "two")})
    (line,) = mistakes(tmp_path / "train.record")
    assert "class 1 has no name; give the label map by --classes" in line


@pytest.mark.parametrize(
    "name", ["x.record", "x.record-?????-of-00002", "x.record@2", "x.record-*", "x.record*"]
)
def test_shards_as_settings_of_tensorflow_name_them(tmp_path: Path, name: str) -> None:
    text: dict[str, Feature] = {"image/object/class/text": [b"mask"]}
    record(tmp_path, "x.record-00000-of-00002", **text)
    record(tmp_path, "x.record-00001-of-00002", **text, **{"image/filename": [b"b.png"]})
    data, kind = read(tmp_path / name, tmp_path)
    assert (kind, content(data)) == ("tfrecord", {"a": [MASK], "b": [MASK]})
    assert "no such file or folder" in mistakes(tmp_path / "y.record")[0]


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0a1b\nsize 12\n"
LABELME_JSON = json.dumps({"version": "5", "shapes": [], "imagePath": "a.png"})
VIA = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"  # noqa: E501
LS_CSV = "annotation_id,annotator,created_at,id,image,label,lead_time,updated_at\n"
OPEN_IMAGES = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded\n"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.csv": VIA + "a.png,1,{},1,0,{},{}\n"}, "the VGG Image Annotator's CSV; export"),
        ({"a.csv": OPEN_IMAGES + "a,x,/m/1,1,0,1,0,1,0\n" * 30}, "is Open Images' CSV"),
        ({"a.csv": LS_CSV + "1,1,2,1,a.png,x,1,2\n"}, "is Label Studio's own CSV"),
        ({"a.csv": "mask,6,4,24,16,a.png,60,40\n"}, "is makesense.ai's CSV; export"),
        ({"a.csv": "TRAIN,a.png,mask,.1,.1,,,.5,.5,,\n"}, "is Google AutoML's CSV; export"),
        ({"a.csv": "image,x,y,w,h,label\na.png,6,4,24,16,mask\n"}, "x,y,w,h,label are not known"),
        ({"a.json": coco_text("a.png", *[{"bbox": [30, 20, 50, 35]}] * 4)}, "as x1, y1, x2, y2"),
        ({"a.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"}, "has a document type or entities"),
        ({"annotations/default.json": '{"categories": {}, "items": []}'}, "but Datumaro's"),
        ({"meta.json": '{"classes": [], "tags": []}'}, "as Supervisely writes it"),
        ({"p.json": '[{"id": 1, "annotator": 1, "image": "a.png"}]'}, "Label Studio's own list"),
        ({"labels/a.json": LABELME_JSON}, "but labelme's, a file for each picture"),
        ({"train/_annotations.txt": "a.png 6,4,30,20,0\n"}, "is Roboflow's YOLOv4 PyTorch"),
        ({"labels.csv": LFS}, "labels.csv, which is a pointer of Git LFS"),
        ({"a.json": LFS}, "a.json: is a pointer of Git LFS"),
        ({"a.xml": LFS}, "a.xml: is a pointer of Git LFS"),
        ({"train.record": LFS}, "record 1: is a pointer of Git LFS"),
        ({"a.json": "\n<!DOCTYPE html><title>404</title>"}, "is a web page, as servers send it"),
        ({"a.xml": f"<<<<<<< HEAD\n{XML}\n=======\n{XML}\n>>>>>>> b\n"}, "sides of a merge (<<<<"),
        (
            {"a.txt": ROW, "data.yaml": "train: .\nnames: [{name: mask}]"},
            "not a class name; write names:",
        ),
        (
            {"my.txt": "a.png 6,4,30,20,0\n"},
            "my.txt:1: boxes behind a name, as keras-yolo3 has them",
        ),
        (
            {"train.txt": "C:\\x\\a.png 6,4,30,20,0 1,2,3,4,0\n", "classes.txt": "mask"},
            "train.txt:1: boxes behind a name",
        ),
        ({"x/wider_face_train_bbx_gt.txt": "a.png\n"}, "is WIDER FACE's list of boxes"),
        ({"labelTxt/b.txt": "1 1 2 1 2 2 1 2 mask 0\n"}, "DOTA's turned boxes in labelTxt/"),
        ({"label_2/a.txt": "mask 0 0 0 6 4 30 20\n", "image_2/a.png": ""}, "is KITTI's; convert"),
        ({"data/train-0.parquet": "PAR1"}, "holds data/train-0.parquet: Hugging Face's Parquet"),
        ({"metadata.jsonl": "{}"}, "holds metadata.jsonl: lines of JSON"),
        ({"set.zip": "PK"}, "holds set.zip: an archive; unpack it"),
        ({"faces.xlsx": "PK"}, "holds faces.xlsx: a spreadsheet; save it as CSV"),
        (
            {"a.json": '[{"image_id": 0, "bbox": [6, 4, 24, 16], "score": 1}]'},
            "a detector's answers",
        ),
        ({"a.json": '[{"name": "a.png", "labels": []}]'}, "but Scalabel's"),
        ({"with_mask/a.png": "", "no mask/b.jpg": ""}, "a classifier's data set"),
        ({}, "holds 1 picture, but no labels that are known"),
        ({"a.txt": ROW}, "has no classes.txt or data.yaml; name the list of classes by --classes"),
    ],
)
def test_what_is_not_read_is_named_in_one_line(
    tmp_path: Path, files: dict[str, str], words: str
) -> None:
    put(tmp_path, **files)
    if not any(name.endswith(".png") for name in files):
        put(tmp_path, **{"a.png": ""})
    (line,) = mistakes(tmp_path)
    assert words in line


@pytest.mark.parametrize("outer", ["", "My Export.v1/", "unpacked/My Export.v1/"])
def test_parts_in_the_folder_that_an_archive_unpacks_into(tmp_path: Path, outer: str) -> None:
    parts = {"train": "a.png", "valid": "b.jpg"}
    for part, name in parts.items():
        put(tmp_path, **{f"{outer}{part}/{name}": "", f"{outer}{part}/_annotations.coco.json":
                         coco_text(name, BOX), "__MACOSX/._x": ""})  # fmt: skip
    data, _ = read(tmp_path, tmp_path)
    found = {sample.file.name: sample.part for sample in data.samples}
    assert found == {"a.png": "train", "b.jpg": "val"}
    assert content(data) == {"a": [MASK], "b": [MASK]}


def test_a_file_of_xml_is_named(tmp_path: Path) -> None:
    put(tmp_path, **{"a.xml": "<annotations><image/></annotations>", "b.xml": XML})
    assert "is CVAT's own xml" in mistakes(tmp_path / "a.xml")[0]
    assert "is the xml of one picture; give its folder" in mistakes(tmp_path / "b.xml")[0]


def test_labels_without_a_picture_are_in_a_note_and_lists_are_no_labels(tmp_path: Path) -> None:
    put(tmp_path, **{"images/a.png": "", "labels/a.txt": ROW, "labels/lost.txt": ROW,
                     "labels/classes.txt": "mask\n", "labels/predefined_classes.txt": "dog\n",
                     "labels/Train.txt": "images/a.png\n"})  # fmt: skip
    _, notes, _ = open_all(tmp_path)
    assert notes == {yolo_labels.ORPHANS: [f"{tmp_path}/labels/lost.txt"]}


def test_labels_of_two_pictures_of_a_name_are_nobodys(tmp_path: Path) -> None:
    put(tmp_path, **{"one/a.png": "", "two/a.png": "", "txt/a.txt": ROW, "classes.txt": "mask\n"})
    faces, notes, _ = open_all(tmp_path)
    assert (faces, list(notes)) == ({"a": []}, [yolo.UNLABELED])
