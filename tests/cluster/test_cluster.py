"""``maskdet cluster`` as its users run it: real commands, Ray's own processes, real monitors."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml

from maskdet.__main__ import main
from maskdet.config import load_settings
from maskdet.errors import ConfigError
from maskdet.system import extras
from maskdet.system.resources import shipped
from tests.cluster.loopback_runs import SMALL, wait_for_running, wait_until
from tests.soak.cluster.loopback import LoopbackCluster

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="Ray's processes are found as on POSIX"),
]
pytest.importorskip("ray", reason="the extra cluster is not installed")

with socket.create_server(("127.0.0.1", 0)) as _free:
    LIVE_PAGE = f"127.0.0.1:{_free.getsockname()[1]}"


def command(*words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "maskdet", "cluster", *words],
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=150,
    )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackCluster]:
    """A cluster whose first machine alone is up, with two cameras for any machine."""
    folder = tmp_path_factory.mktemp("cluster")
    monitor = {**SMALL, "serve": {"address": LIVE_PAGE}}
    made = LoopbackCluster(folder, {"hall": "demo", "door": "demo"}, monitor)
    try:
        made.up("a")
        yield made
    finally:
        made.close()


def monitor_pid(cluster: LoopbackCluster) -> int | None:
    """The first machine's monitor, as the table has it."""
    pid: int | None = cluster.table()["nodes"][0]["monitor_pid"]
    return pid


def monitors(cluster: LoopbackCluster) -> list[int]:
    """Every process that is a monitor of the cluster."""
    return [process.pid for kind, process in cluster.kinds() if kind == "monitor"]


