"""Settings, model cards and label maps of any content: read, or refused in plain lines, at once.

The formats of data sets have the like in `tests/datasets/test_fuzz.py`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from maskdet.config import load_settings
from maskdet.errors import MaskdetError
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.model.card import read_card
from maskdet.model.label_map import read_label_map
from maskdet.sources.files.image_files import read_image
from maskdet.sources.opening import open_source
from maskdet.training.settings import TrainingSettings

pytestmark = pytest.mark.timeout(300)  # what never ends is a bomb that went off
ROOT = Path(__file__).resolve().parents[1]
FUZZ = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "monitor": ("m.yaml", lambda file: load_settings(MonitorSettings, file)),
    "training": ("t.yaml", lambda file: load_settings(TrainingSettings, file)),
    "card": ("card.yaml", lambda file: read_card(file.parent)),
    "pbtxt": ("labels.pbtxt", read_label_map),
    "csv": ("labels.csv", read_label_map),
}
RIGHT = {
    "monitor": (ROOT / "configs/monitor.yaml").read_bytes(),
    "training": next((ROOT / "configs").glob("retina*.yaml")).read_bytes(),
    "card": next((ROOT / "models").glob("*/card.yaml")).read_bytes(),
    "pbtxt": b"item {\n  id: 1\n  name: 'mask'\n}\nitem { id: 2 display_name: \"no\" }\n",
    "csv": b"mask,0\nno_mask,1\n",
}


@contextmanager
def refused_plainly() -> Iterator[None]:
    """One of our errors at most, its lines short."""
    try:
        yield
    except MaskdetError as error:
        for line in str(error).splitlines():
            assert len(line) < 2000


def read_or_refuse(folder: Path, kind: str, raw: bytes) -> None:
    name, read = READERS[kind]
    (folder / name).write_bytes(raw)
    with refused_plainly():
        read(folder / name)


@given(kind=st.sampled_from(sorted(READERS)), raw=st.binary(max_size=200))
@FUZZ
def test_any_bytes(tmp_path: Path, kind: str, raw: bytes) -> None:
    read_or_refuse(tmp_path, kind, raw)


@given(kind=st.sampled_from(sorted(READERS)), text=st.text())
@FUZZ
def test_any_text(tmp_path: Path, kind: str, text: str) -> None:
    read_or_refuse(tmp_path, kind, text.encode("utf-8", "surrogatepass"))


@given(kind=st.sampled_from(sorted(READERS)), data=st.data())
@FUZZ
def test_damaged_files(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    raw = RIGHT[kind]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(raw)))
        end = data.draw(st.integers(start, min(len(raw), start + 40)))
        raw = raw[:start] + data.draw(st.binary(max_size=8)) + raw[end:]
    read_or_refuse(tmp_path, kind, raw)


@given(key=st.sampled_from(["sources", "sources.0.fps", "window.width", "recording", "model", "x"]),
       value=st.one_of(st.text(), st.integers().map(str), st.floats().map(str)))  # fmt: skip
@example(key="recording", value="{keep_days: 3}")
@FUZZ
def test_any_override(key: str, value: str) -> None:
    with refused_plainly():
        load_settings(MonitorSettings, None, [f"{key}={value}"])


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("csv", b"x" * 500_000 + b",0\n"),  # a field beyond what the csv module takes
        ("csv", b'"' * 900_000),
        ("csv", b"a,0\n" * 200_000),
        ("pbtxt", b"item{" * 180_000),
        ("pbtxt", b"item { id: 1 name: '" + b"\\" * 900_000),
        ("pbtxt", b"item { id: " + b"9" * 900_000 + b" name: 'x' }"),
        ("pbtxt", b"item { id: -1 name: '\x1b[2J' }"),
        ("monitor", b"max_frames: " + b"9" * 200_000),
        ("monitor", b"sources:\n" + b"- x\n" * 9_000),
        ("monitor", b"max_seconds: 1e999\nrecording: {keep_days: .inf}"),
        ("training", b"{" * 100_000),
        ("card", b"name: '\xf0\x9f\x98\xb7'\n" + b"classes: [" + b"a, " * 9_000 + b"]"),
    ],
)
def test_bombs(tmp_path: Path, kind: str, raw: bytes) -> None:
    read_or_refuse(tmp_path, kind, raw)


def png(width: int, height: int) -> bytes:
    """A small file that claims to be a picture of that size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(3_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", body), chunk(b"IEND", b"")]
    )


def bmp(width: int, height: int) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 100, 0, 0, 54) + head + bytes(100)


@pytest.mark.parametrize("make", [png, bmp])
@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 1), (1, 2**31 - 1), (300_000, 900)])
def test_a_picture_that_claims_to_be_huge_is_refused_by_its_header(
    tmp_path: Path, make: Callable[[int, int], bytes], size: tuple[int, int]
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(make(*size))
    with refused_plainly(), pytest.raises(MaskdetError, match=str(path)) as raised:
        read_image(str(path))
    assert "\n" not in str(raised.value)


def test_a_picture_bomb_in_a_data_set_is_refused_too(tmp_path: Path) -> None:
    from maskdet.datasets.loading import read_samples
    from maskdet.detections import CLASS_NAMES

    (tmp_path / "images").mkdir()
    (tmp_path / "images/bomb.png").write_bytes(png(60_000, 60_000))
    (tmp_path / "annotations.csv").write_text(
        "filename,width,height,class,xmin,ymin,xmax,ymax\n"
        f"bomb.png,60000,60000,{CLASS_NAMES[0]},1,1,40,40\n"
    )
    with refused_plainly():
        [sample] = read_samples(tmp_path)
        with pytest.raises(MaskdetError, match=r"bomb\.png"):
            sample.read()


def test_a_video_that_claims_to_be_huge_is_refused_by_its_header(tmp_path: Path) -> None:
    import av

    path = tmp_path / "bomb.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=5)
        stream.width, stream.height, stream.pix_fmt = 16_000, 16_000, "rgb24"
        packet = av.Packet(png(16_000, 16_000))
        packet.stream, packet.pts, packet.dts = stream, 0, 0
        container.mux(packet)
    with refused_plainly(), pytest.raises(MaskdetError, match="million pixels"):
        open_source(str(path)).read()
