"""Image files become pixels, whatever their kind and name."""

from __future__ import annotations

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from maskdet.images.decoding import ImageError, decode_image, decode_with_damage, read_image
from maskdet.sources.opening import open_source
from tests.images.pictures import FORMATS, damaged, two_halves, write_image


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_kind_gives_the_same_pixels(tmp_path: Path, suffix: str):
    image = read_image(write_image(tmp_path / f"a{suffix}"))
    wanted = np.asarray(two_halves())[:, :, ::-1].astype(int)
    assert image.shape == (48, 64, 3) and image.dtype == np.uint8
    assert np.abs(image[:, ::8] - wanted[:, ::8]).mean() < 12


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_camera_s_bits_within_16_are_seen(suffix: str, bits: int, channels: int):
    wanted = np.tile(np.arange(256, dtype=np.uint8)[:, None, None], (1, 4, channels))
    encoded = cv2.imencode(suffix, wanted.astype(np.uint16) << (bits - 8))[1].tobytes()
    assert np.abs(decode_image(encoded).astype(int) - wanted).max() <= 1


def test_a_dark_image_of_8_bits_stays_dark():
    dark = np.full((9, 9, 3), 40, np.uint8)
    assert (decode_image(cv2.imencode(".png", dark)[1].tobytes()) == dark).all()


STRAY = [b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"\0" * 4, b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 500]


@pytest.mark.parametrize("stray", STRAY)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".gif"])
def test_stray_bytes_before_an_image_are_left_aside(tmp_path: Path, suffix: str, stray: bytes):
    path = write_image(tmp_path / f"a{suffix}")
    whole = path.read_bytes()
    path.write_bytes(stray + whole)
    assert (read_image(path) == decode_image(whole)).all()


@pytest.mark.parametrize(
    "start",
    [b"ID3\4", b"PK\3\4", b"8BPS\0\1", b"%PDF-1.7\n", b"FUJIFILMCCD-RAW ", b"\0\0\1\0", b"icns"],
)
def test_a_small_image_within_another_file_is_not_taken_for_it(tmp_path: Path, start: bytes):
    small = write_image(tmp_path / "a.jpg").read_bytes()
    with pytest.raises(ImageError):
        decode_image(start + bytes(60) + small)


def noise(**options: Any) -> bytes:
    """A JPEG whose data is much longer than its header."""
    pixels = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 4}])
def test_damage_within_a_jpeg_is_known(options: dict[str, Any]):
    whole = noise(**options)
    assert decode_with_damage(whole).damage == ""
    image, damage = decode_with_damage(damaged(whole))
    assert image.shape == (240, 320, 3) and damage.startswith("Corrupt JPEG data")


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "HEIF", "AVIF"])
def test_the_end_of_a_copy_that_was_broken_off_is_missing(format: str):
    """As of programs that give a file its whole size first; decoders take zeros for pixels."""
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    buffer = BytesIO()
    Image.fromarray(noise).save(buffer, format, quality=90)
    whole = buffer.getvalue()
    assert decode_with_damage(whole).damage == ""
    torn = whole[: len(whole) // 2].ljust(len(whole), b"\0")
    assert (
        decode_with_damage(torn).damage
        == f"its last {len(whole) - len(torn.rstrip(bytes(1)))} bytes are zeros"
    )


def test_zeros_after_the_end_of_a_jpeg_are_no_damage():
    whole = noise()
    assert decode_with_damage(whole + bytes(5000)).damage == ""


@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize("count", [2, 3])
def test_a_page_that_is_cut_off_is_named(tmp_path: Path, caplog, is_big: bool, count: int):
    first, *others = (Image.new("RGB", (9, 9), (n, n, n)) for n in range(count))
    path = tmp_path / "a.tif"
    first.save(path, save_all=True, append_images=others[:-1], big_tiff=is_big)
    without_the_last = path.stat().st_size
    first.save(path, save_all=True, append_images=others, big_tiff=is_big)
    assert decode_with_damage(path.read_bytes()).damage == ""
    path.write_bytes(path.read_bytes()[: without_the_last + 8])
    source = open_source(str(path))
    with warnings.catch_warnings(action="error", category=UserWarning), closing(source):
        assert [frame.image[0, 0, 0] for frame in iter(source.read, None)] == [*range(count - 1)]
    assert caplog.messages[0] == (
        f"{path} is damaged, and part of it may be wrong or missing (its page {count} is missing); "
        "copy it again"
    )


def test_damage_is_that_of_the_right_file_among_many_threads():
    whole, harmed = noise(), damaged(noise())
    files = [whole, harmed, whole, whole] * 8
    with ThreadPoolExecutor(8) as pool:
        found = [bool(decoded.damage) for decoded in pool.map(decode_with_damage, files)]
    assert found == [False, True, False, False] * 8


def test_a_name_that_is_not_utf_8_is_as_good_as_any(tmp_path: Path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/pr\xfcfung.jpg"))
    assert read_image(write_image(path)).shape == (48, 64, 3)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_an_image_is_turned_as_its_exif_data_state(tmp_path: Path, format: str):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned right
    path = write_image(tmp_path / "a", format, exif=exif)
    assert read_image(path).shape == (64, 48, 3)
    assert read_image(path)[4, 24, 0] > 150  # the blue half is above
    if format != "TIFF":
        assert decode_image(path.read_bytes(), upright=False).shape == (48, 64, 3)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 4}])