def test_what_ships_is_the_default_of_every_key():
    from maskdet.cluster.settings import CameraSettings, ClusterSettings, NodeSettings

    path = shipped("configs") / "cluster.yaml"
    written = yaml.safe_load(path.read_text())
    loaded = load_settings(ClusterSettings, path)
    assert set(written) == set(ClusterSettings.model_fields)
    assert set(written["nodes"][0]) == set(NodeSettings.model_fields)
    assert {"name", "source", "labels", "node"} <= set(CameraSettings.model_fields)
    for key in ("address", "token", "state"):
        assert getattr(loaded, key) == ClusterSettings.model_fields[key].default


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nodes: [a, a]", "two entries have the name 'a'; each machine needs its own"),
        ("nodes: []", "'nodes': name at least one machine"),
        ("nodes: [../x]", "'nodes.0.name': must be letters, digits"),
        ("nodes: [a]\ncameras: [{source: demo}]", "'cameras.0.name' is missing"),
        ("nodes: [a]\ncameras: [{name: x, source: demo, node: b}]", "no machine is called 'b'"),
        (
            "nodes: [a]\ncameras: [{name: x, source: demo, labels: {site: n}}]",
            "camera 'x': no machine has the labels {site: n}",
        ),
        ("nodes: [a]\nmonitor: {sources: [demo]}", "the cluster sets sources of each monitor"),
        ("nodes: [a]\nmonitor: {detect: {fsp: 5}}", "did you mean 'monitor.detect.fps'?"),
        (
            "nodes: [a]\ncameras: [{name: x, source: demo, standby: true}]",
            "'cameras.0.standby': the cluster sets it; leave it out",
        ),
        ("nodes: [a]\nmonitor: {events: '-'}", "not to standard output"),
        ("nodes: [a]\naddress: here", "'address': must be HOST:PORT"),
        ("nodes: [a", "not valid YAML"),
        ("cameras: []", "'nodes' is missing"),
        ("", "'nodes' is missing"),
        (
            "nodes: [a]\ncameras: [{name: x, source: 'rtsp://u:secret@h/1'}, {name: x, source: d}]",
            "two entries have the name 'x'; each camera needs its own",
        ),
    ],
)
def test_each_mistake_in_the_file_is_one_line(tmp_path: Path, text: str, message: str):
    from maskdet.cluster.settings import ClusterSettings

    file = tmp_path / "cluster.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_settings(ClusterSettings, file)
    (line,) = str(error.value).splitlines()
    assert message in line and line.startswith(str(file))
    assert "secret" not in line and "not [{" not in line


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["status"], 3, "no cluster answers at 127.0.0.1:1; start it: maskdet cluster up"),
        (["up", "--node", "b"], 3, "the first machine does not answer at 127.0.0.1:1"),
        (["up"], 2, "which of its machines is this one? --node a|b"),
        (["up", "--node", "x"], 2, "no machine is called 'x'; there are: a, b"),
        (["drain", "x"], 2, "no machine is called 'x'; there are: a, b"),
        (["add", "y"], 2, "no camera is called 'y' (it has x); add an address"),
        (["add", "x", "demo"], 2, "a camera is called 'x' already"),
        (["add", "z", "rtsp://"], 2, "z: the address names no host"),
        (["add", "z", "no-such.mp4"], 2, "z: no such source: 'no-such.mp4'"),
        (["add", "b"], 2, "'b' is a machine, not a camera; it joins by maskdet cluster up on it"),
        (["page", "--address", "x"], 2, "--address x: must be HOST:PORT"),
        (["page", "--address", "0.0.0.0:0"], 2, "there is no file of users"),
        (["add", "z", "demo", "--label", "site"], 2, "--label site: expected KEY=VALUE"),
    ],
)
def test_wrong_use_is_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
    message: str,
):
    file = tmp_path / "cluster.yaml"
    text = "address: 127.0.0.1:1\nnodes: [a, b]\ncameras: [{name: x, source: demo}]\n"
    file.write_text(text)
    (tmp_path / "cluster.token").write_text("0" * 64)
    (tmp_path / "cluster.token").chmod(0o600)
    assert main(["cluster", *words, "--config", str(file)]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert file.read_text() == text and not (tmp_path / "maskdet-cluster").exists()


def test_cameras_that_cannot_be_opened_are_named_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """One would keep all cameras of its machine from running."""
    file = tmp_path / "cluster.yaml"
    cameras = "{name: x, source: 'rtsp://u:secret@'}, {name: y, source: no-such.mp4}"
    elsewhere = "{name: z, source: /srv/z.mp4, node: b}, {name: w, source: demo}"
    file.write_text(f"address: 127.0.0.1:1\nnodes: [a, b]\ncameras: [{cameras}, {elsewhere}]\n")
    assert main(["cluster", "up", "--node", "a", "--config", str(file)]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "camera x: " in first and "the address names no host" in first
    assert "secret" not in first
    assert "camera y: no such source: 'no-such.mp4'" in second
    assert sorted(tmp_path.iterdir()) == [file]


def test_a_token_that_is_missing_or_open_to_others_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "cluster.yaml"
    file.write_text("address: 127.0.0.1:1\nnodes: [a, b]\n")
    assert main(["cluster", "up", "--node", "b", "--config", str(file)]) == 2
    assert "and the other machines need a copy (chmod 600)" in capsys.readouterr().err
    (tmp_path / "cluster.token").write_text("0" * 64)
    (tmp_path / "cluster.token").chmod(0o644)
    assert main(["cluster", "status", "--config", str(file)]) == 2
    assert "can be read by others; chmod 600 it" in capsys.readouterr().err


def test_before_the_first_start_it_is_named_what_makes_the_token(tmp_path: Path):
    file = tmp_path / "cluster.yaml"
    file.write_text("address: 127.0.0.1:1\nnodes: [a]\ncameras: [{name: x, source: demo}]\n")
    done = command("status", "--config", file)
    assert done.returncode == 2
    assert f"{tmp_path}/cluster.token is missing; python -m maskdet cluster up on" in done.stderr


def test_a_command_in_a_message_begins_as_the_one_that_was_typed(tmp_path: Path):
    file = tmp_path / "cluster.yaml"
    file.write_text("address: 127.0.0.1:1\nnodes: [a, b]\ncameras: [{name: x, source: demo}]\n")
    (tmp_path / "cluster.token").write_text("0" * 64)
    (tmp_path / "cluster.token").chmod(0o600)
    done = command("status", "--config", file)
    assert done.stderr.endswith("answers at 127.0.0.1:1; start it: python -m maskdet cluster up\n")


def test_a_file_that_is_not_there_is_named_with_what_to_copy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["cluster", "status", "--config", str(tmp_path / "x.yaml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "x.yaml: no such file; write one (maskdet settings cluster > " in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cluster"], "Missing command (see maskdet cluster --help)"),
        (["cluster", "dwon"], "Did you mean 'down'? (see maskdet cluster --help)"),
        (["cluster", "up", "x"], "(see maskdet cluster up --help)"),
        (["alarms"], "Missing command (see maskdet alarms --help)"),
    ],
)
def test_a_wrong_command_line_names_the_help_of_its_command(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
):
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line and len(line) < 120


def test_without_ray_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "ray" else True)
    assert main(["cluster", "status"]) == 2
    line = capsys.readouterr().err
    assert "ray is not installed; it comes with maskdet's extra 'cluster'" in line


