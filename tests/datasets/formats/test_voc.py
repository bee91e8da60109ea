"""Pascal VOC folders as Kaggle and LabelImg lay them out, right, wrong and hostile."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.datasets import format_detection
from maskdet.datasets.formats.voc import voc
from maskdet.datasets.loading import open_data
from maskdet.datasets.problems import Problems
from maskdet.datasets.samples import Sample, class_index
from maskdet.detections import CLASS_NAMES
from maskdet.errors import DatasetError

BOX = "<xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax>"


def face(*box: object, name: str = "with_mask") -> str:
    return (
        f"<object><name>{name}</name><pose>Unspecified</pose><difficult>0</difficult>"
        f"<bndbox>{BOX.format(*box)}</bndbox></object>"
    )


def annotation(*faces: str, width: object = 60, height: object = 40) -> str:
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation><folder>images</folder>{size}{''.join(faces)}</annotation>"


def put(
    data: Path,
    xml: str | bytes | None = None,
    *,
    image: str = "a.png",
    size: tuple[int, int] = (40, 60),
) -> str:
    """Writes a picture and its xml; returns its name below the folder."""
    (data / "images").mkdir(exist_ok=True)
    (data / "annotations").mkdir(exist_ok=True)
    cv2.imwrite(str(data / "images" / image), np.full((*size, 3), 90, np.uint8))
    if xml is not None:
        raw = xml.encode() if isinstance(xml, str) else xml
        (data / "annotations" / image).with_suffix(".xml").write_bytes(raw)
    return f"images/{image}"


def read(
    data: Path, names: list[str] | None = None, labeled: Sequence[str] = CLASS_NAMES
) -> list[Sample]:
    """The samples of a folder, or of the pictures that a list names."""
    only = None
    if names is not None:
        only = data.parent / f"{data.name}.txt"
        only.write_text("\n".join(names), "utf-8")
    problems = Problems()
    found, _ = open_data(data, None, only, kind="voc", problems=problems)
    problems.check()
    return found.in_states(labeled=tuple(map(class_index, labeled)))


def refusal(data: Path, names: list[str] | None = None) -> str:
    """The one line that reading the folder ends with."""
    with pytest.raises(DatasetError) as error:
        read(data, names)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400 + len(str(data)) * 3
    return str(error.value)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".JPG", ".bmp", ".webp"])
def test_layout(tmp_path: Path, suffix: str) -> None:
    """Kaggle has `maksssksksss0.png`; LabelImg leaves the suffix that the picture had."""
    xml = annotation(face(1, 2, 30, 40), face(31, 0, 60, 20, name="mask_weared_incorrect"))
    put(tmp_path, xml, image=f"maksssksksss0{suffix}")
    (sample,) = read(tmp_path)
    assert sample.file == tmp_path / "images" / f"maksssksksss0{suffix}"
    assert (sample.width, sample.height) == (60, 40)
    np.testing.assert_array_equal(sample.boxes, [[1, 2, 30, 40], [31, 0, 60, 20]])
    assert sample.boxes.dtype == np.float32
    assert sample.classes.tolist() == [0, 2]
    assert sample.labeled == (0, 1, 2)
    assert sample.read().shape == (40, 60, 3)


def test_labelimg_layout(tmp_path: Path) -> None:
    """Its own path in it, an absolute one of another machine, is not read."""
    xml = """<?xml version="1.0" encoding="utf-8"?>
    <annotation verified="yes">
        <folder>Bilder</folder> <filename>other.jpg</filename> <path>C:\\Bilder\\other.jpg</path>
        <source><database>Unknown</database></source>
        <size> <width> 60 </width> <height>40</height> <depth>3</depth> </size>
        <segmented>0</segmented>
        <object>
            <name> without_mask </name> <truncated>1</truncated>
            <bndbox> <xmin> 3 </xmin> <ymin>4</ymin> <xmax>20</xmax> <ymax>30</ymax> </bndbox>
        </object>
    </annotation>"""
    put(tmp_path, xml, image="groß 1.jpg")
    (sample,) = read(tmp_path)
    np.testing.assert_array_equal(sample.boxes, [[3, 4, 20, 30]])
    assert sample.classes.tolist() == [1]


def test_all_pictures_in_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "c.png"):
        put(tmp_path, annotation(), image=name)
    (tmp_path / "images" / "Thumbs.db").write_bytes(b"no picture")
    samples = read(tmp_path)
    assert [sample.file.name for sample in samples] == ["a.jpg", "b.png", "c.png"]
    assert samples[0].boxes.shape == (0, 4)
    assert samples[0].classes.shape == (0,)


def test_named_pictures_of_several_sets(tmp_path: Path) -> None:
    """A list names pictures below the folder; blank lines are none; order is the list's."""
    for part in ("one", "two"):
        (tmp_path / part).mkdir()
        put(tmp_path / part, annotation(face(0, 0, 9, 9)))
    (tmp_path / "list.txt").write_text("two/images/a.png\r\n\n  one/images/a.png \n", "utf-8")
    names = voc.read_list(tmp_path / "list.txt")
    samples = read(tmp_path, names, ("with_mask", "without_mask"))
    assert [sample.file.parent.parent.name for sample in samples] == ["two", "one"]
    assert samples[0].labeled == (0, 1)


