"""Odd but valid pictures are read; files made to hurt are not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from starlette.exceptions import HTTPException

from maskdet.web.pictures import JPEG, PNG, WEBP, Kind, decode

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
def test_every_dialect_is_read_in_colour(data: bytes, kind: Kind):
    image, found = decode(data, "x", 1200)
    assert found is kind and image.shape == (30, 40, 3)
    assert np.abs(image.mean(axis=(0, 1)) - (30, 30, 200)).max() < 25
    with pytest.raises(HTTPException) as refused:
        decode(data, "x", 1199)
    assert refused.value.status_code == 413


def test_grey_and_deep_pictures_are_read():
    grey = saved(Image.new("L", (40, 30), 100), "PNG")
    deep = saved(Image.fromarray(np.full((30, 40), 100 << 8, np.uint16)), "PNG")
    for data in (grey, deep):
        assert (decode(data, "x", 1200)[0] == 100).all()


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
