"""Odd but valid pictures are read; files made to hurt are not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from starlette.exceptions import HTTPException

from maskdet.web.image_codec import JPEG, PNG, WEBP, Kind, decode
from tests.web.servers import of_phone

RED = Image.new("RGB", (40, 30), (200, 30, 30))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    memory = io.BytesIO()
    image.save(memory, kind, **options)
    return memory.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (saved(RED, "PNG"), PNG),
        (saved(RED.convert("RGBA"), "PNG"), PNG),
        (saved(RED.quantize(4), "PNG"), PNG),
        (saved(RED, "PNG", save_all=True, append_images=[RED.rotate(90)]), PNG),
        (saved(RED, "PNG") + b"appended", PNG),
        (saved(RED, "JPEG"), JPEG),
        (saved(RED, "JPEG", progressive=True, quality=95), JPEG),
        (saved(RED.convert("CMYK"), "JPEG", quality=95), JPEG),
        (saved(RED, "MPO", save_all=True, append_images=[RED.rotate(90)], quality=95), JPEG),
        (saved(RED, "JPEG") + b"appended", JPEG),
        (saved(RED, "WEBP"), WEBP),
        (saved(RED, "WEBP", lossless=True), WEBP),
        (saved(RED.convert("RGBA"), "WEBP", lossless=True), WEBP),
        (saved(RED, "WEBP", save_all=True, append_images=[RED.rotate(90)]), WEBP),
    ],
)
def test_every_dialect_is_read_in_color(data: bytes, kind: Kind):
    (image, damage), found = decode(data, "x", 1200)
    assert found is kind and image.shape == (30, 40, 3) and not damage
    assert np.abs(image.mean(axis=(0, 1)) - (30, 30, 200)).max() < 25
    with pytest.raises(HTTPException) as refused:
        decode(data, "x", 1199)
    assert refused.value.status_code == 413


def test_gray_and_deep_pictures_are_read():
    gray = saved(Image.new("L", (40, 30), 100), "PNG")
    deep = saved(Image.fromarray(np.full((30, 40), 100 << 8, np.uint16)), "PNG")
    for data in (gray, deep):
        assert (decode(data, "x", 1200)[0].image == 100).all()


@pytest.mark.parametrize("stray", [b"\n", b"\xef\xbb\xbf", b"HTTP/1.1 200 OK\r\n\r\n"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_stray_bytes_before_a_picture_are_left_aside(kind: str, stray: bytes):
    (image, damage), _ = decode(stray + saved(RED, kind), "x", 1200)
    assert image.shape == (30, 40, 3) and not damage
    with pytest.raises(HTTPException) as refused:
        decode(stray + saved(RED, kind), "x", 1199)
    assert refused.value.status_code == 413


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_jpeg_cut_short_is_refused(options: dict[str, object]):
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    whole = saved(Image.fromarray(noise), "JPEG", **options)
    for share in (0.1, 0.5, 0.9, 0.98):
        with pytest.raises(HTTPException) as refused:
            decode(whole[: int(len(whole) * share)], "x", 100_000)
        assert refused.value.status_code == 400


def test_a_jpeg_of_endless_scans_is_refused_before_it_is_decoded():
    whole = saved(RED, "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    with pytest.raises(HTTPException) as refused:
        decode(whole[:last] + whole[last:-2] * 300 + whole[-2:], "x", 1200)
    assert refused.value.status_code == 400


def right_is_red(image: np.ndarray) -> bool:
    left, right = image[5:-5, 5:25].mean(axis=(0, 1)), image[5:-5, -25:-5].mean(axis=(0, 1))
    return bool(right[2] > 150 > right[0] and left[0] > 150 > left[2])


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_pictures_of_phones_are_read_upright_and_answered_as_jpeg(kind: str):
    (image, _), found = decode(of_phone(kind), "x", 64 * 48)
    assert found is JPEG and image.shape == (48, 64, 3) and right_is_red(image)
    turned_left = Image.Exif()
    turned_left[0x0112] = 6  # to be turned right by a quarter to be seen upright
    (turned, _), _ = decode(of_phone(kind, exif=turned_left.tobytes()), "x", 64 * 48)
    assert turned.shape == (64, 48, 3)
    assert right_is_red(np.rot90(turned))
    with pytest.raises(HTTPException) as refused:
        decode(of_phone(kind), "x", 64 * 48 - 1)
    assert refused.value.status_code == 413


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_a_picture_of_a_phone_that_is_cut_or_harmed_is_refused(kind: str):
    whole = of_phone(kind, 640, 480)
    for share in (0.1, 0.5, 0.9):
        with pytest.raises(HTTPException) as refused:
            decode(whole[: int(len(whole) * share)], "x", 1_000_000)
        assert refused.value.status_code == 400
