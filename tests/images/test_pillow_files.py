"""Turns and transparency of images: the same pixels by every way, whatever the kind of file."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from maskdet.images.decoding import ImageError, decode_image
from maskdet.images.frames import FrameReader
from maskdet.images.orientation import read_orientation
from tests.images.pictures import two_halves

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    b'syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"'
    b"/></rdf:RDF></x:xmpmeta>"
)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def see_through(opacity: int = 0) -> Image.Image:
    """`two_halves`, whose lower half has an opacity."""
    image = two_halves().convert("RGBA")
    alpha = Image.new("L", image.size, 255)
    alpha.paste(opacity, (0, 24, 64, 48))
    image.putalpha(alpha)
    return image


def wide(suffix: str) -> bytes:
    """16 bits a value."""
    values = np.asarray(see_through())[..., [2, 1, 0, 3]].astype(np.uint16) * 257
    return cv2.imencode(suffix, values)[1].tobytes()


TRANSPARENT: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: encoded(see_through(), "PNG"),
    "PNG of 16 bits": lambda: wide(".png"),
    "PNG with a palette": lambda: encoded(
        see_through().quantize(8, method=Image.Quantize.FASTOCTREE), "PNG"
    ),
    "animated PNG": lambda: encoded(
        see_through(), "PNG", save_all=True, append_images=[two_halves()]
    ),
    "WebP": lambda: encoded(see_through(), "WEBP"),
    "WebP without loss": lambda: encoded(see_through(), "WEBP", lossless=True),
    "animated WebP": lambda: encoded(
        see_through(), "WEBP", save_all=True, append_images=[two_halves()], lossless=True
    ),
    "GIF": lambda: encoded(see_through(), "GIF"),
    "TIFF": lambda: encoded(see_through(), "TIFF"),
    "TIFF with LZW": lambda: encoded(see_through(), "TIFF", compression="tiff_lzw"),
    "TIFF of 16 bits": lambda: wide(".tif"),
    "JPEG 2000": lambda: encoded(see_through(), "JPEG2000"),
    "AVIF": lambda: encoded(see_through(), "AVIF", quality=95),
    "HEIC": lambda: encoded(see_through(), "HEIF", quality=95),
}


@pytest.mark.parametrize("make", TRANSPARENT.values(), ids=TRANSPARENT)
def test_white_is_behind_what_is_transparent(tmp_path: Path, make: Callable[[], bytes]) -> None:
    data = make()
    image = decode_image(data)
    wanted = np.asarray(two_halves())[:, :, ::-1].astype(int)
    assert (image[28:] > 245).all()
    assert np.abs(image[:20, ::8] - wanted[:20, ::8]).mean() < 9
    if not data.startswith(b"\0\0\0\x0cjP"):  # whose files hold one image
        assert_same_by_frames(tmp_path, data)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG2000"])
def test_what_is_transparent_in_part_has_its_own_colors(kind: str) -> None:
    image = decode_image(encoded(see_through(100), kind))
    wanted = np.asarray(two_halves())[:, :, ::-1].astype(int)
    assert np.abs(image[:, ::8] - wanted[:, ::8]).mean() < 9


def test_gray_of_16_bits_with_a_transparent_value_is_gray() -> None:
    values = np.tile(np.arange(256, dtype=np.uint16) * 257, (4, 1))
    image = decode_image(encoded(Image.fromarray(values), "PNG", transparency=0))
    assert (image == np.arange(256)[None, :, None]).all()


def test_an_image_that_is_transparent_all_over_has_its_colors() -> None:
    image = two_halves().convert("RGBA")
    image.putalpha(0)
    wanted = np.asarray(two_halves())[:, :, ::-1]
    assert (decode_image(encoded(image, "PNG")) == wanted).all()


def assert_same_by_frames(folder: Path, data: bytes) -> None:
    """The reader of animations and pages gives the same image."""
    (folder / "a").write_bytes(data)
    reader = FrameReader(folder / "a")
    found, _ = reader.read(0)
    reader.close()
    image = decode_image(data)
    assert found.shape == image.shape
    assert np.abs(found.astype(int) - image).mean() < 2


def exif(order: str = "<", kind: str = "H") -> bytes:
    """EXIF data that turn an image to the right, with a value of 16 or 32 bits."""
    number = {"B": 1, "H": 3, "I": 4}[kind]
    return (
        (b"II*\0" if order == "<" else b"MM\0*")
        + struct.pack(f"{order}IHHHI", 8, 1, 0x0112, number, 1)
        + struct.pack(f"{order}{kind}", 6).ljust(8, b"\0")
    )


def with_text(key: str, text: str) -> bytes:
    """A PNG."""
    info = PngInfo()
    info.add_itxt(key, text) if key.startswith("XML") else info.add_text(key, text, zip=True)
    return encoded(two_halves(), "PNG", pnginfo=info)


def raw_profile() -> str:
    """As ImageMagick wrote EXIF data into a PNG before there was a place for them."""
    data = b"Exif\0\0" + exif()
    return f"\nexif\n{len(data):8}\n{data.hex()}\n"


def in_jpeg_2000(mark: bytes) -> bytes:
    """As exiftool, or Adobe's programs, write them."""
    box = mark + exif(">")
    return encoded(two_halves(), "JPEG2000") + struct.pack(">I", len(box) + 8) + b"uuid" + box