@pytest.mark.slow
def test_status_is_a_table_for_people_and_json_for_programs(cluster: LoopbackCluster):
    table = cluster.status()
    assert [(n["name"], n["state"]) for n in table["nodes"]] == [
        ("a", "up"),
        ("b", "down"),
        ("c", "down"),
    ]
    assert [(c["name"], c["node"], c["state"]) for c in table["cameras"]] == [
        ("hall", "a", "running"),
        ("door", "a", "running"),
    ]
    assert all(0 <= camera["age_s"] < 2.5 for camera in table["cameras"])
    done = command("status", "--config", cluster.file)
    assert done.returncode == 0 and not done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:4] == ["machine", "state", "cameras", "monitor"]
    assert any(line.split()[:3] == ["hall", "a", "running"] for line in lines)


@pytest.mark.slow
def test_the_page_has_all_machines_and_cameras_and_outlives_the_placement(
    cluster: LoopbackCluster,
):
    server = subprocess.Popen(
        [sys.executable, "-m", "maskdet", "cluster", "page", "--address", "127.0.0.1:0"]
        + ["--config", str(cluster.file)],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        url = server.stderr.readline().split()[2]

        def now() -> dict[str, Any]:
            answer = httpx.get(f"{url}api/cluster", trust_env=False)
            return dict(answer.raise_for_status().json())

        def people() -> int:
            return sum(sum((one["people"] or {}).values()) for one in now()["cameras"])

        wait_until(lambda: people() > 0)
        found = now()
        assert [(n["name"], n["state"]) for n in found["nodes"]] == [
            ("a", "up"),
            ("b", "down"),
            ("c", "down"),
        ]
        assert {(c["name"], c["node"]) for c in found["cameras"]} == {("hall", "a"), ("door", "a")}
        page = found["nodes"][0]["page"]
        assert page == f"http://{LIVE_PAGE}/"
        names = httpx.get(f"{page}api/cameras", trust_env=False).json()
        assert {one["name"] for one in names} == {"hall", "door"}

        os.kill(cluster.table()["placement_pid"], 9)
        killed = time.time()
        assert [c["name"] for c in now()["cameras"]] == ["hall", "door"]  # as last reported
        wait_until(lambda: now()["as_of"] > killed + 1 and people() > 0)
        assert server.poll() is None
        children = [one.pid for one in psutil.Process(server.pid).children()]
        assert children
        server.terminate()
        assert server.wait(60) == 0 and server.stderr.read() == ""
        wait_until(lambda: not any(map(psutil.pid_exists, children)))
    finally:
        server.kill()
        server.communicate()


@pytest.mark.slow
def test_up_again_changes_nothing_and_disturbs_nobody(cluster: LoopbackCluster):
    before = cluster.table()["nodes"][0]
    cluster.up("a")
    after = cluster.table()["nodes"][0]
    keys = ("group_pid", "monitor_pid", "monitor_starts")
    assert [before[key] for key in keys] == [after[key] for key in keys]


@pytest.mark.slow
def test_a_wrong_token_is_one_line(cluster: LoopbackCluster):
    token = cluster.folder / "cluster.token"
    right = token.read_text()
    try:
        token.write_text("0" * 64)
        done = command("status", "--config", cluster.file)
    finally:
        token.write_text(right)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 3 and "with the same token file?" in line


@pytest.mark.slow
def test_a_machine_with_another_python_is_one_line(cluster: LoopbackCluster, tmp_path: Path):
    """Ray compares the versions; here its own program takes another one for this Python's."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'ray.scripts.scripts' in sys.orig_argv:\n"
        "    import ray._private.utils as utils\n"
        "    utils.compute_version_info = lambda: (utils.ray.__version__, '3.11.99')\n"
    )
    done = command("up", "--node", "b", "--config", cluster.file, PYTHONPATH=str(tmp_path))
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert "the cluster runs Ray" in line and "on Python 3.11.99; install the same here" in line


@pytest.mark.slow
def test_an_added_camera_runs_and_stands_in_the_file(cluster: LoopbackCluster):
    done = command("add", "lobby", "demo", "--config", cluster.file)
    assert done.returncode == 0, done.stderr
    source = "rtsp://admin:secret@127.0.0.1:1/1"
    done = command("add", "gate", source, "--label", "site=a", "--config", cluster.file)
    assert done.returncode == 0, done.stderr
    assert "secret" not in done.stderr
    written = yaml.safe_load(cluster.file.read_text())["cameras"]
    assert written[-1] == {"name": "gate", "source": source, "labels": {"site": "a"}}
    cameras = cluster.table()["cameras"]
    assert [(c["name"], c["node"]) for c in cameras] == [
        (name, "a") for name in ("hall", "door", "lobby", "gate")
    ]
    assert cameras[-1]["state"] == "connecting" and cameras[-1]["age_s"] is None
    folder = cluster.folder / "maskdet-cluster/a"
    assert "secret" not in (folder / "monitor.log").read_text()
    assert (folder / "monitor.yaml").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_a_killed_monitor_is_back_and_outlives_a_killed_group(cluster: LoopbackCluster):
    before = cluster.table()["nodes"][0]
    os.kill(before["monitor_pid"], 9)
    wait_for_running(cluster, "hall", not_before=time.time())
    # Of a group that is slow to report, the table has what it reported before.
    wait_until(lambda: monitor_pid(cluster) not in (None, before["monitor_pid"]))
    between = cluster.table()["nodes"][0]
    assert not psutil.pid_exists(before["monitor_pid"])

    killed = time.time()
    os.kill(between["group_pid"], 9)
    wait_until(lambda: cluster.table()["nodes"][0]["group_pid"] != between["group_pid"])
    wait_for_running(cluster, "hall", not_before=time.time())
    after = cluster.table()["nodes"][0]
    assert after["monitor_pid"] == between["monitor_pid"]
    assert psutil.Process(after["monitor_pid"]).nice() == psutil.Process().nice()
    # For a moment, a camera's process that it starts is a second one of its name.
    wait_until(lambda: monitors(cluster) == [after["monitor_pid"]])
    times = [one for one in cluster.frames()["hall"] if one > killed - 2]
    gaps = [b - a for a, b in zip(times, times[1:], strict=False)]
    assert times[-1] > killed + 1 and max(gaps) < 5  # half a second, and a busy machine


@pytest.mark.slow
def test_a_group_that_hangs_is_named_and_started_again(cluster: LoopbackCluster):
    before = cluster.table()["nodes"][0]
    group = psutil.Process(before["group_pid"])
    group.suspend()
    try:
        wait_until(lambda: "has not reported for" in cluster.table()["nodes"][0]["problem"])
        wait_until(lambda: cluster.table()["nodes"][0]["group_pid"] != group.pid)
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            group.resume()
    after = cluster.table()["nodes"][0]
    assert after["problem"] == "" and after["monitor_pid"] == before["monitor_pid"]
    wait_for_running(cluster, "hall", not_before=time.time())


@pytest.mark.slow
def test_a_drained_machine_has_no_cameras_until_that_is_undone(cluster: LoopbackCluster):
    text = cluster.file.read_text()
    done = command("drain", "a", "--config", cluster.file)
    assert done.returncode == 0, done.stderr
    count, waiting, why = done.stderr.splitlines()
    assert count.endswith("by machine: none yet")
    assert waiting == "hall, door, lobby, gate: waiting for a machine"
    assert why == (
        "no machine takes cameras (a is drained, b is down, c is down); run python -m maskdet "
        "cluster drain NAME --undo, or python -m maskdet cluster up on a machine that is down"
    )
    table = cluster.table()
    assert table["nodes"][0]["state"] == "drained"
    assert {camera["state"] for camera in table["cameras"]} == {"waiting for a machine"}
    wait_until(lambda: monitor_pid(cluster) is None)
    assert command("drain", "a", "--undo", "--config", cluster.file).returncode == 0
    wait_for_running(cluster, "hall")
    written = yaml.safe_load(cluster.file.read_text())
    assert written["nodes"][0] == {**yaml.safe_load(text)["nodes"][0], "drained": False}


@pytest.mark.slow
def test_down_leaves_no_process_and_whole_files(cluster: LoopbackCluster):
    assert cluster.processes()
    done = command("down", "--config", cluster.file)
    assert done.returncode == 0, done.stderr
    *absent, last = done.stderr.splitlines()
    assert last == "the cluster has ended"
    assert absent == [
        f"{name} did not answer; if it runs, run python -m maskdet cluster down on it"
        for name in "bc"
    ]
    cluster.until_ended(90)
    events = (cluster.folder / "maskdet-cluster/a/events.jsonl").read_text().splitlines()
    assert {json.loads(line)["source"] for line in events} == {"hall", "door", "lobby"}
    assert main(["cluster", "down", "--config", str(cluster.file)]) == 3
