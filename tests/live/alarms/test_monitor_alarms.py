"""The monitor with alarms, in a process of its own, as its users run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import av
import cv2
import pytest

from maskdet.__main__ import main
from maskdet.config import load_settings
from maskdet.errors import ConfigError
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.sinks.store.alarm_store import AlarmStore
from tests.helpers.monitors import ROOT, StartMonitor
from tests.helpers.ports import refusing_port
from tests.sinks.channels.servers import HookServer, hook_server, wait_until

pytestmark = pytest.mark.timeout(120)
RULE = "alarms.rules=[{name: bare, clear_seconds: 0.5}]"


def hook(url: str, more: str = "") -> str:
    return f"alarms.channels=[{{name: hook, kind: web_hook, url: '{url}'}}{more}]"


def bodies(server: HookServer) -> list[dict[str, object]]:
    return [json.loads(one.body) for one in server.requests]


def pending(path: Path) -> int:
    return len(AlarmStore(path, "x").pending()) if path.exists() else 0


def test_a_killed_monitor_loses_no_alarm_and_sends_none_twice(
    tmp_path: Path, start_monitor: StartMonitor
):
    """Two cameras; the server is away; SIGKILL; then the server is back."""
    store = tmp_path / "people.db"
    with refusing_port() as port:
        common = [
            "sources=[{source: demo, name: hall}, {source: demo, name: yard}]",
            "headless=true",
            RULE,
            hook(f"http://127.0.0.1:{port}"),
            f"store={store}",
            f"snapshots={tmp_path}",
        ]
        first = start_monitor(*common)
        wait_until(lambda: pending(store) == 2, 30)
        first.send_signal(signal.SIGKILL)
        first.wait()
    with hook_server(port=port) as server:
        second = start_monitor(*common, "max_seconds=4")
        _, errors = second.communicate(timeout=60)
        assert second.returncode == 0, errors
        got = bodies(server)
    begun = Counter((body["camera"], body["alarm_id"]) for body in got if body["phase"] == "began")
    assert len(begun) == 4 and set(begun.values()) == {1}, "each camera's person, of both runs"
    assert Counter(camera for camera, _ in begun) == {"hall": 2, "yard": 2}
    cleared = [body["alarm_id"] for body in got if body["phase"] == "cleared"]
    late = [one.message.alarm.alarm_id for one in AlarmStore(store, "x").pending()]
    assert sorted(cleared + late) == sorted(number for _, number in begun), "cleared once each"
    assert len({body["message_id"] for body in got}) == len(got)
    assert {path.suffix for path in (tmp_path / "alarms").iterdir()} == {".jpg"}


def test_what_is_away_at_the_start_is_a_line_each_and_nothing_is_lost(
    tmp_path: Path, start_monitor: StartMonitor, refusing_port: int
):
    """A broker that is away, a hook that is refused, a sound device that is missing."""
    player = tmp_path / "paplay"
    player.write_text("#!/bin/sh\necho 'Connection refused' >&2\nexit 1\n")
    player.chmod(0o755)
    with hook_server() as server:
        server.statuses = [403]
        more = (
            f", {{name: home, kind: mqtt, host: 127.0.0.1, port: {refusing_port}}}"
            ", {name: gong, kind: sound}"
            ", {name: light, kind: command, command: [/no/such/program]}"
        )
        monitor = start_monitor(
            "sources=[demo]",
            "headless=true",
            "max_seconds=6",
            RULE,
            hook(server.url + "/x?token=geheim", more),
            f"snapshots={tmp_path}",
            PATH=f"{tmp_path}:{os.environ['PATH']}",
        )
        _, errors = monitor.communicate(timeout=60)
    assert monitor.returncode == 0 and "Traceback" not in errors and "geheim" not in errors
    about = [line for line in errors.splitlines() if "alarm channel" in line]
    stopped, unsent = about[:4], about[4:]
    assert all("; messages wait and are sent later" in line for line in stopped), errors
    assert len(unsent) == 4 and all("; the next run does it" in line for line in unsent), errors
    for name, reason in (
        ("hook", "403 Forbidden"),
        ("home", "Connection refused"),
        ("gong", "paplay: Connection refused"),
        ("light", "/no/such/program cannot be started"),
    ):
        assert any(f"channel {name} stopped: " in one and reason in one for one in stopped)
    waiting = Counter(one.channel for one in AlarmStore(tmp_path / "alarms.db", "x").pending())
    assert waiting == {"hook": 2, "home": 2, "gong": 1, "light": 2}


@pytest.mark.slow
def test_a_run_without_a_window_names_its_alarms_at_the_end(
    tmp_path: Path, start_monitor: StartMonitor
):
    """As the window's user has seen them: how many, of which rules, where they are kept."""
    process = start_monitor(
        *("sources=[demo]", "headless=true", f"snapshots={tmp_path}", "max_seconds=3"),
        "alarms.rules=[{name: bare}, {name: gone, when: camera_gone}]",
    )
    _, reported = process.communicate(timeout=60)
    kept = AlarmStore(tmp_path / "alarms.db", "x").alarms(100)
    assert kept and {alarm.rule for alarm in kept} == {"bare"}
    count = f"{len(kept)} alarm{'s' * (len(kept) != 1)}"
    assert f"{count}: bare {len(kept)}; kept in {tmp_path / 'alarms.db'}\n" in reported
    process = start_monitor(
        *("sources=[demo]", "headless=true", f"snapshots={tmp_path}", "max_frames=2"),
        "alarms.rules=[{name: gone, when: camera_gone}]",
    )
    reported = process.communicate(timeout=60)[1]
    assert "0 alarms" in reported.splitlines(), "those of before are not counted"


