"""Both dialects of CSV: what upstream writes is read, every mistake is reported with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdet.datasets.format_detection import read
from maskdet.datasets.problems import Problems
from maskdet.datasets.text import COMMENTS, WESTERN
from tests.datasets.formats.sets import PICTURES, content, draw, mistakes

HEAD = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "b.jpg"):
        draw(tmp_path / "images" / name, *PICTURES[name])
    return tmp_path


def put(folder: Path, text: str | bytes, name: str = "x.csv") -> Path:
    raw = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(raw)
    return folder / name


@pytest.mark.parametrize(
    "text",
    [
        # as pandas writes it
        f"{HEAD}a.png,60,40,mask,1,2,30,40\nb.jpg,33,57,no,0,0,33,57\na.png,60,40,no,5,5,6,6\n",
        # a byte order mark, Windows' line ends, blanks, quotes, a blank line, fractions
        f"\ufeff{HEAD.strip()}\r\n\r\na.png, 60 ,40,mask ,1.0,2,30,4e1\r\n"
        '"b.jpg",33,57,"no",0,0,33,57\r\na.png,60,40,no,5,5,6,6',
        # columns in another order, and more of them
        "class,filename,id,height,width,xmin,xmax,ymin,ymax\n"
        "mask,a.png,7,40,60,1,30,2,40\nno,b.jpg,8,57,33,0,33,0,57\nno,a.png,9,40,60,5,6,5,6\n",
    ],
)
def test_object_detection_csv(folder: Path, text: str) -> None:
    data, kind = read(put(folder, text), folder)
    assert kind == "csv"
    assert content(data) == {
        "a": [("mask", (1, 2, 30, 40)), ("no", (5, 5, 6, 6))],
        "b": [("no", (0, 0, 33, 57))],
    }
    assert data.places[0] == [f"{folder}/x.csv:{n}" for n in (data_lines(text))]


def data_lines(text: str) -> list[int]:
    """Lines of the rows about a.png."""
    return [n for n, line in enumerate(text.splitlines(), 1) if "a.png" in line]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a.png,60,40,mask,1,2,30", "has 7 fields, not 8; write one for each column"),
        ("a.png,60,40,mask,1,5,2,5,30,5,4", "has 11 fields, not 8; put a field that has commas"),
        ("# made by hand", "has 1 field, not 8; this is a comment: remove the line"),
        ('"a.png,60,40,mask,1,2,3,4"', "has 1 field, not 8; the line is in quotes as a whole"),
        ("a.png,60,40,mask,one,2,30,", "xmin is 'one', ymax is '', not a number"),
        ("a.png,60,40,mask,nan,2,30,4", "xmin is 'nan', not a number"),
        ("a.png,60,40,mask,1,2,inf,4", "box 1, 2, inf, 4 is not made of finite numbers"),
        ("a.png,60,40,mask,1,2,1,4", "empty box 1, 2, 1, 4"),
        ("a.png,60,40,mask,61,2,70,4", "box 61, 2, 70, 4 lies outside the picture"),
        ("a.png,60,40,mask,1,2,1_0,4", "xmax is '1_0', not a number"),
        ("a.png,60,40,,1,2,3,4", "unknown class ''"),
        ("a.png,60,41,mask,1,2,3,4", "states another size than the rows above: 60×40"),
        ("b.jpg,wide,57,mask,1,2,3,4", "width and height are wide and 57, not whole numbers"),
        ("b.jpg,0,57,mask,1,2,3,4", "size 0×57 is not a picture's"),
        (f"b.jpg,{10**18},57,mask,1,2,3,4", "not whole numbers"),
        ("c.png,60,40,mask,1,2,3,4", "no picture 'c.png' in"),
        ("../z.png,60,40,mask,1,2,3,4", "leads out of the data folder"),
        ('"../a\x1b\u2028b.png",60,40,mask,1,2,3,4', r"'../a\x1b\u2028b.png': leads out"),
        ("/etc/hostname,60,40,mask,1,2,3,4", "leads out of the data folder"),
        (",60,40,mask,1,2,3,4", "the picture has no name"),
    ],
)
def test_mistakes_of_object_detection_csv(folder: Path, row: str, words: str) -> None:
    file = put(folder, f"{HEAD}a.png,60,40,mask,1,2,30,40\n{row}\n")
    (line,) = mistakes(file, "csv")
    assert line.startswith("x.csv:3: ") and words in line


@pytest.mark.parametrize("comments", ["# made by a tool\n", "#\n# a, b\n#\n\n", "\ufeff# a; b\r\n"])
@pytest.mark.parametrize("head", [HEAD, HEAD.replace(",", ";"), f"# {HEAD}", ""])
def test_comments_at_the_beginning_are_left_aside_with_a_note(
    folder: Path, comments: str, head: str
) -> None:
    """Of both kinds of table, with either delimiter; a first row may begin with ``#`` as well."""
    rows = "images/a.png,60,40,mask,1,2,30,40\n" if head else "images/a.png,1,2,30,40,mask\n"
    problems = Problems()
    file = put(folder, comments + head + (rows.replace(",", ";") if ";" in head else rows))
    data, kind = read(file, folder, problems=problems)
    assert kind == ("csv" if head else "retinanet") and content(data) == {
        "a": [("mask", (1, 2, 30, 40))]
    }
    assert len(problems.notes[COMMENTS]) == comments.count("#")
    assert data.places == [[f"{file}:{comments.count(chr(10)) + (2 if head else 1)}"]]


