"""Videos behind others in one file, as ``cat`` joins them."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from maskdet.sources.opening import open_source
from tests.sources.files.test_odd_videos import FPS, add_track, frame, write

LENGTH = 20
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


def fragmented(path: Path) -> bytes:
    with av.open(str(path), "w", options=FRAGMENTS) as container:
        stream = add_track(container)
        for number in range(LENGTH):
            container.mux(stream.encode(frame(stream.width, number)))
        container.mux(stream.encode())
    return path.read_bytes()


def times_in(path: Path) -> list[float]:
    source = open_source(str(path))
    times = [seen.time for seen in iter(source.read, None)]
    source.close()
    return times


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".3gp", ".flv", ".mkv", ".ts", ".avi", ".mpg"])
def test_every_part_of_a_joined_file_is_read(tmp_path: Path, suffix: str, caplog) -> None:
    path = tmp_path / f"joined{suffix}"
    path.write_bytes(write(path) + write(path, count=30) + write(path))
    times = times_in(path)
    assert len(times) == 70
    assert times[-1] == pytest.approx(69 / FPS, abs=0.2)
    assert times == sorted(set(times))


def test_fragments_joined_are_read(tmp_path: Path) -> None:
    path = tmp_path / "joined.mp4"
    path.write_bytes(fragmented(path) + fragmented(path))
    assert times_in(path) == pytest.approx([number / FPS for number in range(2 * LENGTH)])


@pytest.mark.parametrize("suffix", [".mp4", ".flv"])
def test_a_place_in_either_part_is_found(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"joined{suffix}"
    path.write_bytes(write(path) + write(path))
    source = open_source(str(path))
    times = [seen.time for seen in iter(source.read, None)]
    assert source.length == pytest.approx(2 * LENGTH / FPS, abs=0.1)  # type: ignore[attr-defined]
    for place in (0.2, 1.2):
        source.seek(place)  # type: ignore[attr-defined]
        again = [seen.time for seen in iter(source.read, None)]
        assert again == pytest.approx([time for time in times if time > place - 0.01], abs=0.01)


def test_each_part_has_its_own_size(tmp_path: Path) -> None:
    path = tmp_path / "joined.mp4"
    path.write_bytes(write(path) + write(path, (96,)))
    source = open_source(str(path))
    assert [seen.width for seen in iter(source.read, None)] == [64] * 20 + [96] * 20


@pytest.mark.parametrize("suffix", [".mp4", ".flv"])
def test_a_part_that_cannot_be_read_is_named(tmp_path: Path, suffix: str, caplog) -> None:
    path = tmp_path / f"joined{suffix}"
    whole = write(path)
    path.write_bytes(whole + write(path)[: 40 if suffix == ".mp4" else 20])
    assert len(times_in(path)) == LENGTH
    (line,) = caplog.messages
    assert "another video begins behind the first one" in line and str(path) in line


@pytest.mark.parametrize("suffix", [".mp4", ".flv"])
def test_what_follows_a_video_and_is_none_is_no_part_of_it(
    tmp_path: Path, suffix: str, caplog
) -> None:
    path = tmp_path / f"followed{suffix}"
    path.write_bytes(write(path) + bytes(range(256)) * 200)
    assert len(times_in(path)) == LENGTH
    assert not [line for line in caplog.messages if "another video" in line]