def test_clips_and_pictures_of_a_run_with_privacy(tmp_path: Path, start_monitor: StartMonitor):
    with hook_server() as server:
        monitor = start_monitor(
            "sources=[demo]",
            "headless=true",
            "max_seconds=6",
            "blur=true",
            RULE,
            "alarms.clips={enabled: true, before: 1, after: 2}",
            hook(server.url),
            f"snapshots={tmp_path}",
        )
        _, errors = monitor.communicate(timeout=60)
        phases = [(body["phase"], body["snapshot"], body["clip"]) for body in bodies(server)]
    assert monitor.returncode == 0, errors
    assert [phase for phase, *_ in phases] == ["began", "clip", "cleared"]
    folder = tmp_path / "alarms"
    assert phases[0][2] is None and (folder / phases[0][1]).is_file()
    with av.open(str(folder / phases[1][2])) as video:
        assert len(list(video.decode(video=0))) > 20
    assert not list(folder.glob(".*"))


@pytest.mark.slow
def test_strict_privacy_covers_faces_in_pictures_of_alarms(
    tmp_path: Path, start_monitor: StartMonitor
):
    details = {}
    for privacy in ("normal", "strict"):
        folder = tmp_path / privacy
        monitor = start_monitor(
            "sources=[demo]",
            "headless=true",
            "max_seconds=2",
            f"privacy={privacy}",
            RULE,
            f"snapshots={folder}",
        )
        _, errors = monitor.communicate(timeout=60)
        assert monitor.returncode == 0, errors
        (path,) = (folder / "alarms").glob("*.jpg")
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        height, width = image.shape
        face = image[height // 3 : -height // 3, width // 3 : -width // 3]
        details[privacy] = float(cv2.Laplacian(face, cv2.CV_64F).var())
    assert details["strict"] < details["normal"] / 4, details


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (["alarms.rules=[{name: a, zone: dor}]"], "no zone is named 'dor'; there are no zones"),
        (["alarms.rules=[{name: a, line: x}]"], "no line is named 'x'"),
        (["alarms.rules=[{name: a, cameras: [hal]}]"], "no source is named 'hal'; there is demo"),
        (["alarms.rules=[{name: a}]", "people.enabled=false"], "about people, whom nobody follows"),
        (
            ["alarms.rules=[{name: a}]", hook("http://h/${NONE_SUCH}")],
            "channel 'hook', url: ${NONE_SUCH} is not in the environment; set it there, or in the "
            "file that secrets names",
        ),
        (["alarms.rules=[{name: a}]", "alarms.file=/proc/no/a.db"], "cannot keep alarms in"),
        (
            ["alarms.rules=[{name: a}]", hook("https://h").replace("}]", f", ca: {__file__}}}]")],
            f"channel 'hook': {__file__} holds no certificate; the setting ca is a PEM file",
        ),
    ],
)
def test_wrong_settings_are_a_line_at_the_start(
    settings: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["monitor", "--source", "demo", "--headless", "--max-seconds", "5"]
    for setting in (f"snapshots={tmp_path}", *settings):
        words += ["--set", setting]
    assert main(words) == 2
    (printed,) = capsys.readouterr().err.splitlines()
    assert line in printed


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        (hook("http://h").replace("}]", ", template: '{{what}}'}]"), "unknown field '{{what}}'"),
        (hook("http://h").replace("}]", ", template: '{{text}}'}]"), "the template gives no JSON"),
        (hook("http://me:geheim@h"), "the address holds a password, which must not stand here"),
        (hook("http://h").replace("}]", ", secret: geheim}]"), "secret is a secret and must not"),
        ("alarms.channels=[{name: a, kind: notify, url: 'tgram://geheim/1'}]", "url is a secret"),
        ("alarms.channels=[{name: a, kind: mqtt, host: h, password: geheim}]", "password is a"),
        ("alarms.channels=[{name: a, kind: mqtt, host: 'mqtt://h'}]", "expected a name or number"),
        ("alarms.channels=[{name: a, kind: mqtt, host: 'h:1883'}]", "expected a name or number"),
        (
            "alarms.channels=[{name: a, kind: mqtt, host: h, password: '${P}'}]",
            "password needs user, too",
        ),
        ("alarms.channels=[{name: a, kind: pigeon}]", "kind must be web_hook, mqtt, nats, notify,"),
        ("alarms.channels=[{name: a, kind: sound}, {name: a, kind: sound}]", "two channels are"),
        ("alarms.rules=[{name: a, channels: [b]}]", "no channel is named 'b'"),
        ("alarms.rules=[{name: a, hours: [8-18]}]", "'8-18' is not a span of hours; write 08:00"),
        ("alarms.rules=[{name: a, when: camera_gone, zone: b}]", "zone is of people"),
        ("alarms.rules=[{name: a, direction: in}]", "direction needs line"),
    ],
)
def test_wrong_settings_are_a_line_that_repeats_no_secret(setting: str, line: str):
    with pytest.raises(ConfigError) as caught:
        load_settings(MonitorSettings, None, [setting])
    reported = str(caught.value).replace(f"--set {setting}", "")  # what was typed here by hand
    assert line in reported and "\n" not in reported and "geheim" not in reported