def test_a_picture_whose_name_begins_with_a_hash_is_no_comment(folder: Path) -> None:
    draw(folder / "#1.png", *PICTURES["a.png"])
    data, _ = read(put(folder, "#1.png,1,2,30,40,mask\nimages/a.png,,,,,\n"), folder)
    assert content(data) == {"#1": [("mask", (1, 2, 30, 40))], "a": []}


CLASSES = "mask,0\nno,1\n"


def test_keras_retinanet_csv(folder: Path) -> None:
    put(folder, CLASSES, "classes.csv")
    rows = "images/a.png,1,2,30,40,mask\nimages/b.jpg,,,,,\nimages/a.png,5,5,6,6,no\n"
    data, kind = read(put(folder, rows), folder)
    assert (kind, data.names) == ("retinanet", ("mask", "no"))
    assert content(data) == {"a": [("mask", (1, 2, 30, 40)), ("no", (5, 5, 6, 6))], "b": []}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("images/a.png,3,2,3,4,mask", "x2 (3) must be larger than x1 (3)"),
        ("images/a.png,4,2,3,4,mask", "x2 (3) must be larger than x1 (4)"),
        ("images/a.png,1,4,3,2,mask", "y2 (2) must be larger than y1 (4)"),
        ("images/a.png,1,2,3.5,4,mask", "x2 is '3.5', not a whole number"),
        ("images/a.png,1,2,,4,mask", "x2 is '', not a whole number"),
        ("images/a.png,1,2,0x10,٣,mask", "x2 is '0x10', y2 is '٣', not a whole number"),
        ("images/a.png,1,2,3,4,hat", "unknown class 'hat'; there are mask, no"),
        ("images/a.png,1,2,3,4,", "unknown class ''"),
        ("images/a.png,1,2,3,4", "expected path,x1,y1,x2,y2,class or path,,,,, and found 5 fields"),
        ("images/a.png,60,40,mask,1,2,3,4", "found 8 fields; a table of 8 columns begins with"),
        ("#images/a.png", "found 1 field; this is a comment: remove the line"),
        ("images/a.png,61,2,70,4,mask", "lies outside the picture"),
        (f"images/a.png,1,2,{'9' * 5000},4,mask", "not a whole number"),
        ("images/c.png,1,2,3,4,mask", "no picture 'images/c.png'"),
        ("images/../../z.png,,,,,", "leads out of the data folder"),
        ("x.csv,,,,,", "cannot be read as a picture"),
    ],
)
def test_mistakes_of_keras_retinanet_csv(folder: Path, row: str, words: str) -> None:
    put(folder, CLASSES, "classes.csv")
    (line,) = mistakes(put(folder, f"images/a.png,1,2,30,40,mask\n{row}\n"), "retinanet")
    assert words in line
    assert line.startswith("x.csv:2: ") or row.startswith("x.csv")


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ("mask,0\nmask,1\n", "classes.csv:2: class 'mask' is there twice"),
        ("mask,0\nno,0\n", "classes.csv:2: id 0 is 'mask' already"),
        ("mask,0\nno,two\n", "classes.csv:2: expected 'name,id' with a whole id from 0"),
        ("mask,0\nno,-1\n", "classes.csv:2: expected 'name,id'"),
        ("mask,0\nno\n", "classes.csv:2: expected 'name,id'"),
        ("mask,0\n,1\n", "classes.csv:2: unknown class ''"),
        ("mask,0\nno,2\n", "classes.csv: ids must be 0, 1, 2"),
        ("", "x.csv:1: unknown class 'mask'; the list of classes is empty"),
    ],
)
def test_mistakes_of_the_class_file(folder: Path, classes: str, words: str) -> None:
    put(folder, classes, "classes.csv")
    (line,) = mistakes(put(folder, "images/a.png,1,2,30,40,mask\n"))
    assert words in line