@pytest.mark.parametrize(
    ("box", "found"),
    [
        # coordinates may be fractions
        ((1.5, 2.25, 30.75, 39.5), (1.5, 2.25, 30.75, 39.5)),
        # tools that count from 1, or include the last pixel, reach one over the edge
        ((0, 0, 61, 41), (0, 0, 60, 40)),
        ((-1, -1, 20, 20), (0, 0, 20, 20)),
    ],
)
def test_boxes(tmp_path: Path, box: tuple[float, ...], found: tuple[float, ...]) -> None:
    put(tmp_path, annotation(face(*box)))
    np.testing.assert_array_equal(read(tmp_path)[0].boxes, [found])


BOMB = (
    '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
    "<annotation>&c;</annotation>"
)
EXTERNAL = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><annotation>&x;</annotation>'


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        # no xml, or not all of it
        ("", "no element found (line 1); the file is empty: save or copy it again"),
        ("only words", "syntax error (line 1); save it again as xml"),
        (annotation().replace("<size>", "<path>a & b</path><size>"), "& is to be written as &amp;"),
        (annotation().replace("</size>", "</sise>"), "; an element is closed that is not open"),
        (b"\x00\xff\xfe\x01\x02", "cannot be read as xml"),
        (annotation(face(1, 2, 3, 4)) + "\0" * 99, "; it has zero bytes at its end, as a copy"),
        (annotation(face(1, 2, 3, 4))[:-20], "; the file ends too early: save or copy it again"),
        ('<?xml version="1.0" encoding="klingon"?><annotation/>', "encoding"),
        ('<?xml version="1.0" encoding="utf-7"?><annotation/>', "cannot be read as xml"),
        # nobody's annotation has a document type: entities could fill the memory or read files
        (BOMB, "cannot be read as xml"),
        (EXTERNAL, "cannot be read as xml"),
        ('<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><annotation/>', "cannot be read as xml"),
        # something is missing
        ("<annotation/>", "has no <size/width>"),
        (annotation().replace("height", "tallness"), "has no <size/height>"),
        (annotation("<object><name>with_mask</name></object>"), "has no <bndbox/xmin>"),
        (annotation(face(1, 2, 3, 4).replace("ymax", "y")), "has no <bndbox/ymax>"),
        # numbers that are none
        (annotation(face("one", 2, 3, 4)), "<bndbox/xmin> is 'one', not a number"),
        (annotation(face("", 2, 3, 4)), "<bndbox/xmin> is '', not a number"),
        (annotation(face("NaN", 2, 3, 4)), "<bndbox/xmin> is 'NaN', not a number"),
        (annotation(face(1, 2, "inf", 4)), "<bndbox/xmax> is 'inf', not a number"),
        (annotation(face(1, 2, "1e999", 4)), "<bndbox/xmax> is '1e999', not a number"),
        (annotation(face("9" * 9999, 2, 3, 4)), "not a number"),
        (annotation(face("x" * 9999, 2, 3, 4)), "not a number"),
        # sizes that no picture has
        (annotation(width=0), "size 0×40"),
        (annotation(height=-40), "size 60×-40"),
        (annotation(width="nan"), "<size/width> is 'nan'"),
        (annotation(width="1e300"), "not a picture's"),
        (annotation(width=2_000_000), "size 2e+06×40"),
        # boxes that are none
        (annotation(face(5, 5, 5, 20)), "empty box 5, 5, 5, 20"),
        (annotation(face(5, 20, 9, 5)), "box 5, 20, 9, 5 has swapped corners"),
        (annotation(face(60, 0, 80, 20)), "box 60, 0, 80, 20 lies outside"),
        (annotation(face(0, -9, 20, 0)), "box 0, -9, 20, 0 lies outside"),
        (annotation(face("1e30", 0, "1e31", 20)), "lies outside"),
        # a class nobody knows
        (annotation(face(1, 2, 3, 4, name="hat")), "class name 'hat' (the classes are 'hat'); set"),
        (annotation(face(1, 2, 3, 4, name="")), "unknown class ''"),
        (annotation(face(1, 2, 3, 4, name="unsure")), "class name 'unsure'"),
        (annotation(face(1, 2, 3, 4, name="x" * 99999)), "unknown class"),
    ],
)
def test_wrong_xml_is_one_line_with_its_file(tmp_path: Path, xml: str | bytes, words: str) -> None:
    put(tmp_path, xml)
    message = refusal(tmp_path)
    assert re.match(rf"{tmp_path / 'annotations' / 'a.xml'}:(1:)? ", message)
    assert words in message


