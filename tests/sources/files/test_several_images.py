"""Image files that hold several: animations play, pages are pictures of a folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskdet.contracts import Source
from maskdet.errors import SourceError
from maskdet.frame import Frame
from maskdet.live.progress import progress_of
from maskdet.sources.opening import kind_of, open_source
from tests.images.pictures import write_frames, write_image


def frames_of(source: Source) -> Iterator[Frame]:
    while (frame := source.read()) is not None:
        yield frame


def levels(frames: list[Frame]) -> list[float]:
    return [float(frame.image.mean()) for frame in frames]


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".avif"])
def test_an_animation_plays_every_frame_at_its_time(tmp_path: Path, suffix: str):
    path = write_frames(tmp_path / f"a{suffix}", duration=[200, 200, 400, 200, 200])
    source = open_source(str(path))
    seen = list(frames_of(source))
    assert levels(seen) == pytest.approx([20, 50, 80, 110, 140], abs=4)
    assert [frame.time for frame in seen] == pytest.approx([0, 0.2, 0.4, 0.8, 1.0])
    assert [frame.index for frame in seen] == [0, 1, 2, 3, 4]
    assert source.fps == pytest.approx(5) and not source.is_live
    source.close()
    assert source.read() is None


def test_an_animation_goes_to_a_position(tmp_path: Path):
    source = open_source(str(write_frames(tmp_path / "a.webp", duration=100)))
    source.seek(0.31)  # type: ignore[attr-defined]
    assert levels(list(frames_of(source))) == pytest.approx([110, 140], abs=4)
    source.seek(0)  # type: ignore[attr-defined]
    assert len(list(frames_of(source))) == 5
    source.seek(9)  # type: ignore[attr-defined]
    assert levels(list(frames_of(source))) == pytest.approx([140], abs=4)


def test_an_animation_without_durations_has_ten_frames_a_second(tmp_path: Path):
    path = write_frames(tmp_path / "a.gif", duration=0)
    assert [f.time for f in frames_of(open_source(str(path)))][:3] == pytest.approx([0, 0.1, 0.2])


def test_the_still_image_of_an_animated_png_is_not_played(tmp_path: Path):
    still = Image.new("RGB", (32, 24), (250,) * 3)
    others = [Image.new("RGB", (32, 24), (value,) * 3) for value in (20, 50)]
    still.save(tmp_path / "a.png", save_all=True, append_images=others, default_image=True)
    seen = list(frames_of(open_source(str(tmp_path / "a.png"))))
    assert levels(seen) == pytest.approx([20, 50], abs=1)


@pytest.mark.parametrize("suffix", [".tif", ".heic"])
def test_pages_are_read_as_the_pictures_of_a_folder(tmp_path: Path, suffix: str):
    source = open_source(str(write_frames(tmp_path / f"scan{suffix}")))
    seen = list(frames_of(source))
    assert levels(seen) == pytest.approx([20, 50, 80, 110, 140], abs=3)
    assert [frame.file for frame in seen][1] == f"{tmp_path}/scan{suffix}, page 2"
    assert str(progress_of(source, seen[1])) == f"scan{suffix}, page 2, 2 of 5"
    source.seek(3)  # type: ignore[attr-defined]
    assert len(list(frames_of(source))) == 2


def test_pages_of_a_big_tiff_are_read_whatever_its_name(tmp_path: Path):
    path = write_frames(tmp_path / "scan.tif", big_tiff=True)
    path.rename(tmp_path / "scan")
    seen = list(frames_of(open_source(str(tmp_path / "scan"))))
    assert levels(seen) == pytest.approx([20, 50, 80, 110, 140], abs=1)


def write_pages(path: Path, pages: list[np.ndarray]) -> Path:
    first, *others = map(Image.fromarray, pages)
    first.save(path, save_all=True, append_images=others)
    return path


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_pages_of_a_camera_s_bits_within_16_are_seen(tmp_path: Path, bits: int):
    wanted = np.tile(np.arange(256, dtype=np.uint16)[:, None], (1, 8))
    path = write_pages(tmp_path / "a.tif", [wanted << (bits - 8), wanted[::-1] << (bits - 8)])
    first, second = frames_of(open_source(str(path)))
    np.testing.assert_array_equal(first.image[:, :, 1], wanted)
    np.testing.assert_array_equal(second.image[:, :, 1], wanted[::-1])


@pytest.mark.parametrize(
    ("kind", "words"), [(np.float32, "floating-point values"), (np.int32, "32 bits a value")]
)
def test_pages_that_do_not_state_what_is_white_are_named(tmp_path: Path, kind: type, words: str):
    path = write_pages(tmp_path / "a.tif", [np.ones((8, 8), kind)] * 2)
    with pytest.raises(
        SourceError, match=rf"a\.tif, page 2 is of {words}, which is not read; save"
    ):
        list(frames_of(open_source(str(path))))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files of Linux")
@pytest.mark.parametrize("suffix", [".gif", ".tif"])
def test_what_was_closed_is_not_open(tmp_path: Path, suffix: str):
    path = write_frames(tmp_path / f"a{suffix}")
    source = open_source(str(path))
    assert source.read() is not None and path in open_files()
    source.close()
    assert path not in open_files()
    source.close()
    assert source.read() is None


def open_files() -> list[Path]:
    return [Path(os.path.realpath(one)) for one in Path("/proc/self/fd").iterdir()]


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="memory as a folder, on Linux")
def test_a_file_in_memory_is_no_camera():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = write_frames(Path(folder) / "a.gif")
        assert kind_of(str(path)) == "animation" and kind_of(folder) == "folder"
    assert kind_of("/dev/video99") == kind_of("/dev/null") == "webcam"


def test_a_folder_names_what_it_takes_one_frame_of(tmp_path: Path, caplog):
    write_frames(tmp_path / "a.gif")
    write_frames(tmp_path / "b.tif")
    write_image(tmp_path / "c.jpg")
    assert len(list(frames_of(open_source(str(tmp_path))))) == 3
    assert "a.gif has 5 frames, of which the first was processed" in caplog.text
    assert f"--source {tmp_path}/a.gif" in caplog.text
    assert "b.tif has 5 pages, of which the first was processed" in caplog.text
    assert "c.jpg" not in caplog.text


@pytest.mark.parametrize(
    ("name", "format", "kind"),
    [("a.mp4", "JPEG", "picture"), ("a.dat", "HEIF", "picture"), ("a", "PNG", "picture")],
)
def test_a_file_is_what_its_content_is(tmp_path: Path, name: str, format: str, kind: str):
    path = write_image(tmp_path / name, format)
    assert kind_of(str(path)) == kind
    assert len(list(frames_of(open_source(str(path))))) == 1


def test_a_cut_animation_is_one_line(tmp_path: Path):
    path = write_frames(tmp_path / "a.webp", lossless=True, duration=100)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(SourceError, match=r"a\.webp"):
        list(frames_of(open_source(str(path))))