def test_mistakes_of_a_file_are_reported_together(folder: Path) -> None:
    put(folder, CLASSES, "classes.csv")
    lines = mistakes(put(folder, "images/a.png,3,2,3,4,mask\n" * 50))
    assert len(lines) == 21
    assert [line.split(" ")[0] for line in lines[:20]] == [f"x.csv:{n}:" for n in range(1, 21)]
    assert lines[20] == "… and 30 more mistakes"


@pytest.mark.parametrize("kind", ["csv", "retinanet"])
@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", ""),
        (b"a,b\0,c\n", "x.csv:1: holds NUL characters"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "x.csv:1: not a text file in UTF-8"),
        ("größe,1\n".encode("latin-1"), "x.csv:1: not a text file in UTF-8; save it as UTF-8"),
        (HEAD.encode("utf-16")[:-1], "x.csv:1: not a text file in UTF-8"),  # cut within a letter
        (b'"never closed,1,2\n' * 3, "is not CSV"),
        (b'"' + b"x" * 200_000 + b'"', "x.csv:1: is not CSV: field larger than field limit"),
    ],
)  # fmt: skip
def test_what_is_no_csv(folder: Path, kind: str, raw: bytes, words: str) -> None:
    (line,) = mistakes(put(folder, raw), kind)
    assert words in line and line.startswith("x.csv")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_csv_as_windows_programs_encode_it(folder: Path, encoding: str) -> None:
    file = put(folder, (HEAD + "images/a.png,40,30,größe,1,2,11,12\n").encode(encoding))
    assert list(read(file, folder)[0].names) == ["größe"]


ROWS = {
    "csv": "filename;width;height;class;xmin;ymin;xmax;ymax\nimages/{};60;40;{};1;2;11;12\n",
    "retinanet": "images/{},1,2,11,12,{}\n",
}


@pytest.mark.parametrize("kind", ROWS)
def test_names_of_pictures_may_be_as_excel_writes_them(folder: Path, kind: str) -> None:
    """In Windows-1252: a wrong guess shows, as there is no such picture then."""
    (folder / "images/a.png").rename(folder / "images/Tür – 1.png")
    put(folder, CLASSES, "classes.csv")
    file = put(folder, ROWS[kind].format("Tür – 1.png", "mask").encode("cp1252"))
    data, found = read(file, folder, problems=(problems := Problems()))
    assert found == kind and data.names[data.samples[0].classes[0]] == "mask"
    assert data.samples[0].file.name == "Tür – 1.png" and not problems.wrong
    line = 2 if kind == "csv" else 1
    assert problems.notes[WESTERN] == [f"{file}:{line}: images/Tür – 1.png"]


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize(
    ("name", "word", "encoding"),
    [
        ("a.png", "größe", "cp1252"),
        ("Tür.png", "größe", "cp1252"),
        ("口罩.png", "mask", "gbk"),
        ("лицо.png", "mask", "cp1251"),
        ("Tür.png", "mask", "mac-roman"),
    ],
)
def test_names_of_classes_and_other_encodings_are_refused(
    folder: Path, kind: str, name: str, word: str, encoding: str
) -> None:
    (folder / "images/a.png").rename(folder / "images" / name)
    put(folder, f"{word},0\n", "classes.csv")
    found = mistakes(put(folder, ROWS[kind].format(name, word).encode(encoding)), kind)
    assert "save it as UTF-8" in found[-1]


def test_a_csv_too_large_for_labels(folder: Path) -> None:
    file = folder / "x.csv"
    with open(file, "wb") as opened:
        opened.truncate(2**30)
    assert "1024 MiB is more than labels can take" in mistakes(file, "csv")[0]