def test_deeply_nested_xml(tmp_path: Path) -> None:
    put(tmp_path, annotation("<a>" * 100_000 + "</a>" * 100_000, face(1, 2, 3, 4)))
    assert len(read(tmp_path)[0].boxes) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../outside/images/z.png", "leads out"),
        ("images/../../outside/images/z.png", "leads out"),
        ("{outside}/images/z.png", "leads out"),
        ("/etc/hostname", "leads out"),
        ("link.png", "leads out"),
        ("images/link.png", "leads out"),
        ("linked/images/a.png", "leads out"),
        # the picture is inside, its annotation would not be
        ("a.png", "leads out"),
        # names that are none
        ("images/a\0.png", "holds NUL characters"),
        ("images/loop.png", "'images/loop.png': no file of"),
        ("images/" + "x" * 300 + ".png", "no such picture"),
        ("images", "no such picture"),
        ("images/b.png", "no such picture"),
    ],
)
def test_names_that_lead_out_or_nowhere(tmp_path: Path, name: str, words: str) -> None:
    data, outside = tmp_path / "data", tmp_path / "outside"
    for folder in (data, outside):
        folder.mkdir()
        put(folder, annotation(face(1, 2, 3, 4)))
    put(outside, annotation(), image="z.png")
    put(data.parent, annotation())
    (data / "a.png").write_bytes((data / "images" / "a.png").read_bytes())
    (data / "link.png").symlink_to(outside / "images" / "a.png")
    (data / "images" / "link.png").symlink_to(outside / "images" / "a.png")
    (data / "linked").symlink_to(outside)
    (data / "images" / "loop.png").symlink_to("loop.png")
    assert words in refusal(data, [name.format(outside=outside)])


def test_an_annotation_elsewhere(tmp_path: Path) -> None:
    """Nor may the xml be a link that leads out of the folder."""
    data = tmp_path / "data"
    data.mkdir()
    put(data)
    (tmp_path / "secret.xml").write_text(annotation(face(1, 2, 3, 4)))
    (data / "annotations" / "a.xml").symlink_to(tmp_path / "secret.xml")
    assert "leads out" in refusal(data)


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    put(tmp_path, annotation(face(1, 2, 3, 4)))
    os.symlink("images", tmp_path / "pictures")
    os.symlink("a.png", tmp_path / "images" / "b.png")
    put(tmp_path, annotation(), image="c.png")
    (tmp_path / "annotations" / "b.xml").symlink_to("a.xml")
    samples = read(tmp_path, ["pictures/a.png", "images/b.png"])
    assert [len(sample.boxes) for sample in samples] == [1, 1]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ([], "no pictures in"),
        (["images"], "no pictures in"),
    ],
)
def test_an_empty_folder(tmp_path: Path, made: list[str], words: str) -> None:
    for name in made:
        (tmp_path / name).mkdir()
    assert words in refusal(tmp_path)