ADOBE_MARK = bytes.fromhex("0537cdab9d0c4431a72afa561f2a113e")
TURNED: dict[str, Callable[[], bytes]] = {
    **{
        f"{kind} {order}{form}": lambda kind=kind, order=order, form=form: encoded(  # type: ignore[misc]
            two_halves(), kind, exif=b"Exif\0\0" + exif(order, form)
        )
        for kind in ("JPEG", "PNG", "WEBP")
        for order in "<>"
        for form in "HI"
    },
    "AVIF": lambda: encoded(two_halves(), "AVIF", exif=b"Exif\0\0" + exif()),
    "HEIC": lambda: encoded(two_halves(), "HEIF", exif=b"Exif\0\0" + exif()),
    "TIFF": lambda: encoded(two_halves(), "TIFF", tiffinfo={0x0112: 6}),
    "TIFF with LZW": lambda: encoded(
        two_halves(), "TIFF", tiffinfo={0x0112: 6}, compression="tiff_lzw"
    ),
    "transparent PNG": lambda: encoded(see_through(), "PNG", exif=b"Exif\0\0" + exif()),
    "transparent TIFF": lambda: encoded(see_through(), "TIFF", tiffinfo={0x0112: 6}),
    "transparent AVIF": lambda: encoded(see_through(), "AVIF", exif=b"Exif\0\0" + exif()),
    "PNG of ImageMagick": lambda: with_text("Raw profile type exif", raw_profile()),
    "JPEG 2000 of exiftool": lambda: in_jpeg_2000(b"JpgTiffExif->JP2"),
    "JPEG 2000 of Adobe": lambda: in_jpeg_2000(ADOBE_MARK),
}


@pytest.mark.parametrize("make", TURNED.values(), ids=TURNED)
def test_pixels_and_labels_are_turned_by_the_same_data(
    tmp_path: Path, make: Callable[[], bytes]
) -> None:
    data = make()
    image = decode_image(data)
    assert image.shape == (64, 48, 3) and image[4, 40, 0] > 150 > 60 > image[60, 40, 0]
    (tmp_path / "a").write_bytes(data)
    for source in (tmp_path / "a", BytesIO(data)):
        found = read_orientation(source)
        assert found is not None and (found.exif, found.shown_size) in (
            (6, (48, 64)),
            (1, (48, 64)),
        )
    if not data.startswith((b"\xff\xd8", b"\0\0\0\x0cjP")):
        assert_same_by_frames(tmp_path, data)


UNTURNED: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: encoded(two_halves(), "JPEG", xmp=XMP),
    "WebP": lambda: encoded(two_halves(), "WEBP", xmp=XMP),
    "AVIF": lambda: encoded(two_halves(), "AVIF", xmp=XMP),
    "TIFF": lambda: encoded(two_halves(), "TIFF", tiffinfo={700: XMP}),
    "PNG": lambda: with_text("XML:com.adobe.xmp", XMP.decode()),
}


