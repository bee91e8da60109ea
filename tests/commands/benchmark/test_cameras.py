"""Number of cameras that a machine carries: search, promises, a real server and monitor."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskdet.__main__ import main
from maskdet.commands.benchmark.cameras import run as cameras
from maskdet.commands.benchmark.cameras import server
from maskdet.commands.benchmark.cameras.backlog import unread_bytes
from maskdet.commands.benchmark.cameras.capacity import STEPS_OF_RESULT, largest
from maskdet.commands.benchmark.cameras.measurement import Values, as_json, from_json
from maskdet.commands.benchmark.cameras.scenes import moving, quiet
from maskdet.commands.benchmark.cameras.server import CameraFormat
from tests.sources.rtsp import needs_rtsp

SMALL = CameraFormat(width=320, height=180, fps=10, kbit=300)
KEPT = Values(
    seconds=10.0,
    captured=(15.0, 14.9),
    handled=(5.0, 4.9),
    age_s=0.2,
    backlog_s=0.1,
    reconnects=0,
    memory_mb=500.0,
    growth_mb=1.0,
    monitor_cores=0.5,
    camera_cores=0.25,
    server_cores=0.05,
    device="CPU (LiteRT)",
)


@settings(max_examples=60)
@given(st.integers(0, 100), st.integers(1, 80))
def test_the_largest_number_is_found_and_none_is_tried_twice(carried: int, limit: int):
    tried: list[int] = []

    def passes(number: int) -> bool:
        assert 1 <= number <= limit
        tried.append(number)
        return number <= carried

    found, true = largest(passes, limit), min(carried, limit)
    assert true - true // STEPS_OF_RESULT <= found <= true
    assert found == true or true > STEPS_OF_RESULT
    assert len(set(tried)) == len(tried) <= 12


def test_few_numbers_are_tried():
    tried: list[int] = []

    def passes(number: int) -> bool:
        tried.append(number)
        return number <= 11

    assert largest(passes, 64) == 11
    assert tried == [1, 2, 4, 8, 16, 12, 10, 11]


@pytest.mark.parametrize(
    ("change", "broken_promises"),
    [
        ({}, ()),
        ({"captured": (15.0, 13.4)}, ("captured 13.4 a second",)),
        ({"handled": (3.9, 5.0)}, ("processed 3.9 a second",)),
        ({"age_s": 0.95}, ("age 1.05 s",)),
        ({"age_s": 0.95, "backlog_s": None}, ()),
        ({"growth_mb": 19.0}, ()),
        ({"growth_mb": 40.0}, ("memory +40 MiB",)),
        ({"reconnects": 1}, ("connections lost: 1",)),
    ],
)
def test_each_promise_is_checked_on_the_worst_camera(
    change: dict[str, object], broken_promises: tuple[str, ...]
):
    assert cameras.broken(replace(KEPT, **change), CameraFormat()) == broken_promises  # type: ignore[arg-type]


def test_cameras_that_do_not_come_are_not_carried():
    assert cameras.broken(None, CameraFormat()) == ("a camera gave no frame in time",)


def test_values_pass_through_json():
    assert from_json(json.loads(json.dumps(as_json(KEPT)))) == KEPT


def test_a_quiet_scene_has_noise_alone_and_a_moving_one_moves():
    first, second = (image.astype(int) for image in islice(quiet(SMALL), 2))
    assert first.shape == (180, 320, 3)
    assert 1 < np.std(first - second) < 4
    images = list(islice(moving(SMALL), 11))
    assert images[0].shape == first.shape
    assert np.std(images[0].astype(int) - images[10]) > 6


def test_bytes_that_nobody_reads_are_counted():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            sender, _ = listener.accept()
            with sender:
                sender.sendall(bytes(10_000))
                found = unread_bytes(port)
                if found is None:
                    pytest.skip("only Linux counts them")
                assert sum(found) == 10_000
                assert len(client.recv(10_000, socket.MSG_WAITALL)) == 10_000
                assert unread_bytes(port) == [0]


def test_without_gstreamer_a_line_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(server, "PYTHON", "/nowhere/python3")
    assert main(["benchmark", "--cameras"]) == 2
    shown = capsys.readouterr().err.strip().splitlines()
    assert len(shown) == 1 and "apt install python3-gi gir1.2-gst-rtsp-server-1.0" in shown[0]


@pytest.mark.slow
@needs_rtsp
@pytest.mark.timeout(180)
def test_cameras_of_a_real_server_are_watched_by_the_real_monitor(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Each number of cameras is really measured; how many this machine carries does not matter."""
    measured = cameras.run(
        [f"model={tiny_model}", "device=cpu"],
        seconds=2.0,
        limit=2,
        camera=SMALL,
        scenes=("moving",),
    )
    assert json.loads(json.dumps(measured)) == measured
    trials = measured["scenes"]["moving"]["trials"]
    assert [trial["cameras"] for trial in trials] == [1, 2][: len(trials)]
    for trial in trials:
        values = from_json(trial["values"])
        assert len(values.captured) == len(values.handled) == trial["cameras"]
        assert 0 < values.handled[0] <= 6 and 3 < values.captured[0] < 13
        assert 0 < values.age_s < 10 and values.memory_mb > 60
        assert values.monitor_cores > 0 and values.camera_cores > 0
        assert 0 <= values.server_cores < 0.5 and values.device.startswith("CPU (LiteRT")
    kept = [trial["cameras"] for trial in trials if not trial["broken"]]
    assert measured["scenes"]["moving"]["cameras"] == max(kept, default=0)
    table = cameras.table(cameras.COLUMNS, cameras.rows(measured))
    assert len(table.splitlines()) == 2 + len(trials)
    assert "320×180 at 10 frames a second, 5 of them processed" in cameras.summary(measured)