def test_pictures_without_any_annotation_are_one_line(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        put(tmp_path, image=name)
    assert refusal(tmp_path) == (
        f"{tmp_path}: none of its 2 pictures has an xml of its name, beside it or in annotations/"
    )


@pytest.mark.parametrize(
    ("pictures", "labels"), [("images", "annotations"), ("JPEGImages", "Annotations"), (".", ".")]
)
def test_folders(tmp_path: Path, pictures: str, labels: str) -> None:
    """Kaggle's, Pascal's own, and LabelImg's: xml beside the picture."""
    put(tmp_path, annotation(face(1, 2, 30, 40)))
    put(tmp_path, annotation(), image="lost.png")
    for old, new in (("images", pictures), ("annotations", labels)):
        (tmp_path / "data" / new).mkdir(parents=True, exist_ok=True)
        for file in (tmp_path / old).iterdir():
            file.rename(tmp_path / "data" / new / file.name)
    (tmp_path / "data" / pictures / "lost.png").unlink()
    problems = Problems()
    data, kind = format_detection.read(tmp_path / "data", tmp_path / "data", problems=problems)
    assert kind == "voc"
    assert [sample.file.name for sample in data.samples] == ["a.png"]
    assert problems.notes == {voc.ORPHANS: [str(tmp_path / "data" / labels / "lost.xml")]}
    (name,) = [os.path.relpath(sample.file, tmp_path / "data") for sample in data.samples]
    assert len(read(tmp_path / "data", [name])[0].boxes) == 1


def test_pictures_that_nobody_has_labeled_yet(tmp_path: Path) -> None:
    """LabelImg writes no xml before a picture is saved; that does not make it background."""
    put(tmp_path, annotation(face(1, 2, 30, 40)), image="a.png")
    put(tmp_path, image="b.png")
    (tmp_path / "annotations/a.xml").rename(tmp_path / "images/a.xml")
    problems = Problems()
    folder = tmp_path / "images"
    data, _ = format_detection.read(folder, folder, problems=problems)
    assert [sample.file.name for sample in data.samples] == ["a.png"]
    assert problems.notes == {voc.UNLABELED: [str(folder / "b.png")]}


def test_mistakes_are_reported_together_with_their_lines(tmp_path: Path) -> None:
    objects = [f"\n{face(5, 5, 5, 20)}", f"\n\n{face(1, 2, 30, 40)}", f"\n{face(1, 'x', 3, 4)}"]
    put(tmp_path, annotation(*objects))
    put(tmp_path, annotation(width=0), image="b.png")
    xml = tmp_path / "annotations"
    with pytest.raises(DatasetError) as error:
        read(tmp_path)
    assert [line.split(": ")[0] for line in str(error.value).splitlines()] == [
        f"{xml}/a.xml:2", f"{xml}/a.xml:5", f"{xml}/b.xml",
    ]  # fmt: skip


def test_xml_in_another_encoding(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="utf-16"?>' + annotation(face(1, 2, 3, 4, name="größe"))
    put(tmp_path, text.encode("utf-16"))
    data, _ = format_detection.read(tmp_path, tmp_path)
    assert data.names == ("größe",)


def test_an_empty_list(tmp_path: Path) -> None:
    assert "no pictures" in refusal(tmp_path, [])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda file: None, "No such file"),
        (lambda file: file.mkdir(), "Is a directory"),
        (lambda file: file.write_bytes(b"\xff\xfe\x00"), "not a text file in UTF-8"),
    ],
)
def test_an_unreadable_list(tmp_path: Path, make: object, words: str) -> None:
    make(tmp_path / "list.txt")  # type: ignore[operator]
    with pytest.raises(DatasetError, match=words) as error:
        voc.read_list(tmp_path / "list.txt")
    assert str(error.value).startswith(f"{tmp_path / 'list.txt'}:")
    assert "\n" not in str(error.value)


def test_an_unknown_label_for_a_set(tmp_path: Path) -> None:
    put(tmp_path, annotation())
    with pytest.raises(DatasetError, match="unknown class 'masked'; there are with_mask"):
        read(tmp_path, labeled=("masked",))


def test_real_annotations() -> None:
    """All pictures of real lists, where MASKDET_TEST_DATA names their folder."""
    folder = os.environ.get("MASKDET_TEST_DATA")
    if not folder:
        pytest.skip("MASKDET_TEST_DATA names no folder of annotated pictures")
    lists = sorted(Path(folder).glob("splits/*.txt"))
    assert lists, f"no lists in {folder}/splits"
    for file in lists:
        samples = read(Path(folder), voc.read_list(file))
        assert all(sample.boxes.shape == (len(sample.classes), 4) for sample in samples)
        for sample in samples[:: max(1, len(samples) // 10)]:
            assert sample.read().shape == (sample.height, sample.width, 3)