def test_a_jpeg_without_its_end_is_whole(options: dict[str, Any]):
    """As some cameras write it; one that lacks a byte more is cut short."""
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    Image.fromarray(noise).save(buffer := BytesIO(), "JPEG", **options)
    whole = buffer.getvalue()
    for cut in (1, 2):
        image, damage = decode_with_damage(whole[:-cut])
        assert (image == decode_image(whole)).all() and damage == ""
        assert (decode_image(whole[:-cut]) == image).all()
    for cut in (4, 40, 400):
        with pytest.raises(ImageError, match="copy it again"):
            decode_image(whole[:-cut])
        with pytest.raises(ImageError, match="copy it again"):
            decode_with_damage(whole[:-cut])


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF"])
def test_a_cut_file_is_one_line(tmp_path: Path, format: str):
    path = write_image(tmp_path / "a", format)
    path.write_bytes(path.read_bytes()[:-120])
    with pytest.raises(ImageError, match="copy it again"):
        read_image(path)


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\xff\x0a\xfa\x7f", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"8BPS\0\1", "a Photoshop file"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "a camera's raw file"),
    ],
)
def test_an_image_that_is_not_read_is_named(start: bytes, name: str):
    with pytest.raises(ImageError, match=f"^is {name}, which is not read here; save it as JPEG"):
        decode_image(start + bytes(900))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"\xef\xbb\xbf\r\n <!DOCTYPE html>\n<html><title>404</title>",
            "is a web page, .*download",
        ),
        (b'{"error": "not found"}', "is JSON, .*download"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "is XML, .*download"),
        (b'<?xml version="1.0"?>\n<!-- made --><svg width="5"></svg>', "is SVG, .*save it as"),
        ("Türschild: Maske auf\n".encode() * 50, "is a text, no picture or video"),
        ("a note".encode("utf-16"), "is a text, no picture or video"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "run git lfs pull"),
        (b"PK\3\4" + bytes(90), "zip archive.*unpack it"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "note of macOS.*leave it out"),
        (bytes(5000), "nothing but zeros.*copy it again"),
        (b"PF\n2 1\n-1.0\n" + bytes(24), "floating-point.*save it as"),
        (bytes(range(128, 256)) * 9, "not a picture of a known kind"),
    ],
)
def test_what_is_no_image_is_named_with_what_to_do(content: bytes, words: str):
    with pytest.raises(ImageError, match=words):
        decode_image(content)


@pytest.mark.parametrize(
    ("mode", "options", "words"),
    [
        ("F", {}, "a TIFF of floating-point values"),
        ("F", {"big_tiff": True}, "a TIFF of floating-point values"),
        ("I", {}, "a TIFF of 32 bits a value"),
        ("RGB", {"compression": "zstd"}, "a TIFF compressed by Zstandard"),
    ],
)
def test_a_tiff_that_is_not_read_is_named(
    tmp_path: Path, mode: str, options: dict[str, Any], words: str
):
    two_halves().convert("L" if mode != "RGB" else "RGB").convert(mode).save(
        tmp_path / "a.tif", **options
    )
    with pytest.raises(ImageError, match=f"^is {words}, which is not read here; save it as JPEG"):
        read_image(tmp_path / "a.tif")


def test_a_photo_of_too_many_pixels_is_not_decoded(tmp_path: Path, monkeypatch):
    path = write_image(tmp_path / "a.heic")
    monkeypatch.setattr("maskdet.images.decoding.MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(ImageError, match="million pixels"):
        read_image(path)


def test_a_missing_file_and_a_folder_state_why(tmp_path: Path):
    with pytest.raises(ImageError, match="cannot be read: No such file"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(ImageError, match="cannot be read: Is a directory"):
        read_image(tmp_path)


@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize("tags", [{254: 1}, {50706: b"\1\4\0\0"}])
def test_the_preview_in_a_raw_file_is_not_taken_for_the_photo(tmp_path: Path, tags, is_big: bool):
    path = write_image(tmp_path / "photo.dng", "TIFF", tiffinfo=tags, big_tiff=is_big)
    with pytest.raises(ImageError, match="raw file; export it as JPEG"):
        read_image(path)
