"""The kind of a file, by its content; and the content of a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from maskdet.images.decoding import read_image
from maskdet.images.folder import left_out, list_folder
from maskdet.images.kinds import kind_of_file
from maskdet.sources import CLIP
from tests.images.pictures import FORMATS, two_halves, write_image


@pytest.mark.parametrize("format", sorted(set(FORMATS.values())))
@pytest.mark.parametrize("name", ["a.mp4", "a.dat", "a"])
def test_an_image_is_one_whatever_its_name(tmp_path: Path, format: str, name: str):
    assert kind_of_file(write_image(tmp_path / name, format)) == "image"


@pytest.mark.parametrize("name", ["a.jpg", "a.dat", "a"])
def test_a_video_is_one_whatever_its_name(tmp_path: Path, name: str):
    assert kind_of_file(shutil.copy(CLIP, tmp_path / name)) == "video"


def test_a_codestream_of_jpeg_2000_is_an_image(tmp_path: Path):
    two_halves().save(tmp_path / "a.j2k")
    assert kind_of_file(tmp_path / "a.j2k") == "image"
    assert list_folder(tmp_path).images == (str(tmp_path / "a.j2k"),)
    assert read_image(tmp_path / "a.j2k").shape == (48, 64, 3)


def test_motion_jpeg_is_a_video_and_a_phones_jpeg_of_two_parts_is_none(tmp_path: Path):
    jpeg = write_image(tmp_path / "a.jpg").read_bytes()
    for name, count, kind in (
        ("a.mjpeg", 1, "video"),
        ("b.dat", 12, "video"),
        ("c.dat", 2, "image"),
        ("d.jpg", 2, "image"),
    ):
        (tmp_path / name).write_bytes(jpeg * count)
        assert kind_of_file(tmp_path / name) == kind


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"BMW is not an image",
        b"P1 no image",
        b"\0" * 600,
        b"\0\0\0\x18ftypcrx \0\0\0\1",
    ],
)
def test_what_is_neither(tmp_path: Path, content: bytes):
    (tmp_path / "notes").write_bytes(content)
    assert kind_of_file(tmp_path / "notes") == "other"


def test_everything_in_a_folder_is_read_or_named(tmp_path: Path):
    for suffix in FORMATS:
        write_image(tmp_path / f"a{suffix}")
    write_image(tmp_path / "photo.dat", "JPEG")
    (tmp_path / "below").mkdir()
    shutil.copy(CLIP, tmp_path / "below" / "door.bin")
    for number in range(7):
        (tmp_path / f"{number}.txt").write_text("notes")
    (tmp_path / ".hidden.jpg").write_bytes(b"")
    found = list_folder(tmp_path)
    names = {Path(path).name for path in found.images}
    assert names == {"photo.dat", *(f"a{suffix}" for suffix in FORMATS)}
    videos, others = left_out(found, tmp_path)
    assert "1 file is a video: below/door.bin; left out" in videos
    assert "7 files are not pictures: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 2 more" in others


def test_names_of_any_digits_are_sorted(tmp_path: Path):
    for name in ("10.jpg", "9.jpg", "m².jpg", "٣.jpg"):
        write_image(tmp_path / name, "JPEG")
    names = [Path(path).name for path in list_folder(tmp_path).images]
    assert names.index("9.jpg") < names.index("10.jpg") and len(names) == 4