def test_the_test_command_reports_each_channel(
    tmp_path: Path, capfd: pytest.CaptureFixture, refusing_port: int
):
    secrets = tmp_path / "secrets"
    secrets.write_text("HOOK_KEY=geheim\n")
    secrets.chmod(0o600)
    with hook_server() as server:
        config = tmp_path / "own.yaml"
        config.write_text(
            "alarms:\n"
            f"  secrets: {secrets}\n"
            "  channels:\n"
            f"  - {{name: good, kind: web_hook, url: '{server.url}', secret: '${{HOOK_KEY}}'}}\n"
            f"  - {{name: bad, kind: web_hook, url: 'http://127.0.0.1:{refusing_port}/${{HOOK_KEY}}'}}\n"
            "  - {name: none, kind: notify, url: '${NOT_THERE}'}\n"
            f"  - {{name: light, kind: http_output, on: '{server.url}/on',"
            f" off: '{server.url}/off'}}\n"
        )
        assert main(["alarms", "test", "--config", str(config)]) == 2
        lines = capfd.readouterr().err.splitlines()
        assert main(["alarms", "test", "good", "--config", str(config)]) == 0
        assert "good (web_hook): delivered in " in capfd.readouterr().err
    assert [line.partition(" (")[0] for line in lines] == ["good", "bad", "none", "light"]
    assert "delivered in" in lines[0] and "delivered in" in lines[3]
    assert "failed: " in lines[1] and "Connection refused" in lines[1]
    assert "${NOT_THERE} is not in" in lines[2]
    assert "geheim" not in "".join(lines)
    paths = [one.path for one in server.requests]
    assert sorted(paths) == ["/", "/", "/off", "/on"]
    assert main(["alarms", "test", "other", "--config", str(config)]) == 2
    assert "no channel is named 'other'; there is good, bad" in capfd.readouterr().err
    assert main(["alarms", "test"]) == 2
    assert "no channels are set" in capfd.readouterr().err


def test_a_monitor_without_alarms_imports_nothing_for_them():
    code = (
        "import sys; from maskdet.config import load_settings\n"
        "from maskdet.live.settings.monitor import MonitorSettings\n"
        "import maskdet.live.session\n"
        "load_settings(MonitorSettings)\n"
        "print(*sorted(set(sys.modules) & {'requests', 'paho', 'apprise', 'serial', 'sqlite3'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() in ([], ["sqlite3"]), done.stderr