@pytest.mark.parametrize("make", UNTURNED.values(), ids=UNTURNED)
def test_xmp_turns_neither_pixels_nor_labels(tmp_path: Path, make: Callable[[], bytes]) -> None:
    """Hardly a program that shows or labels pictures turns them by it."""
    data = make()
    found = read_orientation(BytesIO(data))
    assert decode_image(data).shape == (48, 64, 3)
    assert found is not None and found.shown_size == (64, 48)
    if not data.startswith(b"\xff\xd8"):
        assert_same_by_frames(tmp_path, data)


def by_ffmpeg(pixels: str, codec: str = "ljpeg") -> bytes:
    """An image as FFmpeg writes it."""
    context: Any = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = 64, 48, pixels
    context.time_base = Fraction(1)
    context.options = {"strict": "-2"}
    frame = av.VideoFrame.from_image(two_halves()).reformat(format=pixels)
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode()])


@pytest.mark.parametrize("pixels", ["yuvj420p", "yuvj444p", "yuv422p", "bgr24"])
def test_the_colors_of_a_lossless_jpeg_are_not_guessed(pixels: str) -> None:
    """FFmpeg writes brightness and color differences, which libjpeg takes for red, green, blue."""
    with pytest.raises(ImageError, match="is a lossless JPEG, which is not read here; save it as"):
        decode_image(by_ffmpeg(pixels))


@pytest.mark.parametrize(("count", "is_read"), [(1, False), (3, True)])
def test_a_lossless_jpeg_that_states_its_colors_is_read(count: int, is_read: bool) -> None:
    """One of 8 by 8 pixels, none of which differs from the one before."""
    numbers = range(1, count + 1)
    adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0"
    frame = b"\xff\xc3" + struct.pack(">HBHHB", 8 + 3 * count, 8, 8, 8, count)
    frame += b"".join(bytes([number, 0x11, 0]) for number in numbers)
    codes = b"\xff\xc4\0\x14\0\x01" + bytes(15) + b"\0"
    scan = b"\xff\xda" + struct.pack(">HB", 6 + 2 * count, count)
    scan += b"".join(bytes([number, 0]) for number in numbers) + b"\1\0\0" + bytes(8 * count)
    data = b"\xff\xd8" + (adobe if is_read else b"") + frame + codes + scan + b"\xff\xd9"
    if is_read:
        assert (decode_image(data) == np.full((8, 8, 3), 128)).all()
        return
    with pytest.raises(ImageError, match="is a lossless JPEG"):
        decode_image(data)


def test_jpeg_ls_is_named() -> None:
    with pytest.raises(ImageError, match="is a lossless JPEG, which is not read here; save it as"):
        decode_image(by_ffmpeg("bgr24", "jpegls"))


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p"])
def test_brightness_and_color_differences_of_jpeg_2000_are_colors(pixels: str) -> None:
    """OpenCV refuses those that are thinned out, and mistakes the others a little."""
    image = decode_image(by_ffmpeg(pixels, "jpeg2000"))
    wanted = np.asarray(two_halves())[:, :, ::-1].astype(int)
    assert np.abs(image[:, ::8] - wanted[:, ::8]).max() <= 16  # FFmpeg states no range of values


def test_jpeg_2000_of_ycc_has_its_colors() -> None:
    image = decode_image(encoded(two_halves().convert("YCbCr"), "JPEG2000"))
    wanted = np.asarray(two_halves())[:, :, ::-1].astype(int)
    assert np.abs(image - wanted).max() <= 3


def test_jpeg_2000_of_signed_values_is_refused() -> None:
    with pytest.raises(ImageError):
        decode_image(encoded(two_halves(), "JPEG2000", signed=True))


def test_a_pam_is_named() -> None:
    """OpenCV reads its red as blue."""
    head = b"P7\nWIDTH 64\nHEIGHT 48\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n"
    with pytest.raises(ImageError, match="is a PAM image, which is not read here; save it as"):
        decode_image(head + two_halves().tobytes())


def test_a_damaged_tiff_writes_nothing_on_its_own(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As libtiff does."""
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 4), np.uint8)
    data = bytearray(encoded(Image.fromarray(noise), "TIFF", compression="tiff_lzw"))
    data[500:3000] = b"\xff" * 2500
    with pytest.raises(ImageError):
        decode_image(bytes(data))
    (tmp_path / "a").write_bytes(data)
    reader = FrameReader(tmp_path / "a")
    with pytest.raises(ImageError):
        reader.read(0)
    reader.close()
    assert capfd.readouterr().err == ""
